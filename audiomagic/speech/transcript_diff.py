"""TranscriptDiff: a text that was to be said, against what was heard of it, word by word.

Only what can be heard counts: see `spoken`. "7" for "seven" and "voice mail" for "voicemail" are
right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, zip_longest
from types import ModuleType
from typing import Literal, NamedTuple

from rapidfuzz.distance import Indel, Levenshtein

from ..errors import one_line
from ..render.card import EDGE, NOTE, WORDS, as_html, visible
from .normalize import LANGUAGES, Token, digits_for_words, numbers_together, tokenize

Kind = Literal["right", "wrong", "missing", "added"]
Words = Sequence[Token]
Run = tuple[bool, Words, Words]  # alike or not; of both texts
Pair = tuple[Kind, Words, Words]

NUMBERS_WITHIN = 200  # words of a difference in which spelled numbers are looked for
MOST_MARKS = 1_000  # differences that are marked in place
MOST_NAMED = 8  # differences of a kind that the summary names
LABELS: dict[Kind, str] = {"wrong": "heard otherwise", "missing": "not heard", "added": "added"}
BELOW = f"margin-top:8px;padding-top:4px;border-top:1px solid {EDGE}"
GONE = "color:#a01c1c;background:#fdecea;text-decoration:line-through"
CAME = "color:#0b5a2b;background:#e6f4ea;text-decoration:underline"


class Word(NamedTuple):
    """A word to be said and what was heard for it; "" is nothing. Both with their offsets."""

    kind: Kind
    expected: str
    heard: str
    expected_at: int
    heard_at: int


@dataclass(frozen=True)
class TranscriptDiff:
    """A text to be said, and its words beside those heard; see `compare`."""

    expected: str
    heard: str
    words: tuple[Word, ...]

    def count(self, kind: Kind) -> int:
        """Return how many words are of a kind."""
        return sum(word.kind == kind for word in self.words)

    @cached_property
    def asked(self) -> int:
        """How many words were to be said."""
        return len(self.words) - self.count("added")

    @cached_property
    def score(self) -> float:
        """1 - (wrong + missing + added) / words to be said, and not below 0.

        That is one minus the word error rate. Of a text without words it is 1 if none was heard.
        """
        errors = len(self.words) - self.count("right")
        return max(0.0, 1 - errors / max(self.asked, 1))

    @property
    def summary(self) -> str:
        """The score and what differs, in words alone: for every eye, and for ears."""
        percent = int(100 * self.score)  # 100% is said of no difference at all
        added = f", {self.count('added')} too many" if self.count("added") else ""
        lines = [f"{percent}%: {self.count('right')} of {self.asked} words right{added}"]
        for kind, label in LABELS.items():
            names = [_named(word) for word in self._differences if word.kind == kind]
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            lines += [f"{label}: {', '.join(names[:MOST_NAMED])}{more}"] if names else []
        return " · ".join(lines)

    def html(self) -> str:
        """Return the summary, and the text with what differs struck through and underlined."""
        marked = "".join(as_html(p) if isinstance(p, str) else _marked(p) for p in self._parts())
        return (
            f'<div style="{BELOW}"><div dir="auto" style="{NOTE}">Held against the text, '
            f"{as_html(self.summary)}</div>"
            f'<div dir="auto" style="{WORDS}">{marked}</div></div>'
        )

    def plain(self) -> str:
        """Return the text with [wrong → heard], [− missing] and [+ added], and the summary."""
        parts = (p if isinstance(p, str) else _bracketed(p) for p in self._parts())
        return visible(f"{''.join(parts)}\n{self.summary}")

    @cached_property
    def _differences(self) -> list[Word]:
        """What differs; neighbours of one kind as one, with the text between them."""
        runs = groupby(self.words, key=lambda word: word.kind)
        return [self._together(list(run)) for kind, run in runs if kind != "right"]

    def _together(self, run: list[Word]) -> Word:
        (kind, _, _, at, heard_at), last = run[0], run[-1]
        expected = self.expected[at : last.expected_at + len(last.expected)]
        heard = self.heard[heard_at : last.heard_at + len(last.heard)]
        return Word(kind, expected, heard, at, heard_at)

    def _parts(self) -> Iterator[str | Word]:
        """The whole text: pieces to show as they are, and differences to mark."""
        at = 0
        for word in self._differences[:MOST_MARKS]:
            yield self.expected[at : word.expected_at]
            yield word
            at = word.expected_at + len(word.expected)
        yield self.expected[at:]


def compare(expected: str, heard: str) -> TranscriptDiff:
    """Align what was heard with what was to be said so that the fewest words differ.

    Time grows with the product of their lengths: about 5 s for 100,000 words of each.
    """
    words, at, heard_at = [], 0, 0
    for kind, wanted, got in _aligned(tokenize(expected), tokenize(heard)):
        start, at = (wanted[0].start, wanted[-1].end) if wanted else (at, at)
        heard_start, heard_at = (got[0].start, got[-1].end) if got else (heard_at, heard_at)
        pair = expected[start:at], heard[heard_start:heard_at]
        words.append(Word(kind, *pair, start, heard_start))
    return TranscriptDiff(expected, heard, tuple(words))


# -- aligning ---------------------------------------------------------------------------------
def _aligned(wanted: Words, got: Words) -> Iterator[Pair]:
    for same, a, b in _runs(wanted, got):
        # Numbers are read in many ways; that is looked at only where something differs.
        for run in [(same, a, b)] if same else _finest(*_numbers_alike(a, b)):
            yield from _paired(run)


def _paired(run: Run) -> Iterator[Pair]:
    """Cut a run into words; of what differs, those at the same place go together."""
    same, wanted, got = run
    if not same and _cost(run) == 0:
        yield "right", wanted, got
        return
    for a, b in zip_longest(wanted, got):
        kind: Kind = "right" if same else "missing" if not b else "wrong" if a else "added"
        yield kind, [a] if a else [], [b] if b else []


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
    """Cut both into runs that are alike and runs that differ, turn by turn."""
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
    ways: list[tuple[Words, Words]] = [(wanted, got)]
    for language in LANGUAGES:
        a, b = digits_for_words(wanted, language), digits_for_words(got, language)
        ways += [(a, b), (numbers_together(a), numbers_together(b))]
    return min(ways, key=lambda way: Levenshtein.distance(_keys(way[0]), _keys(way[1])))


def _keys(words: Words) -> list[str]:
    return [word.key for word in words]


# -- showing ----------------------------------------------------------------------------------
def _marked(word: Word) -> str:
    """A difference in HTML; not by colour alone, which neither all eyes nor ears get."""
    gone, came = as_html(word.expected), as_html(word.heard)
    before = f'<del title="{LABELS["missing"]}" style="{GONE}">{gone}</del>' if gone else ""
    after = f'<ins title="heard" style="{CAME}">{came}</ins>' if came else ""
    return _spaced(word, before + (" " if gone and came else "") + after)


def _bracketed(word: Word) -> str:
    signs = {"wrong": f"{word.expected} → {word.heard}", "missing": f"− {word.expected}"}
    return _spaced(word, f"[{signs.get(word.kind, f'+ {word.heard}')}]")


def _spaced(word: Word, mark: str) -> str:
    """What was added stands between words: after the one before, or at the very start."""
    if word.kind != "added":
        return mark
    return f" {mark}" if word.expected_at else f"{mark} "


def _named(word: Word) -> str:
    expected, heard = one_line(word.expected, 60), one_line(word.heard, 60)
    return f"“{expected}” as “{heard}”" if expected and heard else f"“{expected or heard}”"
