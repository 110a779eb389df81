"""The ledger: every call of every notebook in one SQLite file, to which nothing is done but add.

A call is opened by one row before its request goes out, and closed by a second one. No words and
no sound of it are kept, and no key. Many kernels may write at once; one that is killed in the
middle of a call leaves its opening row, which then reads as "cut off".
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any

from ..errors import LedgerError, one_line
from ..user_file import check_writable
from . import process
from .costs import total
from .entry import Call, End
from .schema import prepare

VARIABLE = "AUDIOMAGIC_LEDGER"  # environment: another file
PATIENCE = 20.0  # seconds to wait for other kernels' writing: SQLite keeps no queue
JOINED = "from calls left join ends on ends.call = calls.id"


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

    def caps(self, notebook: str) -> dict[str, Decimal | None]:
        """Return the caps of a notebook, by what they are per; None for one that was lifted."""
        found = self._sql.execute(
            "select per, amount from caps where notebook in ('', ?) order by id", (notebook,)
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
        values = tuple(map(_storable, row.values()))
        done = self._sql.execute(
            f"insert {otherwise} into {table} ({names}) values ({marks})", values
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
    def reading(self, patience: float | None = None) -> Iterator[Books]:
        """Look into it; one that is not there yet is empty. `patience`: seconds to wait for it."""
        with self._opened(False, patience) as books:
            yield books

    @contextmanager
    def writing(self, patience: float | None = None) -> Iterator[Books]:
        """Change it: all of what is done inside, or after an exception nothing."""
        with self._writer, self._opened(True, patience) as books:
            yield books

    @contextmanager
    def _opened(self, write: bool, patience: float | None) -> Iterator[Books]:
        wait = PATIENCE if patience is None else patience
        try:
            if write and not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.touch(mode=0o600)
            there = write or self._there()
            name = str(self.path) if there else ":memory:"
            with closing(sqlite3.connect(name, wait, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("pragma synchronous = normal")  # a killed kernel loses nothing
                connection.execute("begin immediate" if write or not there else "begin")
                prepare(connection)
                yield Books(connection)
                connection.execute("commit")
        except (sqlite3.Error, OSError, UnicodeError) as error:
            raise self._unusable(error) from error

    def _there(self) -> bool:
        """Whether anything was written; raises OSError where no file can be."""
        if self.path.exists():
            if not self.path.is_file():  # a device is empty for ever
                check_writable(self.path)
            return self.path.stat().st_size > 0
        made = next(place for place in self.path.parents if place.exists())
        check_writable(made / self.path.name)
        return False

    def _unusable(self, error: Exception) -> LedgerError:
        said = one_line(getattr(error, "strerror", None) or error, 100)
        shown = one_line(self.path, 120)
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            found = LedgerError(
                f"the ledger {shown} is locked by another program ({said}); run it again"
            )
            found.busy = True
            return found
        step = f"move it away, or set {VARIABLE} to another file"
        return LedgerError(f"the ledger {shown} cannot be used ({said}); {step}")


def _home() -> Path:
    import platformdirs

    return platformdirs.user_data_path("audiomagic") / "ledger.sqlite"


def _storable(value: Any) -> Any:
    """Return what SQLite takes: half a character, of a hostile name, is none."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


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
