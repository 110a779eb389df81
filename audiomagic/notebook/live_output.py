"""The place in a cell's output where a call is followed, and where its card stays."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.display import display

from ..protocol.response import Delta
from ..render import card
from ..transports.cancellation import Cancellation
from ..turn.reply import Reply

if TYPE_CHECKING:
    from ..widgets.player import Player
    from .invocation import Result

LINE = f"{card.FONT};font-size:13px;white-space:pre-wrap"
PACE = 0.1  # seconds between two updates: a front end drops more than a thousand messages a second
LAST = 2000  # characters of words shown while they come: each update sends them anew


class LiveCard:
    """Shows progress and words as they come, then the card in the same place.

    With a player, the page hears the reply too, and can stop it; it plays on in the card.
    """

    def __init__(self, player: "Callable[[], Player] | None" = None, handle: Any = None) -> None:
        """Make one, in a place of its own or in that of a display's handle."""
        self._handle = handle
        self._make_player = player
        self._player: Player | None = None
        self.cancellation = Cancellation()  # the reader may stop the call by it
        self._words = ""
        self._shown_at = 0.0

    def open(self) -> None:
        """Begin a call."""
        self._words = ""
        if self._make_player:
            self._player = self._make_player()
            self.cancellation = self._player.cancellation
            self._handle = self._player.show(self._handle)

    def on_progress(self, line: str) -> None:
        """Show what takes time."""
        if self._player:
            self._player.on_progress(line)
        else:
            self._show(line)

    def on_delta(self, piece: Delta) -> None:
        """Show the words that came, and let the sound be heard."""
        self._words += piece.text
        if self._player:
            self._player.on_delta(piece)
        elif piece.text and time.monotonic() - self._shown_at >= PACE:
            self._show(self._words[-LAST:])

    def card(self, reply: "Result") -> dict[str, str]:
        """Return the output of a reply, or of a comparison, in this place."""
        bundle = reply._repr_mimebundle_()
        if self._player and isinstance(reply, Reply):
            bundle["text/html"] = card.html(reply, self._player.place)
        return bundle

    def settle(self, bundle: dict[str, str], stopped: bool = False) -> None:
        """Put the card, or what stands for it, in place, for good; silent if it was stopped."""
        if self._player:
            self._player.end("halt" if stopped else "end")
        self._update(bundle)
        self._close()

    def take_back(self, show: Callable[[Any], None]) -> None:
        """Give the place back to what stood there before; `show` gets the display's handle."""
        self._halt()
        show(self._handle)

    def clear(self) -> None:
        """Take progress away after a failure; words that came stay, marked."""
        self._halt()
        if self._handle is not None:
            self._show(f"{self._words.rstrip()} … (cut off)" if self._words else "")

    def _halt(self) -> None:
        if self._player:
            self._player.end("halt")
        self._close()

    def _close(self) -> None:
        if self._player:
            self._player.close()
            self._player = None

    def _show(self, line: str) -> None:
        self._shown_at = time.monotonic()
        line = card.visible(line)
        html = f'<div dir="auto" style="{LINE}">{card.as_html(line)}</div>'
        self._update({"text/plain": line, "text/html": html})

    def _update(self, bundle: dict[str, str]) -> None:
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)
