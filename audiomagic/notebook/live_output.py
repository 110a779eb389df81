"""What a call's output shows while its reply arrives, and in the end: in a page, in a terminal."""

import time
from collections.abc import Callable
from io import StringIO
from typing import TYPE_CHECKING, Any

from IPython.display import display

from ..protocol.response import Delta
from ..render import card, comparison
from ..render.html import FONT, as_html, visible
from ..transports.cancellation import Cancellation
from ..turn.comparison import Comparison
from ..turn.reply import STOPPED, Reply

if TYPE_CHECKING:
    from ..widgets.player import Player
    from .invocation import Result

LINE = f"{FONT};font-size:13px;white-space:pre-wrap"
PACE = 0.1  # seconds between two updates: a front end drops more than a thousand messages a second
NOTHING = {"text/plain": "", "text/html": ""}
LAST = 2000  # characters of words shown while they arrive: each update sends them again


class LiveCard:
    """Shows words as they arrive, and plays them with a player; then the card in their place."""

    def __init__(self, player: "Callable[[], Player] | None" = None, handle: Any = None) -> None:
        self.handle = handle
        self.cancellation = Cancellation()
        self._make_player = player
        self._player: Player | None = None
        self._words = StringIO()
        self._shown_at = 0.0

    def open(self) -> None:
        self._words = StringIO()
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
        self._words.write(delta.text)
        if self._player:
            self._player.on_delta(delta)
        elif delta.text and time.monotonic() - self._shown_at >= PACE:
            self._show(self._words.getvalue()[-LAST:])

    @property
    def place(self) -> str:
        """The class of the element in which its player goes on in a card; "" without a player."""
        return self._player.mount_class if self._player else ""

    def card(self, reply: "Result") -> dict[str, str]:
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

    def give_way(self) -> None:
        """Show nothing any more: the reply is shown elsewhere, with the player that goes on."""
        if self._player:
            self._player.end()
        if self.handle is not None:
            self._update(NOTHING)
        self._close()

    def clear(self, show: Callable[[Any], object] | None = None) -> None:
        """After a failure, mark the words that had arrived, or `show` what was there before."""
        if self._player:
            self._player.end("halt")
        self._close()
        if show:
            show(self.handle)
        elif self.handle is not None:
            if words := self._words.getvalue():
                self._show(f"{words.rstrip()} … (cut off)")
            else:
                self._update(NOTHING)

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
    """In a terminal: prints words as they arrive, behind who says them, if told; then the badge."""

    def __init__(self, speaker: str = "") -> None:
        self.cancellation = Cancellation()  # unused: Ctrl-C interrupts
        self._speaker = f"{speaker}: " if speaker else ""
        self._begun = False

    def open(self) -> None:
        self._begun = False

    def on_progress(self, line: str) -> None:
        print(visible(line), flush=True)

    def on_delta(self, delta: Delta) -> None:
        if delta.text:
            words = visible(delta.text)
            print(words if self._begun else self._speaker + words.lstrip(), end="", flush=True)
            self._begun = True

    def settle(self, reply: "Result") -> None:
        if isinstance(reply, Comparison):
            print(comparison.plain(reply.columns))
            return
        if self._begun:
            print()
        print("\n".join(card.about(reply)))

    def clear(self) -> None:
        if self._begun:
            print(" … (cut off)")
