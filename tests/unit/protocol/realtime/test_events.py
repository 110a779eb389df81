"""Events on the Realtime wire."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.errors import InvalidResponse
from audiomagic.protocol.realtime import events
from audiomagic.protocol.request import Message
from audiomagic.protocol.tool_calls import ToolCall


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("response.audio.delta", "response.output_audio.delta"),
        ("response.audio_transcript.done", "response.output_audio_transcript.done"),
        ("response.text.delta", "response.output_text.delta"),
        ("conversation.item.created", "conversation.item.added"),
        ("response.output_audio.delta", "response.output_audio.delta"),
        ("ping", "ping"),
    ],
)
def test_the_betas_names_are_read_as_they_are_called_since(sent: str, read: str) -> None:
    assert events.read(b'{"type": "%s", "a": 1}' % sent.encode()) == {"type": read, "a": 1}


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'"ping"', b"{}", b'{"type": 3}', b"\xff", b"[" * 10**5]
)
def test_what_is_no_event_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidResponse, match="not an event"):
        events.read(data)


@given(
    st.dictionaries(
        st.sampled_from(["item", "item_id", "id"]), st.none() | st.integers() | st.text()
    )
)
def test_any_event_has_an_item_id_or_none(event: dict[str, Any]) -> None:
    assert isinstance(events.item_id(event), str)


def test_sound_goes_in_pieces_of_a_second() -> None:
    pcm = bytes(range(256)) * 400
    *pieces, commit = events.spoken(pcm)
    sent = [base64.b64decode(piece["audio"]) for piece in pieces]
    assert b"".join(sent) == pcm and [len(one) for one in sent] == [48_000, 48_000, 6_400]
    assert commit["type"] == "input_audio_buffer.commit" and commit["event_id"]


def test_messages_are_items() -> None:
    call = ToolCall("call_1", "add", "\n{}")
    said = [event["item"] for event in events.items(Message("assistant", ("Hm.",), None, (call,)))]
    assert said == [
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hm."}],
        },
        {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": "\n{}"},
    ]
    (asked,) = events.items(Message("user", ("Hi.",)))
    assert asked["item"]["content"] == [{"type": "input_text", "text": "Hi."}]
    (result,) = events.items(Message("tool", ("3",), tool_call_id="call_1"))
    assert result["item"] == {"type": "function_call_output", "call_id": "call_1", "output": "3"}
    assert list(events.items(Message("assistant"))) == []


def test_each_event_has_an_id_of_its_own() -> None:
    assert len({events.create()["event_id"] for _ in range(100)}) == 100


def test_instructions_are_never_sent_with_a_response() -> None:
    """They would replace those of the session."""
    assert events.create()["type"] == "response.create" and "response" not in events.create()
    assert events.create(100, "none")["response"] == {
        "max_output_tokens": 100,
        "tool_choice": "none",
    }
