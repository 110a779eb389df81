"""Server-sent events: cut anywhere, of any bytes, without an end."""

import json
from itertools import chain, pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audiomagic.errors import InvalidResponse
from audiomagic.protocol import sse

from ...support.strategies import JSON


@given(st.lists(JSON.filter(lambda item: isinstance(item, dict)), max_size=4), st.data())
def test_events_may_be_cut_anywhere(items: list[Any], data: Any) -> None:
    texts = [json.dumps(item) for item in items if not item.get("error")]
    sent = "".join(f": a comment\r\ndata: {text}\r\n\r\n" for text in texts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=8)))
    pieces = [sent[a:b] for a, b in pairwise([0, *cuts, len(sent)])]
    read = sse.chunks([*pieces, b"data: [DONE]\n\n", b"data: {oops"])
    assert [json.dumps(item) for item in read] == texts
    whole = [json.dumps(json.loads(text), indent=1).encode() for text in texts[:1]]
    assert [json.dumps(item) for item in sse.chunks(whole)] == texts[:1]


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"data: ", b"{}", b"\n", b"<"])))
@example([b'data: {"error": [{}]}'])
@example([b'{"error": {"metadata": {"raw": "{\\"error\\": {\\"message\\": 5}}"}}}'])
def test_any_bytes_are_chunks_or_one_line(pieces: list[bytes]) -> None:
    try:
        json.dumps(list(sse.chunks(pieces)))
    except (InvalidResponse, sse.ErrorEvent) as error:
        assert str(error)


def test_an_event_without_an_end_is_not_read() -> None:
    def endless() -> Any:
        for _ in range(1000):
            yield b"A" * 1_000_000
        pytest.fail("read a gigabyte")

    for start in (b"data: ", b"{", b": "):
        with pytest.raises(InvalidResponse, match="more than 80 MB"):
            list(sse.chunks(chain([start], endless())))


@pytest.mark.parametrize(
    "sent",
    [
        b"Internal Server Error",
        b"\n\nupstream connect error: reset reason: overflow\n",
        b"no healthy upstream\r\n\r\n",
        "\ufeffOverloaded".encode(),
    ],
)
def test_text_in_place_of_events_is_the_words_of_an_error(sent: bytes) -> None:
    with pytest.raises(sse.ErrorEvent) as caught:
        list(sse.chunks([sent]))
    assert caught.value.body.message == sent.decode().strip()
    for event in (b"data: {}", b": ping\n", b"event: ping\n\n", b"retry: 3\n\n", b"", b"\n"):
        assert list(sse.chunks([event])) in ([{}], [])
    assert list(sse.chunks([b"x-odd: 1\n", b"data: {}\n\n"])) == [{}]
