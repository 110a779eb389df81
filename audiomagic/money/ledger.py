"""The ledger: every call of every notebook in one SQLite file, to which nothing is done but add.

A call is opened by one row before its request goes out, and closed by a second one. No words and
no sound of it are kept, and no key. Many kernels may write at once; one that is killed in the
middle of a call leaves its opening row, which then reads as "cut off".
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any

from ..errors import CallFailed, LedgerError, OptionError, RequestRefused, one_line
from ..wire.usage import Usage
from . import process
from .costs import total
from .receipt import Receipt
from .schema import prepare

VARIABLE = "AUDIOMAGIC_LEDGER"  # environment: another file
PATIENCE = 20.0  # seconds to wait for other kernels' writing: SQLite keeps no queue
JOINED = "from calls left join ends on ends.call = calls.id"


@dataclass(frozen=True)
class Call:
    """What is known of a call before it is sent."""

    model: str
    engine: str
    host: str
    notebook: str = ""  # its path, or "" where there is none
    cell: str = ""
    seconds_in: float = 0.0
    when: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class End:
    """What became of it: "answered", "stopped", or "failed: " and the name of the error."""

    outcome: str
    seconds_out: float = 0.0
    usage: Usage | None = None
    dollars: Decimal | None = None  # None when unknown
    estimated: bool = False  # whether dollars are a guess
    settled: bool = False  # whether no more than these dollars can be charged for it

    @classmethod
    def of(cls, receipt: Receipt, outcome: str = "answered") -> "End":
        """Take it from a receipt; a cost by our own count, or another's rates, is estimated."""
        billed = receipt.bill
        guessed = receipt.cost is None
        return cls(
            outcome,
            receipt.seconds_out,
            receipt.usage or receipt.guess,
            receipt.estimate,
            receipt.engine != "local" and (guessed or bool(billed and billed.assumed)),
            # What was stopped came as it was made: no more of it is charged than is counted here.
            not guessed or outcome == "stopped",
        )

    @classmethod
    def failed(cls, error: BaseException, asked: Decimal | None = None) -> "End":
        """Take it from an error; a request that was refused, or never sent, costs nothing.

        One that was stopped before anything came costs what was `asked` at the most.
        """
        if isinstance(error, KeyboardInterrupt):
            return cls("stopped", dollars=asked, estimated=True, settled=asked is not None)
        refused = isinstance(error, RequestRefused) and error.status is not None
        sent = error.sent if isinstance(error, CallFailed) else not isinstance(error, OptionError)
        free = refused or not sent
        dollars = Decimal(0) if free else None
        return cls(f"failed: {type(error).__name__}", dollars=dollars, settled=free)


class Books:
    """The ledger, opened for one transaction."""

    def __init__(self, connection: sqlite3.Connection):
        self._sql = connection

    def open(self, call: Call, held: Decimal | None = None) -> int:
        """Open a call; return its number. `held` are the dollars that it may cost at most."""
        row = {name: getattr(call, name) for name in ("notebook", "cell", "model", "engine")}
        row |= {"host": call.host, "at": _stamp(call.when), "seconds_in": call.seconds_in}
        row |= process.me() | {"held": None if held is None else str(held)}
        return self._insert("calls", row)

    def close(self, number: int, end: End) -> None:
        """Close a call; of two ends the first one stands."""
        used = end.usage
        split = ("text_in", "cached_in", "audio_in", "text_out", "audio_out")
        row = {name: getattr(used, name) if used else None for name in split}
        row |= {"call": number, "outcome": end.outcome, "seconds_out": end.seconds_out}
        row |= {"dollars": None if end.dollars is None else str(end.dollars)}
        row |= {"estimated": end.estimated, "settled": end.settled}
        self._insert("ends", row, "or ignore")

    def cap(self, per: str, amount: Decimal | None, notebook: str = "") -> None:
        """Set a cap in US dollars for every notebook or for one; None lifts it."""
        row = {"at": _stamp(datetime.now(UTC)), "per": per, "notebook": notebook}
        self._insert("caps", row | {"amount": None if amount is None else str(amount)})

    def caps(self, notebook: str) -> dict[str, Decimal]:
        """Return the caps that hold for a notebook, by what they are per."""
        found = self._sql.execute(
            "select per, amount from caps where notebook in ('', ?) order by id", (notebook,)
        )
        return {per: Decimal(amount) for per, amount in dict(found).items() if amount is not None}

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
            "at, notebook, cell, model, engine, host, seconds_in, seconds_out, text_in, cached_in,"
            " audio_in, text_out, audio_out, dollars, estimated, outcome, pid, born, machine",
            since,
            notebook,
        )
        return [_row(dict(row)) for row in found]

    def _select(self, what: str, since: datetime | None, notebook: str | None) -> sqlite3.Cursor:
        return self._sql.execute(
            f"select {what} {JOINED} where at >= ? and (? is null or notebook = ?) order by id",
            (_stamp(since) if since else "", notebook, notebook),
        )

    def _insert(self, table: str, row: dict[str, Any], otherwise: str = "") -> int:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        done = self._sql.execute(
            f"insert {otherwise} into {table} ({names}) values ({marks})", tuple(row.values())
        )
        return done.lastrowid or 0


class Ledger:
    """The file. Whatever cannot be read or written raises LedgerError, one line.

    >>> pandas.DataFrame(Ledger().rows())
    """

    def __init__(self, path: str | os.PathLike[str] | None = None):
        """Name the file: `path`, $AUDIOMAGIC_LEDGER, or the one in the user's data directory."""
        self.path = Path(path or os.environ.get(VARIABLE) or _home()).expanduser()
        self._writer = Lock()  # threads queue for it: SQLite would have them sleep and look again

    def rows(
        self, since: datetime | None = None, notebook: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the calls, of all notebooks or of one, oldest first: dicts for pandas.

        `when` is a datetime in local time, lengths are in seconds, `dollars` a Decimal or None.
        """
        with self.reading() as books:
            return books.rows(since, notebook)

    @contextmanager
    def reading(self) -> Iterator[Books]:
        """Look into it; one that is not there yet is empty."""
        with self._opened(write=False) as books:
            yield books

    @contextmanager
    def writing(self) -> Iterator[Books]:
        """Change it: all of what is done inside, or after an exception nothing."""
        with self._writer, self._opened(write=True) as books:
            yield books

    @contextmanager
    def _opened(self, write: bool) -> Iterator[Books]:
        try:
            if write and not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.touch(mode=0o600)
            there = write or (self.path.exists() and self.path.stat().st_size)
            name = str(self.path) if there else ":memory:"
            with closing(sqlite3.connect(name, PATIENCE, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("pragma synchronous = normal")  # a killed kernel loses nothing
                connection.execute("begin immediate" if write or not there else "begin")
                prepare(connection)
                yield Books(connection)
                connection.execute("commit")
        except (sqlite3.Error, OSError, UnicodeError) as error:
            said = one_line(getattr(error, "strerror", None) or error, 100)
            raise LedgerError(
                f"the ledger {one_line(self.path, 120)} cannot be used ({said}); "
                f"move it away, or set {VARIABLE} to another file"
            ) from error


def _home() -> Path:
    import platformdirs

    return platformdirs.user_data_path("audiomagic") / "ledger.sqlite"


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
