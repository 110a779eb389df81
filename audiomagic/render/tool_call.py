"""Calls of tools, as a card shows them: a line each, which unfolds to all of the call."""

from ..protocol.tool_calls import ToolCall, cut
from ..tools.result import MAX_TEXT, ToolResult
from .html import BADGE, EDGE, as_html, note

TEXT = "margin:4px 0;font-size:13px;white-space:pre-wrap;overflow-wrap:break-word"
UNFOLDED = f"margin:2px 0 8px 3px;padding-left:11px;border-left:2px solid {EDGE}"


def html(result: ToolResult) -> str:
    shown = result.rich_output or text(result.text)
    return folded(str(result), result.call, shown, is_open=bool(result.rich_output))


def folded(line: str, call: ToolCall, result: str, is_open: bool = False) -> str:
    """Return a line that unfolds to the whole arguments and the HTML of a result."""
    return (
        f'<details{" open" if is_open else ""} style="margin:4px 0">'
        f'<summary style="{BADGE}">{as_html(line)}</summary><div style="{UNFOLDED}">'
        f"{note(cut(call.arguments, MAX_TEXT))}{result}</div></details>"
    )


def text(result: str) -> str:
    return f'<div style="{TEXT}">{as_html(result)}</div>'
