"""The forecast: a request, and what it will take, shown before anything is sent."""

from dataclasses import dataclass
from typing import Any

from .card import dollars
from .estimate import Estimate
from .table import Table
from .tool_result import called
from .wire.request import Message, Request


@dataclass(frozen=True)
class Forecast:
    """A request that was not sent; without an estimate, it would cost nothing."""

    request: Request
    estimate: Estimate | None

    @property
    def tables(self) -> list[Table]:
        """What would be sent, and what it would take."""
        return [
            _outline(self.request),
            *([_range(self.request, self.estimate)] if self.estimate else []),
        ]

    def _repr_html_(self) -> str:
        return "".join(table._repr_html_() for table in self.tables)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("\n\n".join(map(repr, self.tables)))


def _outline(request: Request) -> Table:
    rows = [
        ("model", request.model),
        ("answer", f"spoken, voice {request.voice}" if request.voice else "in text"),
        ("most tokens", str(request.max_tokens or "as many as the model gives")),
        *(("tool", tool.name) for tool in request.tools),
        *((message.role, part) for message in request.messages for part in _parts(message)),
    ]
    return Table(("would be sent", ""), rows)


def _parts(message: Message) -> list[str]:
    if message.audio_id:
        return [f"its earlier answer, as {message.audio_id}"]
    return [f"calls {called(call)}" for call in message.calls] + [
        part if isinstance(part, str) else f"sound, {part.seconds:.1f} s" for part in message.parts
    ]


def _range(request: Request, found: Estimate) -> Table:
    """Seconds, tokens and dollars: at the least, likely, at the most."""
    cases = (found.low, found.likely, found.high)
    money = [dollars(amount) for amount in found.dollars or ()] or ["price unknown"] * 3
    rows = [
        ("seconds of sound in", *[f"{request.seconds:.1f}"] * 3),
        ("seconds of sound out", *(f"{seconds:.1f}" for seconds in found.seconds_out)),
        ("text tokens in", *(str(usage.text_in) for usage in cases)),
        ("sound tokens in", *(str(usage.audio_in) for usage in cases)),
        ("tokens out", *(str(usage.tokens_out) for usage in cases)),
        ("dollars", *money),
    ]
    origin = f"rates: {found.price.origin()}" if found.price else ""
    return Table(("it would take", "at least", "likely", "at most"), rows, origin)
