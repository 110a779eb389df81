"""Budgets: the worst case is held before a call, whoever else is calling at the same time."""

import decimal
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomagic.costs.budget import (
    LEAST,
    Budget,
    CallBudget,
    Cap,
    Reservation,
    amount,
    start,
)
from audiomagic.costs.estimate import estimate
from audiomagic.costs.ledger import CallEnd, CallStart, Ledger
from audiomagic.costs.pricing import Price, Rates, listed
from audiomagic.errors import (
    BudgetExceeded,
    ConnectionFailed,
    LedgerError,
    OptionError,
    RequestRejected,
)
from audiomagic.protocol.request import Message, Request

REQUEST = Request("gpt-audio-1.5", (Message("user", ("Tell me a joke",)),), "alloy")
ESTIMATE = estimate(REQUEST, listed().find("gpt-audio-1.5"))


def call(notebook: str = "a.ipynb", **more: Any) -> CallStart:
    return CallStart("gpt-audio-1.5", "openai", "api.openai.com", notebook, **more)


def new_budget(warnings: list[str] | None = None, ledger: Ledger | None = None) -> Budget:
    """One that does not wait for a locked ledger."""
    return Budget(ledger or Ledger(patience=0), ([] if warnings is None else warnings).append)


def patient() -> Budget:
    return new_budget(ledger=Ledger(patience=60))


def charged(dollars: str) -> CallEnd:
    return CallEnd("answered", dollars=Decimal(dollars), settled=True)


def make_call(
    budget: Budget,
    cost: str | None = "0.01",
    *,
    start: CallStart | None = None,
    cap: str | None = None,
    free: bool = False,
    **terms: Any,
) -> Reservation:
    """Make a call of a known cost; without one its bill never comes."""
    terms["cap"] = cap and Decimal(cap)
    asked = None if free else ESTIMATE
    with budget.reserve(start or call(), asked, CallBudget(**terms)) as reservation:
        reservation.end = charged(cost) if cost else None
    return reservation


# -- reserve and settle -----------------------------------------------------------------------
def test_a_call_is_held_while_it_runs_and_settled_after_it() -> None:
    budget = new_budget()
    budget.set_cap(Decimal("0.05"), "day", "")
    call_budget = CallBudget(Decimal("0.02"))
    with budget.reserve(call(), ESTIMATE, call_budget) as reservation:
        assert [row["outcome"] for row in Ledger().rows()] == ["in flight"]
        (cap,) = budget.caps("a.ipynb")
        assert cap.reserved == reservation.dollars
        assert Decimal("0.019") < cap.reserved <= Decimal("0.02")
        reservation.end = charged("0.01")
    (row,), (cap,) = Ledger().rows(), budget.caps("a.ipynb")
    assert (row["outcome"], row["dollars"]) == ("answered", Decimal("0.01"))
    assert (cap.spent, cap.reserved, call_budget.spent) == (Decimal("0.01"), 0, Decimal("0.01"))


@pytest.mark.parametrize(
    "error", [ConnectionFailed("lost"), MemoryError(), KeyboardInterrupt(), None]
)
def test_what_may_have_been_billed_stays_held(error: BaseException | None) -> None:
    budget, call_budget = new_budget(), CallBudget(Decimal("0.02"))
    budget.set_cap(Decimal("0.05"), "day", "")
    if error:
        with pytest.raises(type(error)), budget.reserve(call(), ESTIMATE, call_budget):
            raise error
    else:
        with budget.reserve(call(), ESTIMATE, call_budget):
            pass
    outcome = f"failed: {type(error).__name__}" if error else "answered"
    outcome = "stopped" if isinstance(error, KeyboardInterrupt) else outcome
    assert [row["outcome"] for row in Ledger().rows()] == [outcome]
    (cap,) = budget.caps("a.ipynb")
    assert cap.spent == 0 and Decimal("0.019") < cap.reserved <= Decimal("0.02")
    assert call_budget.spent == cap.reserved


@pytest.mark.parametrize("error", [OptionError("not sent"), RequestRejected("no", 400)])
def test_what_cannot_have_been_billed_is_released(error: Any) -> None:
    error.may_be_billed = False
    budget, call_budget = new_budget(), CallBudget(Decimal("0.02"))
    budget.set_cap(Decimal("0.05"), "day", "")
    with pytest.raises(type(error)), budget.reserve(call(), ESTIMATE, call_budget):
        raise error
    (cap,) = budget.caps("a.ipynb")
    assert (cap.spent, cap.reserved, call_budget.spent) == (0, 0, 0)


def test_a_call_that_breaks_off_costs_what_its_end_says() -> None:
    budget, call_budget = new_budget(), CallBudget()
    with (
        pytest.raises(ConnectionFailed),
        budget.reserve(call(), ESTIMATE, call_budget) as reservation,
    ):
        reservation.end = charged("0.01")
        raise ConnectionFailed("after a part of the answer")
    assert Ledger().rows()[0]["dollars"] == call_budget.spent == Decimal("0.01")


def test_the_requests_of_one_call_share_its_cap() -> None:
    budget, call_budget = new_budget(), CallBudget(Decimal("0.02"))
    lengths = []
    for cost in ("0.009", None):
        with budget.reserve(call(), ESTIMATE, call_budget) as reservation:
            reservation.end = charged(cost) if cost else None
        lengths.append(reservation.max_tokens or 0)
    assert lengths[1] < 0.6 * lengths[0] and Decimal("0.0199") < call_budget.spent <= Decimal(
        "0.02"
    )
    with (
        pytest.raises(BudgetExceeded, match=r"the cap is \$0.02 per call"),
        budget.reserve(call(), ESTIMATE, call_budget),
    ):
        raise AssertionError("was let through")
    assert len(Ledger().rows()) == 2


def test_a_refused_call_leaves_no_row() -> None:
    with pytest.raises(BudgetExceeded):
        make_call(new_budget(), cap="0.001")
    assert Ledger().rows() == []


def test_a_free_call_passes_every_cap() -> None:
    budget = new_budget()
    budget.set_cap(Decimal(0), "day", "")
    assert make_call(budget, "0", free=True).max_tokens is None
    with pytest.raises(ConnectionFailed), budget.reserve(call(), None, CallBudget()) as reservation:
        raise ConnectionFailed("lost")
    assert reservation.end == CallEnd("failed: ConnectionFailed", dollars=Decimal(0), settled=True)
    assert budget.caps("")[0].room == 0


def test_a_model_without_a_price_needs_leave_under_a_cap() -> None:
    unknown = estimate(REQUEST, None)
    with (
        pytest.raises(BudgetExceeded, match="--allow-unpriced"),
        new_budget().reserve(call(), unknown, CallBudget(Decimal(1))),
    ):
        raise AssertionError("was let through")
    with new_budget().reserve(call(), unknown, CallBudget(Decimal(1), True)) as reservation:
        assert (reservation.max_tokens, reservation.dollars) == (None, None)


# -- caps -------------------------------------------------------------------------------------
def test_caps_apply_across_restarts_for_their_time_and_notebook() -> None:
    budget = new_budget()
    budget.set_cap(Decimal("0.05"), "day", "a.ipynb")
    budget.set_cap(Decimal("0.10"), "notebook", "a.ipynb")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    for began in (call(when=yesterday), call("b.ipynb")):
        make_call(budget, "0.04", start=began)
    caps = {cap.per: cap for cap in new_budget().caps("a.ipynb")}
    assert (caps["day"].room, caps["notebook"].room) == (Decimal("0.01"), Decimal("0.06"))
    assert [cap.per for cap in new_budget().caps("b.ipynb")] == ["day"]
    budget.set_cap(None, "day", "a.ipynb")
    assert [cap.per for cap in new_budget().caps("a.ipynb")] == ["notebook"]


def test_a_cap_per_month_counts_the_days_of_this_month_alone() -> None:
    budget = new_budget()
    budget.set_cap(Decimal("0.10"), "month", "")
    now = datetime.now().astimezone()
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for when in (first - timedelta(seconds=1), first):
        with budget.ledger.writing() as transaction:
            start = call(when=when)
            transaction.insert(start)
            transaction.finish(start, charged("0.04"))
    assert budget.caps("")[0].spent == Decimal("0.04")


def test_a_cap_that_is_lifted_elsewhere_is_lifted() -> None:
    budget = new_budget()
    budget.set_cap(Decimal("0.0001"), "day", "")
    with pytest.raises(BudgetExceeded):
        make_call(budget)
    new_budget().set_cap(None, "day", "")
    make_call(budget)


def test_a_subprocess_sees_the_same_caps() -> None:
    new_budget().set_cap(Decimal("0.25"), "month", "")
    script = "from audiomagic.costs.budget import *; print(*Budget(Ledger(), print).caps('x'))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "$0.25 per month"


def test_calls_at_once_share_the_room() -> None:
    budget = new_budget()
    budget.set_cap(Decimal("0.05"), "day", "")
    with ExitStack() as running:
        lengths = []
        for sharing in (3, 2, 1):
            reserving = budget.reserve(call(), ESTIMATE, CallBudget(sharing=sharing))
            lengths.append(running.enter_context(reserving).max_tokens or 0)
        assert max(lengths) - min(lengths) <= 1 and budget.caps("")[0].room >= 0
        with pytest.raises(BudgetExceeded, match="reserved for calls in flight"):
            make_call(budget)


def test_kernels_at_once_cannot_take_the_same_cent() -> None:
    new_budget().set_cap(Decimal("0.10"), "month", "")

    def kernel(index: int) -> bool:
        try:  # its bill never comes: it stays held
            make_call(patient(), None, start=call(str(index)), cap="0.012")
        except BudgetExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        admitted = sum(pool.map(kernel, range(24)))
    (cap,) = new_budget().caps("")
    assert 8 <= admitted < 24 and Decimal("0.09") < cap.reserved <= cap.amount


def test_a_notebooks_own_decimals_change_no_account() -> None:
    budget, call_budget = new_budget(), CallBudget(Decimal("0.0512345"), spent=Decimal("0.0012345"))
    budget.set_cap(Decimal("0.1234567"), "day", "")
    with decimal.localcontext(prec=3) as context:
        context.traps[decimal.Inexact] = True
        with budget.reserve(call(), ESTIMATE, call_budget) as reservation:
            reservation.end = charged("0.0123456")
        (cap,) = budget.caps("")
    assert (cap.room, call_budget.spent) == (Decimal("0.1111111"), Decimal("0.0135801"))
    assert decimal.getcontext().prec == 28


# -- a ledger that cannot be used -------------------------------------------------------------
@contextmanager
def locked(budget: Budget, how: str = "exclusive") -> Iterator[None]:
    """Have another program hold the ledger's lock; an immediate one lets it be read."""
    with sqlite3.connect(budget.ledger.path, isolation_level=None) as other:
        other.execute(f"begin {how}")
        try:
            yield
        finally:
            other.execute("rollback")


def damage(path: Path) -> None:
    path.write_bytes(b"broken" * 1000)


def lose_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))


def test_without_a_cap_the_call_goes_on_and_one_line_warns(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"not a ledger" * 100)
    warnings: list[str] = []
    budget = new_budget(warnings, Ledger(tmp_path / "bad"))
    for _ in range(2):
        assert make_call(budget).max_tokens is None
    assert len(warnings) == 1 and "\n" not in warnings[0]
    assert "bad cannot be used (file is not a database)" in warnings[0]
    assert warnings[0].endswith("calls are not recorded and budgets are not enforced")


def test_a_ledger_locked_without_a_cap_stops_no_call() -> None:
    warnings: list[str] = []
    budget = new_budget(warnings)
    make_call(budget)
    for how in ("exclusive", "immediate"):
        with locked(budget, how):
            make_call(budget)
    assert len(warnings) == 1 and "locked by another program" in warnings[0]
    assert len(budget.ledger.rows()) == 1


def test_a_ledger_that_breaks_during_a_call_keeps_no_answer_back() -> None:
    warnings: list[str] = []
    budget = new_budget(warnings)
    with budget.reserve(call(), ESTIMATE, CallBudget()) as reservation:
        damage(budget.ledger.path)
        reservation.end = charged("0.01")
    assert len(warnings) == 1


def test_a_call_whose_end_cannot_be_recorded_keeps_its_worst_case_held() -> None:
    warnings: list[str] = []
    budget = new_budget(warnings)
    budget.set_cap(Decimal("0.05"), "day", "")
    call_budget = CallBudget(Decimal("0.02"))
    with ExitStack() as lock, budget.reserve(call(), ESTIMATE, call_budget) as reservation:
        reservation.end = charged("0.01")
        lock.enter_context(locked(budget))
    (cap,) = budget.caps("")
    assert cap.reserved == reservation.dollars and call_budget.spent == Decimal("0.01")
    assert len(warnings) == 1


@pytest.mark.parametrize("spoil", [damage, lose_header])
@pytest.mark.parametrize("per", ["notebook", "day"])
def test_under_a_cap_nothing_is_sent_while_the_ledger_is_damaged(
    spoil: Callable[[Path], Any], per: str
) -> None:
    budget = new_budget()
    budget.set_cap(Decimal("0.10"), per, "a.ipynb")
    make_call(budget)
    spoil(budget.ledger.path)
    for _ in range(2):
        with pytest.raises(BudgetExceeded, match="no budget can be enforced: the ledger") as caught:
            make_call(budget)
        assert str(budget.ledger.path) in str(caught.value) and "move it away" in str(caught.value)
    assert make_call(budget, "0", free=True).max_tokens is None
    budget.ledger.path.unlink()  # who deletes it has no caps any more
    assert make_call(budget).max_tokens is None


@pytest.mark.parametrize("how", ["exclusive", "immediate"])
@pytest.mark.parametrize("restarted", [False, True])
def test_under_a_cap_nothing_is_sent_while_the_ledger_is_locked(how: str, restarted: bool) -> None:
    budget = new_budget()
    budget.set_cap(Decimal("0.10"), "day", "")
    if restarted:  # it has never seen the cap: a locked ledger may hold one
        budget = new_budget()
    with locked(budget, how):
        with pytest.raises(BudgetExceeded, match=r"no budget .* locked .*; wait for it"):
            make_call(budget)
        make_call(budget, "0", free=True)
    assert budget.ledger.rows() == []
    make_call(budget)


@pytest.mark.parametrize("how", ["exclusive", "immediate"])
def test_a_call_with_a_cap_of_its_own_needs_the_ledger(how: str) -> None:
    budget = new_budget()
    make_call(budget)
    with locked(budget, how), pytest.raises(BudgetExceeded, match="no budget can be enforced"):
        make_call(budget, cap="5")
    damage(budget.ledger.path)
    with pytest.raises(BudgetExceeded, match="no budget can be enforced"):
        make_call(budget, cap="5")


def test_a_cap_cannot_be_set_where_no_ledger_can_be(tmp_path: Path) -> None:
    with pytest.raises(LedgerError):
        new_budget(ledger=Ledger(tmp_path)).set_cap(Decimal(1), "day", "")


@pytest.mark.skipif(not hasattr(os, "fork") or os.geteuid(), reason="becomes another user")
def test_a_cap_in_a_ledger_that_can_only_be_read_applies() -> None:
    """A colleague's, say."""
    folder = Path(tempfile.mkdtemp())  # not pytest's own, which nobody else may look into
    folder.chmod(0o755)
    budget = new_budget(ledger=Ledger(folder / "ledger.sqlite"))
    budget.set_cap(Decimal("0.50"), "day", "")
    budget.ledger.path.chmod(0o444)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.setuid(65534)
        try:
            budget.ledger.rows()
            make_call(new_budget(ledger=Ledger(budget.ledger.path)))
        except BaseException as error:
            os.write(write, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as lines:
        assert "BudgetExceeded: no budget can be enforced: " in lines.read()


def test_a_call_that_outlives_its_ledger_ends_no_call_of_the_next() -> None:
    budget = new_budget()
    with budget.reserve(call(), ESTIMATE, CallBudget()) as reservation:
        budget.ledger.path.unlink()
        with budget.ledger.writing() as transaction:
            transaction.insert(call("b.ipynb"))
        reservation.end = charged("0.01")
    assert [row["dollars"] for row in budget.ledger.rows()] == [None]


def allow(forecast: Any, caps: list[Cap], *terms: Any, **more: Any) -> tuple[Any, Any]:
    """The max tokens of an answer, and what they may cost."""
    allowed = CallBudget(None, *terms, **more).allow(forecast, caps)
    return allowed.max_tokens, allowed.dollars


MONEY = st.decimals(0, 3, places=6)


def test_without_a_cap_nothing_is_shortened() -> None:
    max_tokens, worst = allow(ESTIMATE, [])
    assert max_tokens is None and worst == ESTIMATE.worst(16_384)


def test_an_answer_is_as_long_as_the_tightest_cap_allows() -> None:
    caps = [Cap(Decimal("0.05"), "day"), Cap(Decimal("1"), "month", spent=Decimal("0.98"))]
    max_tokens, worst = allow(ESTIMATE, caps)
    assert max_tokens == ESTIMATE.affordable(Decimal("0.02"))
    assert worst is not None and Decimal("0.0199") < worst <= Decimal("0.02")


def test_a_wide_cap_still_bounds_the_answer() -> None:
    assert allow(ESTIMATE, [Cap(Decimal(50), "day")])[0] == 16_384


def test_a_requests_own_cap_on_tokens_stays() -> None:
    short = estimate(replace(REQUEST, max_tokens=20), ESTIMATE.price)
    assert allow(short, [Cap(Decimal("0.01"), "day")])[0] == 20


@given(MONEY, MONEY, MONEY, st.integers(1, 5), st.sampled_from(["day", "call"]))
@settings(max_examples=200, deadline=None)
def test_allowed_calls_fit_together(
    cap: Any, spent: Any, reserved: Any, sharing: int, per: str
) -> None:
    one = Cap(cap, per, spent, reserved)
    try:
        max_tokens, worst = allow(ESTIMATE, [one], sharing=sharing)
    except BudgetExceeded:
        assert one.room < ESTIMATE.worst(LEAST) * sharing
    else:
        assert worst is not None and max_tokens is not None
        assert max_tokens >= LEAST
        assert spent + reserved + worst * (1 if per == "call" else sharing) <= cap


@pytest.mark.usefixtures("hostile_decimals")
def test_a_notebooks_own_decimals_widen_no_cap() -> None:
    cap = Cap(Decimal("0.123456"), "day", Decimal("0.0765432"), Decimal("0.01010101"))
    assert cap.room == Decimal("0.03681179")
    _, worst = allow(ESTIMATE, [cap], sharing=3)
    assert worst is not None and worst.compare(Decimal("0.01227059")) <= 0
    assert "raise it: %audiomagic budget 0.246912" in str(cap.refusal(Decimal("0.0368117901")))


def test_a_refusal_says_spent_cap_and_how_to_raise_it() -> None:
    cap = Cap(Decimal("0.05"), "day", Decimal("0.0312"), Decimal("0.0188"))
    with pytest.raises(BudgetExceeded) as caught:
        allow(ESTIMATE, [cap])
    needed = ESTIMATE.worst(LEAST).quantize(Decimal("0.0001"))
    assert str(caught.value) == (
        "the cap is $0.05 per day, and $0.0312 is spent, $0.0188 is reserved for calls in flight "
        f"or of unknown cost, this call may cost ${needed} or more; "
        "raise it: %audiomagic budget 0.10 --per day"
    )
    assert "raise it: --max-cost 0.02" in str(Cap(Decimal(0), "call").refusal(Decimal("0.02")))
    assert "%audiomagic budget 4.00" in str(Cap(Decimal("1.00"), "notebook").refusal(Decimal(3)))


def test_a_raised_cap_lets_the_call_through() -> None:
    cap = Cap(Decimal("0.05"), "month", Decimal("0.31"))
    error = cap.refusal(ESTIMATE.worst(LEAST))
    raised = Decimal(str(error).split("budget ")[1].split(" ")[0])
    assert raised == error.enough and allow(ESTIMATE, [replace(cap, amount=raised)])[0]


def test_a_model_without_a_price_is_refused_under_a_cap_unless_allowed() -> None:
    unknown = estimate(REQUEST, None)
    assert allow(unknown, [])[1] is None
    with pytest.raises(BudgetExceeded, match=r"\$5 per day, but the price .* --allow-unpriced"):
        allow(unknown, [Cap(Decimal(5), "day")])
    assert allow(unknown, [Cap(Decimal(5), "day")], allow_unpriced=True)[0] is None


@pytest.mark.parametrize("rates", [("0.15", "0.60", "10", "20"), ("2.5", "10", "100", "200")])
def test_at_any_price(rates: Any) -> None:
    price = Price(Rates(*map(Decimal, rates)), "a test")
    max_tokens, worst = allow(estimate(REQUEST, price), [Cap(Decimal("0.05"), "day")])
    assert worst is not None and max_tokens is not None
    token = Decimal(rates[3]) / 1_000_000
    assert Decimal("0.05") - token < worst <= Decimal("0.05")
    assert max_tokens <= Decimal("0.05") / token


@pytest.mark.parametrize(("words", "value"), [("5", "5"), (" $0.50 ", "0.50"), ("0", "0")])
def test_amounts(words: str, value: str) -> None:
    assert amount(words) == Decimal(value)


@pytest.mark.parametrize("words", ["", "five", "-1", "nan", "inf", "1e9", "0,50", "$"])
def test_invalid_amounts(words: str) -> None:
    with pytest.raises(OptionError, match="a cap must be an amount in US dollars"):
        amount(words)


def test_when_days_and_months_begin() -> None:
    now = datetime(2026, 11, 22, 15, 30).astimezone()
    assert start("day", now) == datetime(2026, 11, 22).astimezone()
    assert start("month", now.astimezone(UTC)) == datetime(2026, 11, 1).astimezone()
    assert start("notebook", now) is None
