"""MountedWidget: a widget whose outputs a page can replace by plain HTML.

Where a page can do that (JupyterLab, Notebook 7), the output becomes an element of the widget's
`mount_class`, and the page puts the widget into it: a saved notebook then reads sensibly without a
kernel, where a widget's own output says "model not found".
"""

import secrets
from html import escape
from typing import Any, ClassVar

import anywidget
from IPython.display import display
from traitlets import Unicode

from ..errors import OptionError


class MountedWidget(anywidget.AnyWidget):
    """Shows itself in outputs; `absent` is what they say where the widget cannot be."""

    absent: ClassVar[str]
    mount_class = Unicode().tag(sync=True)

    def __init__(self, **traits: Any):
        self._displays: list[Any] = []
        super().__init__(mount_class="audiomagic-" + secrets.token_hex(8), **traits)
        html = f'<div class="{self.mount_class}">{escape(self.absent)}</div>'
        self._static = {"text/html": html, "text/plain": self.absent}

    def show(self, handle: Any = None) -> Any:
        """Show it in a cell's output, or in that of a display handle; return the handle."""
        bundle: Any = self._repr_mimebundle_() if self.comm else None
        if bundle is None:
            raise OptionError(f"this {type(self).__name__} is closed; create a new one")
        view = {**(bundle[0] if isinstance(bundle, tuple) else bundle), **self._static}
        if handle is None:
            handle = display(view, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            handle.update(view, raw=True)
        if handle is not None and handle not in self._displays:
            self._displays.append(handle)
        return handle

    def replace_output(self) -> None:
        """Make its outputs plain HTML, for the page to put the widget into."""
        for handle in self._displays:
            handle.update(self._static, raw=True)

    def close(self) -> None:
        if self.comm:
            self.layout.close()  # a widget of its own, which would outlive this one
        super().close()
