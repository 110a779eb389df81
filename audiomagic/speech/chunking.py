"""Passages: a long text cut into pieces that are each read aloud in one go.

A model's longest answer is 16,384 tokens, some 13 minutes of sound, and it wanders off long before.
"""

from collections.abc import Callable
from typing import NamedTuple

import regex
import sentencex

# Characters: 1.5 minutes of English; in Chinese 6, which are some 7,000 of the 16,384 tokens.
LONGEST = 1_500
AHEAD = 100  # characters behind the longest passage that tell whether a sentence ends there

PARAGRAPH = regex.compile(r"\S(?=\s*?\n\s*?\n|\s*?\u2029)")
CLAUSE = regex.compile(r"[,;:–—،؛][\"'”’»)\]]*(?=\s)|[、，；：]|\S(?=\s*?\n)")
WORD = regex.compile(r"\S(?=\s)")
GRAPHEME = regex.compile(r"\X")
SURROGATE = regex.compile(r"[\ud800-\udfff]")


class Chunk(NamedTuple):
    """A piece of a text with the spaces behind it, and the seconds of silence to follow it."""

    text: str
    pause: float


def chunks(text: str, longest: int = LONGEST) -> list[Chunk]:
    """Cut a text, in any language, into passages of at most `longest` characters.

    It is cut at ends of paragraphs, or else of sentences, clauses, words or characters. The
    passages joined are the text; spaces around a passage do not count. None is blank, unless the
    whole text is.
    """
    found, at, start = [], 0, _after_spaces(text, 0)
    last = len(text.rstrip())
    while last - start > longest:
        length, pause = _length(text[start : start + longest + AHEAD], longest)
        start = _after_spaces(text, start + length)
        found.append(Chunk(text[at:start], pause))
        at = start
    return [*found, Chunk(text[at:], 0.0)] if text else []


def _length(window: str, longest: int) -> tuple[int, float]:
    """How much of a window is a passage, and the pause behind it."""
    for ends, least, pause in ENDS:
        if fitting := [end for end in ends(window) if least * longest < end <= longest]:
            return fitting[-1], pause
    # One word longer than a passage is cut between characters; one such character anywhere.
    cuts = (match.end() for match in GRAPHEME.finditer(window))
    return max((cut for cut in cuts if cut <= longest), default=longest), 0.0


def _after_spaces(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _sentences(window: str) -> list[int]:
    """Ends of sentences but the last; sentencex's English knows other languages' signs too."""
    ends, at = [], 0
    for sentence in sentencex.segment("en", SURROGATE.sub("?", window)):
        ends.append(at + len(sentence.rstrip()))
        at += len(sentence)
    return ends[:-1]


def _matches(pattern: regex.Pattern[str]) -> Callable[[str], list[int]]:
    return lambda window: [match.end() for match in pattern.finditer(window)]


# Where to cut, the best first: how full a passage must be for it, and the seconds of pause there.
ENDS: list[tuple[Callable[[str], list[int]], float, float]] = [
    (_matches(PARAGRAPH), 1 / 2, 0.7),
    (_sentences, 1 / 4, 0.4),
    (_matches(CLAUSE), 1 / 4, 0.2),
    (_matches(WORD), 0, 0.1),
]
