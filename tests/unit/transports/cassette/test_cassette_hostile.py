"""Cassettes that are damaged, or made to do harm: refused in one line, whatever they hold."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audiomagic.errors import CassetteError, NotRecorded
from audiomagic.protocol.request import Request
from audiomagic.protocol.response import Completion
from audiomagic.transports.cassette import Cassette
from audiomagic.transports.cassette.exchange import LARGEST, Exchange
from audiomagic.transports.cassette.fingerprint import Fingerprint

from ....support.fake_server import spoken
from ...protocol.test_response import JSON
from .test_cassette import CALL, JOKE, PCM, WEATHER, asked, call, conversation, folded, record


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recorded exchange: words, sound, a call; a tool in the request."""
    record(Cassette(tmp_path), ASKED, [call(0, "{}"), *spoken(["Hello"], PCM)])
    return next(tmp_path.glob("*.json"))


ASKED = asked("Tell me a joke!", tools=(WEATHER,))


def refusal(file: Path) -> str:
    """The one line for a file that is set aside when its folder is opened."""
    cassette = Cassette(file.parent)
    assert list(cassette.refused) == [file.name] and cassette.exchanges() == []
    line = cassette.refused[file.name]
    assert line.startswith(file.name + " ") and "\n" not in line and len(line) < 260
    with pytest.raises(NotRecorded) as caught:
        cassette.answer(ASKED)
    assert f"; 1 refused, as {line}; " in str(caught.value)
    return line.removeprefix(file.name + " ")


def put(file: Path, place: str, value: Any) -> None:
    """Change one value of a recorded exchange."""
    whole = json.loads(file.read_text("utf-8"))
    *path, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    inner = whole
    for step in path:
        inner = inner[step]
    inner[last] = value
    file.write_text(json.dumps(whole), "utf-8")


NAN = float("nan")


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("format", 2, "was recorded by a newer audiomagic (format 2); pip install -U audiomagic"),
        ("format", "1", "is damaged: format: Input should be a valid integer"),
        ("format", True, "is damaged: format: Input should be a valid integer"),
        ("recorded", "2026-11-22T22:11:17", "is damaged: recorded: Input should have timezone"),
        ("recorded", 1_800_000_000, "is damaged: recorded: Input should be"),
        ("path", "../../etc/passwd", "is damaged: path: Unexpected keyword argument"),
        ("answer.file", "/etc/passwd", "is damaged: answer.file: Unexpected keyword argument"),
        ("request.api_key", "sk", "is damaged: request.api_key: Unexpected keyword argument"),
        ("answer.usage.cost", 0, "is damaged: answer.usage.cost: Unexpected keyword argument"),
        ("request.model", None, "is damaged: request.model: Input should be a valid string"),
        ("request.messages", {}, "is damaged: request.messages: Input should be a valid"),
        ("request.messages.0.parts.0", 7, "is damaged: request.messages.0.parts.0"),
        ("request.tools.0.parameters", [], "is damaged: request.tools.0.parameters: "),
        ("request.tools.0.parameters", {"x": NAN}, "is no JSON: expected value"),
        ("answer.usage.input_tokens", True, "is damaged: answer.usage.input_tokens: "),
        (
            "answer.usage.input_tokens",
            -1,
            "is damaged: answer: Value error, a usage that no service",
        ),
        ("answer.text", "Hello!", "is damaged: answer: Value error, 6 characters of text, of"),
        ("answer.sound", None, "is damaged: answer: Value error, 23040 samples of sound arrive"),
        ("answer.seconds", NAN, "is no JSON: expected value"),
        ("answer.seconds", 1e300, "is damaged: answer.seconds: Input should be less than or equal"),
        ("answer.seconds", 1e999, "is no JSON: "),
        ("answer.arrivals.0.0", 90_000, "is damaged: answer.arrivals.0.0: Input should be less"),
        ("answer.arrivals.0", [0.1, -5, 0], "is damaged: answer.arrivals.0.1: Input should be"),
        ("answer.arrivals.0", [0.1, 5, 10**12], "is damaged: answer.arrivals.0.2: Input should"),
        ("answer.arrivals.0", [0.1, 5, 2 * 10**8], "is damaged: answer: Value error, 200023040"),
        ("answer.arrivals.0", [0.1], "is damaged: answer.arrivals.0.1: Field required"),
        ("answer.tool_calls.0.arguments", {}, "is damaged: answer.tool_calls.0.arguments: "),
        (
            "answer.tool_calls",
            [CALL.__dict__] * 129,
            "is damaged: answer: Value error, more than any",
        ),
        ("answer.finish_reason", "", "is damaged: answer.finish_reason: "),
    ],
)
def test_a_field_that_cannot_be(file: Path, place: str, value: Any, reason: str) -> None:
    put(file, place, value)
    assert refusal(file).startswith(reason)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is no JSON: "),
        (b"\xff\xfe", "is no JSON: "),
        (b"[]", "is damaged: the whole: "),
        (b'{"format": 1', "is no JSON: "),
        (b"version https://git-lfs.github.com/spec/v1\n", "is no JSON: "),
        (b"[" * 1_000_000, "is no JSON: recursion limit"),
        (b'{"a":' * 700_000, "is no JSON: recursion limit"),
        (b" " * (LARGEST + 1), "is larger than 4 MB"),
        (b'{"\\u202e\\n<script>' + b"x" * 9_999 + b'": 1}', "is damaged: format: Field required"),
    ],
    ids=["empty", "binary", "list", "cut", "pointer", "deep", "deep dict", "huge", "key"],
)
def test_a_file_that_is_no_exchange(file: Path, data: bytes, reason: str) -> None:
    file.write_bytes(data)
    assert refusal(file).startswith(reason)


@pytest.mark.parametrize(
    "place", ["request.messages", "request.messages.0.parts", "request.messages.0.tool_calls",
              "request.tools", "answer.tool_calls", "answer.arrivals"]
)  # fmt: skip
def test_a_million_faults_are_refused_for_the_first(place: str) -> None:
    whole = template()
    *path, last = place.split(".")
    inner: Any = whole
    for step in path:
        inner = inner[int(step) if step.isdigit() else step]
    inner[last] = [1] * 1_000_000
    started = time.perf_counter()
    with pytest.raises(CassetteError, match=rf"^x is damaged: {place}\.0"):
        Exchange.decode(dumped(whole), "x")
    assert time.perf_counter() - started < 5  # all of them take minutes


def test_a_file_that_is_none(file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.json"
    file.rename(outside)
    for make in (lambda: file.symlink_to(outside), file.mkdir, lambda: os.mkfifo(file)):
        make()
        assert refusal(file) == "is no plain file"
        file.rmdir() if file.is_dir() else file.unlink()


def test_one_bad_file_does_not_stop_the_others(file: Path) -> None:
    (file.parent / "0000-other.json").write_text("{}")
    (file.parent / "._0001.json").write_bytes(b"\0\5\26\7")  # what macOS leaves on foreign disks
    cassette = Cassette(file.parent)
    assert list(cassette.refused) == ["0000-other.json"]
    assert folded(cassette.answer(ASKED, pace=False)).pcm == PCM


# -- the sound --------------------------------------------------------------------------------
def flac(samples: Any, rate: int = 24_000) -> Callable[[Path], None]:
    return lambda path: soundfile.write(path, samples, rate, format="FLAC", subtype="PCM_16")


def linked(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


SAMPLES = np.frombuffer(PCM, "<i2")


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda path: path.unlink(), "cannot read {}: No such file or directory"),
        (linked, "{} is no plain file"),
        (lambda path: path.write_bytes(b""), "{} is no sound: "),
        (lambda path: path.write_bytes(b"RIFF" + bytes(99)), "{} is no sound: "),
        (lambda path: path.write_bytes(path.read_bytes()[:-500]), "{} is "),
        (flac(SAMPLES[:-1]), "{} is not the sound that was recorded; record it again"),
        (flac(np.append(SAMPLES, SAMPLES[:1])), "{} is not the sound that was recorded"),
        (flac(np.flip(SAMPLES)), "{} is not the sound that was recorded"),
        (flac(np.stack([SAMPLES] * 8, 1)), "{} is not the sound that was recorded"),
        (flac(np.zeros(30_000_000, np.int16)), "{} is not the sound that was recorded"),
        (lambda path: os.truncate(path, 200_000_001), "{} is larger than 200 MB"),
    ],
    ids=lambda value: "" if isinstance(value, str) else None,
)
def test_a_sound_that_is_not_the_recorded_one(
    file: Path, harm: Callable[[Path], None], reason: str
) -> None:
    sound = file.with_suffix(".flac")
    harm(sound)
    with pytest.raises(CassetteError) as caught:
        Cassette(file.parent).answer(ASKED)
    assert str(caught.value).startswith(reason.format(sound.name))


def test_a_sound_may_be_packed_anew(file: Path) -> None:
    sound = file.with_suffix(".flac")
    samples, rate = soundfile.read(sound, dtype="int16")
    soundfile.write(sound, samples, rate, compression_level=1.0)
    assert folded(Cassette(file.parent).answer(ASKED, pace=False)).pcm == PCM


def test_files_that_change_after_the_folder_was_opened(file: Path) -> None:
    cassette = Cassette(file.parent)
    put(file, "request.voice", "alloy")
    with pytest.raises(CassetteError, match=r"was changed; open the cassette again$"):
        cassette.answer(ASKED)
    file.unlink()
    with pytest.raises(CassetteError, match=r"^cannot read 0001-.*: No such file"):
        cassette.answer(ASKED)


# -- anything ---------------------------------------------------------------------------------
def template() -> dict[str, Any]:
    return {
        "format": 1,
        "recorded": "2026-11-22T22:11:17Z",
        "request": {
            "model": "gpt-audio-1.5",
            "voice": "coral",
            "messages": [{"role": "user", "parts": ["Tell me a joke!"]}],
        },
        "answer": {
            "model": None,
            "finish_reason": "stop",
            "text": "Ha ha",
            "tool_calls": [{"id": "a", "name": "b", "arguments": "{}"}],
            "usage": {
                "input_tokens": 1,
                "output_tokens": 2,
                "input_audio_tokens": 0,
                "output_audio_tokens": 1,
            },
            "sound": None,
            "seconds": 0.5,
            "arrivals": [[0.1, 3, 0], [0.2, 2, 0]],
        },
    }


@st.composite
def near_exchanges(draw: st.DrawFn) -> Any:
    """An exchange in which a few values, anywhere, are others."""
    whole = template()
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


@settings(deadline=None, max_examples=400)
@given(near_exchanges().map(dumped) | JSON.map(dumped) | st.binary(max_size=60))
@example(dumped(template()))
def test_anything_is_an_exchange_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    try:
        exchange = Exchange.decode(data, "0001.json")
    except CassetteError as error:
        assert "\n" not in str(error) and len(str(error)) < 260
    else:
        assert isinstance(folded(exchange.answer.chunks(b"", pace=False)), Completion)
        assert Exchange.decode(exchange.encode(), "0001.json") == exchange
    folder = tmp_path_factory.mktemp("tape")
    (folder / "0001.json").write_bytes(data)
    cassette = Cassette(folder)
    assert len(cassette.exchanges()) + len(cassette.refused) == 1
    try:
        assert isinstance(folded(cassette.answer(JOKE, pace=False)), Completion)
    except (CassetteError, NotRecorded) as error:
        assert "\n" not in str(error)


REQUESTS = st.builds(
    lambda text, voice, most: asked(text, voice=voice, max_tokens=most),
    st.text(),
    st.none() | st.text(),
    st.none() | st.integers(1, 2**40),
)


@settings(deadline=None)
@given(REQUESTS | st.just(conversation()))
def test_any_request_is_found_again(request: Request) -> None:
    question = Fingerprint.of(request)
    track = Exchange.decode(dumped(template()), "x").answer
    written = Exchange.of(datetime.now(UTC), question, track).encode()
    assert Exchange.decode(written, "x").request.key == question.key
