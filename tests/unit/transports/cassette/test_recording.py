"""Anything in a recording's place is read, or refused in one line."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audiomagic.errors import CassetteError, NotRecorded
from audiomagic.protocol.response import Completion
from audiomagic.transports.cassette import Cassette
from audiomagic.transports.cassette.recording import Recording

from ....support.samples import JOKE, accumulated, recording
from ....support.strategies import JSON


@st.composite
def near_exchanges(draw: st.DrawFn) -> Any:
    """An exchange in which a few values, anywhere, are others."""
    whole = recording()
    for _ in range(draw(st.integers(0, 3))):
        inner: Any = whole
        while True:
            steps = sorted(inner) if isinstance(inner, dict) else range(len(inner))
            if not steps:
                break
            step = draw(st.sampled_from(steps))
            if isinstance(inner[step], dict | list) and draw(st.booleans()):
                inner = inner[step]
                continue
            inner[step] = draw(JSON | st.sampled_from([whole["answer"], 3, "Ha ha", 1e-9, []]))
            break
    return whole


def dumped(value: Any) -> bytes:
    try:
        return json.dumps(value).encode()
    except ValueError:  # it holds itself
        return b"{"


@given(near_exchanges().map(dumped) | JSON.map(dumped) | st.binary(max_size=60))
@example(dumped(recording()))
def test_anything_is_an_exchange_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    try:
        exchange = Recording.decode(data, "0001.json")
    except CassetteError as error:
        assert "\n" not in str(error) and len(str(error)) < 260
    else:
        assert isinstance(accumulated(exchange.answer.chunks(b"", pace=False)), Completion)
        again = Recording.decode(exchange.encode(), "0001.json")
        assert again.encode() == exchange.encode()
    folder = tmp_path_factory.mktemp("tape")
    (folder / "0001.json").write_bytes(data)
    cassette = Cassette(folder)
    assert len(cassette.exchanges()) + len(cassette.refused) == 1
    try:
        assert isinstance(accumulated(cassette.answer(JOKE, pace=False)), Completion)
    except (CassetteError, NotRecorded) as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "value"),
    [("input_tokens", 10**4_000), ("output_tokens", -1), ("server_cost", "1e999999")],
)
def test_absurd_usage_is_not_given_again(name: str, value: object) -> None:
    whole = recording()
    whole["answer"]["usage"] = {"input_tokens": 1, "output_tokens": 1} | {name: value}
    answer = Recording.decode(dumped(whole), "0001.json").answer
    usage = accumulated(answer.chunks(b"", pace=False)).usage
    assert usage is None or (usage.input_tokens, usage.server_cost) == (1, None)
