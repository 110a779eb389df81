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
    assert caught.value.body.message == sent.decode("utf-8-sig").strip()
    for event in (
        b"data: {}",
        b": ping\n",
        b"data:\n\n",
        b"event: error\ndata: \n\n",
        b"event: ping\n\n",
        b"retry: 3\n\n",
        b"",
        b"\n",
    ):
        assert list(sse.chunks([event])) in ([{}], [])
    assert list(sse.chunks([b"x-odd: 1\n", b"data: {}\n\n"])) == [{}]


AFTER = [
    b"Upstream timeout\n",
    b'{"error": {"message": "Upstream timeout"}}',
    b'{\n "error":\n {"message": "Upstream timeout"}\n}\n',
    b'{"detail": "Upstream timeout"}\n\n',
    b'"Upstream timeout"\n',
]


@pytest.mark.parametrize("sent", AFTER)
@pytest.mark.parametrize("end", [b"", b"\n\n", b"\ndata: [DONE]", b"\n\ndata: [DONE]\n\n"])
@pytest.mark.parametrize("between", [b"\n\n", b"\n"])
def test_text_after_the_last_event_is_the_words_of_an_error(
    sent: bytes, end: bytes, between: bytes
) -> None:
    read = list[Any]()
    with pytest.raises(sse.ErrorEvent) as caught:
        for one in sse.chunks([b"data: {}" + between, sent, end]):
            read.append(one)
    assert read == [{}] and caught.value.body.message == "Upstream timeout"


BESIDE = [
    b'event: metadata\ndata: {"session_id": "s", "title": "Greeting"}\n\n',
    b'data: {"type": "end", "reason": "stop"}\n\n',
    b'data: {"status": "completed", "message": "Stream completed"}\n\n',
    b'data: {"type": "queue", "message": "You are third in the queue"}\n\n',
    b'data: {"type": "warning", "message": "This model will be retired"}\n\n',
    b"data: loading the model\n\n",
]
WHOLE = b'data: {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\n'
EXPIRED = b'data: {"choices": [{"delta": {"audio": {"expires_at": 1}}}]}\n\n'


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("end", [WHOLE, EXPIRED])
def test_what_may_be_an_error_is_none_beside_an_answer(beside: bytes, end: bytes) -> None:
    (chunk,) = sse.chunks([end])
    assert list(sse.chunks([beside, end])) == [chunk]
    assert list(sse.chunks([end, beside, b"data: [DONE]\n\n"])) == [chunk]
    with pytest.raises(sse.ErrorEvent):
        list(sse.chunks([b'data: {"choices": [{"delta": {"content": "Hi"}}]}\n\n', beside]))


@pytest.mark.parametrize(
    "sent", [b"data: DONE\n\n", b"data: [done]\n\n", b"data: null\n\n", b'data: "[DONE]"\n\n',
             b"data: [END]\n\n", b"event: end\ndata: end\n\n", b"Bye.\n"]
)  # fmt: skip
def test_behind_its_end_nothing_but_an_error_ends_an_answer(sent: bytes) -> None:
    assert len(list(sse.chunks([WHOLE, sent]))) == 1
    with pytest.raises(sse.ErrorEvent, match="Worn out"):
        list(sse.chunks([WHOLE, b'data: {"error": "Worn out"}\n\n']))


def test_an_exception_of_the_server_is_shown_as_it_wrote_it() -> None:
    with pytest.raises(sse.ErrorEvent) as caught:
        list(sse.chunks([b"data: {}\n\nValueError: no such voice\n"]))
    assert caught.value.body.message == "ValueError: no such voice"


@pytest.mark.parametrize(
    "sent",
    [
        b"seq: 5\ndata: {}\n\n",
        b"data: {}\nx-odd: 1\n\n",
        b"data: {}\n\nx-odd: 1\n",
        b"data: {}\n\nseq: 5\ndata: [DONE]\n\n",
        b"data: {}\n\ndat",
        b"data: {}\n\nre",
        b"data: {}\n\n   \n",
        b"data: {}\n\n[DONE]\n",
        b"data: {}\ndata: [DONE]\n",
        b"data: {}\n\ndata: [DONE]\n\ngoodbye",
        b"event: ping\ndata: ping\n\ndata: {}\n\n",
    ],
)
def test_what_is_beside_events_is_no_error(sent: bytes) -> None:
    assert list(sse.chunks([b"retry: 3\n\n", sent])) == [{}]


EVENTS = 'data: {"a": 1}\n\n: comment\n\nevent: message\ndata: {"b":\ndata: 2}\n\ndata:  [DONE]\n\n'


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_lines_end_in_each_of_three_ways_also_after_a_mark(bom: str, end: str, size: int) -> None:
    sent = (bom + EVENTS.replace("\n", end)).encode() + b"data: {oops"
    pieces = [sent[i : i + size] for i in range(0, len(sent), size)]
    assert list(sse.chunks(pieces)) == [{"a": 1}, {"b": 2}]
    whole = (bom + end + '{"a":' + end + "1}").encode()
    assert list(sse.chunks([whole[i : i + size] for i in range(0, len(whole), size)])) == [{"a": 1}]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_event_is_read_as_soon_as_it_has_ended(end: bytes) -> None:
    def sent() -> Any:
        yield b"data: {}" + end * 2
        pytest.fail("waited for more")

    assert next(sse.chunks(sent())) == {}


@pytest.mark.parametrize("before", [b"", b"data: {}\n\n"])
@pytest.mark.parametrize(
    "sent",
    [
        b"event: error\ndata: model is loading\n\n",
        b"event: error\ndata: \ndata: model is loading",
        b"data: model is loading\n\n",
        b'data: "model is loading"\nevent: error\n\n',
        b'error: {"code": 503, "message": "model is loading", "type": "unavailable_error"}\n\n',
        b"error: model is loading\n\n",
        b'event: error\ndata: {"detail": "model is loading"}\n\n',
    ],
)
def test_the_words_of_an_error_within_a_stream_are_kept(before: bytes, sent: bytes) -> None:
    with pytest.raises(sse.ErrorEvent) as caught:
        list(sse.chunks([before, sent]))
    assert caught.value.body.message == "model is loading"


@pytest.mark.parametrize("sent", [b'data: {"choices": [\n\n', b"data: [1,\n\n", b"data: <p>\n\n"])
def test_what_was_to_be_json_is_no_words(sent: bytes) -> None:
    with pytest.raises(InvalidResponse, match="not JSON"):
        list(sse.chunks([sent]))


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        (b'data: {"choices": [' + b"{}," * 25_000_000 + b"{}]}\n\n", "more chunks, or more in one"),
        (b"data: " + b"[" * 2_000_000 + b"\n\n", "more chunks, or more in one"),
        (b'{"choices": [' + b"[],\n" * 1_100_000 + b"[]]}", "more chunks, or more in one"),
        (b": hello\n" * 200_000, "1 MB beside its answer"),
        (b"event: x\n\n" * 200_000, "1 MB beside its answer"),
        (b"\n" * 1_200_000, "1 MB beside its answer"),
    ],
)
def test_much_that_says_nothing_is_not_read(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, line: str
) -> None:
    monkeypatch.setattr(sse, "MOST_BESIDE", 1_000_000)
    pieces = (sent[i : i + 100_000] for i in range(0, len(sent), 100_000))
    with pytest.raises(InvalidResponse, match=f"sent {line}.* than any answer; stopped reading"):
        list(sse.chunks(pieces))


def test_an_answer_of_many_chunks_is_read_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MOST_EVENTS", 100)
    assert list(sse.chunks([b"data: {}\n\n" * 100])) == [{}] * 100
    with pytest.raises(InvalidResponse, match="more chunks"):
        list(sse.chunks([b"data: {}\n\n"] * 101))
