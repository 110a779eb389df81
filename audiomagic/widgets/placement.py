"""Mount: outputs in which a widget is on show.

Where a page says that it can (JupyterLab, Notebook 7), the output becomes plain HTML with an
element of the place's class, and the widget's half in the page lives in that: a saved notebook then
reads sensibly without a kernel, where a widget's own output says "model not found".
"""

import secrets
from html import escape
from typing import Any

import anywidget
from IPython.display import display

from ..errors import OptionError


class Mount:
    """Shows one widget; `line` is what its outputs say where the widget is not."""

    def __init__(self, line: str):
        self.name = "audiomagic-" + secrets.token_hex(8)
        self._line = line
        self._displays: list[Any] = []

    def show(self, widget: anywidget.AnyWidget, handle: Any = None) -> Any:
        """Show the widget in a cell's output, or in that of a display's handle; return the handle.

        Raises OptionError when it was closed.
        """
        bundle: Any = widget._repr_mimebundle_() if widget.comm else None
        if bundle is None:
            raise OptionError(f"this {type(widget).__name__} was closed; make another one")
        view = {**(bundle[0] if isinstance(bundle, tuple) else bundle), **self.static()}
        if handle is None:
            handle = display(view, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            handle.update(view, raw=True)
        if handle is not None and handle not in self._displays:
            self._displays.append(handle)
        return handle

    def inhabit(self) -> None:
        """Make its outputs plain HTML, for the page to put the widget in."""
        for handle in self._displays:
            handle.update(self.static(), raw=True)

    def static(self, line: str = "") -> dict[str, str]:
        """Return such an output."""
        line = line or self._line
        return {"text/html": f'<div class="{self.name}">{escape(line)}</div>', "text/plain": line}
