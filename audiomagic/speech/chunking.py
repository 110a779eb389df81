"""A long text cut into chunks that are each read aloud in one go.

A model's longest answer is 16,384 tokens, some 13 minutes of sound, and it wanders off long before.
"""

from typing import NamedTuple

import regex

# Characters: 1.5 minutes of English; in Chinese 6, which are some 7,000 of the 16,384 tokens.
LONGEST = 1_500
AHEAD = 100  # characters behind the longest chunk that tell whether a sentence ends there

CLOSING = r"(?:[\"'“”’»)\]」』]|\s»)*"
PARAGRAPH = regex.compile(r"\S(?=\s*?\n\s*?\n|\s*?\u2029)")
# A full stop of Latin scripts may end an abbreviation (`Dr.`, `e.g.`), an initial or an ordinal
# (`3. Mai`), and a sentence does not begin in lower case. Other full stops are nothing else.
SENTENCE = regex.compile(
    rf"""(?V1)
      [.!?…]+ (?<!(?<!['’])\b(?:\p{{Lu}}\p{{L}}{{,2}}|Prof|vs|\p{{L}}|\d\d?)\.)
          {CLOSING} (?=\s++\P{{Ll}})
    | [\p{{Sentence_Terminal}}--[.!?]]+ {CLOSING}
    """,
    regex.VERBOSE,
)
CLAUSE = regex.compile(rf"[,;:–—،؛]{CLOSING}(?=\s)|[、，；：]|\S(?=\s*?\n)")
WORD = regex.compile(r"\S(?=\s)")
GRAPHEME = regex.compile(r"\X")
# Where to cut, the best first: how full a chunk must be for it, and the seconds of pause there.
ENDS = (
    (PARAGRAPH, 1 / 2, 0.7),
    (SENTENCE, 1 / 4, 0.4),
    (CLAUSE, 1 / 4, 0.2),
    (WORD, 0, 0.1),
    (GRAPHEME, 0, 0.0),  # of one word that is longer than a chunk
)


class Chunk(NamedTuple):
    """A part of a text with the spaces behind it, and the seconds of silence to follow it."""

    text: str
    pause: float


def chunks(text: str, longest: int = LONGEST) -> list[Chunk]:
    """Cut a text into chunks of at most `longest` characters, spaces around them not counted.

    The chunks joined are the text. No chunk is blank, unless the whole text is.
    """
    found, at, last = [], 0, len(text.rstrip())
    start = len(text) - len(text.lstrip())
    while last - start > longest:
        length, pause = _length(text[start : start + longest + AHEAD], longest)
        start = len(text) - len(text[start + length :].lstrip())
        found.append(Chunk(text[at:start], pause))
        at = start
    return [*found, Chunk(text[at:], 0.0)] if text else []


def _length(window: str, longest: int) -> tuple[int, float]:
    for end, least, pause in ENDS:
        ends = [match.end() for match in end.finditer(window)]
        if fitting := [at for at in ends if least * longest < at <= longest]:
            return fitting[-1], pause
    return longest, 0.0  # one character that is longer than a chunk
