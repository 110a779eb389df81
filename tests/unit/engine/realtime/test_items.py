"""The items of a conversation: read, told again, and cut to what was heard."""

import base64
from concurrent.futures import Future
from typing import Any, get_args

import pytest
from openai.types.realtime import ConversationItem
from pydantic import TypeAdapter

from audiomagic.engine.api.errors import APIError
from audiomagic.engine.realtime.items import (
    AssistantMessage,
    FunctionCall,
    FunctionCallOutput,
    GivenMessage,
    Item,
    Piece,
    Speech,
    read,
)
from audiomagic.sound import Sound

SECOND = 48_000  # bytes
OFFICIAL: Any = TypeAdapter(get_args(ConversationItem)[0])


def hear(sound: Sound) -> Speech:
    words: Future[str] = Future()
    words.set_result("Hello.")
    return Speech(sound.seconds, words)


def message(role: str, *content: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(content), **more}


def refused(value: Any) -> tuple[str | None, str | None]:
    with pytest.raises(APIError) as caught:
        read(value, "item", hear)
    return caught.value.param, caught.value.code


TEXT = {"type": "input_text", "text": "Hi"}


@pytest.mark.parametrize(
    "value",
    [
        message("user", TEXT, id="item_1", status="completed"),
        message("system", TEXT),
        message("assistant", {"type": "output_text", "text": "Hello."}),
        {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "3"},
    ],
)
def test_an_item_is_told_as_it_was_made(value: dict[str, Any]) -> None:
    told = read(value, "item", hear).wire()
    OFFICIAL.validate_python(told, strict=True)
    assert told.items() >= value.items()
    assert told["id"].startswith("item_") and told["object"] == "realtime.item"


def test_of_sound_only_what_is_said_in_it_is_kept() -> None:
    audio = base64.b64encode(bytes(SECOND)).decode()
    item = read(message("user", {"type": "input_audio", "audio": audio}), "item", hear)
    assert isinstance(item, GivenMessage)
    assert (item.speeches[0].words.result(), item.audio_tokens, item.text) == ("Hello.", 10, "")
    assert item.wire()["content"] == [{"type": "input_audio", "transcript": None}]


@pytest.mark.parametrize(
    ("value", "param", "code"),
    [
        ({}, "item.type", "missing_required_parameter"),
        ({"type": "mcp_call"}, "item.type", "invalid_value"),
        ({"type": "message"}, "item.role", "missing_required_parameter"),
        (message("user"), "item.content", "invalid_value"),
        (message("tool", TEXT), "item.role", "invalid_value"),
        (message("user", {"type": "input_text"}), "item.content[0].text",
         "missing_required_parameter"),
        (message("user", TEXT, {"type": "text", "text": "Hi"}), "item.content[1].type",
         "invalid_value"),
        (message("user", {"type": "input_image", "image_url": "data:"}),
         "item.content[0].image_url", "unknown_parameter"),
        (message("assistant", {"type": "output_audio", "audio": "AAAA"}),
         "item.content[0].type", "invalid_value"),  # it cannot be told what it spoke
        (message("user", {"type": "input_audio"}), "item.content[0].audio",
         "missing_required_parameter"),
        (message("user", {"type": "input_audio", "audio": "?"}), "item.content[0].audio",
         "invalid_value"),
        (message("user", {"type": "input_audio", "audio": "AAAA"}), "item.content[0].audio",
         "invalid_value"),
        ({"type": "function_call", "name": "a b", "arguments": ""}, "item.name",
         "invalid_value"),
        ({"type": "function_call_output", "output": "3"}, "item.call_id",
         "missing_required_parameter"),
    ],
)  # fmt: skip
def test_a_bad_item_is_refused_by_its_path(value: Any, param: str, code: str) -> None:
    assert refused(value) == (param, code)


def spoken() -> AssistantMessage:
    pieces = [Piece("One two three four.", 2 * SECOND), Piece(" Five six.", SECOND)]
    return AssistantMessage(spoken=True, pieces=pieces)


@pytest.mark.parametrize(
    ("end_ms", "words"),
    [
        (1, ""),
        (1_000, "One two"),
        (1_500, "One two three"),
        (2_000, "One two three four."),
        (2_500, "One two three four. Five"),
        (3_000, "One two three four. Five six."),
    ],
)
def test_of_a_truncated_answer_the_words_are_kept_that_were_heard(end_ms: int, words: str) -> None:
    item = spoken()
    item.truncate(end_ms)
    assert item.words.rstrip() == words
    assert item.milliseconds == end_ms
    assert item.wire()["content"] == [{"type": "output_audio", "transcript": None}]


def test_an_answer_counts_by_its_sound_or_its_text() -> None:
    item = spoken()
    assert (item.audio_tokens, item.text) == (60, "")
    item = AssistantMessage(spoken=False, pieces=[Piece("One"), Piece(" two.")])
    assert (item.audio_tokens, item.text) == (0, "One two.")


@pytest.mark.parametrize(
    "item",
    [
        spoken(),
        AssistantMessage(spoken=True, status="in_progress"),
        FunctionCall(name="add", arguments="{}"),
        FunctionCallOutput(call_id="call_1", output="3"),
    ],
)
def test_what_is_told_is_what_the_official_client_reads(item: Item) -> None:
    OFFICIAL.validate_python(item.wire(), strict=True)
