"""What came of a model's call of a tool."""

import json
import reprlib
import sys
import traceback
from dataclasses import dataclass
from typing import Any

from .. import redaction
from ..errors import AudiomagicError, clean, one_line
from ..protocol.tool_calls import ToolCall, cut

MAX_TEXT = 20_000  # characters of a text for the model
SEEN = "\n[shown to the user]"
SHORT = reprlib.Repr()
SHORT.maxother = 2_000  # characters of an object that JSON cannot hold


@dataclass(frozen=True, eq=False)
class ToolResult:
    """A call, and the value or the error that came of it.

    `text` goes to the model; `rich_output` is safe HTML of the value's picture or table, or "".
    Both are of the moment the function returned. The error keeps its traceback.
    """

    call: ToolCall
    value: Any
    error: Exception | None
    seconds: float
    text: str
    rich_output: str = ""

    @classmethod
    def of(cls, call: ToolCall, value: object, seconds: float) -> "ToolResult":
        from .rich_output import rich_output

        shown = redaction.without(rich_output(value))
        seen = SEEN if shown else ""
        text = clean(redaction.without(_text(value)))
        return cls(call, value, None, seconds, cut(text, MAX_TEXT - len(seen)) + seen, shown)

    @classmethod
    def failed(cls, call: ToolCall, error: Exception, seconds: float) -> "ToolResult":
        ours = isinstance(error, AudiomagicError)
        complaint = error if ours else "".join(traceback.format_exception_only(error))
        return cls(call, None, error, seconds, one_line(complaint, 1_000))

    def __str__(self) -> str:
        """Return it in a line: `weather(city='Köln') → 12 °C, rain · 0.3 s`."""
        outcome = type(self.value).__name__ if self.rich_output else one_line(self.text, 120)
        failed = "failed: " if self.error is not None else ""
        return f"{called(self.call)} → {failed}{outcome} · {self.seconds:.1f} s"

    def __repr__(self) -> str:
        return f"<ToolResult {self}>"

    def _repr_html_(self) -> str | None:
        return self.rich_output or None


def called(call: ToolCall) -> str:
    """Return a call in a line, as Python would write it: `weather(city='Köln')`."""
    try:
        named = json.loads(call.arguments or "{}").items()
        arguments = ", ".join(f"{name}={value!r}" for name, value in named)
    except (ValueError, AttributeError, RecursionError):  # not a JSON object
        arguments = call.arguments
    return f"{one_line(call.name, 64)}({one_line(arguments, 120)})"


def _text(value: object) -> str:
    """Return a text as it is, and everything else as JSON, or as its repr where JSON fails."""
    if isinstance(value, str):
        return value
    from pydantic_core import to_jsonable_python

    try:
        plain = to_jsonable_python(
            value, fallback=_plain, inf_nan_mode="strings", bytes_mode="base64"
        )
        return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    except Exception:  # it holds itself, or raises when looked at
        return SHORT.repr_instance(value, 1)


def _plain(value: Any) -> Any:
    """Return something for JSON from what pydantic does not know; the rest as its repr."""
    size = getattr(value, "size", 0)
    if isinstance(size, int) and size > MAX_TEXT:  # a repr leaves out the middle
        return SHORT.repr_instance(value, 1)
    pandas = sys.modules.get("pandas")  # a frame cannot be there without it
    if pandas and isinstance(value, pandas.DataFrame | pandas.Series):
        return json.loads(value.to_json(orient="split", date_format="iso"))
    if callable(to_list := getattr(value, "tolist", None)):  # numpy's arrays and numbers
        return to_list()
    return SHORT.repr_instance(value, 1)
