"""Token words: a text cut into what is said of it, each piece with a key that sounds compare by.

Not said are case, punctuation, markup, and the ways to write one character. Scripts without spaces
between words (Chinese, Japanese, Thai, ...) are cut into characters, marks included.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import regex
import text_to_num

LANGUAGES = ("en", "fr", "es", "pt", "de", "nl", "da", "it")  # that text_to_num reads numbers of
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
UNSAID = regex.compile(r"['’ʼ\u00ad\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")
GROUPS = regex.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))")  # of thousands


class Token(NamedTuple):
    """What is said at text[start:end]; two that sound alike have the same key."""

    key: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """Cut a text into the words that are said of it."""
    return [
        Token(key, match.start(), match.end())
        for match in WORD.finditer(text)
        if (key := _key(match[0]))
    ]


def digits_for_words(words: Sequence[Token], language: str) -> list[Token]:
    """Return the words with numbers that are spelled in a language of LANGUAGES as digits."""
    found = text_to_num.find_numbers([_Token(word.key) for word in words], language, threshold=0.0)
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
    """Return the words with neighbouring numbers as one: "19" "99" is "1999"; money too."""
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
    plain = UNSAID.sub("", unicodedata.normalize("NFKC", word).casefold())
    plain = unicodedata.normalize("NFC", plain)  # casefolding may take a character apart
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)
    return SIGNS.get(digits) or SINGULAR.get(digits) or GROUPS.sub("", digits)


@dataclass(frozen=True)
class _Token:
    """A word as text_to_num asks for it."""

    key: str

    def text(self) -> str:
        """Return what is read."""
        return self.key

    def nt_separated(self, previous: object) -> bool:
        """Tell of a pause before it, of which nothing is known."""
        return False

    def not_a_number_part(self) -> bool:
        """Tell whether it can be no number."""
        return False
