"""A ledger that is locked, damaged or gone in mid-session: no cap opens, no call is lost."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from audiomagic import Session
from audiomagic.costs.budget import Budget
from audiomagic.costs.caps import Cap
from audiomagic.costs.ledger import Ledger
from audiomagic.costs.schema import MARK
from audiomagic.errors import BudgetExceeded, LedgerError, OptionError
from audiomagic.notebook.magics import load

from ..support.fake_server import FarEnd
from .test_budget import ASKED, call, charged, till

SOON = 7.0  # seconds: the few that a locked ledger may cost, on a busy machine
HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("begin exclusive")
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Have another process hold the ledger's exclusive lock."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as other:  # type: ignore[call-overload]
        assert other.stdout.readline()
        try:
            yield
        finally:
            other.stdin.close()


def header_lost(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))


def another_put_there(path: Path) -> None:
    path.unlink()
    with Ledger(path).writing() as books:
        books.open(call("b.ipynb"))


def make(one: Budget) -> Path:
    """Have a ledger without calls."""
    with one.ledger.writing():
        return one.ledger.path


def hello(far_end: FarEnd) -> None:
    far_end.say("Hi.", b"\0\0" * 2_400)


def session() -> Session:
    return Session(notebook="a.ipynb")


# -- a cap does not open ----------------------------------------------------------------------
@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (header_lost, "cannot be used (file is not a database); move it away, or set AUDIOMAGIC_"),
        (Path.unlink, "was deleted or replaced; set it anew: %audiomagic budget 0.50 --per day"),
        (another_put_there, "was deleted or replaced; set it anew: %audiomagic budget 0.50 --per"),
    ],
)
def test_nothing_is_sent_under_a_cap_whose_ledger_is_lost(
    far_end: FarEnd, spoil: Callable[[Path], Any], said: str
) -> None:
    one = session()
    one.budget.set_cap(Decimal("0.50"), "day", "a.ipynb")
    hello(far_end)
    one.speak("Hi")
    spoil(one.ledger.path)
    for _ in range(2):
        with pytest.raises(BudgetExceeded) as caught:
            one.speak("Hi")
        line = str(caught.value)
        assert said in line and str(one.ledger.path) in line and "\n" not in line
    assert len(far_end.requests) == 1


@pytest.mark.usefixtures("key")
def test_nothing_is_sent_under_a_cap_whose_ledger_is_locked(far_end: FarEnd) -> None:
    one = session()
    one.budget.set_cap(Decimal("0.50"), "day", "a.ipynb")
    with held(one.ledger.path):
        for longest in (SOON, 3):  # who has found it locked waits no longer for it again
            began = time.perf_counter()
            with pytest.raises(BudgetExceeded, match=r"locked by another program; wait for it"):
                one.speak("Hi")
            assert time.perf_counter() - began < longest
    assert far_end.requests == []
    hello(far_end)
    one.speak("Hi")


@pytest.mark.usefixtures("key")
def test_a_call_with_a_cap_of_its_own_needs_a_ledger_that_can_be_read(far_end: FarEnd) -> None:
    header_lost(make(till()))
    with pytest.raises(
        BudgetExceeded, match=r"there may be a budget, .*ledger\.sqlite cannot be used"
    ):
        session().speak("Hi", max_cost="0.50")
    assert far_end.requests == []
    hello(far_end)
    session().speak("Hi")  # no cap was ever known


def test_a_cap_of_a_call_holds_where_the_ledger_can_only_be_looked_at() -> None:
    path = make(till())
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("begin immediate")
        one = till()
        with pytest.raises(BudgetExceeded, match=r"the cap is \$0\.001 per call"):
            one.admit(call(), ASKED, own=Cap(Decimal("0.001"), "call"))
        assert one.admit(call(), ASKED, own=Cap(Decimal("0.05"), "call")).max_tokens


def test_looking_at_a_lost_ledger_forgets_no_cap() -> None:
    one = till()
    one.set_cap(Decimal("0.50"), "day", "a.ipynb")
    one.ledger.path.unlink()
    with pytest.raises(BudgetExceeded, match="deleted or replaced"):
        one.caps("a.ipynb")
    with pytest.raises(BudgetExceeded, match="deleted or replaced"):
        one.admit(call(), ASKED)


def test_of_two_lost_caps_each_is_set_anew_or_lifted() -> None:
    one = till()
    one.set_cap(Decimal("0.50"), "day", "a.ipynb")
    one.set_cap(Decimal("0.20"), "notebook", "a.ipynb")
    one.ledger.path.unlink()
    one.set_cap(Decimal("5"), "month", "a.ipynb")
    one.set_cap(None, "notebook", "a.ipynb")
    with pytest.raises(BudgetExceeded, match=r"the budget of \$0.50 per day is gone"):
        one.admit(call(), ASKED)
    one.set_cap(Decimal("0.50"), "day", "a.ipynb")
    one.admit(call(), ASKED)
    assert [cap.per for cap in one.caps("a.ipynb")] == ["month", "day"]


def test_the_status_tells_of_a_lost_cap_and_goes_on() -> None:
    shell = InteractiveShell()
    load(shell)
    shell.run_line_magic("audiomagic", "budget 0.50 --per day")
    Ledger().path.unlink()
    assert "$0.50 per day is gone" in repr(shell.run_line_magic("audiomagic", ""))


@pytest.mark.skipif(not hasattr(os, "fork") or os.geteuid(), reason="becomes another user")
def test_a_cap_in_a_ledger_that_can_only_be_read_holds() -> None:
    """A colleague's, say: it is no reason to take it for none."""
    folder = Path(tempfile.mkdtemp())  # not pytest's own, which nobody else may look into
    folder.chmod(0o755)
    one = till(ledger=Ledger(folder / "ledger.sqlite"))
    one.set_cap(Decimal("0.50"), "day", "")
    one.ledger.path.chmod(0o444)
    said, tell = os.pipe()
    child = os.fork()
    if not child:
        os.setuid(65534)
        try:
            one.ledger.rows()
            Budget(Ledger(one.ledger.path), print).admit(call(), ASKED)
        except BaseException as error:
            os.write(tell, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(tell)
    with os.fdopen(said) as lines:
        assert "BudgetExceeded: there is a budget, and it cannot be kept: " in lines.read()


# -- a few seconds ----------------------------------------------------------------------------
def test_threads_wait_for_a_locked_ledger_together() -> None:
    one = till()
    one.set_cap(Decimal(5), "day", "")

    def ask(number: int) -> str:
        with pytest.raises(BudgetExceeded) as caught:
            one.admit(call(), ASKED)
        return str(caught.value)

    with held(one.ledger.path), ThreadPoolExecutor(6) as pool:
        began = time.perf_counter()
        assert all("locked" in line for line in pool.map(ask, range(6)))
        assert time.perf_counter() - began < SOON


def test_whoever_looks_at_a_locked_ledger_waits_no_longer() -> None:
    one = till()
    one.set_cap(Decimal(5), "day", "")
    with held(one.ledger.path):
        began = time.perf_counter()
        with pytest.raises(LedgerError, match="locked by another program"):
            one.ledger.rows()
        assert time.perf_counter() - began < SOON


def test_no_tool_round_waits_anew_for_a_ledger_without_caps(far_end: FarEnd) -> None:
    warned = list[str]()
    one = till(warned)
    one.admit(call(), ASKED)
    with held(one.ledger.path):
        began = time.perf_counter()
        for _ in range(3):
            with one.admitted(call(), ASKED) as ticket:
                ticket.end = charged("0.01")
        assert time.perf_counter() - began < 2 * SOON
    assert len(warned) == 1 and warned[0].endswith("are not in it, and no budget is kept")


# -- no finished call is lost -----------------------------------------------------------------
def test_what_could_not_be_booked_is_booked_later() -> None:
    one = till()
    header_lost(make(one))
    for cost in ("0.01", "0.02"):
        with one.admitted(call(), ASKED) as ticket:
            ticket.end = charged(cost)
    one.ledger.path.unlink()
    with one.admitted(call(), ASKED) as ticket:
        ticket.end = charged("0.04")
    rows = one.ledger.rows()
    assert sorted(row["dollars"] for row in rows) == [Decimal(d) for d in ("0.01", "0.02", "0.04")]
    assert {row["outcome"] for row in rows} == {"answered"}


def test_a_call_that_outlives_its_ledger_is_booked_as_itself_in_the_next() -> None:
    one = till()
    with one.admitted(call(), ASKED) as ticket:
        another_put_there(one.ledger.path)  # whose first call has the same number
        ticket.end = charged("0.01")
    with one.admitted(call(), ASKED) as ticket:
        ticket.end = charged("0.02")
    rows = {(row["notebook"], row["dollars"]) for row in one.ledger.rows()}
    mine = {("a.ipynb", Decimal("0.01")), ("a.ipynb", Decimal("0.02"))}
    assert rows == {("b.ipynb", None)} | mine


def test_a_script_that_ends_under_a_lock_still_books_its_call() -> None:
    ledger = Ledger()
    script = f"""if True:
        import sqlite3
        from threading import Timer
        import audiomagic.costs.budget as tills
        from audiomagic.costs.ledger import Ledger
        from tests.sessions.test_budget import ASKED, call, charged
        tills.PATIENCE = 0.5
        till = tills.Budget(Ledger({str(ledger.path)!r}), print)
        with till.admitted(call(), ASKED) as ticket:
            other = sqlite3.connect(till.ledger.path, isolation_level=None, check_same_thread=False)
            other.execute("begin exclusive")
            ticket.end = charged("0.01")
        later = Timer(0.5, lambda: other.execute("rollback"))
        later.daemon = True  # else the interpreter waits for it, before it ends
        later.start()
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "locked" in done.stdout and not done.stderr
    assert [(row["outcome"], row["dollars"]) for row in ledger.rows()] == [
        ("answered", Decimal("0.01"))
    ]


def test_threads_that_end_at_once_lose_no_end() -> None:
    one, before = till(), sys.getswitchinterval()

    def make_call(number: int) -> None:
        with one.admitted(call(), None) as ticket:
            ticket.end = charged("0.01")

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(make_call, range(100)))
    finally:
        sys.setswitchinterval(before)
    assert [row["outcome"] for row in one.ledger.rows()] == ["answered"] * 100


def test_eight_processes_that_write_all_the_time_wait_no_patience_out() -> None:
    """Each gets its turn within the seconds that a call waits, and none gives up."""
    make(till())
    script = f"""if True:
        import time
        from tests.sessions.test_budget import *
        one, end, longest, told = Budget(Ledger({str(Ledger().path)!r}), print), time.time() + 4, 0, 0
        while time.time() < end:
            began = time.perf_counter()
            with one.admitted(call(), ASKED) as ticket:
                ticket.end = charged("0.001")
            longest, told = max(longest, time.perf_counter() - began), told + 1
        print(told, longest)
    """
    many = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    said = [process.communicate()[0].split() for process in many]
    assert all(len(words) == 2 for words in said), said  # or else there was a warning
    rows = Ledger().rows()
    assert len(rows) == sum(int(told) for told, _ in said)
    assert {row["outcome"] for row in rows} == {"answered"}
    assert max(float(longest) for _, longest in said) < 4


# -- names that no file holds -----------------------------------------------------------------
@pytest.mark.usefixtures("key", "far_end")
def test_half_a_character_in_a_models_name_is_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = Session(model="gpt-\ud800")
    with pytest.raises(OptionError):  # it is not sent
        one.speak("Hi")
    (row,) = one.ledger.rows()
    assert row["model"] == r"gpt-\ud800" and row["dollars"] == 0
    assert capsys.readouterr().out == ""


def test_half_a_character_in_a_notebooks_name_is_no_failure() -> None:
    warned = list[str]()
    one, name = till(warned), "a\udcff.ipynb"
    one.set_cap(Decimal("0.50"), "notebook", name)
    with one.admitted(call(name), ASKED) as ticket:
        ticket.end = charged("0.01")
    assert [cap.spent for cap in one.caps(name)] == [Decimal("0.01")] and not warned
    assert [row["notebook"] for row in one.ledger.rows(notebook=name)] == [r"a\udcff.ipynb"]


# -- what it is, truthfully -------------------------------------------------------------------
def stamped(path: Path, mark: int, version: int) -> Ledger:
    with sqlite3.connect(path) as connection:
        connection.execute("create table calls (theirs)")
        connection.execute(f"pragma application_id = {mark}")
        connection.execute(f"pragma user_version = {version}")
    return Ledger(path)


@pytest.mark.parametrize(("mark", "version"), [(0, 0), (MARK, 0), (0, 1), (0, 2), (7, 0)])
def test_a_file_of_others_is_told_as_that(tmp_path: Path, mark: int, version: int) -> None:
    ledger = stamped(tmp_path / "theirs", mark, version)
    with pytest.raises(LedgerError) as caught:
        ledger.rows()
    assert str(caught.value) == (
        f"the ledger {ledger.path} cannot be used (it is not a ledger of audiomagic); "
        "move it away, or set AUDIOMAGIC_LEDGER to another file"
    )


@pytest.mark.parametrize("name", ["/dev/null", "/dev/null/share/ledger"])
def test_costs_and_a_cap_say_that_no_ledger_can_be_kept(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOMAGIC_LEDGER", name)
    shell = InteractiveShell()
    load(shell)
    line = rf"the ledger {name} cannot be used \(.+\); set AUDIOMAGIC_LEDGER to another file"
    for command in ("costs", "costs --all", "budget 0.50 --per day"):
        with pytest.raises(LedgerError, match=f"^{line}$"):
            shell.run_line_magic("audiomagic", command)
    status = repr(shell.run_line_magic("audiomagic", ""))
    assert f"the ledger {name}" in status and "calls" not in status.split("ledger")[0][-40:]


def test_a_home_that_is_not_there_is_no_folder_of_its_name(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"~nobody-here/l cannot be used \(there is no such home"):
        Ledger("~nobody-here/l").rows()
