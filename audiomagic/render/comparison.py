"""Grid: the faces of a comparison: what sets its columns apart, then their cards side by side."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import card
from .table import Table

if TYPE_CHECKING:
    from ..turn.comparison import Column, Comparison
    from ..turn.reply import Reply

GRID = (
    "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,250px),1fr));gap:4px 12px"
)
COLUMN = "min-width:0"
FAILED = f"{card.CARD};border-style:dashed"


def html(comparison: "Comparison") -> str:
    """Return a table over a grid of cards."""
    columns = "".join(map(_column, comparison.columns))
    return f'{_table(comparison)._repr_html_()}<div style="{GRID}">{columns}</div>'


def markdown(comparison: "Comparison") -> str:
    """Return words and badges, a paragraph each."""
    return "\n\n".join(
        _text(one, card.markdown, f"**{card.unmarked(one.title)}**", card.unmarked)
        for one in comparison.columns
    )


def plain(comparison: "Comparison") -> str:
    """Return words and badges."""
    return "\n\n".join(
        _text(one, card.plain, card.visible(f"{one.title}:"), card.visible)
        for one in comparison.columns
    )


def _table(comparison: "Comparison") -> Table:
    heading = ("", "seconds", "tokens in / out", "cost", "first sound", "all after")
    return Table(heading, [_row(column) for column in comparison.columns])


def _row(column: "Column") -> tuple[str, ...]:
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


def _column(column: "Column") -> str:
    head = f'<div style="{card.TITLE}">{card.as_html(column.title)}</div>'
    body = card.html(column.reply) if column.reply else ""
    if column.error:
        body += f'<div style="{FAILED}">Failed: {card.as_html(str(column.error))}</div>'
    return f'<div style="{COLUMN}">{head}{body}</div>'


def _text(
    column: "Column", face: "Callable[[Reply], str]", title: str, safe: Callable[[str], str]
) -> str:
    said = face(column.reply) if column.reply else ""
    failed = safe(f"Failed: {column.error}") if column.error else ""
    return "\n".join(filter(None, (title, said, failed)))
