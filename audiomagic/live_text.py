"""A call followed in a terminal: its words as they come, then the badge."""

from . import card
from .reply import Reply
from .wire.answer import Piece


class LiveText:
    """Prints words as they arrive."""

    wants_more = True  # Ctrl-C stops it

    def __init__(self) -> None:
        self._words = ""

    def progress(self, line: str) -> None:
        """Print what takes time."""
        print(line, flush=True)

    def hear(self, piece: Piece) -> None:
        """Print the words that came."""
        if piece.words:
            words = card.visible(piece.words)
            print(words if self._words else words.lstrip(), end="", flush=True)
            self._words += piece.words

    def settle(self, reply: Reply) -> None:
        """End the line; print what is to be known."""
        if self._words:
            print()
        lines = card.plain(reply).split("\n")
        print("\n".join(lines[reply.text.count("\n") + 1 :]))

    def clear(self) -> None:
        """End the line of words that a failure cut off."""
        if self._words:
            print(" … (cut off)")
