"""The place in a cell's output where a call is followed, and where its card stays."""

import time
from html import escape
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from .card import FAINT, FONT
from .reply import Reply
from .wire.answer import Piece

LINE = f"color:{FAINT};{FONT};font-size:13px;white-space:pre-wrap"
PACE = 0.1  # seconds between two updates: a front end drops more than a thousand messages a second


class LiveCard:
    """Shows progress and words as they come, then the card in the same place."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._words = ""
        self._shown_at = 0.0

    def progress(self, line: str) -> None:
        """Show what takes time."""
        self._show(line)

    def hear(self, piece: Piece) -> None:
        """Show the words that came."""
        self._words += piece.words
        if piece.words and time.monotonic() - self._shown_at >= PACE:
            self._show(self._words)

    def settle(self, reply: Reply) -> None:
        """Put the card in place."""
        self._update(reply._repr_mimebundle_())

    def clear(self) -> None:
        """Take progress away after a failure; words that came stay, marked."""
        if self._handle is not None:
            self._show(f"{self._words.rstrip()} … (cut off)" if self._words else "")

    def _show(self, line: str) -> None:
        self._shown_at = time.monotonic()
        html = f'<div dir="auto" style="{LINE}">{escape(line)}</div>'
        self._update({"text/plain": line, "text/html": html})

    def _update(self, bundle: dict[str, str]) -> None:
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)


def live_card(shell: InteractiveShell) -> LiveCard | None:
    """Return a live card where the front end can redraw an output; a terminal cannot."""
    return LiveCard() if getattr(shell, "kernel", None) is not None else None
