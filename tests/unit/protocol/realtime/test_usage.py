"""Usage as Realtime servers report it."""

from typing import Any

import pytest

from audiomagic import cost_of
from audiomagic.protocol.realtime.usage import usage_of

# Recorded: the example of the protocol's own description.
RECORDED = {
    "total_tokens": 200, "input_tokens": 139, "output_tokens": 61,
    "output_token_details": {"text_tokens": 18, "audio_tokens": 43},
    "input_token_details": {
        "text_tokens": 43, "audio_tokens": 96, "image_tokens": 0, "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 64, "image_tokens": 0},
    },
}  # fmt: skip


def test_the_recorded_usage_and_its_cost() -> None:
    usage = usage_of({"type": "response.done", "response": {"usage": RECORDED}})
    assert usage and (usage.input_tokens, usage.output_tokens) == (139, 61)
    assert (usage.input_audio_tokens, usage.output_audio_tokens) == (96, 43)
    assert (usage.cached_tokens, usage.cached_audio_tokens) == (64, 64)
    assert str(cost_of(usage, "gpt-realtime-2.1")).rstrip("0") == "0.0044056"


def test_numbers_beside_the_response_count_where_it_has_none() -> None:
    event = {"response": {"usage": {}}, "usage": RECORDED | {"billable_audio_seconds": 2}}
    assert usage_of(event) == usage_of({"response": {"usage": RECORDED}})


@pytest.mark.parametrize(
    "usage", [None, {}, [], "much", {"input_tokens": "1"}, {"input_tokens": -1}]
)
def test_a_usage_that_cannot_be_read_is_none(usage: Any) -> None:
    assert usage_of({"response": {"usage": usage}}) is None


@pytest.mark.parametrize("cached", [-1, 65, "64", None, True])
def test_a_split_of_the_cache_that_cannot_be_is_not_known(cached: Any) -> None:
    details = RECORDED["input_token_details"] | {"cached_tokens_details": {"audio_tokens": cached}}
    usage = usage_of({"response": {"usage": RECORDED | {"input_token_details": details}}})
    assert usage and usage.cached_audio_tokens is None


def test_images_have_no_price() -> None:
    details = RECORDED["input_token_details"] | {"image_tokens": 5}
    usage = usage_of({"response": {"usage": RECORDED | {"input_token_details": details}}})
    assert usage and not usage.totals_match
