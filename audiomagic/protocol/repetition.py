"""Text that a server sends more than once: as content and as transcript, or whole at its end."""

import re
import unicodedata
from itertools import accumulate

TELLING = 8  # characters: less may be said twice, "ha ha", and come in such pieces by chance
AFTER_WORD = re.compile(r"^[^\w\s]+")  # the signs that end it


class Said:
    """Text of one source, without a last piece that says all of it once more, as some servers do.

    Such a piece waits: where more follows, it is what was said twice.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0  # characters
        self._again = ""

    def add(self, text: str) -> str:
        if not text:
            return ""
        shown = self._take(self._again)
        self._again = text if self._repeated_by(text) else ""
        return shown if self._again else shown + self._take(text)

    def end(self, complete: bool) -> str:
        """Return what waited, unless the text is complete without it."""
        text, self._again = "" if complete else self._again, ""
        return self._take(text)

    def _take(self, text: str) -> str:
        if text:
            self._pieces.append(text)
            self._length += len(text)
        return text

    def _repeated_by(self, text: str) -> bool:
        is_telling = len(self._pieces) > 1 and len(text) == self._length >= TELLING
        return is_telling and text == "".join(self._pieces)


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
