"""The ledger: every call of every notebook, a row each, in one SQLite file.

A row is inserted before its request is sent, with the most it may cost, and updated when the call
ends. Neither words nor sound nor keys are kept. Many kernels may write at once; the call of a
kernel that was killed keeps holding its worst case, and reads as "cut off" after an hour.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from random import random
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from ..errors import (
    BudgetExceeded,
    LedgerError,
    OptionError,
    RequestFailed,
    clean,
    one_line,
)
from ..files import check_writable
from ..protocol.usage import Usage
from .pricing import exact
from .receipt import Receipt

VARIABLE = "AUDIOMAGIC_LEDGER"  # environment: another file
PATIENCE = 4.0  # seconds to wait for other kernels and threads
PAUSE = 0.02  # seconds between two tries, at most
LONGEST_CALL = timedelta(hours=1)
APPLICATION_ID, VERSION = 0x41756D67, 3  # in the file's header
SCHEMA = (
    """create table calls (
        id text primary key, at text not null, notebook text not null, cell text not null,
        model text not null, engine text not null, host text not null, paid integer not null,
        seconds_in real not null, reserved text, outcome text, seconds_out real,
        input_text_tokens integer, cached_tokens integer, input_audio_tokens integer,
        output_text_tokens integer, output_audio_tokens integer,
        dollars text, estimated integer not null default 0, settled integer not null default 0)""",
    "create index calls_at on calls (at)",
    """create table caps (
        per text not null, notebook text not null, amount text not null,
        primary key (per, notebook))""",
    f"pragma application_id = {APPLICATION_ID}",
    f"pragma user_version = {VERSION}",
)
TOKENS = (
    "input_text_tokens", "cached_tokens", "input_audio_tokens",
    "output_text_tokens", "output_audio_tokens",
)  # fmt: skip
PERIODS = ("notebook", "day", "month")  # that a cap is for
LENGTHS = ("seconds_in", "seconds_out", *TOKENS)
MOST = 10**12  # of any of these, and of dollars
LONGEST_AMOUNT = 200  # characters
COLUMNS = (
    "at, notebook, cell, model, engine, host, paid, seconds_in, seconds_out, "
    f"{', '.join(TOKENS)}, dollars, estimated, outcome"
)


@dataclass(frozen=True)
class CallStart:
    """What is known of a call before it is sent."""

    model: str
    engine: str
    host: str
    notebook: str = ""  # its path, or "" outside a notebook
    cell: str = ""
    seconds_in: float = 0.0
    when: datetime = field(default_factory=lambda: datetime.now(UTC))
    paid: bool = True
    id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class CallEnd:
    """How a call ended: "answered", "stopped", or "failed: " and the name of the error."""

    outcome: str
    seconds_out: float = 0.0
    usage: Usage | None = None
    dollars: Decimal | None = None  # None when unknown
    estimated: bool = False  # whether dollars are a guess
    settled: bool = False  # whether no more than these dollars can be charged for it

    @classmethod
    def of(cls, receipt: Receipt, outcome: str = "answered") -> "CallEnd":
        """Take it from a receipt; a cost by our own count or at assumed rates is estimated."""
        billed = receipt.bill
        guessed = receipt.cost is None or bool(billed and billed.assumed)
        return cls(
            outcome,
            receipt.seconds_out,
            receipt.usage or receipt.counted_usage,
            receipt.estimate,
            estimated=receipt.paid and guessed,
            settled=receipt.settled,
        )

    def free(self) -> "CallEnd":
        """Return it as the end of a call for which nothing was sent."""
        return replace(self, dollars=Decimal(0), estimated=False, settled=True)

    @classmethod
    def failed(cls, error: BaseException, counted: Decimal | None = None) -> "CallEnd":
        """Take it from an error before any answer; a request that was refused costs nothing.

        Any other may have been billed: its worst case stays reserved, `counted` is what it cost by
        our own count, in US dollars.
        """
        outcome = f"failed: {type(error).__name__}"
        if isinstance(error, KeyboardInterrupt):
            outcome = "stopped"
        elif isinstance(error, OptionError | BudgetExceeded) or (
            isinstance(error, RequestFailed) and not error.may_be_billed
        ):
            return cls(outcome, dollars=Decimal(0), settled=True)
        return cls(outcome, dollars=counted, estimated=counted is not None)


UNSENT = CallEnd("stopped", dollars=Decimal(0), settled=True)


@dataclass(frozen=True)
class Transaction:
    """The ledger, opened; a notebook is named by its path, "" stands for none."""

    _connection: sqlite3.Connection

    def insert(self, call: CallStart, reserved: Decimal | None = None) -> None:
        """Record the start of a call, which may cost `reserved` dollars (None: unknown)."""
        row = vars(call) | {"reserved": reserved}
        row["at"] = row.pop("when")
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self._run(f"insert into calls ({names}) values ({marks})", *row.values())

    def finish(self, call: CallStart, end: CallEnd) -> None:
        """Record the end of a call that was inserted; the first of two ends stands."""
        row = {name: getattr(end.usage, name, None) for name in TOKENS}
        row |= {name: value for name, value in vars(end).items() if name != "usage"}
        changes = ", ".join(f"{name} = ?" for name in row)
        update = f"update calls set {changes} where id = ? and outcome is null"
        self._run(update, *row.values(), call.id)

    def set_cap(self, per: str, amount: Decimal | None, notebook: str = "") -> None:
        """Set a cap in US dollars for every notebook or for one; None lifts it."""
        if amount is None:
            self._run("delete from caps where per = ? and notebook = ?", per, notebook)
        else:
            self._run("insert or replace into caps values (?, ?, ?)", per, notebook, amount)

    def caps(self, notebook: str) -> dict[str, Decimal]:
        query = "select per, amount from caps where notebook in ('', ?) order by rowid"
        found = {per: _dollars(amount) for per, amount in self._run(query, notebook)}
        for per in found:
            if per not in PERIODS:
                raise sqlite3.DatabaseError(f"a cap in it is per '{one_line(per, 40)}'")
        return found

    @exact()
    def charges(
        self, since: datetime | None = None, notebook: str | None = None
    ) -> tuple[Decimal, Decimal]:
        """Return the dollars spent, and those reserved for calls whose cost is not settled.

        Those are calls in flight, and calls whose bill never came: they may have cost all of it.
        """
        spent = reserved = Decimal(0)
        for dollars, most, settled in self.select("dollars, reserved, settled", since, notebook):
            if settled:
                spent += _dollars(dollars or 0)
            else:
                reserved += max(_dollars(dollars or 0), _dollars(most or 0))
        return spent, reserved

    def select(self, columns: str, since: datetime | None, notebook: str | None) -> sqlite3.Cursor:
        where = "where at >= ? and (? is null or notebook = ?) order by rowid"
        return self._run(f"select {columns} from calls {where}", since or "", notebook, notebook)

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(statement, tuple(map(_stored, values)))


class Ledger:
    """The file. Raises LedgerError, one line, where it cannot be read or written."""

    def __init__(self, path: str | os.PathLike[str] | None = None, patience: float = PATIENCE):
        """Name the file: `path`, $AUDIOMAGIC_LEDGER, or the one in the user's data directory.

        `patience`: seconds to wait while other programs write.
        """
        import platformdirs

        default = platformdirs.user_data_path("audiomagic") / "ledger.sqlite"
        self.path = Path(os.path.expanduser(path or os.environ.get(VARIABLE) or default))
        self.patience = patience

    def rows(
        self, since: datetime | None = None, notebook: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the calls, of all notebooks or of one, oldest first: dicts for pandas.

        `when` is a datetime in local time, lengths are in seconds, `dollars` a Decimal or None.
        """
        with self.reading() as transaction:
            return [_row(dict(row)) for row in transaction.select(COLUMNS, since, notebook)]

    def reading(self, patience: float | None = None) -> AbstractContextManager[Transaction]:
        """Read it; a file that does not exist yet is empty. `patience`: instead of its own."""
        return self._opened("begin", self.patience if patience is None else patience)

    def writing(self) -> AbstractContextManager[Transaction]:
        """Change it: all that is done inside takes effect, or after an exception nothing."""
        return self._opened("begin immediate", self.patience)

    @contextmanager
    def _opened(self, begin: str, patience: float) -> Iterator[Transaction]:
        try:
            name = str(self.path)
            if not self._has_content():
                if begin == "begin":
                    name = ":memory:"
                elif not self.path.exists():
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    self.path.touch(mode=0o600)
            with closing(sqlite3.connect(name, 0, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                _begin(connection, begin, patience)
                _prepare(connection)
                yield Transaction(connection)
                connection.execute("commit")
        except (sqlite3.Error, OSError, UnicodeError) as error:
            raise self._error(error) from error

    def _has_content(self) -> bool:
        """Whether anything was written yet; raises OSError where no file can be."""
        if self.path.is_file():
            return self.path.stat().st_size > 0
        if str(self.path).startswith("~"):
            raise OSError(errno.ENOENT, "there is no such home folder")
        if self.path.exists():
            check_writable(self.path)  # a folder, or a device, which would be empty for ever
        existing = next(folder for folder in self.path.parents if folder.exists())
        check_writable(existing / self.path.name)
        return False

    def _error(self, error: Exception) -> LedgerError:
        name, step = one_line(self.path, 120), f"set {VARIABLE} to another file"
        if _busy(error):
            locked = LedgerError(f"the ledger {name} is locked by another program; wait for it")
            locked.busy = True
            return locked
        why = one_line(getattr(error, "strerror", None) or error, 100)
        if os.path.isfile(self.path):  # unlike Path's, it accepts any name
            step = f"move it away, or {step}"
        return LedgerError(f"the ledger {name} cannot be used ({why}); {step}")


def _begin(connection: sqlite3.Connection, begin: str, patience: float) -> None:
    """Begin a transaction, trying again at random intervals while others write.

    SQLite itself would wait longer and longer between two tries: of many writers, one would starve.
    """
    until = monotonic() + patience
    while True:
        try:
            connection.execute("pragma synchronous = normal")  # a killed kernel loses nothing
            connection.execute(begin)
            break
        except sqlite3.OperationalError as error:
            if not _busy(error) or monotonic() >= until:
                raise
        sleep(random() * PAUSE)
    left = max(0.0, until - monotonic())
    connection.execute(f"pragma busy_timeout = {round(1000 * left)}")  # for the commit


def _busy(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None) or 0
    return code & 0xFF == sqlite3.SQLITE_BUSY  # the low byte: it comes in several kinds


def _prepare(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty file. Raises DatabaseError for a file of anything else."""
    (mark,) = connection.execute("pragma application_id").fetchone()
    (version,) = connection.execute("pragma user_version").fetchone()
    if mark == APPLICATION_ID and version != VERSION:
        newer = "a newer version wrote it: pip install --upgrade audiomagic"
        raise sqlite3.DatabaseError(newer if version > VERSION else "an older version wrote it")
    if mark == APPLICATION_ID:
        return
    if mark or version or connection.execute("select 1 from sqlite_master").fetchone():
        raise sqlite3.DatabaseError("it is not a ledger of audiomagic")
    for statement in SCHEMA:
        connection.execute(statement)


def _stored(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, str):  # SQLite refuses half a character, which a hostile name may have
        return clean(value)
    return str(value) if isinstance(value, Decimal) else value


def _dollars(stored: object) -> Decimal:
    """Read an amount. Raises DatabaseError for one that no call can cost."""
    with suppress(InvalidOperation):
        amount = Decimal(str(stored)[:LONGEST_AMOUNT])
        if amount.is_finite() and 0 <= amount <= MOST:
            return amount
    raise sqlite3.DatabaseError(f"an amount in it is {one_line(stored, 40)}")


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Read a row. Raises DatabaseError for values that no call has: anybody may write the file."""
    for name, value in row.items():
        if name in LENGTHS:
            fits = value is None or (isinstance(value, int | float) and 0 <= value <= MOST)
        else:
            fits = name in ("paid", "estimated") or value is None or isinstance(value, str)
        if not fits:
            raise sqlite3.DatabaseError(f"{name} in it is {one_line(value, 40)}")
    try:
        when = datetime.fromisoformat(row.pop("at"))
        recent, local = datetime.now(UTC) - when < LONGEST_CALL, when.astimezone()
    except (ValueError, TypeError, OverflowError) as error:
        raise sqlite3.DatabaseError("a time in it is none") from error
    row["dollars"] = None if row["dollars"] is None else _dollars(row["dollars"])
    row["paid"], row["estimated"] = bool(row["paid"]), bool(row["estimated"])
    if row["outcome"] is None:
        row["outcome"] = "in flight" if recent else "cut off"
    return {"when": local} | row
