"""Each: the list or DataFrame that a cell is a template over."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import template
from ..batch.items import HEARD, ITEM, NUMBER, is_missing, lasting, rows
from ..errors import Interrupted, OptionError, one_line

if TYPE_CHECKING:
    from ..batch.batch import Batch
    from ..session import Session
    from .invocation import Invocation


@dataclass(frozen=True)
class Each:
    """What `--each` names. In the cell, its columns go before variables of the same name."""

    items: Any

    @classmethod
    def named(cls, name: str, variables: Mapping[str, Any]) -> "Each":
        """Take a variable of the notebook. Raises OptionError for none, or what is no list."""
        each = cls(lasting(template.variable(name, variables)))
        if not each.rows:
            raise OptionError(f"there is nothing in {one_line(name, 60)} to go through")
        return each

    @cached_property
    def rows(self) -> list[Any]:
        """The items; a DataFrame's as dicts."""
        return rows(self.items)

    @property
    def columns(self) -> set[str]:
        """The names that its items give to the cell."""
        named = {name for row in self.rows if isinstance(row, Mapping) for name in row}
        return {*map(str, named), ITEM, NUMBER}

    @property
    def is_frame(self) -> bool:
        """Whether it is a DataFrame, to which columns can be added."""
        return hasattr(self.items, "columns")

    def spoken(self) -> list[Any]:
        """Return the items, those with a sound as rows like any other."""
        return [
            {name: value for name, value in row.items() if name not in HEARD}
            if isinstance(row, Mapping)
            else (None if is_missing(row) else str(row))
            for row in self.rows
        ]

    def heard(self) -> list[Any]:
        """Return the items; a text is a file's name. Raises OptionError: a row without a sound."""
        for row in self.rows:
            if isinstance(row, Mapping) and not set(HEARD) & row.keys():
                raise OptionError("--each needs a column `sound` or `file` to listen to")
        return [Path(row) if isinstance(row, str) else row for row in self.rows]


def run(order: "Invocation", session: "Session", magic: str) -> "Batch":
    """Map an order over what its `--each` names. Raises as `Session.map` does."""
    each, options = order.each, order.options
    assert each
    for name in ("dry_run", "sources", "chat"):
        if options[name]:
            shown = "--file and --sound" if name == "sources" else f"--{name.replace('_', '-')}"
            raise OptionError(f"--each goes without {shown}; drop one of them")
    how: dict[str, Any] = {"save": options["save"] or None, "workers": options["workers"]}
    if magic == "speak":
        items, how["verbatim"] = each.spoken(), options["verbatim"]
    else:
        items, how["text"], how["expect"] = each.heard(), options["text"], options["expect"]
    try:
        batch = session.map(items, order.text, **how, **order.chosen())
    except Interrupted as error:
        error.reply = replace(error.reply, items=each.items)  # type: ignore[type-var]
        raise
    return replace(batch, items=each.items)
