"""The receipt: at whose price a call was billed, and what is known of its cost."""

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from audiomagic.costs.pricing import listed
from audiomagic.costs.receipt import Receipt, together
from audiomagic.protocol.usage import Usage

USED = Usage(200, 300, 150, 250)  # at 1.5's rates $0.021425
MINE = {"text_in": "1", "text_out": "2", "audio_in": "3", "audio_out": "4"}


def receipt(host: str, asked: str, model: str, **more: Any) -> Receipt:
    engine, usage = more.pop("engine", "openai"), more.pop("usage", USED)
    when = datetime(2026, 11, 22, tzinfo=UTC)
    return Receipt(when, engine, host, asked, model, None, 15.0, 12.5, usage, None, 1.0, **more)


@pytest.mark.parametrize(
    ("host", "asked", "model", "dollars"),
    [
        ("api.openai.com", "gpt-audio", "gpt-audio-2025-08-28", "0.021425"),
        ("api.openai.com", "gpt-audio-1.5", "gpt-audio-1.5-new", "0.021425"),  # an alias's
        ("api.openai.com", "gpt-audio-1.5", "other", None),
        ("api.openai.com", "gpt-audio-1.5", "gpt-audio-mini", "0.021425"),  # the dearer of two
        ("api.openai.com", "gpt-audio-mini", "gpt-audio-1.5", "0.021425"),
        ("r.openai.azure.com", "my-deployment", "gpt-audio-2025-08-28", "0.026625"),
        ("r.openai.azure.com", "my-deployment", "my-deployment", None),
        ("openrouter.ai", "openai/gpt-audio-mini", "openai/gpt-audio-mini", "0.00084"),
        ("127.0.0.1:8000", "gpt-audio", "gpt-audio", "0.021425"),
        ("127.0.0.1:8000", "qwen-omni", "qwen-omni", None),
    ],
)
def test_each_server_is_billed_at_its_own_price(
    host: str, asked: str, model: str, dollars: str | None
) -> None:
    assert receipt(host, asked, model).cost == (dollars and Decimal(dollars))


def test_the_prices_known_at_the_time_stay() -> None:
    known = listed().extended({"my-deployment": MINE})
    one = receipt("r.openai.azure.com", "my-deployment", "my-deployment", prices=known)
    assert one.cost == Decimal("0.0016")  # 50 at 1, 50 at 2, 150 at 3, 250 at 4: 1600 per million


def test_a_free_call_has_the_services_price() -> None:
    one = receipt("the local engine", "gpt-audio-1.5", "gpt-audio-1.5", engine="local", paid=False)
    assert one.cost == one.estimate == 0
    assert one.bill is not None and one.bill.dollars == Decimal("0.021425") and not one.bill.assumed


def test_without_a_servers_count_our_own_is_an_estimate() -> None:
    one = receipt(
        "api.openai.com", "gpt-audio-1.5", "gpt-audio-1.5", usage=None, counted_usage=USED
    )
    assert one.cost is None and one.bill is None and one.estimate == Decimal("0.021425")
    assert receipt("api.openai.com", "x", "x", usage=None, counted_usage=USED).estimate is None
    assert receipt("api.openai.com", "x", "x", usage=None).estimate is None


@pytest.mark.usefixtures("hostile_decimals")
def test_receipts_of_one_reply_add_up() -> None:
    charged = Usage(11, 16, 0, 10, server_cost=Decimal("0.0123456789"))
    first = receipt("x", "m", "m", usage=charged, counted_usage=None)
    silent = dataclasses.replace(first, time_to_first_audio=2.5)
    both = together([first, silent])
    assert both.cost == Decimal("0.0246913578")
    assert (both.seconds_in, both.seconds_out, both.duration) == (30.0, 25.0, 2.0)
    assert both.time_to_first_audio == 3.5
    assert together([first, dataclasses.replace(first, usage=None)]).cost is None
