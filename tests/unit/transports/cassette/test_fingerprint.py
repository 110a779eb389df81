"""What two requests must have in common to get the same answer."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic import Sound
from audiomagic.errors import NotRecorded
from audiomagic.protocol.request import Message, Request
from audiomagic.transports.cassette import Cassette
from audiomagic.transports.cassette.fingerprint import Fingerprint
from audiomagic.transports.cassette.recording import Recording

from ....support.fake_server import spoken, written
from ....support.samples import CALL, JOKE, PCM, WEATHER, asked, conversation, record, recording

HELLO = spoken(["Hello"], PCM)


@pytest.fixture
def cassette(tmp_path: Path) -> Cassette:
    return Cassette(tmp_path / "tape")


def test_requests_that_mean_the_same(cassette: Cassette, tone: Sound, tmp_path: Path) -> None:
    Sound.read(tone.save(tmp_path / "tone.wav")).save(tmp_path / "tone.flac")
    same = [
        [asked("Hi", Sound.read(tmp_path / f"tone.{ending}")) for ending in ("wav", "flac")],
        [asked("Hi", tone), asked("Hi", Sound(tone.samples.copy(), 24_000))],
        [conversation(), conversation("call_y9", "audio_1"), conversation("call_z")],
        [
            asked("Two\nlines"),
            asked("Two", "lines"),
            asked("Two\nlines", stream=False, format="wav"),
        ],
    ]
    for group in same:
        record(cassette, group[0], HELLO)
        assert all(cassette.has(request) for request in group)
        assert all(Cassette(cassette.folder).has(request) for request in group)


def test_requests_that_do_not(cassette: Cassette, tone: Sound) -> None:
    whole = conversation()
    base = replace(whole, messages=(*whole.messages, Message("user", ("And?", tone))))
    record(cassette, base, HELLO)
    louder = Sound(tone.samples * 1.01, 24_000)
    slower = Sound(tone.samples, 16_000)

    def with_message(index: int, **changes: Any) -> Request:
        changed = [replace(m, **changes) if i == index else m for i, m in enumerate(base.messages)]
        return replace(base, messages=tuple(changed))

    others = [
        replace(base, model="gpt-audio"),
        replace(base, voice=None),
        replace(base, voice="alloy"),
        replace(base, max_tokens=9),
        replace(base, tool_choice="none"),
        replace(base, tools=()),
        replace(base, tools=(replace(WEATHER, parameters={"type": "object"}),)),
        replace(base, messages=base.messages[:-1]),
        with_message(0, role="system"),
        with_message(1, parts=("Hello, Bob.",)),
        with_message(3, tool_calls=(replace(CALL, arguments="{}"),)),
        with_message(4, parts=("sun",)),
        with_message(5, parts=("And?", louder)),
        with_message(5, parts=("And?", slower)),
        with_message(5, parts=(tone, "And?")),
    ]
    assert cassette.has(base) and not any(cassette.has(other) for other in others)


REQUESTS = st.builds(
    lambda text, voice, most: asked(text, voice=voice, max_tokens=most),
    st.text(),
    st.none() | st.text(),
    st.none() | st.integers(1, 2**40),
)


@given(REQUESTS | st.just(conversation()))
def test_any_request_is_found_again(request: Request) -> None:
    asked_for = Fingerprint.of(request)
    other = Recording.decode(json.dumps(recording()).encode(), "x")
    written = other.model_copy(update={"request": asked_for}).encode()
    assert Recording.decode(written, "x").request.key == asked_for.key


# -- the nearest recorded request -------------------------------------------------------------
def miss(cassette: Cassette, request: Request) -> str:
    with pytest.raises(NotRecorded) as caught:
        cassette.answer(request)
    line = str(caught.value)
    assert "\n" not in line and line.endswith("; to record it: %audiomagic record FOLDER")
    return line.removesuffix("; to record it: %audiomagic record FOLDER")


def test_a_miss_names_the_nearest_and_what_differs(cassette: Cassette, tone: Sound) -> None:
    assert miss(cassette, JOKE) == "no recording of this request: tape has none"
    record(cassette, asked("What is the capital of France?"), written(["Paris"]))
    record(cassette, replace(JOKE, voice="alloy"), written(["Ha"]))
    file = max(path.name for path in cassette.folder.glob("*.json"))
    nearest = f"no recording of this request; the nearest ({file}) differs in "
    assert miss(cassette, JOKE) == nearest + "voice: 'coral', recorded 'alloy'"
    assert miss(cassette, replace(JOKE, model="m", voice=None, max_tokens=5)) == (
        nearest + "model: 'm', recorded 'gpt-audio-1.5'; "
        "voice: 'None', recorded 'alloy'; and 1 more"
    )
    assert miss(cassette, asked("Tell me a yoke!", voice="alloy", tools=(WEATHER,))).endswith(
        'tool weather: \'The weather of a city. {"properties": {}, "type…\', recorded none; '
        "message 1: 'user: Tell me a yoke!', recorded 'user: Tell me a joke!'"
    )
    assert "capital of" in miss(cassette, asked("What is the capital of Spain?"))
    record(cassette, asked("Hm?", tone), written(["?"]))
    line = miss(cassette, asked("Hm?", Sound(-tone.samples, 24_000)))
    assert line.count("sound of 1.0 s, ") == 2 and "differs in message 1: " in line
