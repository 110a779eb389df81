"""Costs, worked out by hand; and None wherever they cannot be known.

Prices: found by model and server, extended by the user, of a certain age; the catalogue.
"""

import pickle
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, Inexact, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import genai_prices
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openai.types import CompletionUsage
from openai.types.realtime.realtime_audio_config_output import Voice as RealtimeVoice

from audiomagic import cost_of
from audiomagic.catalogue import catalogue
from audiomagic.costs.pricing import (
    OLD,
    REQUIRED,
    LineItem,
    Price,
    Rates,
    bill,
    dollars,
    listed,
    total,
)
from audiomagic.costs.transcription import transcription_cost
from audiomagic.errors import OptionError
from audiomagic.protocol.usage import Usage

from ...support.fake_server import VOICES, usage

# By hand, from US dollars per million tokens (the contract, section 5.1): text in, sound in, text
# out, sound out. 1.5: 2.50 32 10 64. mini: 0.60 10 2.40 20. 4o: 2.50 40 10 80. 4o-mini: 0.15 10
# 0.60 20. 4o as announced: 2.50 100 10 200. Azure's gpt-audio: 2.50 40 10 80. OpenRouter's mini:
# 0.60 0.60 2.40 2.40.
BY_HAND = [  # model, tokens of each kind, dollars
    ("gpt-audio-1.5", (50, 150, 50, 250), "0.021425"),
    ("gpt-audio", (50, 150, 50, 250), "0.021425"),
    ("gpt-audio-2025-08-28", (50, 150, 50, 250), "0.021425"),
    ("openai/gpt-audio-1.5", (50, 150, 50, 250), "0.021425"),
    ("gpt-audio-1.5-2026-02-23", (50, 150, 50, 250), "0.021425"),
    ("gpt-audio-1.5", (11, 0, 6, 10), "0.0007275"),
    ("gpt-audio-1.5", (9, 0, 6, 13), "0.0009145"),
    ("gpt-audio-1.5", (8, 0, 17, 37), "0.002558"),
    ("gpt-audio-1.5", (0, 600, 0, 0), "0.0192"),
    ("gpt-audio-1.5", (0, 0, 0, 1200), "0.0768"),
    ("gpt-audio-1.5", (1, 0, 0, 0), "0.0000025"),
    ("gpt-audio-1.5", (0, 1, 0, 0), "0.000032"),
    ("gpt-audio-1.5", (0, 0, 1, 0), "0.00001"),
    ("gpt-audio-1.5", (0, 0, 0, 1), "0.000064"),
    ("gpt-audio-1.5", (30, 0, 60, 364), "0.023971"),
    ("gpt-audio-1.5", (12, 25, 14, 0), "0.00097"),
    ("gpt-audio-1.5", (128000, 0, 0, 0), "0.32"),
    ("gpt-audio-1.5", (0, 128000, 0, 0), "4.096"),
    ("gpt-audio-1.5", (0, 0, 16384, 0), "0.16384"),
    ("gpt-audio-1.5", (0, 0, 0, 16384), "1.048576"),
    ("gpt-audio-1.5", (7, 7, 7, 7), "0.0007595"),
    ("gpt-audio-1.5", (0, 0, 0, 0), "0"),
    ("gpt-audio-mini", (50, 150, 50, 250), "0.00665"),
    ("gpt-audio-mini-2025-10-06", (50, 150, 50, 250), "0.00665"),
    ("gpt-audio-mini-2025-12-15", (50, 150, 50, 250), "0.00665"),
    ("openai/gpt-audio-mini", (50, 150, 50, 250), "0.00665"),
    ("gpt-audio-mini", (20, 25, 40, 312), "0.006598"),
    ("gpt-audio-mini", (0, 600, 0, 1200), "0.03"),
    ("gpt-audio-mini", (3, 0, 15, 45), "0.0009378"),
    ("gpt-audio-mini", (1, 1, 1, 1), "0.000033"),
    ("gpt-4o-audio-preview", (50, 150, 50, 250), "0.026625"),
    ("gpt-4o-audio-preview-2024-12-17", (50, 150, 50, 250), "0.026625"),
    ("gpt-4o-audio-preview-2025-06-03", (50, 150, 50, 250), "0.026625"),
    ("openai/gpt-4o-audio-preview", (50, 150, 50, 250), "0.026625"),
    ("gpt-4o-audio-preview-2025-06-03", (11, 0, 6, 10), "0.0008875"),
    ("gpt-4o-audio-preview-2025-06-03", (9, 0, 6, 13), "0.0011225"),
    ("gpt-4o-audio-preview-2025-06-03", (0, 600, 0, 1200), "0.12"),
    ("gpt-4o-mini-audio-preview", (50, 150, 50, 250), "0.0065375"),
    ("gpt-4o-mini-audio-preview-2024-12-17", (50, 150, 50, 250), "0.0065375"),
    ("gpt-4o-mini-audio-preview", (11, 0, 6, 10), "0.00020525"),
    ("gpt-4o-mini-audio-preview", (1, 1, 1, 1), "0.00003075"),
    ("gpt-4o-mini-audio-preview", (8, 0, 17, 37), "0.0007514"),
    ("gpt-4o-audio-preview-2024-10-01", (50, 150, 50, 250), "0.065625"),
    ("gpt-4o-audio-preview-2024-10-01", (1000000, 0, 0, 0), "2.5"),
    ("gpt-4o-audio-preview-2024-10-01", (0, 1000000, 0, 0), "100"),
    ("gpt-4o-audio-preview-2024-10-01", (0, 0, 1000000, 0), "10"),
    ("gpt-4o-audio-preview-2024-10-01", (0, 0, 0, 1000000), "200"),
    ("gpt-4o-audio-preview-2024-10-01", (0, 600, 0, 0), "0.06"),
    ("gpt-4o-audio-preview-2024-10-01", (0, 0, 0, 1200), "0.24"),
    ("gpt-4o-audio-preview-2024-10-01", (11, 0, 6, 10), "0.0020875"),
    ("azure/gpt-audio", (50, 150, 50, 250), "0.026625"),
    ("azure/gpt-audio-2025-08-28", (50, 150, 50, 250), "0.026625"),
    ("azure/gpt-audio-1.5", (50, 150, 50, 250), "0.021425"),
    ("azure/gpt-audio-1.5-2026-02-23", (50, 150, 50, 250), "0.021425"),
    ("openrouter/openai/gpt-audio", (50, 150, 50, 250), "0.021425"),
    ("openrouter/openai/gpt-audio-mini", (20, 25, 40, 312), "0.0008718"),
]
MODELS = sorted({model for model, _, _ in BY_HAND})
COUNT = st.integers(0, 200_000)
COUNTS = st.tuples(COUNT, COUNT, COUNT, COUNT)
RATE = st.decimals(0, 10_000, allow_nan=False, allow_infinity=False, places=9)


@pytest.mark.parametrize(("model", "counts", "dollars"), BY_HAND)
def test_by_hand(model: str, counts: Any, dollars: str) -> None:
    told = usage(*counts)
    for form in (told, CompletionUsage(**told), CompletionUsage.construct(**told), Usage.of(told)):
        assert cost_of(form, model) == Decimal(dollars)


def shape(base: Any = None, sent: Any = "", received: Any = "", **changed: Any) -> Any:
    """A usage object with something changed or left out (None leaves the key in, empty)."""
    told = (base or usage()) | changed
    for key, change in (("prompt_tokens_details", sent), ("completion_tokens_details", received)):
        if isinstance(change, dict):
            told[key] = {k: v for k, v in (told[key] | change).items() if v != "gone"}
        elif change != "":
            told[key] = change
    return told


BARE = {"prompt_tokens": 11, "completion_tokens": 16}
TEXT = {"text_tokens": 11, "image_tokens": 0, "cached_tokens": 0}
SHAPES = [  # usage(): 11 text in, 6 text and 10 sound out
    ("all there", shape(), "0.0007275"),
    ("no total", {k: v for k, v in shape().items() if k != "total_tokens"}, "0.0007275"),
    ("no text counts", shape(sent={"text_tokens": "gone"}, received={"text_tokens": "gone"}),
     "0.0007275"),
    ("text counts None", shape(sent={"text_tokens": None}, received={"text_tokens": None}),
     "0.0007275"),
    ("sound is what is not text", shape(sent={"audio_tokens": None}), "0.0007275"),
    ("likewise, the key gone", shape(received={"audio_tokens": "gone"}), "0.0007275"),
    ("cached text, no cached price", shape(sent={"cached_tokens": 8}), "0.0007275"),
    ("cached None", shape(sent={"cached_tokens": None}), "0.0007275"),
    ("unknown fields", shape(x=1, sent={"y": "z"}), "0.0007275"),
    ("other details None", shape(received={"reasoning_tokens": None}), "0.0007275"),
    ("paid to OpenRouter", shape(cost=0.00095), "0.00095"),
    ("paid, in whole dollars", shape(cost=2), "2"),
    ("paid nothing", shape(cost=0), "0"),
    ("paid, whatever the parts say", shape(received={"audio_tokens": 12}, cost=1.5e-05),
     "0.000015"),
    ("paid, no details", BARE | {"cost": 0.001}, "0.001"),
    ("paid on an own key: fee and maker",
     shape(cost=0.95, is_byok=True, cost_details={"upstream_inference_cost": 19}), "19.95"),
    ("paid, the maker's own price aside",
     shape(cost=0.95, is_byok=False, cost_details={"upstream_inference_cost": 19}), "0.95"),
    ("a cost that is none", shape(cost="free"), "0.0007275"),
    ("a negative one", shape(cost=-1.0), "0.0007275"),
    ("one that is no number", shape(cost=float("nan")), "0.0007275"),
    ("an absurd one", shape(cost=1e300), "0.0007275"),
    ("true", shape(cost=True), "0.0007275"),
    ("an own key, the maker's price untold", shape(cost=0.0, is_byok=True), "0.0007275"),
    ("no details", BARE, None),
    ("details of the sent None", shape(sent=None), None),
    ("details of the received None", shape(received=None), None),
    ("empty details", shape(sent={}, received=None), None),
    ("details that are a list", shape(received=[1]), None),
    ("sound unknown", BARE | {"prompt_tokens_details": {"cached_tokens": 0}}, None),
    ("parts above the total", shape(completion_tokens=5), None),
    ("a gateway's rewritten total", shape(completion_tokens=1278), None),
    ("text and sound do not add up", shape(sent={"text_tokens": 12}), None),
    ("the grand total does not", shape(total_tokens=28), None),
    ("more sound than tokens", shape(sent={"audio_tokens": 12, "text_tokens": "gone"}), None),
    ("more cached than sent", shape(sent={"cached_tokens": 12}), None),
    ("images", shape(sent={"image_tokens": 2, "text_tokens": 9}), None),
    ("images, text untold", shape(sent={"image_tokens": 2, "text_tokens": "gone"}), None),
    ("negative sound", shape(received={"audio_tokens": -3}), None),
    ("negative", shape(prompt_tokens=-11), None),
    ("fractions", shape(prompt_tokens=11.5), None),
    ("words", shape(prompt_tokens="11"), None),
    ("absurd", shape(prompt_tokens=10**40), None),
    ("nothing", None, None),
    ("an empty dict", {}, None),
    ("a number", 16, None),
]  # fmt: skip


@pytest.mark.parametrize(("told", "dollars"), [pytest.param(*s[1:], id=s[0]) for s in SHAPES])
def test_every_shape(told: Any, dollars: str | None) -> None:
    assert cost_of(told, "gpt-audio-1.5") == (None if dollars is None else Decimal(dollars))


def test_sixty_and_more() -> None:
    assert len(BY_HAND) + sum(dollars is not None for _, _, dollars in SHAPES) >= 60


def test_the_clients_object_tells_what_was_paid() -> None:
    assert cost_of(CompletionUsage.construct(**shape(cost=0.00095)), "x") == Decimal("0.00095")


@pytest.mark.parametrize(
    "model",
    ["gpt-audio-2", "local-engine", "", "gpt-audio-1.5 ", "gpt-audio-1.5-2026", "openai/", "gpt-4o",
     "azure/gpt-audio-mini", "openrouter/openai/gpt-audio-2", "azure/", "/", "x" * 5_000],
)  # fmt: skip
def test_a_model_without_a_price_for_sound(model: str) -> None:
    assert cost_of(usage(), model) is None


def test_a_bill_has_a_line_for_each_kind() -> None:
    price = listed().find("gpt-4o-audio-preview")
    found = bill(Usage(200, 300, 150, 250), price)
    assert found is not None and price is not None
    assert [(line.kind, line.tokens, line.rate, line.minute) for line in found.lines] == [
        ("text in", 50, Decimal("2.50"), None),
        ("sound in", 150, Decimal("40.00"), Decimal("0.024")),
        ("text out", 50, Decimal("10.00"), None),
        ("sound out", 250, Decimal("80.00"), Decimal("0.096")),
    ]
    assert found.origin == price.origin() and not found.assumed


def test_a_servers_own_bill_is_called_that() -> None:
    found = bill(Usage(1, 1, server_cost=Decimal("0.5")), None)
    assert found is not None and (found.dollars, found.lines) == (Decimal("0.5"), ())
    assert found.origin == "the server's own bill" and not found.assumed


# As a server of the Realtime protocol reported it, of a conversation's second answer.
RECORDED = {
    "total_tokens": 200,
    "input_tokens": 139,
    "output_tokens": 61,
    "output_token_details": {"text_tokens": 18, "audio_tokens": 43},
    "input_token_details": {
        "text_tokens": 43,
        "audio_tokens": 96,
        "image_tokens": 0,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 64, "image_tokens": 0},
    },
}
ANSWERED = Usage(139, 61, 96, 43, cached_tokens=64, cached_audio_tokens=64)
# By hand, from US dollars per million tokens (the contract of Realtime, section 5.1): text in,
# cached, out; sound in, cached, out. 2.1 and 2: 4 0.40 24; 32 0.40 64. 1.5 and its like: 4 0.40 16;
# 32 0.40 64. Minis: 0.60 0.06 2.40; 10 0.30 20.
LIVE = [  # model, tokens, dollars
    ("gpt-realtime-2.1", ANSWERED, "0.0044056"),
    ("gpt-realtime-2", ANSWERED, "0.0044056"),
    ("gpt-realtime-1.5", ANSWERED, "0.0042616"),
    ("gpt-realtime", ANSWERED, "0.0042616"),
    ("gpt-realtime-2025-08-28", ANSWERED, "0.0042616"),
    ("gpt-realtime-2.1-mini", ANSWERED, "0.0012682"),
    ("gpt-realtime-mini-2025-12-15", ANSWERED, "0.0012682"),
    ("azure/gpt-realtime-2.1", ANSWERED, "0.0044056"),
    ("azure/gpt-realtime-mini", ANSWERED, "0.0012682"),
    ("gpt-realtime-2.1", Usage(139, 61, 96, 43), "0.006428"),  # nothing cached
    ("gpt-realtime-2.1", Usage(139, 61, 96, 43, 64, 40), "0.0050776"),
    ("gpt-realtime-2.1", Usage(139, 61, 96, 43, 139, 96), "0.0032396"),  # all of it
    ("gpt-realtime-2.1-mini", Usage(1_000, 0, 400, 0, 500, 300), "0.001342"),
]


@pytest.mark.parametrize(("model", "counted", "dollars"), LIVE)
def test_live_conversations_by_hand(model: str, counted: Usage, dollars: str) -> None:
    assert cost_of(counted, model) == Decimal(dollars)


@pytest.mark.parametrize("model", list(catalogue().realtime_models))
def test_another_judge_bills_a_live_answer_alike(model: str) -> None:
    told = genai_prices.extract_usage(
        {"response": {"usage": RECORDED}}, provider_id="openai", api_flavor="realtime"
    )
    theirs = genai_prices.calc_price(told.usage, model, provider_id="openai").total_price
    assert cost_of(ANSWERED, model) == theirs


def test_cached_sound_has_a_line_of_its_own() -> None:
    found = bill(replace(ANSWERED, cached_tokens=70), listed().find("gpt-realtime-2.1-mini"))
    assert found is not None
    assert [(line.kind, line.tokens, line.rate) for line in found.lines] == [
        ("text in", 37, Decimal("0.60")),
        ("cached text in", 6, Decimal("0.06")),
        ("sound in", 32, Decimal("10.00")),
        ("cached sound in", 64, Decimal("0.30")),
        ("text out", 18, Decimal("2.40")),
        ("sound out", 43, Decimal("20.00")),
    ]


def test_what_was_cached_is_text_first_unless_that_is_told() -> None:
    """Sound is what a cache makes so much cheaper."""
    untold = replace(ANSWERED, cached_audio_tokens=None)  # at least 21 of the 64 must be sound
    found = bill(untold, listed().find("gpt-realtime-2.1"))
    assert found is not None and found.dollars == Decimal("0.0056096")
    assert [line.tokens for line in found.lines] == [43, 75, 21, 18, 43]


def test_what_was_cached_has_only_the_rates_that_are_listed() -> None:
    text_only = Rates(*map(Decimal, ("2.50", "10", "32", "64", "0.25")))
    counted = Usage(1_100, 0, 100, 0, cached_tokens=800, cached_audio_tokens=0)
    for told, paid in (
        (counted, "0.0039"),  # 200 text, 800 cached, 100 sound
        (replace(counted, cached_audio_tokens=100), "0.004125"),  # 300, 700, 100
        (replace(counted, cached_audio_tokens=None), "0.004125"),  # perhaps
    ):
        found = bill(told, Price(text_only, "a test"))
        assert found is not None and found.dollars == Decimal(paid)
    sound_only = replace(text_only, cached_in=None, cached_audio_in=Decimal("0.4"))
    found = bill(replace(counted, cached_audio_tokens=50), Price(sound_only, "a test"))
    assert found is not None and found.dollars == Decimal("0.00412")  # 1000 text, 50, 50 cached


@pytest.mark.usefixtures("hostile_decimals")
def test_a_notebooks_own_decimals_lose_no_bill() -> None:
    assert cost_of(usage(123_456, 7_891, 2_345, 67_891), "gpt-audio-1.5") == Decimal("4.929626")
    assert dollars(Decimal("12.34567")) == "$12.3457"
    line = LineItem("sound out", 12_345, Decimal("64.01"))
    assert (line.dollars, line.minute) == (Decimal("0.79020345"), Decimal("0.076812"))


# -- properties -------------------------------------------------------------------------------
@given(COUNTS, COUNTS, st.sampled_from(MODELS))
def test_additive_never_negative_nothing_for_nothing(one: Any, two: Any, model: str) -> None:
    first, second = cost_of(usage(*one), model), cost_of(usage(*two), model)
    both = cost_of(usage(*map(sum, zip(one, two, strict=True))), model)
    assert first is not None and second is not None
    assert first >= 0 and second >= 0 and both == first + second
    assert (first == 0) == (not any(one))


@given(COUNTS, st.integers(0, 3), st.integers(1, 10_000), st.sampled_from(MODELS))
def test_monotone(counts: Any, kind: int, more: int, model: str) -> None:
    larger = list(counts)
    larger[kind] += more
    before, after = cost_of(usage(*counts), model), cost_of(usage(*larger), model)
    assert before is not None and after is not None and after > before


CACHED = st.none() | RATE


@given(COUNTS, COUNT, COUNT, st.tuples(RATE, RATE, RATE, RATE, CACHED, CACHED))
@example((1, 1, 1, 1), 1, 1, (Decimal("1e-9"),) * 6)
def test_exact_at_any_rates_and_precision(
    counts: Any, cached_text: int, cached_audio: int, rates: Any
) -> None:
    text_in, audio_in, text_out, audio_out = counts
    cached_text, cached_audio = min(cached_text, text_in), min(cached_audio, audio_in)
    counted = Usage(
        text_in + audio_in, text_out + audio_out, audio_in, audio_out,
        cached_text + cached_audio, cached_audio,
    )  # fmt: skip
    cheap_text = 0 if rates[4] is None else cached_text
    cheap_audio = 0 if rates[5] is None else cached_audio
    exact = sum(
        tokens * Fraction(rate or 0) / 1_000_000
        for tokens, rate in zip(
            (text_in - cheap_text, text_out, audio_in - cheap_audio, audio_out,
             cheap_text, cheap_audio),
            rates,
            strict=True,
        )
    )  # fmt: skip
    with localcontext(prec=3) as context:  # a notebook may have set it
        context.traps[Inexact] = True
        found = bill(counted, Price(Rates(*rates), "a test"))
        assert found is not None and Fraction(found.dollars) == exact
        assert Fraction(total([found.dollars] * 3)) == 3 * exact


FEW = st.integers(0, 9)


@given(FEW, FEW, st.integers(0, 18), st.tuples(RATE, RATE, RATE, RATE, CACHED, CACHED))
def test_a_cache_of_unknown_kinds_is_never_billed_too_low(
    text_in: int, audio_in: int, cached: int, rates: Any
) -> None:
    cached, price = min(cached, text_in + audio_in), Price(Rates(*rates), "a test")
    splits = (
        Usage(text_in + audio_in, 0, audio_in, 0, cached, sound) for sound in range(cached + 1)
    )
    bills = [billed.dollars for usage in splits if (billed := bill(usage, price))]
    untold = bill(Usage(text_in + audio_in, 0, audio_in, 0, cached), price)
    assert untold is not None and untold.dollars == max(bills)


@given(st.lists(st.none() | st.integers(-9, 99), min_size=8, max_size=8))
def test_no_counts_make_a_negative_price(counts: list[int | None]) -> None:
    a, b, c, d, e, f, g, h = counts
    told = {
        "prompt_tokens": a,
        "completion_tokens": b,
        "total_tokens": c,
        "prompt_tokens_details": {"audio_tokens": d, "cached_tokens": e, "text_tokens": f},
        "completion_tokens_details": {"audio_tokens": g, "text_tokens": h},
    }
    cost = cost_of(told, "gpt-audio-1.5")
    assert cost is None or cost >= 0
    if a is None or b is None or (d is None and f is None) or (g is None and h is None):
        assert cost is None


TODAY = date(2026, 11, 22)
MINE = {"text_in": "1", "text_out": "2", "audio_in": "3", "audio_out": "4"}
MINIS = {"gpt-audio-mini-2025-10-06": date(2026, 7, 23)}
GONE = MINIS | {
    name: date(2025, 10, 10) if name.endswith("2024-10-01") else date(2026, 5, 7)
    for name in catalogue().models
    if name.startswith("gpt-4o")
}


def sound(model: str, host: str = "", given: Any = None) -> Any:
    """The rates of sound in and out, and whether they are assumed."""
    prices = listed() if given is None else listed().extended(given)
    found = prices.find(model, host)
    return found and (found.rates.audio_in, found.rates.audio_out, found.assumed)


AZURE, ROUTER, PROXY = "r.openai.azure.com", "openrouter.ai", "127.0.0.1:4000"


@pytest.mark.parametrize(
    ("model", "host", "expected"),
    [
        ("gpt-audio", "api.openai.com", (32, 64, False)),
        ("gpt-audio", AZURE, (40, 80, False)),
        ("gpt-audio-2025-08-28", AZURE, (40, 80, False)),
        ("gpt-audio-1.5-2026-02-23", "r.services.ai.azure.com", (32, 64, False)),
        ("gpt-audio-mini", AZURE, None),  # not OpenAI's by silence
        ("openai/gpt-audio-mini", ROUTER, (Decimal("0.6"), Decimal("2.4"), False)),
        ("openai/gpt-audio-1.5", ROUTER, None),
        ("gpt-audio", PROXY, (32, 64, True)),
        ("azure/gpt-audio", PROXY, (40, 80, True)),
        ("openai/gpt-audio", "evil.example/.openai.azure.com.example", (32, 64, True)),
        ("qwen-omni", PROXY, None),
        ("gpt-4o-audio-preview-2024-10-01", "api.openai.com", (100, 200, False)),
        ("gpt-realtime-2.1", "api.openai.com", (32, 64, False)),
        ("gpt-realtime-2.1-mini-2026-07-07", AZURE, (10, 20, False)),
        ("gpt-realtime-2.1", PROXY, (32, 64, True)),
        ("gpt-realtime-2.1", ROUTER, None),
    ],
)
def test_each_server_has_its_own_prices(model: str, host: str, expected: Any) -> None:
    assert sound(model, host) == expected


def test_a_users_prices_come_first_and_add() -> None:
    given = {"gpt-audio-1.5": MINE, "azure/deployed": MINE, "my/own-model": MINE}
    for host in ("", "api.openai.com", AZURE, ROUTER, PROXY):
        assert sound("gpt-audio-1.5", host, given) == (3, 4, False)
        assert sound("gpt-audio-1.5-2030-01-01", host, given) == (3, 4, False)
        assert sound("my/own-model", host, given) == (3, 4, False)
    assert sound("deployed", AZURE, given) == (3, 4, False)
    assert sound("deployed", "api.openai.com", given) is None
    assert sound("gpt-audio", "api.openai.com", given) == (32, 64, False)
    assert listed().find("my/own-model") is None  # the list itself is unchanged


def test_a_user_says_whose_prices_a_server_has() -> None:
    given = {PROXY: "openai", "llm.example.org": "corp", "corp/gpt-audio": MINE}
    assert sound("gpt-audio", PROXY, given) == (32, 64, False)
    assert sound("gpt-audio", "llm.example.org", given) == (3, 4, False)


def test_numbers_of_any_kind_are_taken_exactly() -> None:
    given = {"m": {"text_in": 0.1, "text_out": 2, "audio_in": Decimal("3.30"), "audio_out": "1e1",
                   "cached_in": "0", "cached_audio_in": 0.5, "checked": "2026-01-02",
                   "source": "a\nletter"}}  # fmt: skip
    price = listed().extended(given).find("m")
    rates = Rates(*map(Decimal, ("0.1", "2", "3.30", "10", "0", "0.5")))
    assert price == Price(rates, "a letter", date(2026, 1, 2))
    assert listed().extended({"m": MINE}).find("m").origin() == "your own prices"  # type: ignore


def test_prices_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('"llm.example.org" = "corp"\n["corp/m"]\ntext_in = 0.10\ntext_out = 1\n'
                    'audio_in = 3.3\naudio_out = 4\nchecked = 2026-01-02\n')  # fmt: skip
    price = listed().extended(file).find("m", "llm.example.org")
    assert price is not None and price.rates.audio_in == Decimal("3.3")
    assert price.checked == date(2026, 1, 2)


def deep(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("/no/such/file.toml", "cannot read prices from /no/such/file.toml: No such file"),
        ({"m": 3}, "the price of 'm' must be a table with text_in"),
        ({"m": {"text_in": 1}}, "lacks text_out, audio_in, audio_out"),
        (
            {"m": MINE | {"audio_inn": 1}},
            "the price of 'm': no key 'audio_inn'; did you mean 'audio_in'?",
        ),
        ({"m": MINE | {"x": 1}}, "the price of 'm': no key 'x'; choose text_in, text_out, "),
        ({"m": MINE | {"audio_in": "-1"}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"audio_in": "nan"}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"audio_in": "cheap"}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"audio_in": "1e-13"}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"audio_in": "1e999999999"}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"audio_in": "1e9999999999999999999"}}, "audio_in must be US dollars"),
        ({"m": MINE | {"audio_in": 10**5_000}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"audio_in": [1]}}, "the price of 'm' must be a table of numbers and texts"),
        ({"m": MINE | {"source": deep(100_000)}}, "must be a table of numbers and texts"),
        ({"m": MINE | {"audio_in": None}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"audio_in": True}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"checked": "today"}}, "checked must be a date"),
        ({"gpt-audio": "2.50"}, "'gpt-audio' charges the prices of '2.50', which has none"),
    ],
)
def test_an_invalid_price_is_refused_in_one_line(given: Any, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        listed().extended(given)
    assert said in str(caught.value) and "\n" not in str(caught.value)


DEEP = "a number is too large, or lists are too deep"
BROKEN = [
    (b"[m", "Expected ']'"),
    (b"\xff\xfe", "it is not text in UTF-8"),
    (b"x = 1e9999999999999999999", DEEP),
    (b"x = 1" + b"0" * 5_000, DEEP),
    (b"x = " + b"[" * 5_000, DEEP),
    (b"x = " + b"{a = " * 5_000, "a line of more than 10000 characters"),
    (b"a." * 100_000 + b"b = 1", "a line of more than 10000 characters"),  # gigabytes
    (b'"\xe2\x80\xa8".' * 20_000 + b"b = 1", "a line of more than 10000 characters"),
]


@pytest.mark.parametrize(("content", "why"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_bytes(content)
    with pytest.raises(OptionError) as caught:
        listed().extended(file)
    assert str(caught.value).startswith(f"cannot read prices from {file}: {why}")
    assert "sys." not in str(caught.value)


def test_a_source_may_be_an_absurd_number(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    rates = "".join(f"{kind} = 1\n" for kind in REQUIRED)
    file.write_text(f"[m]\n{rates}source = 0x{'f' * 4_000}\n")
    price = listed().extended(file).find("m")
    assert price and price.source == "a number of too many digits"


def test_listed_prices_are_pickled_by_name_a_users_own_as_they_are() -> None:
    assert len(pickle.dumps(listed())) < 100
    assert pickle.loads(pickle.dumps(listed())) is listed()
    mine = listed().extended({"m": MINE})
    assert pickle.loads(pickle.dumps(mine)) == mine


def test_an_old_price_says_its_age() -> None:
    price = listed().find("gpt-audio-1.5")
    assert price is not None and price.checked is not None
    young, old = price.checked + timedelta(OLD), price.checked + timedelta(OLD + 1)
    assert price.origin(young) == f"{price.source}, checked {price.checked}"
    assert price.origin(old).endswith("(91 days ago, it may have changed)")


def test_an_assumed_price_says_so() -> None:
    price = listed().find("gpt-audio", PROXY)
    assert price is not None and price.origin(TODAY).startswith(
        "not this server's own but https://"
    )


@pytest.mark.usefixtures("hostile_decimals")
def test_by_the_minute() -> None:
    price = listed().find("gpt-audio-1.5")
    assert price is not None
    assert price.rates.minute == (Decimal("0.0192"), Decimal("0.0768"))


@pytest.mark.parametrize(
    "model", ["gpt-audio-1.5", "gpt-audio", "gpt-audio-mini", *catalogue().realtime_models]
)
def test_genai_prices_has_the_same(model: str) -> None:
    price = listed().find(model)
    tokens = genai_prices.Usage(
        input_tokens=200, output_tokens=300, input_audio_tokens=150, output_audio_tokens=250
    )
    theirs = genai_prices.calc_price(tokens, model, provider_id="openai").model_price
    assert price is not None and price.rates == Rates(
        theirs.input_mtok, theirs.output_mtok, theirs.input_audio_mtok, theirs.output_audio_mtok,
        theirs.cache_read_mtok, theirs.cache_audio_read_mtok,
    )  # type: ignore[arg-type]  # fmt: skip


def test_a_model_that_came_after_us_is_asked_of_genai_prices() -> None:
    price = listed().find("gpt-4o-realtime-preview")
    assert price is not None and price.source == f"genai-prices {genai_prices.__version__}"
    assert price.rates == Rates(*map(Decimal, ("5", "20", "40", "80", "2.5", "2.5")))


# -- the catalogue ----------------------------------------------------------------------------
@pytest.mark.parametrize("realtime", [False, True])
def test_the_catalogue_is_complete(realtime: bool) -> None:
    models = catalogue().table(realtime)
    for name, model in models.items():
        price = listed().find(name)
        assert price is not None and price.checked  # from our own list
        assert (price.rates.cached_audio_in is not None) == realtime
        assert model.id == name and model.source.startswith("https://")
        assert date(2026, 1, 1) < model.checked <= date.today()
        assert (model.shutdown is None) == (model.successor is None)
        if model.successor:
            assert models[model.successor].shutdown is None


def test_the_defaults_and_voices_of_the_catalogue() -> None:
    known = catalogue()
    assert known.default_model in known.models and known.default_voice in known.realtime_voices
    assert known.default_realtime_model in known.realtime_models
    assert not known.models.keys() & known.realtime_models.keys()
    assert transcription_cost(known.default_transcription_model, 60) is not None
    assert sorted(known.voices) == sorted(VOICES)
    of_a_session = get_args(get_args(RealtimeVoice)[1])
    assert sorted(known.realtime_voices) == sorted(of_a_session)
    assert set(VOICES) - set(known.realtime_voices) == {"fable", "nova", "onyx"}


def test_what_is_shut_down_and_when() -> None:
    shut_down = {m.id: m.shutdown for m in catalogue().models.values() if m.shut_down(TODAY)}
    assert shut_down == GONE
    for model in catalogue().models.values():
        if model.shutdown:
            assert model.shut_down(model.shutdown)
            assert not model.shut_down(date.fromordinal(model.shutdown.toordinal() - 1))
    going = {m.shutdown for m in catalogue().models.values()} - set(GONE.values())
    assert going == {None, date(2027, 1, 20)}
    live = {m.id for m in catalogue().realtime_models.values() if m.shutdown == date(2027, 1, 20)}
    assert live == {
        "gpt-realtime", "gpt-realtime-2025-08-28", "gpt-realtime-mini",
        "gpt-realtime-mini-2025-12-15",
    }  # fmt: skip
