"""A text normalized to the words that are heard when it is read aloud.

Case, punctuation, markup and the ways to write one character are not heard. Scripts without spaces
between words (Chinese, Japanese, Thai, ...) are cut into characters, marks included.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from typing import NamedTuple

import regex

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
    """Cut a text into the words that are heard."""
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
