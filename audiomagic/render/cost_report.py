"""The statement: what the calls in the ledger cost, as tables with bars, and as a CSV file."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..costs.amounts import dollars
from ..costs.prices import listed
from ..costs.pricing import bill, total
from ..errors import OptionError, one_line
from ..files import file_path, reason
from ..protocol.usage import Usage
from .card import EDGE, TITLE, as_html
from .table import Table

Row = dict[str, Any]
LATEST = 20  # calls, and lines of a chart, that are shown; a CSV file has all
BAR = "#2f5f9e"  # stands out 4:1 from its track
CALLS = (
    "notebook",  # left out where it is always the same
    "when",
    "model",
    "seconds in / out",
    "tokens: text in / sound in / text out / sound out",
    "cost",
    "outcome",
)
COLUMNS = (
    "when", "notebook", "cell", "model", "engine", "host", "seconds_in", "seconds_out", "input_text_tokens",
    "cached_tokens", "input_audio_tokens", "output_text_tokens", "output_audio_tokens", "dollars", "estimated", "outcome",
)  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """A bar of a chart; the amount beside it says the same in words."""

    share: float  # of the longest one

    def _repr_html_(self) -> str:
        if not self.share:
            return ""  # an empty track would look like a long bar
        width = f"width:{max(1, round(100 * self.share))}%"
        inner = f'<div style="{width};height:10px;background:{BAR}"></div>'
        return f'<div style="width:160px;background:{EDGE}">{inner}</div>'

    def __str__(self) -> str:
        return "█" * round(16 * self.share) or ("▏" if self.share else "")


@dataclass(frozen=True)
class CostReport:
    """Calls, oldest first, as `Ledger.rows` gives them; of one notebook, or of all."""

    rows: Sequence[Row]
    all: bool = False

    @property
    def tables(self) -> list[tuple[str, Table]]:
        """Its parts under their headings: the sum by day, model and notebook, then the calls."""
        parts = [
            ("By day", _chart("day", self.rows, lambda row: f"{row['when']:%Y-%m-%d}", True)),
            ("By model", _chart("model", self.rows, lambda row: str(row["model"]))),
        ]
        if self.all:
            notebook = _chart("notebook", self.rows, lambda row: row["notebook"] or "(none)")
            parts.append(("By notebook", notebook))
        return [*parts, ("Calls", self._calls())]

    def _calls(self) -> Table:
        first = 0 if self.all else 1
        rows = [_call(row)[first:] for row in reversed(self.rows[-LATEST:])]
        earlier = len(self.rows) - len(rows)
        more = f", {earlier} of them earlier than these (--csv FILE has all)" if earlier else ""
        return Table(CALLS[first:], rows, f"{_calls(self.rows)}{more}, {spent(self.rows)}")

    def _repr_html_(self) -> str:
        return "".join(
            f'<div style="{TITLE}">{as_html(heading)}</div>{table._repr_html_()}'
            for heading, table in self.tables
        )

    def __repr__(self) -> str:
        return "\n\n".join(f"{heading}\n{table!r}" for heading, table in self.tables)

    def save(self, path: str) -> Path:
        """Write a CSV file, a line a call, amounts exact. Raises OptionError where it cannot."""
        target = file_path(path)
        try:
            with target.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                writer.writerows([_plain(row[name]) for name in COLUMNS] for row in self.rows)
        except OSError as error:
            raise OptionError(f"cannot write {one_line(target, 120)}: {reason(error)}") from error
        return target


def spent(rows: Sequence[Row]) -> str:
    """Say what was paid for calls, how much of it is a guess, and for how many it is unknown."""
    guessed = total(row["dollars"] or Decimal(0) for row in rows if row["estimated"])
    unknown = sum(row["dollars"] is None for row in rows)
    words = f"{dollars(_sum(rows))} paid"
    words += f", of which {dollars(guessed)} by estimate" if guessed else ""
    return words + (f", and {unknown} of unknown price" if unknown else "")


def _sum(rows: Sequence[Row]) -> Decimal:
    return total(row["dollars"] or Decimal(0) for row in rows)


def _calls(rows: Sequence[Row]) -> str:
    return f"{len(rows)} call{'' if len(rows) == 1 else 's'}"


def _chart(
    name: str, rows: Sequence[Row], key: Callable[[Row], str], by_name: bool = False
) -> Table:
    """Sum calls by a key, a bar for each; the dearest first, or the last `by_name`."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    sums = {group: _sum(members) for group, members in groups.items()}
    order = sorted(groups, reverse=True) if by_name else sorted(groups, key=lambda g: -sums[g])
    most = max(sums.values(), default=Decimal(0))
    lines = [
        (
            one_line(group, 80),
            Bar(float(sums[group] / most) if most else 0.0),
            dollars(sums[group]),
            str(len(groups[group])),
            _seconds(groups[group], "seconds_in") + " / " + _seconds(groups[group], "seconds_out"),
        )
        for group in order[:LATEST]
    ]
    hidden = len(order) - len(lines)
    caption = f"and {hidden} more (--csv FILE has all)" if hidden else ""
    return Table((name, "", "dollars", "calls", "seconds in / out"), lines, caption)


def _seconds(rows: Sequence[Row], name: str) -> str:
    return f"{sum(row[name] or 0.0 for row in rows):.1f}"


def _call(row: Row) -> tuple[str, ...]:
    split = [
        row[name]
        for name in (
            "input_text_tokens",
            "input_audio_tokens",
            "output_text_tokens",
            "output_audio_tokens",
        )
    ]
    told = any(tokens is not None for tokens in split)
    return (
        one_line(row["notebook"], 80),
        f"{row['when']:%Y-%m-%d %H:%M:%S}",
        one_line(row["model"], 80),
        f"{row['seconds_in']:.1f} / {row['seconds_out'] or 0.0:.1f}",
        " / ".join("?" if n is None else str(n) for n in split) if told else "not reported",
        _cost(row),
        one_line(row["outcome"], 80),
    )


def _cost(row: Row) -> str:
    if row["engine"] == "local":
        there = _on_the_service(row)
        return "local · free" + (f" (on the service: {dollars(there)})" if there else "")
    if row["dollars"] is None:
        return "not yet known" if row["outcome"] == "in flight" else "price unknown"
    return ("~" if row["estimated"] else "") + dollars(row["dollars"])


def _on_the_service(row: Row) -> Decimal | None:
    kinds = [
        row[name]
        for name in (
            "input_text_tokens",
            "input_audio_tokens",
            "output_text_tokens",
            "output_audio_tokens",
        )
    ]
    if None in kinds:
        return None
    text_in, audio_in, text_out, audio_out = kinds
    used = Usage(text_in + audio_in, text_out + audio_out, audio_in, audio_out)
    billed = bill(used, listed().find(row["model"]))
    return billed.dollars if billed else None


def _plain(value: Any) -> Any:
    """Write a value for a spreadsheet, which would take some words for a formula."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if formula else value
