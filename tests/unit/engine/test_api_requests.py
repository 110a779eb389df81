"""Requests on the wire: written by the client, read and refused by the engine."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audiomagic import Sound
from audiomagic.engine.api_errors import APIError
from audiomagic.engine.api_requests import read
from audiomagic.protocol.request import VERBATIM, Message, Request, system

from ...support.fake_server import VOICES
from ..protocol.test_response import JSON

SPOKEN = {"audio_1": "Earlier words."}
TONE = Sound(0.3 * np.sin(np.arange(4_800) / 10), 24_000)
WAV, MP3 = (base64.b64encode(TONE.encode(ending)).decode() for ending in ("wav", "mp3"))


def sound(data: Any = WAV, form: Any = "wav") -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": form}}


def asked(*parts: Any, voice: Any = "coral", form: Any = "pcm16", **more: Any) -> dict[str, Any]:
    return {
        "model": "gpt-audio-1.5",
        "modalities": ["text", "audio"],
        "audio": {"voice": voice, "format": form},
        "messages": [{"role": "user", "content": list(parts) or "Hi"}],
        "stream": True,
    } | more


def refusal(body: object) -> tuple[str, str | None, str | None]:
    with pytest.raises(APIError) as caught:
        read(body, SPOKEN, VOICES)
    error = caught.value.wire()["error"]
    assert error["type"] == "invalid_request_error" and caught.value.status == 400
    return error["message"], error["param"], error["code"]


# -- writing ----------------------------------------------------------------------------------
def test_text_in_speech_out() -> None:
    messages = (*system("You are Bob.", "warm"), Message("user", ("Hi",)))
    assert Request("m", messages, "alloy", "wav", stream=False).wire() == {
        "model": "m",
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "wav"},
        "messages": [
            {"role": "system", "content": "You are Bob.\nSpeak in this way: warm"},
            {"role": "user", "content": "Hi"},
        ],
    }


def test_speech_in_text_out() -> None:
    body = Request("m", (Message("user", ("What?", TONE)),), max_tokens=9).wire()
    data = body["messages"][0]["content"][1]["input_audio"].pop("data")
    assert Sound.decode(base64.b64decode(data)).seconds == TONE.seconds
    assert body == {
        "model": "m",
        "modalities": ["text"],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What?"},
                    {"type": "input_audio", "input_audio": {"format": "wav"}},
                ],
            }
        ],
        "max_completion_tokens": 9,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_an_earlier_answer_is_its_id_alone_and_a_custom_voice_an_object() -> None:
    body = Request("m", (Message("assistant", ("words", TONE), "audio_1"),), "voice_1234").wire()
    assert body["messages"] == [{"role": "assistant", "audio": {"id": "audio_1"}}]
    assert body["audio"] == {"voice": {"id": "voice_1234"}, "format": "pcm16"}


def test_the_system_message() -> None:
    assert system() == ()
    assert system(task=VERBATIM)[0].text == VERBATIM
    assert system("A", "b", VERBATIM)[0].text == f"A\n{VERBATIM}\nSpeak in this way: b"


# -- reading ----------------------------------------------------------------------------------
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SOUND = st.builds(
    lambda seed, n, rate: Sound(np.random.default_rng(seed).uniform(-1, 1, n), rate),
    st.integers(0, 9), st.integers(2_400, 4_800), st.sampled_from([8_000, 16_000, 24_000]),
)  # fmt: skip
MESSAGES = st.lists(
    st.builds(
        lambda role, parts: Message(role, tuple(parts)),
        st.sampled_from(["user", "system", "assistant"]),
        st.lists(TEXT | SOUND, min_size=1, max_size=3),
    )
    | st.just(Message("assistant", (), "audio_1")),
    min_size=1,
    max_size=3,
)


@given(MESSAGES, st.none() | st.sampled_from(VOICES), st.none() | st.integers(1, 9_999))
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read(messages: Any, voice: str | None, cap: int | None) -> None:
    sent = Request("gpt-audio-1.5", tuple(messages), voice, max_tokens=cap)
    got = read(json.loads(json.dumps(sent.wire())), SPOKEN, VOICES)
    assert (got.model, got.voice, got.max_tokens, got.stream) == (sent.model, voice, cap, True)
    assert got.format == "pcm16"
    for mine, theirs in zip(sent.messages, got.messages, strict=True):
        assert theirs.role == mine.role and len(theirs.sounds) == len(mine.sounds)
        texts = [part for part in mine.parts if isinstance(part, str) and part]
        assert theirs.text == (SPOKEN["audio_1"] if mine.audio_id else
                               "\n".join(texts) if mine.sounds else mine.text)  # fmt: skip
        for a, b in zip(mine.sounds, theirs.sounds, strict=True):
            assert a.rate == b.rate and np.abs(a.samples - b.samples).max() <= 1.01 / 32_768


def test_mp3_custom_voices_and_other_formats_are_read() -> None:
    got = read(
        asked(sound(MP3, "mp3"), voice={"id": "coral"}, form="opus", stream=False), {}, VOICES
    )
    assert (got.voice, got.format, got.stream) == ("coral", "opus", False)
    assert got.seconds == pytest.approx(0.2, abs=0.08)


KNOWN = ", ".join(f"'{voice}'" for voice in VOICES[:-1]) + ", and 'cedar'"
INPUT = "messages[0].content[0].input_audio.format"
REFUSALS: list[tuple[Any, tuple[str, str | None, str | None]]] = [
    (asked(voice="default-fizzy-buzzy"), (f"Invalid value: 'default-fizzy-buzzy'. Supported "
        f"values are: {KNOWN}.", "audio.voice", "invalid_value")),
    (asked(voice="default-voice-of-a-fuzzy"), (f"Invalid value: 'def...zzy'. Supported values are: "
        f"{KNOWN}.", "audio.voice", "invalid_value")),
    (asked(voice=""), ("Missing required parameter: 'audio.voice'.", "audio.voice",
        "missing_required_parameter")),
    (asked(audio=None), ("Missing required parameter: 'audio.voice'.", "audio.voice",
        "missing_required_parameter")),
    (asked(form="wav"), ("Unsupported value: 'audio.format' does not support 'wav' when "
        "stream=true. Supported values are: 'pcm16'.", "audio.format", "unsupported_value")),
    (asked(sound(form="webm")), ("Invalid value: 'webm'. Supported values are: 'wav' and 'mp3'.",
        INPUT, "invalid_value")),
    (asked(sound("data:audio/wav;base64," + WAV)), ("This model does not support the format you "
        "provided.", "messages", "unsupported_format")),
    (asked(sound(MP3)), ("This model does not support the format you provided.", "messages",
        "unsupported_format")),
    (asked(sound(WAV, "mp3")), ("This model does not support the format you provided.", "messages",
        "unsupported_format")),
    (asked({"type": "text", "text": "Hi"}, sound(WAV[:24])), ("The data provided for "
        "'input_audio' is not of valid wav format.",
        "messages.[0].content.[1].input_audio.data", "invalid_value")),
    (asked(sound("")), ("Input audio is too short. Provide at least 0.1 seconds.", "messages",
        "invalid_value")),
    (asked(messages=[{"role": "assistant", "audio": {"id": "audio_6754"}}]),
        ("Assistant audio audio_6754 not found.", "content.messages[0].audio.id",
        "audio_not_found")),
]  # fmt: skip


@pytest.mark.parametrize(("body", "error"), REFUSALS)
def test_it_refuses_in_the_services_words(body: Any, error: Any) -> None:
    assert refusal(body) == error


def test_it_refuses_in_the_services_order() -> None:
    """Each step mends the first fault of a request with every fault."""
    lost = {"role": "assistant", "audio": {"id": "audio_9"}}
    faults = [sound("no base64!"), sound(WAV[:24]), sound(form="opus")]
    body = asked(voice=None, form="mp3") | {
        "messages": [lost, *({"role": "user", "content": [part]} for part in faults)]
    }
    steps: list[tuple[str, Any]] = [
        ("Invalid value: 'opus'", lambda: body["messages"].pop()),
        ("This model does not support the format", lambda: body["messages"].pop(1)),
        ("The data provided for 'input_audio'", lambda: body["messages"].pop(1)),
        ("Missing required parameter: 'audio.voice'", lambda: body["audio"].update(voice="al")),
        ("Invalid value: 'al'", lambda: body["audio"].update(voice="alloy")),
        ("Unsupported value: 'audio.format'", lambda: body["audio"].update(format="pcm16")),
        ("Assistant audio audio_9 not found", lambda: lost.update(audio={"id": "audio_1"})),
    ]
    for words, mend in steps:
        assert refusal(body)[0].startswith(words)
        mend()
    assert read(body, SPOKEN, VOICES).messages == (Message("assistant", ("Earlier words.",)),)


PLACES = ["model", "messages", "modalities", "audio", "stream", "max_completion_tokens"]
PLACES += ["content", "role", "part", "data"]


@given(JSON, st.sampled_from(PLACES))
@settings(max_examples=200, deadline=None)
@example("Ünicode", "data")
@example([[]], "modalities")
@example({"id": []}, "audio")
@example(True, "max_completion_tokens")
@example(0, "max_completion_tokens")
def test_anything_else_is_refused_and_nothing_worse(value: Any, where: str) -> None:
    body = asked(sound())
    match where:
        case "content" | "role":
            body["messages"][0][where] = value
        case "part":
            body["messages"][0]["content"][0] = value
        case "data":
            body["messages"][0]["content"][0]["input_audio"]["data"] = value
        case _:
            body[where] = value
    try:
        request = read(body, SPOKEN, VOICES)
    except APIError as refused:
        assert json.dumps(refused.wire()) and len(str(refused)) < 400
    else:
        assert request.max_tokens is None or request.max_tokens >= 1
        assert request.voice in (None, *VOICES)


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_any_json_is_refused_as_a_request(body: Any) -> None:
    refusal(body)
