"""Books: the ledger, opened for one transaction."""

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from . import process
from .ledger_entries import CallEnd, CallStart
from .pricing import total

JOINED = "from calls left join ends on ends.call = calls.id"


class Books:
    """What can be done in it; a notebook is named by its path, "" where there is none."""

    def __init__(self, connection: sqlite3.Connection):
        self._sql = connection

    def open(self, call: CallStart, held: Decimal | None = None) -> int:
        """Open a call; return its number. `held` are the dollars that it may cost at most."""
        row = {name: getattr(call, name) for name in ("notebook", "cell", "model", "engine")}
        row |= {"host": call.host, "at": _stamp(call.when), "seconds_in": call.seconds_in}
        row |= process.me() | {"held": None if held is None else str(held)}
        return self._insert("calls", row)

    def has(self, number: int, call: CallStart) -> bool:
        """Whether a call was opened here: a ledger put in its ledger's place has other calls."""
        found = self._run("select at from calls where id = ?", number).fetchone()
        return found is not None and found[0] == _stamp(call.when)

    def close(self, number: int, end: CallEnd) -> None:
        """Close a call; of two ends the first one stands."""
        used = end.usage
        split = (
            "input_text_tokens",
            "cached_tokens",
            "input_audio_tokens",
            "output_text_tokens",
            "output_audio_tokens",
        )
        row = {name: getattr(used, name) if used else None for name in split}
        row |= {"call": number, "outcome": end.outcome, "seconds_out": end.seconds_out}
        row |= {"dollars": None if end.dollars is None else str(end.dollars)}
        row |= {"estimated": end.estimated, "settled": end.settled}
        self._insert("ends", row, "or ignore")

    def cap(self, per: str, amount: Decimal | None, notebook: str = "") -> None:
        """Set a cap in US dollars for every notebook or for one; None lifts it."""
        row = {"at": _stamp(datetime.now(UTC)), "per": per, "notebook": notebook}
        self._insert("caps", row | {"amount": None if amount is None else str(amount)})

    def caps(self, notebook: str) -> dict[str, Decimal | None]:
        """Return the caps of a notebook, by what they are per; None for one that was lifted."""
        found = self._run(
            "select per, amount from caps where notebook in ('', ?) order by id", notebook
        )
        return {per: None if cap is None else Decimal(cap) for per, cap in dict(found).items()}

    def charges(
        self, since: datetime | None = None, notebook: str | None = None
    ) -> tuple[Decimal, Decimal]:
        """Return dollars spent, and dollars held for calls whose cost is not settled.

        Those are calls in flight, and calls whose bill never came: they may have cost all of it.
        """
        spent, held = [], []
        for amount, most, settled in self._select(
            "ends.dollars, calls.held, ends.settled", since, notebook
        ):
            if settled:
                spent.append(Decimal(amount or 0))
            else:
                held.append(max(Decimal(amount or 0), Decimal(most or 0)))
        return total(spent), total(held)

    def rows(
        self, since: datetime | None = None, notebook: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the calls, oldest first, as dicts of plain values (see `Ledger.rows`)."""
        found = self._select(
            "at, notebook, cell, model, engine, host, seconds_in, seconds_out, input_text_tokens, cached_tokens,"
            " input_audio_tokens, output_text_tokens, output_audio_tokens, dollars, estimated, outcome, pid, born, machine",
            since,
            notebook,
        )
        return [_row(dict(row)) for row in found]

    def _select(self, what: str, since: datetime | None, notebook: str | None) -> sqlite3.Cursor:
        first = _stamp(since) if since else ""
        where = "where at >= ? and (? is null or notebook = ?) order by id"
        return self._run(f"select {what} {JOINED} {where}", first, notebook, notebook)

    def _insert(self, table: str, row: dict[str, Any], otherwise: str = "") -> int:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        into = f"insert {otherwise} into {table} ({names}) values ({marks})"
        return self._run(into, *row.values()).lastrowid or 0

    def _run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._sql.execute(statement, tuple(map(_storable, values)))


def _storable(value: Any) -> Any:
    """Return what SQLite takes: half a character, of a hostile name, goes in escaped."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _row(row: dict[str, Any]) -> dict[str, Any]:
    pid, born, machine = (row.pop(name) for name in ("pid", "born", "machine"))
    when = datetime.fromisoformat(row.pop("at"))
    row["dollars"] = None if row["dollars"] is None else Decimal(row["dollars"])
    row["estimated"] = bool(row["estimated"])
    if row["outcome"] is None:
        row["outcome"] = "in flight" if process.runs(pid, born, machine, when) else "cut off"
    return {"when": when.astimezone()} | row
