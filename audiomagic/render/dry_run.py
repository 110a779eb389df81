"""The forecast: a request, and what it will take, shown before anything is sent."""

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from ..costs.amounts import dollars
from ..costs.estimate import Estimate
from ..costs.pricing import total
from ..protocol.request import Message, Request
from ..protocol.usage import Usage
from ..tools.result import called
from .table import Table


@dataclass(frozen=True)
class DryRun:
    """Requests that were not sent, each with its estimate; None: nothing would be paid for it."""

    parts: tuple[tuple[Request, Estimate | None], ...]

    def __add__(self, other: "DryRun") -> "DryRun":
        """Put two together: they are sent for one reply, or one comparison."""
        return DryRun(self.parts + other.parts)

    @property
    def tables(self) -> list[Table]:
        """What would be sent, and what all of it would take."""
        outlines = [_outline(request, found is None) for request, found in self.parts]
        weighed = [(request, found) for request, found in self.parts if found]
        return [*outlines, _range(weighed)] if weighed else outlines

    def _repr_html_(self) -> str:
        return "".join(table._repr_html_() for table in self.tables)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("\n\n".join(map(repr, self.tables)))


def _outline(request: Request, free: bool) -> Table:
    rows = [
        ("model", request.model),
        ("answer", f"spoken, voice {request.voice}" if request.voice else "in text"),
        ("most tokens", str(request.max_tokens or "as many as the model gives")),
        *([("cost", "none: it is free")] if free else []),
        *(("tool", tool.name) for tool in request.tools),
        *((message.role, part) for message in request.messages for part in _parts(message)),
    ]
    return Table(("would be sent", ""), rows)


def _parts(message: Message) -> list[str]:
    if message.audio_id:
        return [f"its earlier answer, as {message.audio_id}"]
    return [f"calls {called(call)}" for call in message.tool_calls] + [
        part if isinstance(part, str) else f"sound, {part.seconds:.1f} s" for part in message.parts
    ]


def _range(parts: list[tuple[Request, Estimate]]) -> Table:
    """Seconds, tokens and dollars of all: at the least, likely, at the most."""
    found = [estimate for _, estimate in parts]
    cases = [reduce(add, usages) for usages in zip(*(_cases(one) for one in found), strict=True)]
    out = [sum(seconds) for seconds in zip(*(one.seconds_out for one in found), strict=True)]
    sums = [one.dollars for one in found]
    money = ["price unknown"] * 3
    if all(sums):
        money = [dollars(total(amounts)) for amounts in zip(*filter(None, sums), strict=True)]
    rows = [
        ("seconds of sound in", *[f"{sum(request.seconds for request, _ in parts):.1f}"] * 3),
        ("seconds of sound out", *(f"{seconds:.1f}" for seconds in out)),
        ("text tokens in", *(str(usage.input_text_tokens) for usage in cases)),
        ("sound tokens in", *(str(usage.input_audio_tokens) for usage in cases)),
        ("tokens out", *(str(usage.output_tokens) for usage in cases)),
        ("dollars", *money),
    ]
    origins = dict.fromkeys(one.price.origin() for one in found if one.price)
    caption = f"rates: {', '.join(origins)}" if origins else ""
    return Table(("it would take", "at least", "likely", "at most"), rows, caption)


def _cases(found: Estimate) -> tuple[Usage, Usage, Usage]:
    return found.low, found.likely, found.high
