"""How a batch is shown: a bar while it runs; then the cards of its first replies and a table."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Self

from IPython.display import HTML
from IPython.display import display as show

from ..costs.pricing import dollars, total
from ..errors import AudiomagicError, one_line
from ..render import card
from ..render.comparison import COLUMN, GRID
from ..render.html import counted, title
from ..render.table import Table
from ..turn.reply import Reply
from .items import is_row

CARDS, ROWS = 3, 20  # shown at most
Items = Sequence[Any]
Results = Sequence[Reply | AudiomagicError]


class Progress:
    """A bar in a notebook or a terminal, while it is entered; it leaves nothing behind."""

    def __init__(self, count: int, shown: bool = True):
        from tqdm.auto import tqdm

        options: dict[str, Any] = {"total": count, "unit": "item", "leave": False}
        notebook = any(kind.__name__ == "tqdm_notebook" for kind in tqdm.__mro__)
        if notebook:  # which would save a dead widget: shown here, it can be taken away again
            options["display"] = False
        bar: Any = tqdm
        self._bar = bar(disable=not shown, **options)
        self._shown: Any = None
        if notebook and shown:
            self._shown = show(self._bar.container, display_id=True)  # type: ignore[no-untyped-call]
        self._seconds, self._paid, self._failed = 0.0, Decimal(0), 0

    def add(self, result: Reply | AudiomagicError) -> None:
        if isinstance(result, Reply):
            self._seconds += result.seconds
            self._paid = total((self._paid, result.cost or Decimal(0)))
        else:
            self._failed += 1
        failed = f", {self._failed} failed" if self._failed else ""
        self._bar.set_postfix_str(
            f"{self._seconds:.0f} s of sound, {dollars(self._paid)}{failed}", refresh=False
        )
        self._bar.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._bar.close()
        if self._shown:
            self._shown.update(HTML(""))  # type: ignore[no-untyped-call]


def cards(items: Items, results: Results) -> str:
    """Return the cards of the first replies, side by side."""
    columns = (
        f'<div style="{COLUMN}">{title(_named(item))}{card.html(reply)}</div>'
        for item, reply in zip(items, results, strict=True)
        if isinstance(reply, Reply)
    )
    shown = "".join(islice(columns, CARDS))
    return f'<div style="{GRID}">{shown}</div>' if shown else ""


def table(items: Items, results: Results) -> Table:
    """Return items and results, failures first in view, with what all of them took."""
    order = sorted(range(len(results)), key=lambda at: isinstance(results[at], Reply))
    lines = [(str(at), _named(items[at]), *_cells(results[at])) for at in sorted(order[:ROWS])]
    return Table(("", "item", "reply", "seconds", "cost"), lines, _total(results))


def _total(results: Results) -> str:
    replies = [result for result in results if isinstance(result, Reply)]
    failed = len(results) - len(replies)
    paid = total(reply.cost or Decimal(0) for reply in replies)
    labels = Counter(reply.receipt.label for reply in replies)
    unknown = sum(reply.cost is None for reply in replies)
    free = next(iter(labels)) if len(labels) == 1 else ""
    mixed = [f"{count} {label.partition(' ')[0]}" for label, count in labels.items() if label]
    parts = (
        counted(len(results), "item"),
        f"{failed} failed" if failed else "",
        f"{sum(reply.seconds for reply in replies):.1f} s of sound",
        dollars(paid) if paid else free or ("" if unknown else "free"),
        f"{unknown} of unknown price" if unknown else "",
        *(mixed if len(labels) > 1 else ()),
        f"{counted(len(results) - ROWS, 'row')} not shown" if len(results) > ROWS else "",
    )
    return " · ".join(filter(None, parts))


def _named(item: object) -> str:
    words = " · ".join(map(str, item.values())) if is_row(item) else str(item)
    return one_line(words, 60)


def _cells(result: Reply | AudiomagicError) -> tuple[str, str, str]:
    if isinstance(result, Reply):
        text = one_line(result.text, 80)
        return text, f"{result.seconds:.1f}", card.price(result.receipt)
    return f"failed: {one_line(result, 160)}", "", ""
