"""A comparison: what sets its columns apart, over their cards side by side."""

from collections.abc import Callable, Sequence
from typing import Protocol

from . import card
from .card import Reply
from .html import CARD, as_html, title, unmarked, visible
from .table import Table

GRID = (
    "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,250px),1fr));gap:4px 12px"
)
COLUMN = "min-width:0"
FAILED = f"{CARD};border-style:dashed"
HEADING = ("", "seconds", "tokens in / out", "cost", "first sound", "all after")


class Column(Protocol):
    @property
    def title(self) -> str: ...
    @property
    def reply(self) -> Reply | None: ...
    @property
    def error(self) -> Exception | None: ...


def html(columns: Sequence[Column]) -> str:
    table = Table(HEADING, list(map(_row, columns)))
    return f'{table._repr_html_()}<div style="{GRID}">{"".join(map(_column, columns))}</div>'


def markdown(columns: Sequence[Column]) -> str:
    return "\n\n".join(
        _text(one, f"**{unmarked(one.title)}**", card.markdown, unmarked) for one in columns
    )


def plain(columns: Sequence[Column]) -> str:
    return "\n\n".join(_text(one, visible(f"{one.title}:"), card.plain, visible) for one in columns)


def _row(column: Column) -> tuple[str, ...]:
    if column.reply is None:
        return (column.title, "failed", "", "", "", "")
    receipt = column.reply.receipt
    usage, first = receipt.usage, receipt.time_to_first_audio
    return (
        column.title,
        f"{receipt.seconds_out:.1f}",
        f"{usage.input_tokens} / {usage.output_tokens}" if usage else "not reported",
        card.price(receipt),
        "" if first is None else f"{first:.2f} s",
        f"{receipt.duration:.2f} s",
    )


def _column(column: Column) -> str:
    body = card.html(column.reply) if column.reply else ""
    if column.error:
        body += f'<div style="{FAILED}">Failed: {as_html(str(column.error))}</div>'
    return f'<div style="{COLUMN}">{title(column.title)}{body}</div>'


def _text(
    column: Column, heading: str, as_text: Callable[[Reply], str], escape: Callable[[str], str]
) -> str:
    reply = as_text(column.reply) if column.reply else ""
    failed = escape(f"Failed: {column.error}") if column.error else ""
    return "\n".join(filter(None, (heading, reply, failed)))
