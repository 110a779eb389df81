"""A call followed in a terminal: its words as they come, then the badge."""

from typing import TYPE_CHECKING

from ..protocol.response import Delta
from ..render import card, comparison
from ..transports.cancellation import Cancellation
from ..turn.comparison import Comparison

if TYPE_CHECKING:
    from .invocation import Result


class LiveText:
    """Prints words as they arrive."""

    def __init__(self) -> None:
        self.cancellation = Cancellation()  # Ctrl-C stops it
        self._words = ""

    def on_progress(self, line: str) -> None:
        """Print what takes time."""
        print(line, flush=True)

    def on_delta(self, piece: Delta) -> None:
        """Print the words that came."""
        if piece.text:
            words = card.visible(piece.text)
            print(words if self._words else words.lstrip(), end="", flush=True)
            self._words += piece.text

    def settle(self, reply: "Result") -> None:
        """End the line; print what is to be known, and what was not heard word by word."""
        if isinstance(reply, Comparison):
            print(comparison.plain(reply))
            return
        if self._words:
            print()
        print("\n".join(card.about(reply)))

    def clear(self) -> None:
        """End the line of words that a failure cut off."""
        if self._words:
            print(" … (cut off)")
