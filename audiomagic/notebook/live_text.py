"""A call followed in a terminal: its words as they come, then the badge."""

from typing import TYPE_CHECKING

from ..comparison import Comparison
from ..faces import card, grid
from ..far.line import Line
from ..wire.answer import Piece

if TYPE_CHECKING:
    from .order import Result


class LiveText:
    """Prints words as they arrive."""

    def __init__(self) -> None:
        self.line = Line()  # Ctrl-C stops it
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

    def settle(self, reply: "Result") -> None:
        """End the line; print what is to be known, and what was not heard word by word."""
        if isinstance(reply, Comparison):
            print(grid.plain(reply))
            return
        if self._words:
            print()
        print("\n".join(card.about(reply)))

    def clear(self) -> None:
        """End the line of words that a failure cut off."""
        if self._words:
            print(" … (cut off)")
