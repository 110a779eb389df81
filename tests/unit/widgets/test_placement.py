"""A widget whose outputs become plain HTML."""

from typing import Any

import pytest

from audiomagic.errors import OptionError
from audiomagic.widgets.placement import MountedWidget


class Widget(MountedWidget):
    absent = "A <widget>."


class Handle:
    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []

    def update(self, bundle: dict[str, Any], raw: bool) -> None:
        assert raw
        self.shown.append(bundle)


def test_outputs_hold_the_widget_until_they_are_replaced() -> None:
    widget, handle, other = Widget(), Handle(), Handle()
    assert widget.show(handle) is handle and widget.show(handle) is handle
    widget.show(other)
    html = f'<div class="{widget.mount_class}">A &lt;widget&gt;.</div>'
    static = {"text/html": html, "text/plain": "A <widget>."}
    for view in (*handle.shown, *other.shown):
        assert "application/vnd.jupyter.widget-view+json" in view
        assert {kind: view[kind] for kind in static} == static
    widget.replace_output()
    assert handle.shown[2:] == other.shown[1:] == [static]
    assert Widget().mount_class != widget.mount_class


def test_a_closed_widget_says_so() -> None:
    widget = Widget()
    widget.close()
    widget.close()
    with pytest.raises(OptionError, match="this Widget is closed; create a new one"):
        widget.show(Handle())
