"""A text that was to be said, against what was heard of it, word by word.

Only what can be heard counts. "7" for "seven" and "voice mail" for "voicemail" are right; case,
punctuation, markup and the ways to write one character are not heard. Scripts without spaces
between words (Chinese, Japanese, Thai, ...) are cut into characters, marks included.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from itertools import chain, groupby, starmap, zip_longest
from types import ModuleType
from typing import Literal, NamedTuple

import regex
from rapidfuzz.distance import Indel, Levenshtein

from ..errors import one_line

Kind = Literal["right", "wrong", "missing", "added"]
Words = Sequence["Token"]
Run = tuple[bool, Words, Words]  # alike or not; of both texts
Pair = tuple[Kind, Words, Words]

WHOLE = 20_000  # words that are aligned as a whole: more than two hours of speech
WINDOW = 4_000  # words of longer texts that are aligned at a time
NUMBERS_WITHIN = 200  # words of a difference in which spelled numbers are looked for
MOST_NAMED = 8  # differences of a kind that the summary names
LANGUAGES = ("en", "fr", "es", "pt", "de", "nl", "da", "it")  # that text2num knows
SIGNS = {"%": "percent", "&": "and", "°": "degree"}
MONEY = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen"}
SINGULAR = {f"{word}s": word for word in (*SIGNS.values(), *MONEY.values())}
SPACELESS = (
    r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Balinese}\p{Javanese}"
)
WORD = regex.compile(
    rf"""(?V1)
      [$€£¥]\s?\d+(?:[.,]\d+)*             # an amount: said after its number
    | [%&°]
    | [{SPACELESS}]\p{{M}}*
    | \d+(?:[.,]\d+)*(?:[[\p{{L}}\p{{M}}]--[{SPACELESS}]]+)?
    | [[\p{{L}}\p{{M}}\p{{N}}]--[{SPACELESS}\d]][[\p{{L}}\p{{M}}\p{{N}}'’ʼ\u00ad]--[{SPACELESS}]]*
    """,
    regex.VERBOSE,
)
# Apostrophes and soft hyphens; vowels that Hebrew and Arabic may write or leave out.
UNHEARD = regex.compile(r"['’ʼ\u00ad\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")
GROUPS = regex.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))")  # of thousands
LABELS: dict[Kind, str] = {"wrong": "heard otherwise", "missing": "not heard", "added": "added"}


class Word(NamedTuple):
    """A word to be said and what was heard for it; "" is nothing. Both with their offsets."""

    kind: Kind
    expected: str
    heard: str
    expected_at: int
    heard_at: int

    @property
    def name(self) -> str:
        expected, heard = one_line(self.expected, 60), one_line(self.heard, 60)
        return f"“{expected}” as “{heard}”" if expected and heard else f"“{expected or heard}”"


@dataclass(frozen=True)
class TranscriptDiff:
    """A text to be said, and its words beside those heard; see `compare`."""

    expected: str
    heard: str
    words: tuple[Word, ...]

    def count(self, kind: Kind) -> int:
        return sum(word.kind == kind for word in self.words)

    @cached_property
    def score(self) -> float:
        """One minus the word error rate, and not below 0."""
        errors = len(self.words) - self.count("right")
        return max(0.0, 1 - errors / max(len(self.words) - self.count("added"), 1))

    @property
    def summary(self) -> str:
        percent = int(100 * self.score)  # 100% means no difference at all
        added = f", {self.count('added')} too many" if self.count("added") else ""
        asked = len(self.words) - self.count("added")
        lines = [f"{percent}%: {self.count('right')} of {asked} words right{added}"]
        for kind, label in LABELS.items():
            names = [word.name for word in self.differences if word.kind == kind]
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            lines += [f"{label}: {', '.join(names[:MOST_NAMED])}{more}"] if names else []
        return " · ".join(lines)

    @cached_property
    def differences(self) -> list[Word]:
        """What differs; neighbours of one kind as one, with the text between them."""
        found = []
        for kind, group in groupby(self.words, key=lambda word: word.kind):
            run = list(group)
            at, heard_at = run[0].expected_at, run[0].heard_at
            expected = self.expected[at : run[-1].expected_at + len(run[-1].expected)]
            heard = self.heard[heard_at : run[-1].heard_at + len(run[-1].heard)]
            found.append(Word(kind, expected, heard, at, heard_at))
        return [word for word in found if word.kind != "right"]


def compare(expected: str, heard: str) -> TranscriptDiff:
    """Align what was heard with what was to be said so that the fewest words differ.

    Texts of more than WHOLE words are aligned piece by piece, in a time that grows with their
    length: some 3 s for a million characters of English in each.
    """
    words, at, heard_at = [], 0, 0
    pieces = _pieces(tokenize(expected), tokenize(heard))
    for kind, wanted, got in chain.from_iterable(starmap(_aligned, pieces)):
        start, at = (wanted[0].start, wanted[-1].end) if wanted else (at, at)
        heard_start, heard_at = (got[0].start, got[-1].end) if got else (heard_at, heard_at)
        pair = expected[start:at], heard[heard_start:heard_at]
        words.append(Word(kind, *pair, start, heard_start))
    return TranscriptDiff(expected, heard, tuple(words))


def _pieces(wanted: Words, got: Words) -> Iterator[tuple[Words, Words]]:
    """Cut texts that are too long to be aligned as a whole, where they are alike."""
    at, heard_at = 0, 0
    if max(len(wanted), len(got)) > WHOLE:
        while at < len(wanted) and heard_at < len(got):
            a, b = _first_piece(wanted[at : at + WINDOW], got[heard_at : heard_at + WINDOW])
            yield wanted[at : at + a], got[heard_at : heard_at + b]
            at, heard_at = at + a, heard_at + b
    yield wanted[at:], got[heard_at:]


def _first_piece(wanted: Words, got: Words) -> tuple[int, int]:
    """Return how many words of each go together, whatever follows: to the last that are alike,
    but for a quarter, which may belong to what follows.
    """
    most = WINDOW * 3 // 4
    cut = 0, 0
    for step in Levenshtein.opcodes(_keys(wanted), _keys(got)):
        a, b = step.src_start, step.dest_start
        if step.tag == "equal" and max(a, b) < most:
            alike = min(step.src_end - a, most - max(a, b))
            cut = a + alike, b + alike
    return cut if sum(cut) >= most else (most, most)  # or the pieces would be too many


def _aligned(wanted: Words, got: Words) -> Iterator[Pair]:
    """Pair the words of both; of what differs, those at the same place go together."""
    for same, a, b in _runs(wanted, got):
        # Numbers are read in many ways; that is looked at only where something differs.
        for run in [(same, a, b)] if same else _finest(*_numbers_alike(a, b)):
            if not run[0] and _cost(run) == 0:
                yield "right", run[1], run[2]
                continue
            for x, y in zip_longest(run[1], run[2]):
                kind: Kind = "missing" if not y else "added" if not x else "wrong"
                yield "right" if run[0] else kind, [x] if x else [], [y] if y else []


def _finest(wanted: Words, got: Words) -> list[Run]:
    """Of the alignments with the fewest differences, prefer one with more words alike."""
    ways = [list(_runs(wanted, got, aligner)) for aligner in (Indel, Levenshtein)]
    return min(*ways, [(False, wanted, got)], key=lambda way: sum(map(_cost, way)))


def _cost(run: Run) -> int:
    """Count the differences in a run; "voice mail" and "voicemail" are none."""
    same, wanted, got = run
    joined = ("".join(_keys(words)) for words in (wanted, got))
    return 0 if same or next(joined) == next(joined) else max(len(wanted), len(got))


def _runs(wanted: Words, got: Words, aligner: ModuleType = Levenshtein) -> Iterator[Run]:
    """Cut both into runs that are alike and runs that differ, by turns."""
    steps = aligner.opcodes(_keys(wanted), _keys(got))
    for same, group in groupby(steps, key=lambda step: step.tag == "equal"):
        run = list(group)
        a, b = run[0], run[-1]
        yield same, wanted[a.src_start : b.src_end], got[a.dest_start : b.dest_end]


def _numbers_alike(wanted: Words, got: Words) -> tuple[Words, Words]:
    """Write numbers the same way in both, in the language that leaves the fewest differences."""
    digits = any(c.isdecimal() for word in (*wanted, *got) for c in word.key)
    if not (digits and wanted and got and len(wanted) + len(got) <= NUMBERS_WITHIN):
        return wanted, got
    ways = [(wanted, got), (numbers_together(wanted), numbers_together(got))]
    for language in number_languages():
        a, b = digits_for_words(wanted, language), digits_for_words(got, language)
        ways += [(a, b), (numbers_together(a), numbers_together(b))]
    return min(ways, key=lambda way: Levenshtein.distance(_keys(way[0]), _keys(way[1])))


def _keys(words: Words) -> list[str]:
    return [word.key for word in words]


# -- the words that are heard -------------------------------------------------------------------
class Token(NamedTuple):
    """What is heard of text[start:end]; two that sound alike have the same key."""

    key: str
    start: int
    end: int

    # What text2num asks of a word:
    def text(self) -> str:
        return self.key

    def nt_separated(self, previous: "Token") -> bool:
        return False  # nothing is known of a pause before it

    def not_a_number_part(self) -> bool:
        return False


def tokenize(text: str) -> list[Token]:
    return [
        Token(key, match.start(), match.end())
        for match in WORD.finditer(text)
        if (key := _key(match[0]))
    ]


@cache
def number_languages() -> Sequence[str]:
    """Return the languages in which spelled numbers are understood: none without text2num."""
    return LANGUAGES if find_spec("text_to_num") else ()


def digits_for_words(words: Sequence[Token], language: str) -> list[Token]:
    """Return the words with spelled numbers as digits, in one of `number_languages`."""
    import text_to_num

    found = text_to_num.find_numbers(words, language, threshold=0.0)
    starts = {number.start: number for number in found}
    for start, number in list(starts.items()):
        if language == "en" and start and words[start - 1].key == "a" and number.value >= 100:
            starts[start - 1] = number  # "a hundred"
    result, at = [], 0
    while at < len(words):
        number = starts.get(at)
        end = number.end if number else at + 1
        key = _key(number.text) if number else words[at].key
        result.append(Token(key, words[at].start, words[end - 1].end))
        at = end
    return result


def numbers_together(words: Sequence[Token]) -> list[Token]:
    """Join neighbouring numbers, and amounts of money, to one word: "19" "99" is "1999"."""
    result: list[Token] = []
    for numeric, group in groupby(words, key=_is_number):
        run = list(group)
        if numeric:
            run = [Token("".join(word.key for word in run), run[0].start, run[-1].end)]
        result += run
    return result


def _is_number(word: Token) -> bool:
    return word.key[0].isdecimal() or word.key in MONEY.values()


def _key(word: str) -> str:
    if word[0] in MONEY:
        return _key(word[1:].strip()) + MONEY[word[0]]
    plain = UNHEARD.sub("", unicodedata.normalize("NFKC", word).casefold())
    plain = unicodedata.normalize("NFC", plain)  # casefolding may take a character apart
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)
    return SIGNS.get(digits) or SINGULAR.get(digits) or GROUPS.sub("", digits)
