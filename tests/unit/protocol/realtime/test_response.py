"""Events of a response, read as chunks of Chat Completions."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.protocol import notes
from audiomagic.protocol.realtime.response import ResponseReader, response_id, sound_tokens
from audiomagic.protocol.response import Completion, ResponseAccumulator

PCM = bytes(range(250)) * 8


def said(words: str, item: str = "item_1") -> dict[str, Any]:
    kind = "response.output_audio_transcript.delta"
    return {"type": kind, "item_id": item, "delta": words, "obfuscation": "x9"}


def sounded(pcm: bytes, item: str = "item_1") -> dict[str, Any]:
    delta = base64.b64encode(pcm).decode()
    return {"type": "response.output_audio.delta", "item_id": item, "delta": delta}


def called(arguments: str = '{"a": 1}', **more: Any) -> dict[str, Any]:
    item = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": arguments}
    return {"type": "response.output_item.done", "item": item | {"status": "completed"} | more}


def done(status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"type": "response.done", "response": {"id": "resp_1", "status": status} | more}


def read(*events: Any) -> tuple[ResponseReader, Completion]:
    reader, accumulator = ResponseReader(), ResponseAccumulator()
    for event in events:
        for chunk in reader.read(event):
            accumulator.add(chunk)
    return reader, accumulator.completion()


def test_words_and_sound() -> None:
    reader, completion = read(said("Hello"), sounded(PCM), said(" there."), done())
    assert (completion.text, completion.pcm) == ("Hello there.", PCM)
    assert (completion.finish_reason, reader.status) == ("stop", "completed")


def test_notes_on_a_response_are_read() -> None:
    noted = notes.written(["Style: slower."])
    assert read(said("Hello."), done(**noted))[1].notes == ("Style: slower.",)


def test_words_of_two_messages_are_apart() -> None:
    _, completion = read(said("Let me see."), said("It is noon.", "item_2"), done())
    assert completion.text == "Let me see. It is noon."


@pytest.mark.parametrize("kind", ["output_text", "output_audio_transcript"])
def test_words_that_come_only_whole_are_read(kind: str) -> None:
    name = "text" if kind == "output_text" else "transcript"
    whole = {"type": f"response.{kind}.done", "item_id": "item_1", name: "Hello."}
    assert read(whole, done())[1].text == "Hello."
    assert read(said("Hello."), whole, done())[1].text == "Hello."


def test_a_call_is_read_once_though_it_is_told_twice() -> None:
    _, completion = read(called(), done(output=[called()["item"]]))
    assert [(call.id, call.name) for call in completion.tool_calls] == [("call_1", "f")]
    assert completion.finish_reason == "tool_calls"


def test_a_call_that_only_the_end_tells_is_read() -> None:
    assert len(read(done(output=[called()["item"]]))[1].tool_calls) == 1


@pytest.mark.parametrize(
    "events",
    [
        (called(status="incomplete"), done()),
        (called(), done("cancelled", status_details={"reason": "turn_detected"})),
        (called(), done("incomplete", status_details={"reason": "max_output_tokens"})),
    ],
)
def test_what_was_broken_off_calls_nothing(events: Any) -> None:
    assert read(*events)[1].tool_calls == ()


@pytest.mark.parametrize(
    ("details", "finish"),
    [
        ({"type": "incomplete", "reason": "max_output_tokens"}, "length"),
        ("max_output_tokens", "length"),
        ({"reason": "content_filter"}, "content_filter"),
    ],
)
def test_an_incomplete_response_says_why(details: Any, finish: str) -> None:
    _, completion = read(said("Once"), done("incomplete", status_details=details))
    assert completion.finish_reason == finish


@pytest.mark.parametrize("details", [{"error": {"code": "x", "message": "No."}}, "No.", None])
def test_a_failed_response_has_an_error(details: Any) -> None:
    reader, _ = read(done("failed", status_details=details))
    assert reader.error and reader.error.message in ("No.", "the response failed")


def test_a_cancelled_response_is_cut_off() -> None:
    assert read(said("Once"), done("cancelled"))[1].finish_reason is None


def test_ids_stand_in_either_place() -> None:
    assert response_id({"response_id": "a"}) == response_id({"response": {"id": "a"}}) == "a"
    assert response_id({"type": "error"}) == ""


def test_tokens_of_sound_are_twenty_a_second() -> None:
    (chunk,) = ResponseReader().read(sounded(bytes(48_000)))
    assert sound_tokens(chunk) == 20
    assert sound_tokens({"choices": [{"delta": {"content": "Hi"}}]}) == 0


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "status", "output", "error", "usage"]), inner)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["response", "item", "delta", "item_id", "text"]), JSON))
def test_any_event_is_read_without_an_error(fields: dict[str, Any]) -> None:
    for kind in ("response.done", "response.output_item.done", "response.output_text.delta"):
        for chunk in ResponseReader().read(fields | {"type": kind}):
            assert isinstance(chunk["choices"], list)
