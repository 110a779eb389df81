"""A server's error, and the list of its models: anything is read, or refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.protocol.error import LONGEST, ErrorBody
from audiomagic.protocol.model_list import read

from ...support.fake_server import KEY
from ...support.strategies import JSON


@given(JSON | st.dictionaries(st.sampled_from(["error", "metadata", "raw", "code", "data"]), JSON))
def test_any_json_is_an_error_and_a_list_or_none(item: Any) -> None:
    failure = ErrorBody.of(item)
    assert failure.message or item in ("", {})
    assert all(isinstance(x, str | None) for x in (failure.code, failure.param, failure.kind))
    assert read({"data": [item, {"id": "a", "shutdown_date": item}]}) is not None


def test_a_gateway_passes_on_what_the_provider_said() -> None:
    raw = '{"error": {"message": "slow down", "code": 429, "type": "rate_limit"}}'
    body = ErrorBody.of({"message": "Provider error", "metadata": {"raw": raw}})
    assert body == ErrorBody("slow down", "429", None, "rate_limit")


def test_an_error_shows_no_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for error in (f"wrong: {KEY}", {"message": f"wrong: {KEY[:9]}", "code": KEY}, {"x": KEY}):
        assert KEY[:9] not in repr(ErrorBody.of(error))


@pytest.mark.parametrize(
    "error",
    [
        "x" * 1_000_000,
        {"message": "sk-proj " * 1_000_000},
        {str(number): "x" for number in range(100_000)},
        [["x"]] * 1_000_000,
    ],
)
def test_an_error_of_many_words_is_cut(error: object) -> None:
    assert len(ErrorBody.of(error).message) <= LONGEST
