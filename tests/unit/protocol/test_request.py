"""Requests as the client writes them."""

import base64
from typing import Any

import numpy as np
import pytest

from audiomagic import Sound
from audiomagic.errors import OptionError
from audiomagic.protocol.request import VERBATIM, Message, Request, system

TONE = Sound(0.3 * np.sin(np.arange(4_800) / 10), 24_000)


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


def test_sounds_stand_where_the_text_says(tone: Sound) -> None:
    other = Sound(-tone.samples, tone.rate)
    cases: list[tuple[str, list[Sound], tuple[str | Sound, ...]]] = [
        ("Say it {sound}", [], ("Say it {sound}",)),
        ("", [tone], (tone,)),
        ("What is it?", [tone], ("What is it?", tone)),
        ("Is {sound} like {sound} ?", [tone, other], ("Is", tone, "like", other, "?")),
        ("{sound} and", [tone, other], (tone, "and", other)),
        ("{sound}{sound}", [tone], (tone, "{sound}")),
    ]
    for text, sounds, parts in cases:
        message = Message.user(text, sounds)
        assert (message.role, message.parts) == ("user", parts)


@pytest.mark.parametrize("text", ["", " \n", None, 5])
def test_a_message_says_something(text: Any) -> None:
    with pytest.raises(OptionError, match="there is nothing to say; write some text"):
        Message.user(text)


def test_text_is_cleaned_where_it_enters(tone: Sound) -> None:
    halves = "\ud83d\ude00 \ud800"
    messages = (*system(halves), Message.user(halves), Message.user(halves, [tone]))
    assert [message.text for message in messages] == ["\U0001f600 \ufffd"] * 3
    assert str(Request("m", messages).wire()).encode()
