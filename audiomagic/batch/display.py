"""Gallery: the faces of a batch: the cards of its first items, then a table of all."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from ..costs.amounts import dollars
from ..errors import one_line
from ..render import card
from ..render.comparison import COLUMN, GRID
from ..render.table import Table
from ..turn.reply import Reply

if TYPE_CHECKING:
    from .batch import Batch, Result

CARDS, ROWS = 3, 20  # shown at the most
HEADING = ("", "item", "reply", "seconds", "cost")


def html(batch: "Batch") -> str:
    """Return the first cards over the table."""
    return cards(batch) + table(batch)._repr_html_()


def plain(batch: "Batch") -> str:
    """Return the table."""
    return repr(table(batch))


def cards(batch: "Batch") -> str:
    """Return the cards of the first replies, side by side."""
    shown = [(at, one) for at, one in enumerate(batch) if isinstance(one, Reply)][:CARDS]
    columns = "".join(
        f'<div style="{COLUMN}"><div style="{card.TITLE}">{card.as_html(_named(batch, at))}</div>'
        f"{card.html(reply)}</div>"
        for at, reply in shown
    )
    return f'<div style="{GRID}">{columns}</div>' if columns else ""


def table(batch: "Batch") -> Table:
    """Return items and replies, those that failed first in view, with what all of them took."""
    failed = list(batch.errors)
    answered = [at for at in range(len(batch)) if at not in batch.errors]
    shown = sorted((failed + answered)[:ROWS])
    lines = [(str(at), _named(batch, at), *_cells(batch[at])) for at in shown]
    return Table(HEADING, lines, total(batch))


def total(batch: "Batch") -> str:
    """Say in one line what became of all items."""
    replies, failed = batch.replies, len(batch.errors)
    paid = sum((reply.cost or Decimal(0) for reply in replies), Decimal(0))
    replayed = sum(reply.receipt.engine == "replay" for reply in replies)
    unknown = sum(reply.cost is None for reply in replies)
    parts = (
        f"{len(batch)} items",
        f"{failed} failed" if failed else "",
        f"{sum(reply.seconds for reply in replies):.1f} s of sound",
        dollars(paid) if paid else "free" if not unknown else "",
        f"{unknown} of unknown price" if unknown else "",
        f"{replayed} replayed" if replayed else "",
        f"{len(batch) - ROWS} rows not shown" if len(batch) > ROWS else "",
    )
    return " · ".join(filter(None, parts))


def _named(batch: "Batch", at: int) -> str:
    item = batch.rows[at]
    words = " · ".join(map(str, item.values())) if isinstance(item, Mapping) else str(item)
    return one_line(words, 60)


def _cells(result: "Result") -> tuple[str, str, str]:
    if isinstance(result, Reply):
        words = one_line(result.text, 80)
        return (words, f"{result.seconds:.1f}", card.price(result.receipt))
    return (f"failed: {one_line(result, 160)}", "", "")
