"""Costs: tokens times dated rates, by hand; and None wherever they cannot be known."""

from datetime import date
from decimal import Decimal
from typing import Any

import genai_prices
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import CompletionUsage

from audiomagic import cost_of
from audiomagic.catalogue import Rates, catalogue
from audiomagic.costs import bill, rates
from audiomagic.wire.usage import Usage

from .far_end import VOICES, usage

# The contract, section 5.1: US dollars per million tokens. No model has a cached price.
FULL, MINI = ("2.50", "10.00", "32.00", "64.00"), ("0.60", "2.40", "10.00", "20.00")
OLD, OLD_MINI = ("2.50", "10.00", "40.00", "80.00"), ("0.15", "0.60", "10.00", "20.00")
TABLE = {  # model: text in, text out, sound in, sound out
    "gpt-audio-1.5": FULL,
    "gpt-audio": FULL,
    "gpt-audio-2025-08-28": FULL,
    "gpt-audio-mini": MINI,
    "gpt-audio-mini-2025-10-06": MINI,
    "gpt-audio-mini-2025-12-15": MINI,
    "gpt-4o-audio-preview": OLD,
    "gpt-4o-audio-preview-2024-12-17": OLD,
    "gpt-4o-audio-preview-2025-06-03": OLD,
    "gpt-4o-mini-audio-preview": OLD_MINI,
    "gpt-4o-mini-audio-preview-2024-12-17": OLD_MINI,
}
# Its prices at its launch, before they fell; the contract has no row for it.
FIRST = {"gpt-4o-audio-preview-2024-10-01": ("2.50", "10.00", "100.00", "200.00")}
GONE = {"gpt-audio-mini-2025-10-06": date(2026, 7, 23)} | {
    name: date(2025, 10, 10) if name in FIRST else date(2026, 5, 7)
    for name in (*TABLE, *FIRST)
    if name.startswith("gpt-4o")
}
TODAY = date(2026, 11, 22)
COUNT = st.integers(0, 200_000)


def test_every_model_is_in_the_table() -> None:
    assert set(catalogue().models) == {*TABLE, *FIRST}


@pytest.mark.parametrize(("model", "row"), [*TABLE.items(), *FIRST.items()])
def test_each_model_by_hand(model: str, row: tuple[str, ...]) -> None:
    text_in, text_out, audio_in, audio_out = map(Decimal, row)
    counted = usage(text_in=50, audio_in=150, text_out=50, audio_out=250)
    by_hand = (50 * text_in + 150 * audio_in + 50 * text_out + 250 * audio_out) / 1_000_000
    assert cost_of(counted, model) == by_hand
    assert cost_of(CompletionUsage(**counted), model) == by_hand
    assert cost_of(usage(50, 0, 50, 0), model) == (50 * text_in + 50 * text_out) / 1_000_000
    assert cost_of(usage(0, 0, 0, 0), model) == 0
    found = rates(model)
    assert found is not None
    assert found[0] == Rates(text_in, text_out, audio_in, audio_out, None)


def test_figures_that_the_contract_states() -> None:
    counted = usage(text_in=50, audio_in=150, text_out=50, audio_out=250)
    assert cost_of(counted, "gpt-audio") == Decimal("0.021425")
    assert cost_of(counted, "gpt-4o-audio-preview") == Decimal("0.026625")
    assert cost_of(counted, "gpt-4o-mini-audio-preview") == Decimal("0.0065375")
    assert cost_of(usage(0, 600, 0, 0), "gpt-audio-1.5") == Decimal("0.0192")  # a minute in
    assert cost_of(usage(0, 0, 0, 1_200), "gpt-audio-1.5") == Decimal("0.0768")  # and out


@pytest.mark.parametrize("model", [name for name, m in catalogue().models.items() if not m.rates])
@given(text_in=COUNT, audio_in=COUNT, text_out=COUNT, audio_out=COUNT)
@settings(max_examples=5, deadline=None)
def test_genai_prices_agrees_where_it_is_asked(model: str, **counts: int) -> None:
    found = bill(Usage.of(usage(**counts)) or Usage(0, 0), model)
    assert found is not None and found.source == f"genai-prices {genai_prices.__version__}"
    answer = {"model": model, "usage": usage(**counts)}
    told = genai_prices.extract_usage(answer, provider_id="openai", api_flavor="chat")
    assert found.dollars == told.calc_price().total_price


def test_a_bill_has_a_line_for_each_kind() -> None:
    found = bill(Usage(200, 300, 150, 250), "gpt-4o-audio-preview")
    assert found is not None
    assert [(line.kind, line.tokens, line.rate) for line in found.lines] == [
        ("text in", 50, Decimal("2.50")),
        ("sound in", 150, Decimal("40.00")),
        ("text out", 50, Decimal("10.00")),
        ("sound out", 250, Decimal("80.00")),
    ]
    known = catalogue().models["gpt-4o-audio-preview"]
    assert (found.source, found.checked) == (known.source, known.checked)


@pytest.mark.parametrize(
    "counted",
    [
        None,
        {},
        "16",
        usage() | {"prompt_tokens_details": None},
        usage() | {"completion_tokens_details": None},
        usage() | {"prompt_tokens_details": {}, "completion_tokens_details": {}},
        usage() | {"completion_tokens": 5},  # its parts are 6 and 10
        usage() | {"prompt_tokens_details": {"audio_tokens": 12}},
        usage() | {"prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 12}},
        usage() | {"prompt_tokens": -11},
        CompletionUsage(prompt_tokens=11, completion_tokens=16, total_tokens=27),
    ],
)
def test_what_the_server_did_not_say_has_no_price(counted: Any) -> None:
    assert cost_of(counted, "gpt-audio-1.5") is None
    assert cost_of(counted, "gpt-4o-audio-preview") is None


@pytest.mark.parametrize(
    "model",
    ["gpt-audio-2", "gpt-audio-1.5-2026-02-23", "local-engine", "", "gpt-audio-1.5 ",
     "openai/gpt-audio-mini", "gpt-4o", "x" * 5_000],
)  # fmt: skip
def test_a_model_without_a_price_for_sound(model: str) -> None:
    assert cost_of(usage(), model) is None


def test_cached_text_is_priced_as_text() -> None:
    """No source lists a cached price for these models."""
    counted = usage(text_in=1_000, audio_in=100)
    counted["prompt_tokens_details"]["cached_tokens"] = 800
    assert cost_of(counted, "gpt-audio-1.5") == cost_of(usage(1_000, 100), "gpt-audio-1.5")


@given(*[st.tuples(COUNT, COUNT, COUNT, COUNT)] * 2, st.sampled_from(sorted(TABLE)))
@settings(max_examples=60, deadline=None)
def test_costs_add_up_exactly_and_are_never_negative(one: Any, two: Any, model: str) -> None:
    first, second = cost_of(usage(*one), model), cost_of(usage(*two), model)
    both = cost_of(usage(*map(sum, zip(one, two, strict=True))), model)
    assert first is not None and second is not None and both is not None
    assert first >= 0 and second >= 0 and both == first + second
    assert (first == 0) == (not any(one))


@given(*[st.none() | st.integers(-9, 99)] * 5)
@settings(max_examples=100, deadline=None)
def test_no_counts_make_a_negative_price(a: Any, b: Any, c: Any, d: Any, e: Any) -> None:
    counted = {
        "prompt_tokens": a,
        "completion_tokens": b,
        "prompt_tokens_details": {"audio_tokens": c, "cached_tokens": e},
        "completion_tokens_details": {"audio_tokens": d},
    }
    cost = cost_of(counted, "gpt-audio-1.5")
    assert cost is None or cost >= 0
    if None in (a, b, c, d):
        assert cost is None


# -- the catalogue ----------------------------------------------------------------------------
def test_the_catalogue_is_complete() -> None:
    known = catalogue()
    assert known.default_model in known.models and known.default_voice in known.voices
    assert sorted(known.voices) == sorted(VOICES)
    for name, model in known.models.items():
        assert model.id == name and model.source.startswith("https://")
        assert date(2026, 1, 1) < model.checked <= date.today()
        assert (model.shutdown is None) == (model.successor is None)
        if model.successor:
            assert known.models[model.successor].shutdown is None


def test_what_is_shut_down_and_when() -> None:
    shut_down = {m.id: m.shutdown for m in catalogue().models.values() if m.shut_down(TODAY)}
    assert shut_down == GONE
    for model in catalogue().models.values():
        if model.shutdown:
            assert model.shut_down(model.shutdown)
            assert not model.shut_down(date.fromordinal(model.shutdown.toordinal() - 1))
    going = {m.shutdown for m in catalogue().models.values()} - set(GONE.values())
    assert going == {None, date(2027, 1, 20)}
