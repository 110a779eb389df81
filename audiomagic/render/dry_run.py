"""A dry run: requests, and what they will take, shown before anything is sent."""

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from ..costs.estimate import Estimate
from ..costs.pricing import dollars, total
from ..protocol.request import Message, Request
from ..tools.result import called
from .table import Table


@dataclass(frozen=True)
class DryRun:
    """Requests that were not sent, to which server, each with its estimate, or None if free.

    `verdicts` say what the caps would make of each: "" where none applies.
    """

    host: str
    parts: tuple[tuple[Request, Estimate | None], ...]
    verdicts: tuple[str, ...]

    def __add__(self, other: "DryRun") -> "DryRun":
        return DryRun(self.host, self.parts + other.parts, self.verdicts + other.verdicts)

    @property
    def tables(self) -> list[Table]:
        judged = zip(self.parts, self.verdicts, strict=True)
        requests = [_request(self.host, *part, verdict) for part, verdict in judged]
        paid = [(request, estimate) for request, estimate in self.parts if estimate]
        return [*requests, _range(paid)] if paid else requests

    def _repr_html_(self) -> str:
        return "".join(table._repr_html_() for table in self.tables)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("\n\n".join(map(repr, self.tables)))


def _request(host: str, request: Request, estimate: Estimate | None, verdict: str) -> Table:
    rows = [
        ("to", host),
        ("model", request.model),
        ("answer", f"spoken, voice {request.voice}" if request.voice else "in text"),
        ("max tokens", str(request.max_tokens or "the model's own limit")),
        *([] if estimate else [("cost", "free")]),
        *([("budget", verdict)] if verdict else []),
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
    estimates = [estimate for _, estimate in parts]
    cases = [
        reduce(add, (getattr(estimate, case) for estimate in estimates))
        for case in ("low", "likely", "high")
    ]
    seconds_in = sum(request.seconds for request, _ in parts)
    seconds_out = map(sum, zip(*(e.seconds_out for e in estimates), strict=True))
    known = [e.dollars for e in estimates if e.dollars]
    money = ["price unknown"] * 3
    if len(known) == len(estimates):
        money = [dollars(total(amounts)) for amounts in zip(*known, strict=True)]
    rows = [
        ("seconds of sound in", *[f"{seconds_in:.1f}"] * 3),
        ("seconds of sound out", *(f"{seconds:.1f}" for seconds in seconds_out)),
        ("text tokens in", *(str(usage.input_text_tokens) for usage in cases)),
        ("sound tokens in", *(str(usage.input_audio_tokens) for usage in cases)),
        ("tokens out", *(str(usage.output_tokens) for usage in cases)),
        ("dollars", *money),
    ]
    origins = dict.fromkeys(e.price.origin() for e in estimates if e.price)
    caption = f"rates: {', '.join(origins)}" if origins else ""
    return Table(("estimate", "at least", "likely", "at most"), rows, caption)
