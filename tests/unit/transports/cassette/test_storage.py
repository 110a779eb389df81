"""Files of a cassette that are damaged, or made to do harm: refused in one line."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from audiomagic.errors import CassetteError, NotRecorded
from audiomagic.transports.cassette import Cassette
from audiomagic.transports.cassette.recording import LARGEST, Recording

from ....support.fake_server import spoken
from ....support.samples import CALL, PCM, WEATHER, accumulated, asked, called, record, recording


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A recorded exchange: words, sound, a call; a tool in the request."""
    record(Cassette(tmp_path), ASKED, [called(0, "{}"), *spoken(["Hello"], PCM)])
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
    assert f"; 1 refused, such as: {line}; " in str(caught.value)
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
        ("format", 2, "is of a newer audiomagic; pip install -U audiomagic"),
        ("format", "1", "is damaged: format: Input should be a valid integer"),
        ("format", True, "is damaged: format: Input should be a valid integer"),
        ("recorded", "2026-11-22T22:11:17", "is damaged: recorded: Input should have timezone"),
        ("recorded", 1_800_000_000, "is damaged: recorded: Input should be"),
        ("path", "../../etc/passwd", "is damaged: path: Extra inputs are not permitted"),
        ("answer.file", "/etc/passwd", "is damaged: answer.file: Unexpected keyword argument"),
        ("request.api_key", "sk", "is damaged: request.api_key: Unexpected keyword argument"),
        ("answer.usage.cost", 0, "is damaged: answer.usage.cost: Unexpected keyword argument"),
        ("request.model", None, "is damaged: request.model: Input should be a valid string"),
        ("request.messages", {}, "is damaged: request.messages: Input should be a valid"),
        ("request.messages.0.parts.0", 7, "is damaged: request.messages.0.parts.0"),
        ("request.tools.0.parameters", [], "is damaged: request.tools.0.parameters: "),
        ("answer.usage.input_tokens", True, "is damaged: answer.usage.input_tokens: "),
        ("answer.seconds", NAN, "is damaged: answer.seconds: Input should be a finite number"),
        ("answer.seconds", 1e300, "is damaged: answer.seconds: Input should be less than or equal"),
        ("answer.seconds", 1e999, "is damaged: answer.seconds: Input should be a finite number"),
        ("answer.arrivals.0.0", 90_000, "is damaged: answer.arrivals.0.0: Input should be less"),
        ("answer.arrivals.0", [0.1, -5, 0], "is damaged: answer.arrivals.0.1: Input should be"),
        ("answer.arrivals.0", [0.1], "is damaged: answer.arrivals.0.1: Field required"),
        ("answer.tool_calls.0.arguments", {}, "is damaged: answer.tool_calls.0.arguments: "),
        ("answer.tool_calls", [CALL.__dict__] * 129, "is damaged: answer.tool_calls: Tuple should"),
        ("answer.finish_reason", "", "is damaged: answer.finish_reason: "),
    ],
)
def test_a_field_that_cannot_be(file: Path, place: str, value: Any, reason: str) -> None:
    put(file, place, value)
    assert refusal(file).startswith(reason)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is damaged: the whole: Invalid JSON: "),
        (b"\xff\xfe", "is damaged: the whole: Invalid JSON: "),
        (b"[]", "is damaged: the whole: "),
        (b'{"format": 1', "is damaged: the whole: Invalid JSON: "),
        (b"version https://git-lfs.github.com/spec/v1\n", "is damaged: the whole: Invalid JSON: "),
        (b"[" * 1_000_000, "is damaged: the whole: Invalid JSON: recursion limit"),
        (b'{"a":' * 700_000, "is damaged: the whole: Invalid JSON: recursion limit"),
        (b" " * (LARGEST + 1), "cannot be read: it is larger than 4 MB"),
        (b'{"\\u202e\\n<script>' + b"x" * 9_999 + b'": 1}', "is damaged: format: Field required"),
    ],
    ids=["empty", "binary", "list", "cut", "pointer", "deep", "deep dict", "huge", "key"],
)
def test_a_file_that_is_not_a_recording(file: Path, data: bytes, reason: str) -> None:
    file.write_bytes(data)
    assert refusal(file).startswith(reason)


@pytest.mark.parametrize(
    "place", ["request.messages", "request.messages.0.parts", "request.messages.0.tool_calls",
              "request.tools", "answer.tool_calls", "answer.arrivals"]
)  # fmt: skip
def test_a_million_faults_are_refused_for_the_first(place: str) -> None:
    whole = recording()
    *path, last = place.split(".")
    inner: Any = whole
    for step in path:
        inner = inner[int(step) if step.isdigit() else step]
    inner[last] = [1] * 1_000_000
    with pytest.raises(ValidationError) as caught:
        Recording.model_validate_json(json.dumps(whole))
    assert caught.value.error_count() < 5  # all of them take minutes, and gigabytes


def test_a_file_that_is_not_regular(file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.json"
    file.rename(outside)
    for make in (lambda: file.symlink_to(outside), file.mkdir, lambda: os.mkfifo(file)):
        make()
        line = "it is a folder" if file.is_dir() else "it is not a regular file"
        assert refusal(file) == f"cannot be read: {line}"
        file.rmdir() if file.is_dir() else file.unlink()


def test_one_bad_file_does_not_stop_the_others(file: Path) -> None:
    (file.parent / "0000-other.json").write_text("{}")
    (file.parent / "._0001.json").write_bytes(b"\0\5\26\7")  # what macOS leaves on foreign disks
    cassette = Cassette(file.parent)
    assert list(cassette.refused) == ["0000-other.json"]
    assert accumulated(cassette.answer(ASKED, pace=False)).pcm == PCM


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
        (lambda path: path.unlink(), "{} cannot be read: No such file or directory"),
        (linked, "{} cannot be read: it is not a regular file"),
        (lambda path: path.write_bytes(b""), "{} is not a sound: "),
        (lambda path: path.write_bytes(b"RIFF" + bytes(99)), "{} is not a sound: "),
        (lambda path: path.write_bytes(path.read_bytes()[:-500]), "{} is "),
        (flac(SAMPLES[:-1]), "{} is not the sound that was recorded; record it again"),
        (flac(np.append(SAMPLES, SAMPLES[:1])), "{} is not the sound that was recorded"),
        (flac(np.flip(SAMPLES)), "{} is not the sound that was recorded"),
        (flac(np.stack([SAMPLES] * 8, 1)), "{} is not the sound that was recorded"),
        (flac(np.zeros(30_000_000, np.int16)), "{} is not the sound that was recorded"),
        (
            lambda path: os.truncate(path, 200_000_001),
            "{} cannot be read: it is larger",
        ),
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
    assert accumulated(Cassette(file.parent).answer(ASKED, pace=False)).pcm == PCM


def test_files_that_change_after_the_folder_was_opened(file: Path) -> None:
    cassette = Cassette(file.parent)
    file.unlink()
    assert accumulated(cassette.answer(ASKED, pace=False)).text == "Hello"
    file.with_suffix(".flac").unlink()
    with pytest.raises(CassetteError, match=r"^0001-.*\.flac cannot be read: No such file"):
        cassette.answer(ASKED)


def test_what_a_recording_claims_is_not_believed(file: Path) -> None:
    put(file, "answer.usage.input_tokens", -1)
    put(file, "answer.arrivals.0", [0.1, 5, 10**12])
    answer = accumulated(Cassette(file.parent).answer(ASKED, pace=False))
    assert answer.usage is None and (answer.text, answer.pcm) == ("Hello", PCM)


def test_a_text_may_be_edited(file: Path) -> None:
    for text in ("Hello, dear Ada!", "Hi"):
        put(file, "answer.text", text)
        answer = accumulated(Cassette(file.parent).answer(ASKED, pace=False))
        assert (answer.text, answer.pcm) == (text, PCM)
