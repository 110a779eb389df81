"""What a client sends: read, or refused in words that say which field is wrong."""

import base64
import json
from typing import Any

import pytest

from audiomagic.engine.api.errors import APIError
from audiomagic.engine.realtime.client_events import EVENTS, AudioAppend, parsed, pcm16, read


def refused(event: dict[str, Any]) -> tuple[str | None, str | None]:
    with pytest.raises(APIError) as caught:
        read(event)
    return caught.value.param, caught.value.code


@pytest.mark.parametrize(
    "frame", ["", "{", "[]", "3", "null", b"\xff\xfe", "[" * 100_000, '{"a": ' * 100_000]
)
def test_a_frame_that_is_no_json_object_is_refused(frame: str | bytes) -> None:
    with pytest.raises(APIError, match="JSON object"):
        parsed(frame)


@pytest.mark.parametrize(
    ("event", "param", "code"),
    [
        ({}, "type", "missing_required_parameter"),
        ({"type": "session.delete"}, "type", "invalid_value"),
        ({"type": ["session.update"]}, "type", "invalid_value"),
        ({"type": "output_audio_buffer.clear"}, "type", "invalid_value"),  # of WebRTC
        ({"type": "response.cancel", "id": "r"}, "id", "unknown_parameter"),
        ({"type": "response.cancel", "event_id": 3}, "event_id", "invalid_type"),
        ({"type": "input_audio_buffer.append"}, "audio", "missing_required_parameter"),
        ({"type": "input_audio_buffer.append", "audio": 3}, "audio", "invalid_type"),
        ({"type": "conversation.item.create"}, "item", "missing_required_parameter"),
        ({"type": "conversation.item.truncate", "item_id": "i", "content_index": 1,
          "audio_end_ms": 1}, "content_index", "integer_above_max_value"),
        ({"type": "conversation.item.truncate", "item_id": "i", "content_index": 0,
          "audio_end_ms": -1}, "audio_end_ms", "integer_below_min_value"),
        ({"type": "conversation.item.delete", "item_id": ""}, "item_id", "invalid_value"),
        ({"type": "response.create", "response": {"modalities": ["text"]}},
         "response.modalities", "unknown_parameter"),
        ({"type": "response.create", "response": {"conversation": "other"}},
         "response.conversation", "invalid_value"),
        ({"type": "response.create", "response": {"metadata": {"a": 1}}},
         "response.metadata.a", "invalid_type"),
    ],
)  # fmt: skip
def test_a_bad_event_is_refused_by_its_field(event: dict[str, Any], param: str, code: str) -> None:
    assert refused(event) == (param, code)


def test_an_event_needs_no_more_than_it_says() -> None:
    for kind in ("input_audio_buffer.commit", "input_audio_buffer.clear", "response.cancel"):
        assert isinstance(read({"type": kind, "event_id": "e"}), EVENTS[kind])
    create = read({"type": "response.create", "response": None})
    assert create.response.conversation == "auto"  # type: ignore[attr-defined]


def test_sound_is_read_from_base64() -> None:
    frame = json.dumps(
        {"type": "input_audio_buffer.append", "audio": base64.b64encode(b"ab").decode()}
    )
    event = read(parsed(frame))
    assert isinstance(event, AudioAppend) and event.pcm == b"ab"


@pytest.mark.parametrize("data", ["?", "YQ", "YQ==", "YWI=\n", "YWJj", "é"])
def test_what_are_no_whole_samples_in_base64_is_refused(data: str) -> None:
    with pytest.raises(APIError, match="'audio'") as caught:
        pcm16(data, "audio")
    assert caught.value.param == "audio"


def test_more_sound_than_the_service_takes_at_once_is_refused() -> None:
    event = {"type": "input_audio_buffer.append", "audio": "A" * (15 * 2**20 + 4)}
    assert refused(event) == ("audio", "invalid_value")
