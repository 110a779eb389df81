"""Text that a server sends more than once: as content and as transcript, or whole at its end."""

import re
import unicodedata
from itertools import accumulate

AFTER_WORD = re.compile(r"^[^\w\s]+")  # the signs that end it


class Said:
    """Text of one source, without a last piece that says all of it once more, as some servers do.

    Such a piece waits: where more follows, it is a word that was said twice.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._words = 0  # pieces that are not blank
        self._length = self._end = 0  # characters, of all and up to the last that is not blank
        self._again = ""

    def add(self, text: str) -> str:
        if not text:
            return ""
        shown = self._take(self._again)
        self._again = text if self._repeated_by(text.strip()) else ""
        return shown if self._again else shown + self._take(text)

    def end(self, complete: bool) -> str:
        """Return what waited, unless the text is complete without it."""
        text, self._again = "" if complete else self._again, ""
        return self._take(text)

    def _take(self, text: str) -> str:
        kept = text if self._pieces else text.lstrip()
        if kept.strip():
            self._words += 1
            self._end = self._length + len(kept.rstrip())
        if kept:
            self._pieces.append(kept)
        self._length += len(kept)
        return text

    def _repeated_by(self, text: str) -> bool:
        as_long = self._words > 1 and len(text) == self._end
        return as_long and text == "".join(self._pieces).rstrip()


def beyond(text: str, other: str) -> str:
    """Return what another text says beyond one that says the same, be it in other capitals and
    signs; all of it, after a space, if it does not say the same.
    """
    letters = list(map(_letters, other))
    said, both = _letters(text) if other else "", "".join(letters)
    if said.startswith(both):
        return ""
    blank = text[-1:].isspace()
    if not said or not both.startswith(said):
        return other if blank else f" {other}"
    lengths = accumulate(map(len, letters))
    end = next(at for at, length in enumerate(lengths, 1) if length >= len(said))
    rest = other[end:] if _letters(text[-1]) else AFTER_WORD.sub("", other[end:])
    return rest.lstrip() if blank else rest


def _letters(text: str) -> str:
    """Return a text without capitals, blanks and punctuation."""
    return "".join(c for c in text.casefold() if unicodedata.category(c)[0] not in "CPZ")
