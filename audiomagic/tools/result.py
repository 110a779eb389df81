"""ToolResult: what came of a model's call of a tool: for the model, for the card, for the user."""

import json
import reprlib
import sys
import traceback
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from .. import redaction
from ..errors import AudiomagicError, one_line
from ..protocol.tool_calls import ToolCall, cut
from ..render.card import BADGE, CARD, EDGE, NOTE, as_html
from .rich_output import rich_output

LONGEST = 20_000  # characters of a text for the model
SEEN = "\n[shown to the user]"
WORDS = "margin:4px 0;font-size:13px;white-space:pre-wrap;overflow-wrap:break-word"
FOLDED = f"margin:2px 0 8px 3px;padding-left:11px;border-left:2px solid {EDGE}"
SHORT = reprlib.Repr()
SHORT.maxother = 2_000  # characters of an object that JSON cannot hold


@dataclass(frozen=True, eq=False)
class ToolResult:
    """A call, and the value or the error that came of it.

    `text` goes to the model; `rich_output` is HTML of the value's picture or table, safe anywhere, or
    "". Both are of the moment the function returned. The error keeps its traceback.
    """

    call: ToolCall
    value: Any
    error: Exception | None
    seconds: float
    text: str
    rich_output: str = ""

    @classmethod
    def of(cls, call: ToolCall, value: object, seconds: float) -> "ToolResult":
        """Make the result of a call that gave a value."""
        shown = redaction.without(rich_output(value))
        room = LONGEST - len(SEEN if shown else "")
        text = _bounded(redaction.without(_text(value)), room) + (SEEN if shown else "")
        return cls(call, value, None, seconds, text, shown)

    @classmethod
    def failed(cls, call: ToolCall, error: Exception, seconds: float) -> "ToolResult":
        """Make the result of a call that raised, or was refused."""
        return cls(call, None, error, seconds, _complaint(error))

    @property
    def face(self) -> str:
        """The value alone, as HTML."""
        return self.rich_output or words(self.text)

    def __str__(self) -> str:
        """Return it in a line: `weather(city='Köln') → 12 °C, rain · 0.3 s`."""
        if self.error is not None:
            outcome = f"failed: {one_line(self.text, 120)}"
        else:
            outcome = type(self.value).__name__ if self.rich_output else one_line(self.text, 120)
        return f"{called(self.call)} → {outcome} · {self.seconds:.1f} s"

    def __repr__(self) -> str:
        return f"<ToolResult {self}>"

    @property
    def folded(self) -> str:
        """What the card shows of it: a line that folds out to all of it."""
        # A picture is there to be seen; a text can wait until somebody wants it.
        return fold(str(self), self.call, self.face, bool(self.rich_output))

    def _repr_html_(self) -> str:
        return f'<div style="{CARD}">{self.folded}</div>'  # its ink is for light paper


def called(call: ToolCall) -> str:
    """Return a call in a line, as Python would have it: `weather(city='Köln')`."""
    return f"{one_line(call.name, 64)}({_arguments(call)})"


def fold(line: str, call: ToolCall, face: str, shown: bool = False) -> str:
    """Return HTML of a line that folds out, or is `shown` so: the whole arguments, and a face."""
    arguments = as_html(_bounded(call.arguments, LONGEST))
    return (
        f'<details{" open" if shown else ""} style="margin:4px 0">'
        f'<summary style="{BADGE}">{as_html(line)}</summary>'
        f'<div style="{FOLDED}"><div style="{NOTE}">{arguments}</div>{face}</div></details>'
    )


def words(text: str) -> str:
    """Return the HTML of a result that is a text."""
    return f'<div style="{WORDS}">{as_html(text)}</div>'


def _text(value: object) -> str:
    """Return a text as it is, and everything else as JSON, or as its repr where JSON fails."""
    if isinstance(value, str):
        return value
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
    if isinstance(size, int) and size > LONGEST:  # a repr leaves out the middle
        return SHORT.repr_instance(value, 1)
    pandas = sys.modules.get("pandas")  # a frame cannot be there without it
    if pandas and isinstance(value, pandas.DataFrame | pandas.Series):
        return json.loads(value.to_json(orient="split", date_format="iso"))
    if callable(listed := getattr(value, "tolist", None)):  # numpy's arrays and numbers
        return listed()
    return SHORT.repr_instance(value, 1)


def _bounded(text: str, room: int) -> str:
    return cut(text.encode("utf-8", "replace").decode(), room)  # half a character cannot be sent


def _complaint(error: Exception) -> str:
    if isinstance(error, AudiomagicError):
        return one_line(error, 1_000)
    return one_line("".join(traceback.format_exception_only(error)), 1_000)


def _arguments(call: ToolCall) -> str:
    """Return the arguments as Python would have them; as they came where they are none."""
    try:
        named = json.loads(call.arguments or "{}")
        return one_line(", ".join(f"{name}={value!r}" for name, value in named.items()), 120)
    except (ValueError, AttributeError, RecursionError):
        return one_line(call.arguments, 120)
