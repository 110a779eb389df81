"""The ledger: many kernels write it, some are killed; nothing finished is lost, nothing changed."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from audiomagic.costs.ledger import Ledger
from audiomagic.costs.ledger_entries import CallEnd, CallStart
from audiomagic.costs.receipt import Receipt
from audiomagic.costs.schema import TABLES
from audiomagic.errors import ConnectionFailed, LedgerError, RequestRejected
from audiomagic.protocol.usage import Usage

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPENT = CallEnd("answered", 1.5, Usage(31, 16, 20, 10), Decimal("0.0012075"), settled=True)


def call(notebook: str = "a.ipynb", when: datetime = NOON, **more: object) -> CallStart:
    return CallStart("gpt-audio-1.5", "openai", "h", notebook, when=when, **more)  # type: ignore[arg-type]


def book(
    ledger: Ledger, opened: CallStart, end: CallEnd | None = SPENT, held: str | None = None
) -> int:
    with ledger.writing() as books:
        number = books.open(opened, held and Decimal(held))  # type: ignore[arg-type]
    if end:
        with ledger.writing() as books:
            books.close(number, end)
    return number


def test_a_row_says_all_but_what_was_said() -> None:
    ledger = Ledger()
    book(ledger, call(cell="c1", seconds_in=2.0))
    (row,) = ledger.rows()
    assert row.pop("when") == NOON
    assert row == {
        "notebook": "a.ipynb", "cell": "c1", "model": "gpt-audio-1.5", "engine": "openai",
        "host": "h", "seconds_in": 2.0, "seconds_out": 1.5, "input_text_tokens": 11, "cached_tokens": 0,
        "input_audio_tokens": 20, "output_text_tokens": 6, "output_audio_tokens": 10, "dollars": Decimal("0.0012075"),
        "estimated": False, "outcome": "answered",
    }  # fmt: skip


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("AUDIOMAGIC_LEDGER", "~/mine.sqlite")
    assert Ledger().path == Path.home() / "mine.sqlite"
    assert Ledger(tmp_path / "l").path == tmp_path / "l"
    monkeypatch.setenv("AUDIOMAGIC_LEDGER", "")
    assert Ledger().path.name == "ledger.sqlite" and "audiomagic" in Ledger().path.parts
    if sys.platform == "linux":
        book(Ledger(), call())
        assert (tmp_path / "data/audiomagic/ledger.sqlite").stat().st_mode & 0o77 == 0


def test_looking_makes_no_file() -> None:
    ledger = Ledger()
    assert ledger.rows() == []
    with ledger.reading() as books:
        assert books.charges() == (0, 0) and books.caps("a.ipynb") == {}
    assert not ledger.path.exists()


def test_charges_by_time_and_notebook() -> None:
    ledger = Ledger()
    book(ledger, call("a", NOON))
    book(ledger, call("b", NOON + timedelta(days=1)))
    book(ledger, call("b", NOON + timedelta(days=2)), None, held="0.5")
    # A bill that never came: the call may have cost all that was held, or what came if that is more
    book(ledger, call("a"), CallEnd("stopped", dollars=Decimal("0.1"), estimated=True), held="0.2")
    book(ledger, call("a"), CallEnd("stopped", dollars=Decimal("0.4"), estimated=True), held="0.3")
    book(ledger, call("a"), CallEnd("answered"))
    one = Decimal("0.0012075")
    with ledger.reading() as books:
        assert books.charges() == (2 * one, Decimal("1.1"))
        assert books.charges(NOON + timedelta(days=1)) == (one, Decimal("0.5"))
        assert books.charges(notebook="a") == (one, Decimal("0.6"))
        assert books.charges(NOON + timedelta(days=2), "a") == (0, 0)
    assert [row["notebook"] for row in ledger.rows(notebook="b")] == ["b", "b"]
    assert len(ledger.rows(NOON + timedelta(days=1))) == 2


def test_the_last_cap_set_holds() -> None:
    ledger = Ledger()
    with ledger.writing() as books:
        books.cap("day", Decimal("5"))
        books.cap("day", Decimal("0.50"))
        books.cap("month", Decimal("9"))
        books.cap("month", None)
        books.cap("notebook", Decimal("1"), "a")
        books.cap("notebook", Decimal("2"), "b")
    with Ledger().reading() as books:
        assert books.caps("a") == {"day": Decimal("0.50"), "notebook": Decimal(1), "month": None}
        assert books.caps("c") == {"day": Decimal("0.50"), "month": None}


def test_of_two_ends_the_first_stands() -> None:
    ledger = Ledger()
    number = book(ledger, call())
    with ledger.writing() as books:
        books.close(number, CallEnd("stopped"))
    assert [row["outcome"] for row in ledger.rows()] == ["answered"]


@pytest.mark.parametrize("table", TABLES)
def test_nothing_is_changed_or_taken_out(table: str) -> None:
    ledger = Ledger()
    book(ledger, call())
    with ledger.writing() as books:
        books.cap("day", Decimal(1))
    with sqlite3.connect(ledger.path) as connection:
        for statement in (f"delete from {table}", f"update {table} set rowid = rowid"):
            with pytest.raises(sqlite3.IntegrityError, match="the ledger only grows"):
                connection.execute(statement)


def test_what_is_done_before_an_exception_is_undone() -> None:
    ledger = Ledger()
    with pytest.raises(KeyboardInterrupt), ledger.writing() as books:
        books.open(call())
        raise KeyboardInterrupt
    assert ledger.rows() == []


# -- how a call ended -------------------------------------------------------------------------
def receipt(engine: str = "openai", host: str = "api.openai.com", **more: object) -> Receipt:
    usage = more.pop("usage", Usage(11, 16, 0, 10))
    model = "gpt-audio-1.5"
    return Receipt(NOON, engine, host, model, model, "alloy", 0.0, 0.5, usage, 0.5, 1.0, **more)  # type: ignore[arg-type]


def test_an_end_is_taken_from_the_receipt() -> None:
    counted, dollars = Usage(11, 16, 0, 10), Decimal("0.0007275")
    assert CallEnd.of(receipt()) == CallEnd("answered", 0.5, counted, dollars, False, True)
    proxied = CallEnd.of(receipt(host="127.0.0.1:4000"))
    assert proxied == CallEnd("answered", 0.5, counted, dollars, True, True)
    local = CallEnd.of(receipt("local", "the local engine"))
    assert local == CallEnd("answered", 0.5, counted, Decimal(0), False, True)
    stopped = CallEnd.of(receipt(usage=None, counted_usage=counted), "stopped")
    assert stopped == CallEnd("stopped", 0.5, counted, dollars, True, True)
    assert CallEnd.of(receipt(usage=None)) == CallEnd("answered", 0.5, None, None, True, False)
    paid = CallEnd.of(receipt(host="x", usage=Usage(1, 1, server_cost=Decimal("0.5"))))
    assert (paid.dollars, paid.estimated, paid.settled) == (Decimal("0.5"), False, True)


def test_an_end_is_taken_from_an_error() -> None:
    free = {"dollars": Decimal(0), "settled": True}
    refused = RequestRejected("no", 401)
    assert CallEnd.failed(refused) == CallEnd("failed: RequestRejected", **free)  # type: ignore[arg-type]
    assert CallEnd.failed(RequestRejected("broke off")) == CallEnd("failed: RequestRejected")
    assert CallEnd.failed(ConnectionFailed("lost")) == CallEnd("failed: ConnectionFailed")
    assert CallEnd.failed(KeyboardInterrupt()) == CallEnd("stopped", estimated=True)
    asked = Decimal("0.01")
    assert CallEnd.failed(KeyboardInterrupt(), asked).settled


def test_a_request_that_was_never_sent_is_free() -> None:
    from audiomagic import Session

    with pytest.raises(ConnectionFailed) as caught:
        Session(base_url="http://127.0.0.1:9/v1", api_key="k").speak("Hi")
    end = CallEnd.failed(caught.value)
    assert (end.outcome, end.dollars, end.settled) == ("failed: ConnectionFailed", 0, True)


# -- what goes wrong --------------------------------------------------------------------------
def unusable(tmp_path: Path) -> list[tuple[Path, str]]:
    damaged, other, newer, folder = (tmp_path / n for n in ("damaged", "other", "newer", "folder"))
    damaged.write_bytes(b"SQLite format 3\0" + b"no" * 5_000)
    with sqlite3.connect(other) as connection:
        connection.execute("create table mine (x)")
    book(Ledger(newer), call())
    with sqlite3.connect(newer) as connection:
        connection.execute("pragma user_version = 2")
    folder.mkdir()
    (tmp_path / "file").touch()
    older = tmp_path / "older"
    book(Ledger(older), call())
    with sqlite3.connect(older) as connection:
        connection.execute("pragma user_version = 0")
    return [
        (damaged, "cannot be used (file is not a database); move it away, or set AUDIOMAGIC_"),
        (other, "cannot be used (it is not a ledger of audiomagic); move it away, or set AUDIO"),
        (newer, "cannot be used (it is a newer version's); pip install --upgrade audiomagic"),
        (older, "cannot be used (it is damaged: its version is lost); move it away, or set "),
        (folder, "cannot be used (it is a folder); set AUDIOMAGIC_LEDGER to another file"),
        (tmp_path / "file" / "ledger", "/file/ledger cannot be used ("),
    ]


def test_a_ledger_that_cannot_be_used_says_so_in_one_line(tmp_path: Path) -> None:
    for path, said in unusable(tmp_path):
        with pytest.raises(LedgerError) as caught, Ledger(path).writing() as books:
            books.open(call())
        assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["/dev/null", "/dev/null/share/ledger", "/dev/full"])
def test_where_no_ledger_can_be_none_is_not_taken_for_an_empty_one(name: str) -> None:
    with pytest.raises(LedgerError, match=r"the ledger /dev/.* cannot be used \(.+\)"):
        Ledger(name).rows()


def test_half_a_character_is_booked_escaped() -> None:
    ledger = Ledger()
    with ledger.writing() as books:
        number = books.open(CallStart("gpt-\ud800", "openai", "host", "n", "c"))
        books.close(number, CallEnd("answered"))
    assert ledger.rows()[0]["model"] == r"gpt-\ud800"


def test_a_locked_ledger_is_waited_for_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    book(ledger, call())
    with sqlite3.connect(ledger.path, isolation_level=None) as other:
        other.execute("begin exclusive")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(book, ledger, call())
            time.sleep(0.3)
            other.execute("rollback")
            assert waiting.result() == 2
        other.execute("begin exclusive")
        monkeypatch.setattr("audiomagic.costs.ledger.PATIENCE", 0.2)
        with pytest.raises(LedgerError, match="locked by another program"):
            book(ledger, call())


# -- many kernels -----------------------------------------------------------------------------
def writer(ledger: Ledger, name: str, count: int) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-m",
        "tests.support.ledger_writer",
        str(ledger.path),
        name,
        str(count),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_eight_processes_write_while_some_are_killed() -> None:
    ledger = Ledger()
    doomed = [writer(ledger, f"doomed {i}", 100_000) for i in range(4)]
    steady = [writer(ledger, f"steady {i}", 40) for i in range(4)]
    finished = []
    for index, process in enumerate(doomed):
        assert process.stdout
        finished += [process.stdout.readline() for _ in range(10 + 3 * index)]
        time.sleep(0.017 * index)  # somewhere within a call
        os.kill(process.pid, signal.SIGKILL)
    said = [*finished, *(line for p in (*doomed, *steady) for line in p.communicate()[0].split())]
    numbers = [int(number) for number in said if number.strip()]
    assert [process.returncode for process in steady] == [0] * 4
    with sqlite3.connect(ledger.path) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        closed = {number for (number,) in connection.execute("select call from ends")}
    assert len(numbers) == len(set(numbers)) and set(numbers) <= closed
    rows = ledger.rows()
    for index in range(4):
        mine = [row for row in rows if row["notebook"] == f"steady {index}"]
        assert [row["dollars"] for row in mine] == [Decimal(n) / 1000 for n in range(1, 41)]
    assert {row["outcome"] for row in rows} <= {"answered", "cut off"}
    cut = [row for row in rows if row["outcome"] == "cut off"]
    assert len(cut) <= 4 and len(rows) == len(closed) + len(cut)
    with ledger.reading() as books:
        assert books.charges()[1] == Decimal("0.05") * len(cut)


def test_a_killed_kernels_call_is_cut_off_a_running_ones_is_in_flight() -> None:
    ledger = Ledger()
    script = (
        "import time; from audiomagic.costs.ledger_entries import *; from audiomagic.costs.ledger import *\n"
        f"with Ledger({str(ledger.path)!r}).writing() as books: books.open(CallStart('m', 'e', 'h'))\n"
        "print(flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert other.stdout and other.stdout.readline()
    book(ledger, call(), None)
    assert [row["outcome"] for row in ledger.rows()] == ["in flight", "in flight"]
    other.kill()
    other.wait()
    other.stdout.close()
    assert [row["outcome"] for row in ledger.rows()] == ["cut off", "in flight"]
