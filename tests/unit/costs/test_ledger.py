"""The ledger: many kernels write it, some are killed; nothing finished is lost."""

import signal
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from audiomagic import Session
from audiomagic.costs.ledger import APPLICATION_ID, VERSION, CallEnd, CallStart, Ledger
from audiomagic.costs.receipt import Receipt
from audiomagic.errors import ConnectionFailed, LedgerError, OptionError, RequestRejected
from audiomagic.notebook import commands
from audiomagic.notebook.arguments import MagicOptions
from audiomagic.protocol.usage import Usage

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPENT = CallEnd("answered", 1.5, Usage(31, 16, 20, 10, 12, 8), Decimal("0.0012075"), settled=True)


def call(notebook: str = "a.ipynb", when: datetime = NOON, **more: object) -> CallStart:
    return CallStart("gpt-audio-1.5", "openai", "h", notebook, when=when, **more)  # type: ignore[arg-type]


def record(
    ledger: Ledger, start: CallStart, end: CallEnd | None = SPENT, reserved: str | None = None
) -> None:
    with ledger.writing() as transaction:
        transaction.insert(start, Decimal(reserved) if reserved else None)
    if end:
        with ledger.writing() as transaction:
            transaction.finish(start, end)


def test_a_row_has_all_but_what_was_said() -> None:
    ledger = Ledger()
    record(ledger, call(cell="c1", seconds_in=2.0))
    (row,) = ledger.rows()
    assert row.pop("when") == NOON
    assert row == {
        "notebook": "a.ipynb", "cell": "c1", "model": "gpt-audio-1.5", "engine": "openai",
        "host": "h", "paid": True, "seconds_in": 2.0, "seconds_out": 1.5, "input_text_tokens": 11,
        "cached_tokens": 12, "input_audio_tokens": 20, "output_text_tokens": 6,
        "output_audio_tokens": 10, "dollars": Decimal("0.0012075"), "estimated": False,
        "outcome": "answered",
    }  # fmt: skip


def test_a_call_has_one_row_from_its_start_to_its_end() -> None:
    ledger, start = Ledger(), call(when=datetime.now(UTC), paid=False)
    for end, outcome in (
        (None, "in flight"),
        (SPENT, "answered"),
        (CallEnd("stopped"), "answered"),
    ):
        with ledger.writing() as transaction:
            transaction.finish(start, end) if end else transaction.insert(start, Decimal("0.05"))
        (row,) = ledger.rows()
        assert (row["outcome"], row["paid"]) == (outcome, False)


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("AUDIOMAGIC_LEDGER", "~/mine.sqlite")
    assert Ledger().path == Path.home() / "mine.sqlite"
    assert Ledger(tmp_path / "l").path == tmp_path / "l"
    monkeypatch.setenv("AUDIOMAGIC_LEDGER", "")
    assert Ledger().path.name == "ledger.sqlite" and "audiomagic" in Ledger().path.parts
    if sys.platform == "linux":
        record(Ledger(), call())
        made = (tmp_path / "data/audiomagic/ledger.sqlite").stat()
        assert stat.S_IMODE(made.st_mode) == 0o600


def test_reading_makes_no_file() -> None:
    ledger = Ledger()
    assert ledger.rows() == []
    with ledger.reading() as transaction:
        assert transaction.charges() == (0, 0) and transaction.caps("a.ipynb") == {}
    assert not ledger.path.exists()


@pytest.mark.usefixtures("hostile_decimals")
def test_charges_by_time_and_notebook() -> None:
    ledger, one = Ledger(), Decimal("0.0012075")
    record(ledger, call("a", NOON))
    record(ledger, call("b", NOON + timedelta(days=1)))
    record(ledger, call("b", NOON + timedelta(days=2)), None, reserved="0.5")
    # A bill that never came: the call may have cost all that was held, or what came if that is more
    stopped = (CallEnd("stopped", dollars=Decimal(d), estimated=True) for d in ("0.1", "0.4"))
    record(ledger, call("a"), next(stopped), reserved="0.2")
    record(ledger, call("a"), next(stopped), reserved="0.3")
    record(ledger, call("a"), CallEnd("answered"))
    with ledger.reading() as transaction:
        assert transaction.charges() == (Decimal("0.0024150"), Decimal("1.1"))
        assert transaction.charges(NOON + timedelta(days=1)) == (one, Decimal("0.5"))
        assert transaction.charges(notebook="a") == (one, Decimal("0.6"))
        assert transaction.charges(NOON + timedelta(days=2), "a") == (0, 0)
    assert [row["notebook"] for row in ledger.rows(notebook="b")] == ["b", "b"]
    assert len(ledger.rows(NOON + timedelta(days=1))) == 2


def test_the_last_cap_set_applies() -> None:
    ledger = Ledger()
    with ledger.writing() as transaction:
        transaction.set_cap("day", Decimal("5"))
        transaction.set_cap("day", Decimal("0.50"))
        transaction.set_cap("month", Decimal("9"))
        transaction.set_cap("month", None)
        transaction.set_cap("notebook", Decimal("1"), "a")
        transaction.set_cap("notebook", Decimal("2"), "b")
    with Ledger().reading() as transaction:
        assert transaction.caps("a") == {"day": Decimal("0.50"), "notebook": Decimal(1)}
        assert transaction.caps("c") == {"day": Decimal("0.50")}


def test_what_is_done_before_an_exception_is_undone() -> None:
    ledger = Ledger()
    with pytest.raises(KeyboardInterrupt), ledger.writing() as transaction:
        transaction.insert(call())
        raise KeyboardInterrupt
    assert ledger.rows() == []


def test_half_a_character_is_recorded_escaped() -> None:
    ledger, start = Ledger(), CallStart("gpt-\ud800", "openai", "host", "a\udcff.ipynb", "c")
    record(ledger, start)
    with ledger.writing() as transaction:
        transaction.set_cap("notebook", Decimal(1), start.notebook)
        assert transaction.caps(start.notebook) == {"notebook": 1}
    (row,) = ledger.rows(notebook=start.notebook)
    assert (row["model"], row["notebook"]) == ("gpt-\ufffd", "a\ufffd.ipynb")


def test_a_call_that_never_ended_is_in_flight_for_an_hour_then_cut_off() -> None:
    ledger, now = Ledger(), datetime.now(UTC)
    for minutes in (70, 50):
        record(ledger, call(when=now - timedelta(minutes=minutes)), None, reserved="0.05")
    assert [row["outcome"] for row in ledger.rows()] == ["cut off", "in flight"]
    with ledger.reading() as transaction:
        assert transaction.charges() == (0, Decimal("0.10"))


# -- a file that cannot be used ---------------------------------------------------------------
def stamped(path: Path, mark: int, version: int) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("create table calls (theirs)")
        connection.execute(f"pragma application_id = {mark}")
        connection.execute(f"pragma user_version = {version}")
    return path


def damaged(path: Path) -> Path:
    path.write_bytes(b"SQLite format 3\0" + b"no" * 5_000)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def beneath_a_file(path: Path) -> Path:
    path.touch()
    return path / "ledger"


MOVE = "; move it away, or set AUDIOMAGIC_LEDGER to another file"
UNUSABLE = {
    "damaged": (damaged, f"(file is not a database){MOVE}"),
    "other": (lambda path: stamped(path, 0, 0), f"(it is not a ledger of audiomagic){MOVE}"),
    "theirs": (lambda path: stamped(path, 7, 0), f"(it is not a ledger of audiomagic){MOVE}"),
    "version": (
        lambda path: stamped(path, 0, VERSION),
        f"(it is not a ledger of audiomagic){MOVE}",
    ),
    "older": (lambda path: stamped(path, APPLICATION_ID, 1), f"(an older version wrote it){MOVE}"),
    "newer": (
        lambda path: stamped(path, APPLICATION_ID, VERSION + 1),
        f"(a newer version wrote it: pip install --upgrade audiomagic){MOVE}",
    ),
    "folder": (folder, "(it is a folder); set AUDIOMAGIC_LEDGER to another file"),
    "file": (beneath_a_file, "; set AUDIOMAGIC_LEDGER to another file"),
}


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("how", ["reading", "writing"])
def test_a_ledger_that_cannot_be_used_says_so_in_one_line(
    tmp_path: Path, name: str, how: str
) -> None:
    make, expected = UNUSABLE[name]
    path = make(tmp_path / name)
    with pytest.raises(LedgerError) as caught, getattr(Ledger(path), how)():
        raise AssertionError("was opened")
    line = str(caught.value)
    assert line.startswith(f"the ledger {path} cannot be used (") and line.endswith(expected)
    assert "\n" not in line and not caught.value.busy


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("dollars", "1e999999999"),
        ("dollars", "1e9999999999999999999"),
        ("dollars", "nan"),
        ("dollars", "-1"),
        ("dollars", "much"),
        ("dollars", b"1"),
        ("reserved", "sNaN"),
        ("reserved", "1e400"),
        ("at", "yesterday"),
        ("at", "2026-01-01"),
        ("at", "0001-01-01T00:00:00+23:59"),
        ("at", b"2026"),
        ("seconds_in", "long"),
        ("seconds_in", 9e999),
        ("seconds_out", -1),
        ("input_text_tokens", 10**15),
        ("output_audio_tokens", "many"),
        ("model", b"\xff"),
    ],
)
def test_a_ledger_with_absurd_values_says_so_in_one_line(column: str, value: object) -> None:
    ledger = Ledger()
    record(ledger, call("a.ipynb"), None)
    with sqlite3.connect(ledger.path) as connection:
        connection.execute(f"update calls set {column} = ?", (value,))
    connection.close()
    session = Session(notebook="a.ipynb")
    for use in (commands.status, partial(commands.run, "costs --all")):
        shown, line = "", ""
        try:
            shown = repr(use(session, MagicOptions()))
        except LedgerError as error:
            line = str(error)
        assert "cannot be used" in shown + line or column == "reserved"
    with pytest.raises(LedgerError, match=r"cannot be used \(.* in it is .*\); move it away"):
        use_all(ledger)


def use_all(ledger: Ledger) -> None:
    ledger.rows()
    with ledger.reading() as transaction:
        transaction.charges()


@pytest.mark.parametrize("amount", ["1e999999999", "NaN", "all", "-5"])
def test_an_absurd_cap_says_so_in_one_line(amount: str) -> None:
    ledger = Ledger()
    record(ledger, call("a.ipynb"), None)
    with sqlite3.connect(ledger.path) as connection:
        connection.execute("insert into caps values ('day', '', ?)", (amount,))
    connection.close()
    with pytest.raises(LedgerError, match=r"cannot be used \(an amount in it is .*\); move it"):
        Session(notebook="a.ipynb").budget.caps("a.ipynb")


@pytest.mark.parametrize("per", ["1" * 100_000, "", "week", "\x1b[31mday", -5, b"day"])
def test_a_cap_for_an_unknown_period_says_so_in_one_line(per: object) -> None:
    ledger = Ledger()
    record(ledger, call("a.ipynb"), None)
    with sqlite3.connect(ledger.path) as connection:
        connection.execute("insert into caps values (?, '', '5')", (per,))
    connection.close()
    with pytest.raises(
        LedgerError, match=r"cannot be used \(a cap in it is per '.*'\); m"
    ) as caught:
        Session(notebook="a.ipynb").budget.caps("a.ipynb")
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("name", ["/dev/null", "/dev/null/share/ledger", "/dev/full"])
def test_where_no_ledger_can_be_none_is_not_taken_for_an_empty_one(name: str) -> None:
    with pytest.raises(LedgerError, match=r"the ledger /dev/.* cannot be used \(.+\)"):
        Ledger(name).rows()


def test_a_home_that_does_not_exist_is_not_a_folder_of_its_name() -> None:
    with pytest.raises(LedgerError, match=r"~nobody-here/l cannot be used \(there is no such home"):
        Ledger("~nobody-here/l").rows()


# -- many kernels -----------------------------------------------------------------------------
@pytest.mark.parametrize("lock", ["begin exclusive", "begin immediate"])
def test_a_locked_ledger_is_waited_for_then_given_up(lock: str) -> None:
    ledger, begun = Ledger(patience=60), Event()
    record(ledger, call())

    def waiting() -> None:
        begun.set()
        record(ledger, call())

    with sqlite3.connect(ledger.path, isolation_level=None, check_same_thread=False) as other:
        other.execute(lock)
        with ThreadPoolExecutor() as pool:
            found = pool.submit(waiting)
            begun.wait()
            with pytest.raises(LedgerError, match="locked by another program; wait") as caught:
                record(Ledger(ledger.path, patience=0.05), call())
            assert caught.value.busy and not found.done()
            other.execute("rollback")
            found.result()
    assert len(ledger.rows()) == 2


def test_a_ledger_can_be_read_while_it_is_written() -> None:
    ledger = Ledger(patience=0)
    record(ledger, call())
    with ledger.writing() as transaction:
        transaction.insert(call())
        assert len(ledger.rows()) == 1


def test_threads_that_end_at_once_lose_no_end() -> None:
    ledger, before = Ledger(patience=60), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: record(ledger, call(str(number))), range(60)))
    finally:
        sys.setswitchinterval(before)
    assert [row["outcome"] for row in ledger.rows()] == ["answered"] * 60


def writer(ledger: Ledger, name: str, count: int) -> "subprocess.Popen[str]":
    arguments = (str(ledger.path), name, str(count))
    command = [sys.executable, "-m", "tests.support.ledger_writer", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_eight_processes_write_while_some_are_killed() -> None:
    ledger = Ledger(patience=60)
    doomed = [writer(ledger, f"doomed {i}", 100_000) for i in range(4)]
    steady = [writer(ledger, f"steady {i}", 25) for i in range(4)]
    finished = []
    for index, process in enumerate(doomed):
        assert process.stdout
        finished += [process.stdout.readline() for _ in range(5 + 3 * index)]
        process.kill()  # somewhere within a call
    printed = [process.communicate()[0] for process in (*doomed, *steady)]
    ids = [line.strip() for line in (*finished, *"".join(printed).splitlines()) if len(line) >= 32]
    assert [process.returncode for process in steady] == [0] * 4
    with sqlite3.connect(ledger.path) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        query = "select id from calls where outcome = 'answered'"
        ended = {name for (name,) in connection.execute(query)}
    assert len(ids) == len(set(ids)) >= 100 + 38 and set(ids) <= ended
    rows = ledger.rows()
    for index in range(4):
        mine = [row for row in rows if row["notebook"] == f"steady {index}"]
        assert [row["dollars"] for row in mine] == [Decimal(n) / 1000 for n in range(1, 26)]
    unfinished = [row for row in rows if row["outcome"] != "answered"]
    assert {row["outcome"] for row in unfinished} <= {"in flight"} and len(unfinished) <= 4
    assert len(rows) == len(ended) + len(unfinished)
    with ledger.reading() as transaction:
        assert transaction.charges()[1] == Decimal("0.05") * len(unfinished)


# -- how a call ended
COUNTED, DOLLARS = Usage(11, 16, 0, 10), Decimal("0.0007275")


def receipt(host: str = "api.openai.com", usage: Usage | None = COUNTED, **more: Any) -> Receipt:
    when, model = datetime(2026, 11, 22, 12, tzinfo=UTC), "gpt-audio-1.5"
    return Receipt(when, "openai", host, model, model, "alloy", 0.0, 0.5, usage, 0.5, 1.0, **more)


def test_an_end_is_taken_from_the_receipt() -> None:
    assert CallEnd.of(receipt()) == CallEnd("answered", 0.5, COUNTED, DOLLARS, False, True)
    proxied = CallEnd.of(receipt(host="127.0.0.1:4000"))
    assert proxied == CallEnd("answered", 0.5, COUNTED, DOLLARS, True, True)
    local = CallEnd.of(receipt(host="the local engine", paid=False))
    assert local == CallEnd("answered", 0.5, COUNTED, Decimal(0), False, True)
    stopped = CallEnd.of(receipt(usage=None, counted_usage=COUNTED), "stopped")
    assert stopped == CallEnd("stopped", 0.5, COUNTED, DOLLARS, True, False)
    assert CallEnd.of(receipt(usage=None)) == CallEnd("answered", 0.5, None, None, True, False)
    charged = CallEnd.of(receipt(host="x", usage=Usage(1, 1, server_cost=Decimal("0.5"))))
    assert (charged.dollars, charged.estimated, charged.settled) == (Decimal("0.5"), False, True)


@pytest.mark.parametrize("error", [RequestRejected("no", 401), OptionError("never sent")])
def test_a_refused_request_is_free(error: Any) -> None:
    error.may_be_billed = False
    end = CallEnd.failed(error)
    assert end == CallEnd(f"failed: {type(error).__name__}", dollars=Decimal(0), settled=True)


@pytest.mark.parametrize(
    "error",
    [
        RequestRejected("broke off"),
        ConnectionFailed("lost"),
        KeyboardInterrupt(),
    ],
)
def test_a_request_that_failed_on_its_way_may_have_been_billed(error: BaseException) -> None:
    stopped = isinstance(error, KeyboardInterrupt)
    outcome = "stopped" if stopped else f"failed: {type(error).__name__}"
    assert CallEnd.failed(error) == CallEnd(outcome)
    counted = CallEnd.failed(error, DOLLARS)
    assert counted == CallEnd(outcome, dollars=DOLLARS, estimated=True, settled=False)


def test_a_request_that_was_never_sent_is_free() -> None:
    with pytest.raises(ConnectionFailed) as caught:
        Session(base_url="http://127.0.0.1:9/v1", api_key="k").speak("Hi")
    end = CallEnd.failed(caught.value)
    assert (end.outcome, end.dollars, end.settled) == ("failed: ConnectionFailed", 0, True)
