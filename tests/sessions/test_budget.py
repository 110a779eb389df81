"""Budgets: the worst case stays under every cap, whoever else is calling at the same time."""

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from audiomagic import Session, compare
from audiomagic.costs.budget import Budget
from audiomagic.costs.caps import LEAST, Cap, allow, amount, start
from audiomagic.costs.estimate import Estimate, estimate
from audiomagic.costs.ledger import Ledger
from audiomagic.costs.ledger_entries import CallEnd, CallStart
from audiomagic.costs.prices import Price, Rates, listed
from audiomagic.errors import BudgetExceeded, ConnectionFailed, LedgerError, OptionError
from audiomagic.notebook.magics import load
from audiomagic.protocol.request import Message, Request

from ..support.fake_server import FarEnd, Handler, chunk, spoken, usage
from ..support.listener import Listener

PRICE = listed().find("gpt-audio-1.5")
REQUEST = Request("gpt-audio-1.5", (Message("user", ("Tell me a joke",)),), "alloy")
ASKED = estimate(REQUEST, PRICE)
MONEY = st.decimals(0, 3, places=6)


def call(notebook: str = "a.ipynb", **more: Any) -> CallStart:
    return CallStart("gpt-audio-1.5", "openai", "api.openai.com", notebook, **more)


def till(warnings: list[str] | None = None, ledger: Ledger | None = None) -> Budget:
    return Budget(ledger or Ledger(), ([] if warnings is None else warnings).append)


def charged(dollars: str) -> CallEnd:
    return CallEnd("answered", dollars=Decimal(dollars), settled=True)


# -- the arithmetic ---------------------------------------------------------------------------
def test_without_a_cap_nothing_is_shortened() -> None:
    allowed = allow(ASKED, [])
    assert allowed.max_tokens is None and allowed.worst == ASKED.worst(16_384)


def test_an_answer_is_as_long_as_the_tightest_cap_allows() -> None:
    caps = [Cap(Decimal("0.05"), "day"), Cap(Decimal("1"), "month", spent=Decimal("0.98"))]
    allowed = allow(ASKED, caps)
    assert allowed.max_tokens == ASKED.affordable(Decimal("0.02"))
    assert allowed.worst is not None and Decimal("0.0199") < allowed.worst <= Decimal("0.02")


def test_a_wide_cap_still_bounds_the_answer() -> None:
    assert allow(ASKED, [Cap(Decimal(50), "day")]).max_tokens == 16_384


def test_an_own_cap_on_tokens_stays() -> None:
    short = estimate(replace(REQUEST, max_tokens=20), PRICE)
    assert allow(short, [Cap(Decimal("0.01"), "day")]).max_tokens == 20


@given(MONEY, MONEY, MONEY, st.integers(1, 5), st.sampled_from(["day", "call"]))
@settings(max_examples=200, deadline=None)
def test_allowed_calls_fit_together(cap: Any, spent: Any, held: Any, among: int, per: str) -> None:
    one = Cap(cap, per, spent, held)
    try:
        allowed = allow(ASKED, [one], among=among)
    except BudgetExceeded:
        assert one.room < ASKED.worst(LEAST) * among
    else:
        assert allowed.worst is not None and allowed.max_tokens is not None
        assert allowed.max_tokens >= LEAST
        assert spent + held + allowed.worst * (1 if per == "call" else among) <= cap


def test_a_refusal_says_spent_cap_and_how_to_raise_it() -> None:
    cap = Cap(Decimal("0.05"), "day", Decimal("0.0312"), Decimal("0.0188"))
    with pytest.raises(BudgetExceeded) as caught:
        allow(ASKED, [cap])
    assert str(caught.value) == (
        "the cap is $0.05 per day, and $0.0312 is spent, $0.0188 held for calls in flight or "
        "without a bill, this call may cost $0.0041 or more; "
        "raise it: %audiomagic budget 0.10 --per day"
    )
    assert "raise it: --max-cost 0.02" in str(Cap(Decimal(0), "call").refusal(Decimal("0.02")))
    assert "%audiomagic budget 4.00" in str(Cap(Decimal("1.00"), "notebook").refusal(Decimal(3)))


def test_a_raised_cap_lets_the_call_through() -> None:
    cap = Cap(Decimal("0.05"), "month", Decimal("0.31"))
    said = str(cap.refusal(ASKED.worst(LEAST)))
    raised = Decimal(said.split("budget ")[1].split(" ")[0])
    assert allow(ASKED, [replace(cap, amount=raised)]).max_tokens


def test_a_model_without_a_price_is_refused_under_a_cap_unless_told_otherwise() -> None:
    unknown = estimate(REQUEST, None)
    assert allow(unknown, []).worst is None
    with pytest.raises(BudgetExceeded, match=r"\$5 per day, and the price .* --allow-unpriced"):
        allow(unknown, [Cap(Decimal(5), "day")])
    assert allow(unknown, [Cap(Decimal(5), "day")], allow_unpriced=True).max_tokens is None


@pytest.mark.parametrize(("words", "value"), [("5", "5"), (" $0.50 ", "0.50"), ("0", "0")])
def test_amounts(words: str, value: str) -> None:
    assert amount(words) == Decimal(value)


@pytest.mark.parametrize("words", ["", "five", "-1", "nan", "inf", "1e9", "0,50", "$"])
def test_no_amounts(words: str) -> None:
    with pytest.raises(OptionError, match="a budget is an amount of US dollars"):
        amount(words)


def test_when_days_and_months_begin() -> None:
    now = datetime(2026, 11, 22, 15, 30).astimezone()
    assert start("day", now) == datetime(2026, 11, 22).astimezone()
    assert start("month", now.astimezone(UTC)) == datetime(2026, 11, 1).astimezone()
    assert start("notebook", now) is None


# -- the till ---------------------------------------------------------------------------------
def test_a_call_is_booked_and_settled() -> None:
    with till().admitted(call(), ASKED) as ticket:
        assert [row["outcome"] for row in Ledger().rows()] == ["in flight"]
        ticket.end = charged("0.01")
    (row,) = Ledger().rows()
    assert (row["outcome"], row["dollars"]) == ("answered", Decimal("0.01"))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(ConnectionFailed("lost"), "failed: ConnectionFailed"), (KeyboardInterrupt(), "stopped")],
)
def test_a_call_that_breaks_off_holds_its_worst_case(error: Any, outcome: str) -> None:
    one = till()
    one.set_cap(Decimal("0.05"), "day", "")
    with pytest.raises(type(error)), one.admitted(call(), ASKED, own=Cap(Decimal("0.02"), "call")):
        raise error
    assert [row["outcome"] for row in Ledger().rows()] == [outcome]
    (cap,) = one.caps("a.ipynb")
    assert cap.spent == 0 and Decimal("0.019") < cap.held <= Decimal("0.02")


def test_caps_hold_across_restarts_for_their_time_and_notebook() -> None:
    one = till()
    one.set_cap(Decimal("0.05"), "day", "a.ipynb")
    one.set_cap(Decimal("0.10"), "notebook", "a.ipynb")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    for opened in (call(when=yesterday), call("b.ipynb")):
        with one.admitted(opened, ASKED) as ticket:
            ticket.end = charged("0.04")
    caps = {cap.per: cap for cap in till().caps("a.ipynb")}
    assert (caps["day"].room, caps["notebook"].room) == (Decimal("0.01"), Decimal("0.06"))
    assert [cap.per for cap in till().caps("b.ipynb")] == ["day"]
    one.set_cap(None, "day", "a.ipynb")
    assert [cap.per for cap in till().caps("a.ipynb")] == ["notebook"]


def test_a_refused_call_leaves_no_row() -> None:
    with (
        pytest.raises(BudgetExceeded),
        till().admitted(call(), ASKED, own=Cap(Decimal("0.001"), "call")),
    ):
        raise AssertionError("was let through")
    assert Ledger().rows() == []


def test_a_free_call_passes_every_cap() -> None:
    one = till()
    one.set_cap(Decimal(0), "day", "")
    with one.admitted(call(), None) as ticket:
        assert ticket.max_tokens is None
        ticket.end = charged("0")
    assert one.caps("")[0].room == 0


def test_calls_at_once_share_the_room() -> None:
    one = till()
    one.set_cap(Decimal("0.05"), "day", "")
    tickets = [one.admit(call(), ASKED, among=among) for among in (3, 2, 1)]
    lengths = [ticket.max_tokens or 0 for ticket in tickets]
    assert max(lengths) - min(lengths) <= 1 and one.caps("")[0].room >= 0
    with pytest.raises(BudgetExceeded, match="held for calls in flight"):
        one.admit(call(), ASKED)


def test_kernels_at_once_cannot_take_the_same_cent() -> None:
    till().set_cap(Decimal("0.10"), "month", "")

    def kernel(index: int) -> Any:
        try:
            return till().admit(call(str(index)), ASKED, own=Cap(Decimal("0.012"), "call"))
        except BudgetExceeded:
            return None

    with ThreadPoolExecutor(8) as pool:
        tickets = [ticket for ticket in pool.map(kernel, range(24)) if ticket]
    (cap,) = till().caps("")
    assert 8 <= len(tickets) < 24 and Decimal("0.09") < cap.held <= cap.amount


# -- a ledger that cannot be used -------------------------------------------------------------
def test_without_a_ledger_the_answer_comes_and_one_line_warns(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"no ledger at all" * 100)
    warnings: list[str] = []
    one = till(warnings, Ledger(tmp_path / "bad"))
    for _ in range(2):
        with one.admitted(call(), ASKED) as ticket:
            ticket.end = charged("0.01")
    with pytest.raises(BudgetExceeded), one.admitted(call(), ASKED, own=Cap(Decimal("5"), "call")):
        raise AssertionError("a call with a cap of its own needs to see the others")
    assert len(warnings) == 1 and "\n" not in warnings[0]
    assert "bad cannot be used (file is not a database)" in warnings[0]


def test_a_ledger_that_breaks_during_a_call_keeps_no_answer_back(tmp_path: Path) -> None:
    warnings: list[str] = []
    one = till(warnings)
    with one.admitted(call(), ASKED) as ticket:
        one.ledger.path.write_bytes(b"broken" * 1000)
        ticket.end = charged("0.01")
    assert len(warnings) == 1


def test_what_cannot_be_written_now_is_written_later(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    one = till(warnings)
    monkeypatch.setattr("audiomagic.costs.budget.PATIENCE", 0.1)
    with sqlite3.connect(one.ledger.path, isolation_level=None) as other:
        with one.admitted(call(), ASKED) as ticket:
            ticket.end = charged("0.01")
            other.execute("begin immediate")
        assert [row["outcome"] for row in one.ledger.rows()] == ["in flight"]
        other.execute("rollback")
    one.set_cap(Decimal("0.011"), "day", "")
    with pytest.raises(BudgetExceeded, match=r"\$0\.0100 is spent"):
        one.admit(call(), ASKED)
    with one.admitted(call(), None) as ticket:
        ticket.end = charged("0")
    assert [row["outcome"] for row in one.ledger.rows()] == ["answered"] * 2
    assert len(warnings) == 1 and "locked" in warnings[0]


def test_a_budget_that_cannot_be_kept_refuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one = till()
    one.set_cap(Decimal(5), "day", "")
    monkeypatch.setattr("audiomagic.costs.budget.PATIENCE", 0.1)
    with sqlite3.connect(one.ledger.path, isolation_level=None) as other:
        other.execute("begin immediate")  # it can be read, but not written
        with pytest.raises(BudgetExceeded, match=r"it cannot be kept: .* locked"):
            one.admit(call(), ASKED)
    with pytest.raises(LedgerError):
        till(ledger=Ledger(tmp_path)).set_cap(Decimal(1), "day", "")


def broken(path: Path) -> None:
    path.write_bytes(b"broken" * 1000)


def header_lost(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))


@pytest.mark.parametrize("spoil", [broken, header_lost, Path.unlink])
@pytest.mark.parametrize("per", ["notebook", "day"])
def test_a_known_budget_outlives_its_ledger(spoil: Callable[[Path], Any], per: str) -> None:
    one = till()
    one.set_cap(Decimal("0.10"), per, "a.ipynb")
    with one.admitted(call("a.ipynb"), ASKED) as ticket:
        ticket.end = charged("0.01")
    spoil(one.ledger.path)
    for _ in range(2):
        with pytest.raises(BudgetExceeded, match="budget") as caught:
            one.admit(call("a.ipynb"), ASKED)
        assert str(one.ledger.path) in str(caught.value)
    assert one.admit(call("a.ipynb"), None).max_tokens is None  # what is free is let through
    one.ledger.path.unlink(missing_ok=True)
    with pytest.raises(BudgetExceeded, match=r"lift it: %audiomagic budget off"):
        one.admit(call("a.ipynb"), ASKED)
    one.set_cap(None, per, "a.ipynb")
    one.admit(call("a.ipynb"), ASKED)


def test_a_budget_that_is_lifted_elsewhere_is_lifted() -> None:
    one = till()
    one.set_cap(Decimal("0.0001"), "day", "")
    with pytest.raises(BudgetExceeded):
        one.admit(call(), ASKED)
    till().set_cap(None, "day", "")
    one.admit(call(), ASKED)


def test_a_locked_ledger_may_hold_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    till().set_cap(Decimal(5), "day", "")
    monkeypatch.setattr("audiomagic.costs.budget.PATIENCE", 0.3)
    with sqlite3.connect(Ledger().path, isolation_level=None) as other:
        other.execute("begin exclusive")
        fresh = till()
        began = time.perf_counter()
        with pytest.raises(
            BudgetExceeded, match=r"there may be a budget, .* locked.*; wait for it to end"
        ):
            fresh.admit(call(), ASKED)
        assert time.perf_counter() - began < 2
        fresh.admit(call(), None)
    fresh.admit(call(), ASKED)


# -- the promise ------------------------------------------------------------------------------
@pytest.mark.usefixtures("key")
def test_a_hundred_calls_never_spend_more_by_the_servers_own_count(far_end: FarEnd) -> None:
    """The far end's answers are as long as they may be, now and then; some bills never come."""
    dice = random.Random(6)
    bills: list[Decimal] = []

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        longest = body["max_completion_tokens"]
        tokens = longest if dice.random() < 0.3 else min(longest, dice.randrange(1, 80))
        audio = tokens if dice.random() < 0.5 else tokens // 2
        text_in = 13
        bills.append((text_in * Decimal("2.5") + (tokens - audio) * 10 + audio * 64) / 1_000_000)
        told = usage(text_in, 0, tokens - audio, audio)
        chunks = spoken(["Ha."], b"\0\0" * 2_400, told)
        if dice.random() < 0.1:
            handler.stream(chunks[:-4], done=False)  # cut off before its bill
        else:
            handler.stream(chunks)

    session, refused = Session(), 0
    session.budget.set_cap(Decimal("0.05"), "day", "")
    for _ in range(100):
        far_end.then(answer)
        try:
            session.speak("Tell me a joke", max_cost="0.006")
        except BudgetExceeded as error:
            refused += 1
            assert "the cap is $0.05 per day, and $0.0" in str(error)
    assert 0 < refused < 95 and len(bills) == 100 - refused
    assert Decimal("0.04") < sum(bills) <= Decimal("0.05")


@pytest.mark.parametrize("rates", [("0.15", "0.60", "10", "20"), ("2.5", "10", "100", "200")])
def test_at_any_price(rates: Any) -> None:
    price = Price(Rates(*map(Decimal, rates)), "a test")
    asked: Estimate = estimate(REQUEST, price)
    allowed = allow(asked, [Cap(Decimal("0.05"), "day")])
    assert allowed.worst is not None and allowed.max_tokens is not None
    token = Decimal(rates[3]) / 1_000_000
    assert Decimal("0.05") - token < allowed.worst <= Decimal("0.05")
    assert allowed.max_tokens <= Decimal("0.05") / token


def test_a_subprocess_sees_the_same_budget() -> None:
    till().set_cap(Decimal("0.25"), "month", "")
    script = "from audiomagic.costs.budget import *; print(*Budget(Ledger(), print).caps('x'))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "$0.25 per month"


def test_a_calls_cap_holds_for_its_rounds_and_columns_together(far_end: FarEnd, key: str) -> None:
    """Each round, and each column of a comparison, takes all that it is allowed."""
    bills: list[Decimal] = []

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        tokens = body["max_completion_tokens"]
        bills.append((30 * Decimal("2.5") + tokens * 64) / 1_000_000)
        told = usage(30, 0, 0, tokens)
        call = {"index": 0, "id": "a", "function": {"name": "now", "arguments": "{}"}}
        asks = [chunk({"tool_calls": [call]}, finish_reason="tool_calls")]
        said = spoken(["Noon."], b"\0\0" * 2_400, told)
        handler.stream([*asks, said[-2]] if body.get("tools") else said)

    def now() -> str:
        return "noon"

    for _ in range(8):
        far_end.then(answer)
    with pytest.raises(BudgetExceeded, match=r"the cap is \$0.02 per call"):
        Session().speak("What time is it?", tools=now, max_cost="0.02")
    assert bills and sum(bills) <= Decimal("0.02")
    bills.clear()
    session = Session()
    session.budget.set_cap(Decimal("0.1"), "month", "")
    both = compare(session.speak, "Hi", voice=["ash", "sage"], among=2, max_cost="0.03")
    assert len(both) == len(bills) == 2 and sum(bills) <= Decimal("0.06")


def test_a_server_that_takes_no_notice_of_the_cap_is_stopped(far_end: FarEnd, key: str) -> None:
    far_end.send_chunks(spoken(["On and on."], b"\1\0" * 24_000 * 60), pace=0.001)
    reply = Session().speak("Hi", max_cost="0.01")
    assert reply.finish_reason == "length" and reply.seconds < 10
    assert far_end.hung_up.wait(5)


def test_a_stopped_call_holds_no_more_than_what_came(far_end: FarEnd, key: str) -> None:
    far_end.stall(spoken(["Hello."], b"\1\0" * 24_000)[:8])
    session, ear = Session(), Listener()
    session.budget.set_cap(Decimal("0.5"), "day", "")
    Timer(0.5, ear.cancellation.cancel).start()
    reply = session.speak("Hi", listener=ear)
    (cap,) = session.budget.caps("")
    assert reply.finish_reason == "stopped" and cap.held == 0
    assert cap.spent == reply.receipt.estimate and Decimal(0) < cap.spent < Decimal("0.01")


def test_columns_share_a_cap_and_are_told_what_is_enough(
    far_end: FarEnd, key: str, tmp_path: Path
) -> None:
    shell = InteractiveShell()
    load(shell)
    with pytest.raises(BudgetExceeded, match=r"the cap of \$0.005 is shared by 2 calls") as caught:
        shell.run_line_magic("speak", "-q --voice coral,ash --max-cost 0.005 Hi")
    enough = str(caught.value).rpartition(" ")[2]
    for _ in range(2):
        far_end.say("Hi.", b"\0\0" * 2_400)
    both = shell.run_line_magic("speak", f"-q --voice coral,ash --max-cost {enough} Hi")
    assert len(both) == 2
