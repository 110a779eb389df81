"""The place in a cell's output where a call is followed, and where its card stays."""

import time
from collections.abc import Callable
from html import escape
from typing import Any

from IPython.display import display

from .card import FAINT, FONT
from .wire.answer import Piece

LINE = f"color:{FAINT};{FONT};font-size:13px;white-space:pre-wrap"
PACE = 0.1  # seconds between two updates: a front end drops more than a thousand messages a second


class LiveCard:
    """Shows progress and words as they come, then the card in the same place."""

    def __init__(self, handle: Any = None) -> None:
        """Make one, in a place of its own or in that of a display's handle."""
        self._handle = handle
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

    def settle(self, bundle: dict[str, str]) -> None:
        """Put the card, or what stands for it, in place."""
        self._update(bundle)

    def take_back(self, show: Callable[[Any], None]) -> None:
        """Give the place back to what stood there before; `show` gets the display's handle."""
        self._words = ""
        show(self._handle)

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
