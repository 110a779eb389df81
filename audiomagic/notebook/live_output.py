"""What a call's output shows while its reply arrives, and in the end: in a page, in a terminal."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.display import display

from ..protocol.response import Delta
from ..render import card, comparison
from ..render.html import FONT, as_html, visible
from ..transports.cancellation import Cancellation
from ..turn.comparison import Comparison
from ..turn.notes import STOPPED
from ..turn.reply import Reply

if TYPE_CHECKING:
    from ..widgets.player import Player
    from .invocation import Result

LINE = f"{FONT};font-size:13px;white-space:pre-wrap"
PACE = 0.1  # seconds between two updates: a front end drops more than a thousand messages a second
LAST = 2000  # characters of words shown while they arrive: each update sends them again


class LiveCard:
    """Shows progress and words as they arrive, then the card in the same output.

    With a player, the page plays the reply while it arrives and can stop it; the card plays on.
    """

    def __init__(self, player: "Callable[[], Player] | None" = None, handle: Any = None) -> None:
        """Use an output of its own, or that of a display handle."""
        self.handle = handle
        self.cancellation = Cancellation()
        self._make_player = player
        self._player: Player | None = None
        self._words = ""
        self._shown_at = 0.0

    def open(self) -> None:
        """Begin a call."""
        self._words = ""
        if self._make_player:
            self._player = self._make_player()
            self.cancellation = self._player.cancellation
            self.handle = self._player.show(self.handle)

    def on_progress(self, line: str) -> None:
        if self._player:
            self._player.on_progress(line)
        else:
            self._show(line)

    def on_delta(self, delta: Delta) -> None:
        self._words += delta.text
        if self._player:
            self._player.on_delta(delta)
        elif delta.text and time.monotonic() - self._shown_at >= PACE:
            self._show(self._words[-LAST:])

    def card(self, reply: "Result") -> dict[str, str]:
        """Return the output of a reply, or of a comparison, in this place."""
        bundle = reply._repr_mimebundle_()
        if self._player and isinstance(reply, Reply):
            bundle["text/html"] = card.html(reply, self._player.mount_class)
        return bundle

    def settle(self, reply: "Result", bundle: dict[str, str] | None = None) -> None:
        """Show a reply's card, or a bundle in its stead, for good."""
        bundle = bundle or self.card(reply)
        if self._player:
            stopped = isinstance(reply, Reply) and reply.finish_reason == STOPPED
            self._player.end("halt" if stopped else "end")
        self._update(bundle)
        self._close()

    def clear(self) -> None:
        """Take progress away after a failure; words that had arrived stay, marked."""
        self._halt()
        if self.handle is not None:
            self._show(f"{self._words.rstrip()} … (cut off)" if self._words else "")

    def give_back(self, show: Callable[[Any], object]) -> None:
        """After a failure, let `show` put into the output what was there before the call."""
        self._halt()
        show(self.handle)

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
        line = visible(line)
        html = f'<div dir="auto" style="{LINE}">{as_html(line)}</div>'
        self._update({"text/plain": line, "text/html": html})

    def _update(self, bundle: dict[str, str]) -> None:
        if self.handle is None:
            self.handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self.handle.update(bundle, raw=True)


class LiveText:
    """In a terminal: prints words as they arrive, then the badge."""

    def __init__(self) -> None:
        self.cancellation = Cancellation()  # unused: Ctrl-C interrupts
        self._words = ""

    def open(self) -> None:
        """Begin a call."""

    def on_progress(self, line: str) -> None:
        print(line, flush=True)

    def on_delta(self, delta: Delta) -> None:
        if delta.text:
            words = visible(delta.text)
            print(words if self._words else words.lstrip(), end="", flush=True)
            self._words += delta.text

    def settle(self, reply: "Result") -> None:
        """End the line; print the notes and the badge, or the table of a comparison."""
        if isinstance(reply, Comparison):
            print(comparison.plain(reply.columns))
            return
        if self._words:
            print()
        print("\n".join(card.about(reply)))

    def clear(self) -> None:
        """After a failure, mark the words as cut off."""
        if self._words:
            print(" … (cut off)")
