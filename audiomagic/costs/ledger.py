"""The ledger: every call of every notebook in one SQLite file, to which nothing is done but add.

A call is opened by one row before its request goes out, and closed by a second one. No words and
no sound of it are kept, and no key. Many kernels may write at once; one that is killed in the
middle of a call leaves its opening row, which then reads as "cut off".
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from random import random
from threading import Lock
from time import monotonic, sleep
from typing import Any

from ..errors import LedgerError, one_line
from ..files import check_writable
from .books import Books
from .schema import Unfit, prepare

VARIABLE = "AUDIOMAGIC_LEDGER"  # environment: another file
PATIENCE = 5.0  # seconds to wait, in all, for other kernels and threads
PAUSE = 0.02  # seconds between two looks whether they are done, at the most


class Ledger:
    """The file. Whatever cannot be read or written raises LedgerError, one line.

    >>> pandas.DataFrame(Ledger().rows())
    """

    def __init__(self, path: str | os.PathLike[str] | None = None):
        """Name the file: `path`, $AUDIOMAGIC_LEDGER, or the one in the user's data directory."""
        self.path = Path(path or os.environ.get(VARIABLE) or _home())
        with suppress(RuntimeError):  # nobody's home: said when it is used
            self.path = self.path.expanduser()
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
        with self._opened(False, _until(patience)) as books:
            yield books

    @contextmanager
    def writing(self, patience: float | None = None) -> Iterator[Books]:
        """Change it: all of what is done inside, or after an exception nothing."""
        until = _until(patience)
        if not self._writer.acquire(timeout=until - monotonic()):
            raise self._locked()
        try:
            with self._opened(True, until) as books:
                yield books
        finally:
            self._writer.release()

    @contextmanager
    def _opened(self, write: bool, until: float) -> Iterator[Books]:
        try:
            there = self._there()
            if write and not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.touch(mode=0o600)
            name = str(self.path) if write or there else ":memory:"
            with closing(sqlite3.connect(name, 0, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                _begin(connection, "begin immediate" if write or not there else "begin", until)
                prepare(connection)
                yield Books(connection)
                connection.execute("commit")
        except (sqlite3.Error, OSError, UnicodeError, Unfit) as error:
            raise (self._locked() if _busy(error) else self._unusable(error)) from error

    def _there(self) -> bool:
        """Whether anything was written; raises OSError where no file can be."""
        if self.path.is_file():
            return self.path.stat().st_size > 0
        if str(self.path).startswith("~"):
            raise OSError(errno.ENOENT, "there is no such home folder")
        if self.path.exists():
            check_writable(self.path)  # a folder; or a device, which is empty for ever
        made = next(place for place in self.path.parents if place.exists())
        check_writable(made / self.path.name)
        return False

    def _locked(self) -> LedgerError:
        shown = one_line(self.path, 120)
        error = LedgerError(f"the ledger {shown} is locked by another program; wait for it to end")
        error.busy = True
        return error

    def _unusable(self, error: Exception) -> LedgerError:
        said = one_line(getattr(error, "strerror", None) or error, 100)
        step = f"set {VARIABLE} to another file"
        if os.path.isfile(self.path):  # unlike a Path's own, it takes any name
            step = getattr(error, "step", "") or f"move it away, or {step}"
        return LedgerError(f"the ledger {one_line(self.path, 120)} cannot be used ({said}); {step}")


def _home() -> Path:
    import platformdirs

    return platformdirs.user_data_path("audiomagic") / "ledger.sqlite"


def _until(patience: float | None) -> float:
    return monotonic() + (PATIENCE if patience is None else patience)


def _begin(connection: sqlite3.Connection, how: str, until: float) -> None:
    """Begin a transaction, and have what is left of the time for its end.

    SQLite's own waiting looks ever more seldom: among many that write, one would starve.
    """
    while True:
        try:
            connection.execute("pragma synchronous = normal")  # a killed kernel loses nothing
            connection.execute(how)
            break
        except sqlite3.OperationalError as error:
            if not _busy(error) or monotonic() >= until:
                raise
        sleep(random() * PAUSE)
    left = max(0.0, until - monotonic())
    connection.execute(f"pragma busy_timeout = {round(1000 * left)}")


def _busy(error: Exception) -> bool:
    kind = getattr(error, "sqlite_errorcode", None) or 0
    return kind & 0xFF == sqlite3.SQLITE_BUSY  # the low byte: there are several sorts of it
