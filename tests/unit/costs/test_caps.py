"""Caps: the longest answer whose worst case stays under every cap."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomagic.costs.caps import LEAST, Cap, allow, amount, start
from audiomagic.costs.estimate import estimate
from audiomagic.costs.prices import Price, Rates, listed
from audiomagic.errors import BudgetExceeded, OptionError
from audiomagic.protocol.request import Message, Request

REQUEST = Request("gpt-audio-1.5", (Message("user", ("Tell me a joke",)),), "alloy")
ESTIMATE = estimate(REQUEST, listed().find("gpt-audio-1.5"))
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
    cap: Any, spent: Any, held: Any, sharing: int, per: str
) -> None:
    one = Cap(cap, per, spent, held)
    try:
        max_tokens, worst = allow(ESTIMATE, [one], sharing=sharing)
    except BudgetExceeded:
        assert one.room < ESTIMATE.worst(LEAST) * sharing
    else:
        assert worst is not None and max_tokens is not None
        assert max_tokens >= LEAST
        assert spent + held + worst * (1 if per == "call" else sharing) <= cap


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
        "the cap is $0.05 per day, and $0.0312 is spent, $0.0188 is held for calls in flight or "
        f"without a bill, this call may cost ${needed} or more; "
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
    with pytest.raises(OptionError, match="a budget must be an amount of US dollars"):
        amount(words)


def test_when_days_and_months_begin() -> None:
    now = datetime(2026, 11, 22, 15, 30).astimezone()
    assert start("day", now) == datetime(2026, 11, 22).astimezone()
    assert start("month", now.astimezone(UTC)) == datetime(2026, 11, 1).astimezone()
    assert start("notebook", now) is None
