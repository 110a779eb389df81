"""How a batch is shown: the cards of its first replies, then a table of all items."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..costs.pricing import dollars
from ..errors import AudiomagicError, one_line
from ..render import card
from ..render.comparison import COLUMN, GRID
from ..render.html import title
from ..render.table import Table
from ..turn.reply import Reply

CARDS, ROWS = 3, 20  # shown at most

Items = Sequence[Any]
Results = Sequence[Reply | AudiomagicError]


def cards(items: Items, results: Results) -> str:
    """Return the cards of the first replies, side by side."""
    shown = [pair for pair in zip(items, results, strict=True) if isinstance(pair[1], Reply)]
    columns = "".join(
        f'<div style="{COLUMN}">{title(_named(item))}{card.html(reply)}</div>'
        for item, reply in shown[:CARDS]
        if isinstance(reply, Reply)
    )
    return f'<div style="{GRID}">{columns}</div>' if columns else ""


def table(items: Items, results: Results) -> Table:
    """Return items and results, failures first in view, with what all of them took."""
    order = sorted(range(len(results)), key=lambda at: isinstance(results[at], Reply))
    lines = [(str(at), _named(items[at]), *_cells(results[at])) for at in sorted(order[:ROWS])]
    return Table(("", "item", "reply", "seconds", "cost"), lines, _total(results))


def _total(results: Results) -> str:
    replies = [result for result in results if isinstance(result, Reply)]
    failed = len(results) - len(replies)
    paid = sum((reply.cost or Decimal(0) for reply in replies), Decimal(0))
    labels = Counter(reply.receipt.label.partition(" ")[0] for reply in replies)
    unknown = sum(reply.cost is None for reply in replies)
    parts = (
        f"{len(results)} items",
        f"{failed} failed" if failed else "",
        f"{sum(reply.seconds for reply in replies):.1f} s of sound",
        dollars(paid) if paid else "free" if not unknown else "",
        f"{unknown} of unknown price" if unknown else "",
        *(f"{count} {label}" for label, count in labels.items() if label),
        f"{len(results) - ROWS} rows not shown" if len(results) > ROWS else "",
    )
    return " · ".join(filter(None, parts))


def _named(item: object) -> str:
    words = " · ".join(map(str, item.values())) if isinstance(item, Mapping) else str(item)
    return one_line(words, 60)


def _cells(result: Reply | AudiomagicError) -> tuple[str, str, str]:
    if isinstance(result, Reply):
        text = one_line(result.text, 80)
        return text, f"{result.seconds:.1f}", card.price(result.receipt)
    return f"failed: {one_line(result, 160)}", "", ""
