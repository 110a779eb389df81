"""What the calls in the ledger cost: tables with bars, and a CSV file."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..costs.pricing import bill, dollars, exact, listed, total
from ..errors import OptionError, one_line
from ..files import file_path, reason
from ..protocol.usage import Usage
from .html import EDGE, counted, title
from .table import Table

Row = dict[str, Any]
LATEST = 20  # calls, and lines of a chart, that are shown; a CSV file has all
BAR = "#2f5f9e"  # stands out 4:1 from its track
CALLS = (  # "notebook" is left out where it is always the same
    "notebook", "when", "model", "seconds in / out",
    "tokens: text in / sound in / text out / sound out", "cost", "outcome",
)  # fmt: skip
TOKENS = ("input_text_tokens", "input_audio_tokens", "output_text_tokens", "output_audio_tokens")
COLUMNS = (
    "when", "notebook", "cell", "model", "engine", "host", "paid", "seconds_in", "seconds_out",
    "input_text_tokens", "cached_tokens", "input_audio_tokens", "output_text_tokens",
    "output_audio_tokens", "dollars", "estimated", "outcome",
)  # fmt: skip


@dataclass(frozen=True)
class Bar:
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
        calls = counted(len(self.rows), "call")
        more = f", {earlier} of them earlier than these (--csv FILE has all)" if earlier else ""
        return Table(CALLS[first:], rows, f"{calls}{more}, {spent(self.rows)}")

    def _repr_html_(self) -> str:
        return "".join(title(heading) + table._repr_html_() for heading, table in self.tables)

    def __repr__(self) -> str:
        return "\n\n".join(f"{heading}\n{table!r}" for heading, table in self.tables)

    def save(self, path: str) -> Path:
        """Write a CSV file, one line per call, amounts exact. Raises OptionError if it cannot."""
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
    """Return in words what was paid for calls, how much of it by estimate, and what is unknown."""
    guessed = total(row["dollars"] or Decimal(0) for row in rows if row["estimated"])
    unknown = sum(row["dollars"] is None for row in rows)
    estimated = f" ({dollars(guessed)} of it estimated)" if guessed else ""
    rest = f", and {unknown} of unknown price" if unknown else ""
    return f"{dollars(_sum(rows))} paid{estimated}{rest}"


def _sum(rows: Sequence[Row]) -> Decimal:
    return total(row["dollars"] or Decimal(0) for row in rows)


@exact()
def _chart(
    name: str, rows: Sequence[Row], key: Callable[[Row], str], by_name: bool = False
) -> Table:
    """Sum calls by a key, with a bar for each; the most expensive first, or the last `by_name`."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    sums = {group: _sum(members) for group, members in groups.items()}
    order = sorted(groups, reverse=True) if by_name else sorted(groups, key=lambda g: -sums[g])
    most = max(sums.values(), default=0) or Decimal(1)
    lines = [
        (
            one_line(group, 80),
            Bar(float(sums[group] / most)),
            dollars(sums[group]),
            str(len(groups[group])),
            f"{sum(row['seconds_in'] for row in groups[group]):.1f} / "
            f"{sum(row['seconds_out'] or 0.0 for row in groups[group]):.1f}",
        )
        for group in order[:LATEST]
    ]
    hidden = len(order) - len(lines)
    caption = f"and {hidden} more (--csv FILE has all)" if hidden else ""
    return Table((name, "", "dollars", "calls", "seconds in / out"), lines, caption)


def _call(row: Row) -> tuple[str, ...]:
    tokens = [row[name] for name in TOKENS]
    counted = " / ".join("?" if n is None else str(n) for n in tokens)
    return (
        one_line(row["notebook"], 80),
        f"{row['when']:%Y-%m-%d %H:%M:%S}",
        one_line(row["model"], 80),
        f"{row['seconds_in']:.1f} / {row['seconds_out'] or 0.0:.1f}",
        "not reported" if tokens == [None] * 4 else counted,
        _cost(row),
        one_line(row["outcome"], 80),
    )


def _cost(row: Row) -> str:
    if not row["paid"]:
        free = f"{row['engine']} · free"
        text_in, audio_in, text_out, audio_out = tokens = [row[name] for name in TOKENS]
        if None in tokens:
            return free
        cached = row["cached_tokens"] or 0
        used = Usage(text_in + audio_in, text_out + audio_out, audio_in, audio_out, cached)
        billed = bill(used, listed().find(row["model"]))
        return free + (f" (on the service: {dollars(billed.dollars)})" if billed else "")
    if row["dollars"] is None:
        return "not yet known" if row["outcome"] == "in flight" else "price unknown"
    return ("~" if row["estimated"] else "") + dollars(row["dollars"])


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if formula else value
