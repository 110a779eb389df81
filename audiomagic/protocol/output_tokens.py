"""The fewest output tokens that an answer can have taken, counted while it arrives.

A server may ignore a cap on tokens: this says when to hang up. An answer that keeps to its cap
must never be counted over it, so each text is counted at the fewest tokens that it can be: one per
word, since no token of o200k crosses the space between two words, or one for `LONGEST_TOKEN` bytes
where a script has no spaces.
"""

from collections import Counter

from .usage import AUDIO_OUT_PER_SECOND

LONGEST_TOKEN = 12  # bytes of UTF-8: four letters of Chinese; English averages 4.5 bytes, Thai 7
# What is billed as text. A server may send one text both ways, written and spoken.
TEXTS = ("written", "spoken")
OTHERS = ("reasoning", "tool calls")


class OutputTokens:
    """Counts the text of each source, in whatever pieces it comes, and the seconds of sound."""

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._in_word: dict[str, bool] = {}  # whether the last piece ended inside one

    def add(self, source: str, text: str) -> None:
        """Take a piece of text from one of TEXTS or OTHERS."""
        if not text:
            return
        continued = self._in_word.get(source, False) and not text[0].isspace()
        self._words[source] += len(text.split()) - continued
        self._bytes[source] += len(text.encode("utf-8", "replace"))
        self._in_word[source] = not text[-1].isspace()

    def total(self, seconds: float) -> int:
        """Return the tokens of all text so far, and of so many seconds of sound."""
        text = max(map(self._fewest, TEXTS)) + sum(map(self._fewest, OTHERS))
        return int(text + seconds * AUDIO_OUT_PER_SECOND)

    def _fewest(self, source: str) -> int:
        return max(self._words[source], self._bytes[source] // LONGEST_TOKEN)
