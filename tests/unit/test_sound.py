"""Sound: every format and rate in and out, resampled, compressed, sent; and what is not a sound."""

import base64
import dataclasses
import io
import math
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from IPython.display import Audio, Video

from audiomagic import Session, Sound
from audiomagic.errors import OptionError, SoundError

from ..support import sound_files
from ..support.fake_server import KEY, FakeServer
from ..support.tones import RATES, measured, sine

ENDLESS = [(0xFFFFFFFF, 0xFFFFFFFF), (0x7FFFFFFF, 0x7FFFFFFF), (0xFFFFFFFF, 0x7FFFFFDB)]
DATA_URL = "data:audio/mpeg;base64,"
M4A, WEBM = ("mp4", "aac", 44_100), ("webm", "libopus", 48_000)


def packed(sound: Sound, container: str, codec: str, rate: int, title: str = "") -> bytes:
    """The file that a browser or a phone records."""
    samples = sound.resample(rate).samples[None, :].copy()
    return sound_files.packed(samples, container, codec, rate, title=title)


# -- formats and rates ------------------------------------------------------------------------
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "ogg"])
def test_what_is_written_is_read(ending: str, rate: int, tmp_path: Path) -> None:
    sound = sine(rate)
    path = sound.save(tmp_path / f"a tone.{ending.upper()}")
    back = Sound.read(path)
    lossless = ending in ("wav", "flac")
    assert back.rate == rate or not lossless
    assert back.seconds == pytest.approx(0.5, abs=1e-4 if lossless else 0.08)
    assert measured(back)[0] == pytest.approx(440, abs=1)
    assert measured(back)[1] == pytest.approx(0.3, rel=0.001 if lossless else 0.06)
    if lossless:
        assert np.abs(back.samples - sound.samples).max() < 1.01 / 32_768


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    "kind", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"]
)
def test_every_kind_of_wav_is_read_and_mixed(kind: str, rate: int) -> None:
    tone = sine(rate).samples
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([tone, 0 * tone], axis=1), rate, kind, format="WAV")
    back = Sound.decode(buffer.getvalue())
    assert back.samples.shape == tone.shape and back.samples.dtype == np.float32
    assert np.abs(back.samples - tone / 2).max() < (0.02 if kind in ("PCM_U8", "ULAW") else 4e-5)


@pytest.mark.parametrize(
    ("samples", "heard"),
    [
        (np.array([0, 16_384, -32_768], np.int16), [0, 0.5, -1]),
        (np.array([0, 2**30, -(2**31)], np.int32), [0, 0.5, -1]),
        (np.array([128, 192, 0], np.uint8), [0, 0.5, -1]),
        (np.array([0, 0.5, -1], np.float64), [0, 0.5, -1]),
        (np.array([[0, 0], [1, 0], [-1, -1]], np.float32), [0, 0.5, -1]),
        (np.array([[0, 0], [32_767, 1], [-32_768, -32_768]], np.int16), [0, 0.5, -1]),
        ([0.0, 0.5, -1.0], [0, 0.5, -1]),
    ],
)
def test_arrays_are_scaled_and_mixed(samples: Any, heard: list[float]) -> None:
    assert Sound(samples, 8_000).samples.tolist() == heard
    assert Sound.of((np.int64(8_000), samples)).samples.tolist() == heard


PHONES = [("mp4", "aac", rate) for rate in (16_000, 22_050, 44_100, 96_000)]


@pytest.mark.parametrize(("container", "codec", "rate"), [*PHONES, ("webm", "libopus", 48_000)])
def test_a_phones_recording_is_read(container: str, codec: str, rate: int) -> None:
    back = Sound.decode(packed(sine(rate, seconds=1), container, codec, rate))
    assert back.seconds == pytest.approx(1, abs=0.1)
    assert measured(back)[0] == pytest.approx(440, abs=1)
    assert measured(back)[1] == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize(("container", "codec", "rate"), [M4A, WEBM])
def test_a_title_may_be_in_any_encoding(container: str, codec: str, rate: int) -> None:
    file = packed(sine(rate, seconds=1), container, codec, rate, title="Caf?")
    assert file.count(b"Caf?") == 1
    back = Sound.decode(file.replace(b"Caf?", "Café".encode("latin-1")))
    assert back.seconds == pytest.approx(1, abs=0.1)


# -- headers ----------------------------------------------------------------------------------
def header(wav: bytes) -> tuple[int, int]:
    """The two sizes of a header of 44 bytes, as they should be: exact."""
    assert (wav[:4], wav[8:16], wav[36:40]) == (b"RIFF", b"WAVEfmt ", b"data")
    return struct.unpack("<I", wav[4:8])[0], struct.unpack("<I", wav[40:44])[0]


@pytest.mark.parametrize("sizes", ENDLESS)
@pytest.mark.parametrize("before", [b"", b"LIST\x1a\0\0\0INFOISFT\x0e\0\0\0Lavf61.7.100\0\0"])
def test_an_endless_header_is_read_and_never_passed_on(
    sizes: tuple[int, int], before: bytes, tone: Sound, tmp_path: Path
) -> None:
    wav = tone.encode("wav")
    riff, data = (struct.pack("<I", size) for size in sizes)
    sound = Sound.decode(wav[:4] + riff + wav[8:36] + before + b"data" + data + wav[44:])
    assert sound.seconds == 1.0
    assert np.abs(sound.samples - tone.samples).max() < 1.01 / 32_768
    label, sent = sound.upload()
    for written in (sent, sound.encode("wav"), sound.save(tmp_path / "a.wav").read_bytes()):
        assert header(written) == (len(written) - 8, len(written) - 44) == (48_036, 48_000)
    assert label == "wav"


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_header_that_promises_more_than_memory_holds(tone: Sound) -> None:
    flac = bytearray(tone.encode("flac"))
    flac[21:26] = flac[21] | 0x0F, 255, 255, 255, 255  # 2**36 samples
    try:
        assert Sound.decode(bytes(flac)).seconds == pytest.approx(1)
    except SoundError as error:
        assert "not a sound file" in str(error)


# -- in range ---------------------------------------------------------------------------------
def test_integers_as_floats_are_refused_wherever_they_come_from() -> None:
    loud = (1_000 * sine(16_000).samples).astype(np.float32)
    for value in ((16_000, loud), (np.int64(16_000), loud.astype(np.float16))):
        with pytest.raises(SoundError, match=r"floats are in \[-1, 1\]"):
            Sound.of(value)
        with pytest.raises(SoundError, match=r"floats are in \[-1, 1\]"):
            Session(engine="local").listen(value)
    assert Sound.of((16_000, sine(16_000).samples.astype(np.float16))).seconds == 0.5


@pytest.mark.parametrize("peak", [1.3, 1.9, 2.0])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_a_little_beyond_1_are_scaled_down_with_a_note(peak: float, kind: Any) -> None:
    tone = sine(16_000, level=1.0).samples
    for loud in (peak * tone, np.stack([peak * tone] * 2, axis=1)):
        sound = Sound.of((16_000, loud.astype(kind)))
        assert np.abs(sound.samples - tone).max() < 0.01 and sound.samples.dtype == np.float32
        assert sound.note == f"The sound was scaled down: it reached {peak:.3g}, not 1."


def test_a_note_of_an_array_comes_with_the_reply(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.say("Hm.", tone.pcm16())
    session = Session(base_url=fake_server.url, api_key=KEY)
    reply = session.listen((24_000, 1.5 * tone.samples / 0.3))
    assert any("scaled down: it reached 1.5, not 1" in note for note in reply.notes)


@pytest.mark.parametrize("peak", [1, 12_000, 32_768])
@pytest.mark.parametrize("channels", [(), (2,)])
def test_16_bits_in_an_array_of_32_are_no_silence(peak: int, channels: tuple[int, ...]) -> None:
    samples = np.zeros((9, *channels), np.int32)
    samples[3] = -peak
    with pytest.raises(SoundError, match=f"int32 samples of up to {peak}, where .* 16 bits int16"):
        Sound.of((16_000, samples))
    assert np.abs(Sound((samples * 2**16).clip(-(2**31), 0), 8_000).samples).max() > 0
    assert Sound(0 * samples, 8_000).seconds > 0


def test_a_sound_a_little_too_loud_is_resampled_sent_and_written() -> None:
    square = Sound(2.0 * np.sign(sine(16_000).samples), 16_000)
    assert np.abs(square.resample(44_100).samples).max() == 1
    assert square.resample(44_100).seconds == 0.5 and square.upload()[0] == "wav"
    for ending in ("wav", "mp3", "flac", "ogg"):
        assert Sound.decode(square.encode(ending)).seconds == pytest.approx(0.5, abs=0.1)


def test_a_reply_says_that_a_file_was_scaled_down(
    tmp_path: Path, fake_server: FakeServer, tone: Sound
) -> None:
    soundfile.write(tmp_path / "loud.wav", 14 * tone.samples, 24_000, "FLOAT")
    fake_server.say("Hm.", tone.pcm16())
    reply = Session(base_url=fake_server.url, api_key=KEY).listen(tmp_path / "loud.wav")
    assert any("it reached 4.2, not 1" in note for note in reply.notes)
    sent = fake_server.requests[0]["messages"][-1]["content"][0]["input_audio"]["data"]
    assert measured(Sound.decode(base64.b64decode(sent)))[1] == pytest.approx(1, rel=0.01)


# -- what holds a sound -----------------------------------------------------------------------
def test_whatever_holds_a_sound_is_taken(tone: Sound, tmp_path: Path) -> None:
    wav = tone.encode("wav")
    path = tmp_path / "tone.wav"
    path.write_bytes(wav)
    holders = [
        (24_000, tone.samples),
        wav,
        bytearray(wav),
        path,
        str(path),
        Audio(tone.samples, rate=24_000, normalize=False),
        Audio(np.stack([tone.samples, tone.samples]), rate=24_000, normalize=False),
        Audio(filename=str(path)),
        Audio(data=wav),
        SimpleNamespace(sound=tone),
    ]
    for holder in holders:
        sound = Sound.of(holder)
        assert sound.rate == 24_000 and np.abs(sound.samples - tone.samples).max() < 1e-4
    assert Sound.of(tone) is tone
    assert Sound.read(io.BytesIO(wav)).seconds == 1.0


@pytest.mark.parametrize(
    "value",
    [None, 3.14, [], (24_000,), (b"RIFF", 3), {}, Audio(url="https://example.org/a.wav"), "",
     SimpleNamespace(sound=None), SimpleNamespace(data="text"), np.zeros(9)],
)  # fmt: skip
def test_what_holds_no_sound_is_said_in_one_line(value: object) -> None:
    with pytest.raises((SoundError, OptionError)) as caught:
        Sound.of(value)
    assert "\n" not in str(caught.value)


class Decoder:
    """What a row of `datasets` 4 has: torchcodec's, with the channels first."""

    def __init__(self, samples: Any):
        self._samples = samples

    def get_all_samples(self) -> SimpleNamespace:
        return SimpleNamespace(data=self._samples, sample_rate=24_000, pts_seconds=0.0)


@pytest.fixture
def opened(tone: Sound, tmp_path: Path) -> Iterator[list[Any]]:
    """Files that are open, most of them just written."""
    wav = tone.encode("wav")
    with (
        io.BytesIO() as buffer,
        tempfile.TemporaryFile() as file,
        tempfile.SpooledTemporaryFile() as spooled,
        zipfile.ZipFile(tmp_path / "a.zip", "w") as archive,
    ):
        for written in (buffer, file, spooled):
            written.write(wav)
        archive.writestr("a.wav", wav)
        with archive.open("a.wav") as member:
            yield [buffer, file, spooled, member]


def test_what_other_libraries_hold_a_sound_in_is_taken(
    tone: Sound, opened: list[Any], tmp_path: Path
) -> None:
    wav, both = tone.encode("wav"), np.stack([tone.samples, tone.samples])
    path = tone.save(tmp_path / "a.wav")
    holders: list[Any] = [
        memoryview(wav),
        {"name": "a.wav", "size": len(wav), "content": memoryview(wav)},  # ipywidgets' upload
        {"array": tone.samples, "sampling_rate": 24_000, "path": None},  # datasets
        {"array": both, "sampling_rate": 24_000},
        {"bytes": wav, "path": "a.wav"},  # datasets, not decoded
        {"bytes": None, "path": str(path)},  # the same, of files that it has not read
        {"path": path, "bytes": None},
        {"array": tone.samples, "sampling_rate": 24_000, "bytes": None, "path": "b.wav"},
        Decoder(both),
        Decoder(both).get_all_samples(),
        {"audio": tone.samples[None], "sampling_rate": np.int64(24_000)},  # transformers' pipelines
        {"raw": tone.samples, "sampling_rate": 24_000},
        SimpleNamespace(content=wav, status_code=200),  # an HTTP client's response
        SimpleNamespace(name="a.wav", contents=wav),  # marimo's upload
    ]
    for holder in [*holders, *opened]:
        sound = Sound.of(holder)
        assert sound.rate == 24_000 and np.abs(sound.samples - tone.samples).max() < 1e-4


def test_uploads_and_lists_of_lists_are_several_sounds(tone: Sound) -> None:
    upload = {"name": "a.wav", "content": memoryview(tone.encode("wav"))}
    marimo = SimpleNamespace(name="a.wav", contents=tone.encode("wav"))
    file = {"metadata": {"name": "a.wav"}, "content": tone.encode("wav")}
    seven = {"a.wav": file, "b.wav": file}  # ipywidgets 7
    for value in ((upload, upload), SimpleNamespace(value=(upload, upload)), [tone, upload],
                  [[tone, tone]], [(upload,), tone], (marimo, marimo), seven,
                  SimpleNamespace(value=seven), [{"a.wav": seven["a.wav"]}, upload]):  # fmt: skip
        assert [sound.seconds for sound in Sound.list_of(value)] == [1.0, 1.0]
    for nothing in ([], (), SimpleNamespace(value=()), [[]]):
        with pytest.raises(SoundError, match="there is no sound in an empty list"):
            Sound.list_of(nothing)


class Broken:
    """Raises what it likes, whatever is asked of it."""

    def get_all_samples(self) -> Any:
        raise RuntimeError("Failed to find\na valid stream")

    def seekable(self) -> bool:
        raise zipfile.BadZipFile("bad CRC-32")


class Gpu:
    def __array__(self, *how: Any, **more: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (42, "a value of type int is not a sound"),
        (
            (16_000.0, np.zeros(9)),
            "the rate must be a whole number of Hz, such as 16000, not 16000",
        ),
        (("16000", np.zeros(9)), "the rate must be a whole number of Hz, such as 16000, not str"),
        ((True, np.zeros(9)), "such as 16000, not True"),
        ((np.zeros(9), 16_000), r"the rate comes first: \(16000, array\), not \(array, 16000\)"),
        (([0.0] * 9, 16_000), "the rate comes first"),
        ((16_000, np.zeros(9), 1), "a tuple of 3 is not a sound"),
        ([16_000, np.zeros(9)], r"are a tuple, \(rate, array\), not a list"),
        (np.zeros(9), r"an array alone \(ndarray\) has no sample rate"),
        ({"array": np.zeros(9)}, "a dict is a sound where it has array and sampling_rate"),
        ({"array": np.zeros(9), "sampling_rate": 16e3}, "such as 16000, not 16000.0"),
        ({"bytes": None, "path": None}, "a dict is a sound where"),
        ({"bytes": None, "path": "none.wav"}, "cannot read none.wav: No such file"),
        ({"bytes": None, "path": "https://example.org/a.wav"}, "a.wav is no file"),
        ({"a.wav": {"metadata": {}, "content": b"RIFF"}}, "not a sound file"),
        (Audio(url="https://example.org/a.wav"), "this Audio only names https://example.org/a.wav"),
        (Video("https://example.org/a.mp4"), "this Video only names https://example.org/a.mp4"),
        (io.StringIO("RIFF"), r"gives no bytes; open it with open\(path, 'rb'\)"),
        ((16_000, Gpu()), "the samples are not an array: can't convert cuda:0"),
        (Gpu(), r"an array alone \(Gpu\) has no sample rate"),
        ("https://example.org/a.wav", r"no file; Session\.listen and --file fetch an address"),
        (Broken(), "the sound cannot be decoded: Failed to find a valid stream"),
        (SimpleNamespace(read=None, seekable=Broken().seekable), "cannot be read: bad CRC-32"),
        (b"", "not a sound file"),
        (SimpleNamespace(read=lambda: b""), "a file must be a path or an open file"),
    ],
)
def test_what_is_wrong_with_a_value_is_said_of_that_value(value: Any, line: str) -> None:
    with pytest.raises(SoundError, match=line) as caught:
        Sound.list_of(value)
    assert "\n" not in str(caught.value)


def test_a_closed_file_cannot_be_read(tone: Sound) -> None:
    file = io.BytesIO(tone.encode("wav"))
    file.close()
    with pytest.raises(SoundError, match="the open file cannot be read: I/O operation on closed"):
        Sound.of(file)


# -- errors -----------------------------------------------------------------------------------
@pytest.mark.parametrize("wrong", [5, None, b"a.wav", ["a.wav"], 1.5, object()])
def test_what_is_no_path_is_said_in_one_line(wrong: Any, tone: Sound) -> None:
    for use in (Sound.read, tone.save):
        with pytest.raises((SoundError, OptionError), match=r"^a file.* must be .*, not \w+$"):
            use(wrong)


@pytest.mark.parametrize("wrong", [None, 5, [], {}, b"wav", ".wav"])
def test_what_is_no_ending_is_said_in_one_line(wrong: Any, tone: Sound) -> None:
    with pytest.raises(SoundError, match=r"^cannot write '\..*'; use one of \.wav, "):
        tone.encode(wrong)


@pytest.mark.parametrize("wrong", [5, None, "RIFF", [1], b"x"])
def test_what_are_no_bytes_are_said_in_one_line(wrong: Any) -> None:
    for read in (Sound.decode, Sound.from_pcm16):
        with pytest.raises(SoundError):
            read(wrong)


@pytest.mark.parametrize("rate", ["16000", None, [16_000], 1j, np.zeros(3)])
def test_what_is_no_rate_is_said_in_one_line(rate: Any, tone: Sound) -> None:
    for use in (tone.resample, tone.pcm16, lambda rate: Sound(tone.samples, rate)):
        with pytest.raises(SoundError, match="the rate must be a number of Hz, not "):
            use(rate)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("nowhere.wav", r"cannot read .*nowhere\.wav: No such file"),
        ("", "'' is not a valid file name"),
        (".", r"cannot read \.: it is a folder"),
        ("empty.wav", r"empty\.wav: not a sound file"),
        ("notes.txt", r"notes\.txt: not a sound file that can be read; try wav, mp3, flac or ogg"),
        ("a\0b.wav", ".a b.wav. is not a valid file name"),
        ("x" * 300 + ".wav", "'x.*' is not a valid file name"),
        ("~nobody-of-this-name/a.wav", "cannot read ~nobody-of-this-name/a.wav: No such file"),
        ("head.wav", r"head\.wav: "),
        ("zero.wav", r"zero\.wav: there is no sound in it"),
    ],
)
def test_a_file_that_cannot_be_read(
    name: str, line: str, tone: Sound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.wav").touch()
    Path("notes.txt").write_text("No sound at all.\n" * 99)
    Path("head.wav").write_bytes(tone.encode("wav")[:30])
    Path("zero.wav").write_bytes(tone.encode("wav")[:40] + bytes(4))
    with pytest.raises((SoundError, OptionError), match=line) as caught:
        Sound.read(name)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "ogg", "mp4", "webm"])
def test_a_damaged_file_is_partly_read_or_refused(ending: str, capfd: Any) -> None:
    sound = sine(24_000, seconds=0.3)
    codecs = {kind[0]: kind for kind in (M4A, WEBM)}
    whole = packed(sound, *codecs[ending]) if ending in codecs else sound.encode(ending)
    random = np.random.default_rng(7)
    for _ in range(60):
        damaged = bytearray(whole[: random.integers(len(whole) // 4, len(whole))])
        for place in random.integers(0, min(len(damaged), 200), size=random.integers(0, 3)):
            damaged[place] = random.integers(256)
        try:
            assert Sound.decode(bytes(damaged)).seconds > 0
        except SoundError as error:
            assert "\n" not in str(error)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("samples", "rate", "line"),
    [
        ([0.0, math.nan], 8_000, "NaN or infinite"),
        ([0.0, math.inf], 8_000, "NaN or infinite"),
        ([0.0], 999, "a sample rate of 999 Hz; expected 1000 to"),
        ([0.0], 10**9, "a sample rate of"),
        ([0.0], math.nan, "a sample rate of nan"),
        (np.zeros((2, 48_000)), 8_000, r"shape \(2, 48000\); use \(n,\) or \(n, channels\)"),
        (np.zeros((5, 0)), 8_000, "samples of shape"),
        (np.zeros((2, 2, 2)), 8_000, "samples of shape"),
        (0.5, 8_000, "samples of shape"),
        (["a"], 8_000, "samples of type"),
        ([[0.5, 0.5], [0.5]], 8_000, "the samples are not an array"),
        (None, 8_000, "samples of type object"),
        (np.zeros(3, complex), 8_000, "samples of type complex128"),
        (np.zeros(3, np.int64), 8_000, "samples of type int64"),
        (
            np.array([0.0, 12_000.0]),
            16_000,
            r"samples of up to 12000; floats are in \[-1, 1\]: div",
        ),
        (np.array([0.0, -3.0], np.float32), 8_000, r"samples of up to 3; floats are in \[-1, 1\]"),
        (np.full((9, 2), 128.0), 8_000, r"samples of up to 128; floats are in \[-1, 1\]"),
        (np.array([0.0, 1e300]), 8_000, r"samples of up to 1e\+300; floats are in \[-1, 1\]"),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_samples_that_are_none(samples: Any, rate: Any, line: str) -> None:
    with pytest.raises(SoundError, match=line):
        Sound(samples, rate)


def babble(rate: int, seconds: float) -> Sound:
    """Syllables of a gliding voice, with noise between them: as hard to compress as speech."""
    t = np.arange(int(rate * seconds)) / rate
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * t)) / rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 30) if k * 150 < rate / 2)
    tts = np.clip(np.sin(2 * np.pi * 2.5 * t), 0, 1) ** 0.5
    noise = np.random.default_rng(0).standard_normal(len(t)) * (1 - tts)
    return Sound(0.15 * voice * tts + 0.02 * noise, rate)


def decibels(sound: Sound) -> float:
    """Root mean square against full scale, away from the ends."""
    middle = sound.samples[len(sound.samples) // 5 : -len(sound.samples) // 5].astype(float)
    return float(20 * np.log10(np.sqrt((middle**2).mean()) + 1e-12))


# -- resampling -------------------------------------------------------------------------------
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("to", [8_000, 16_000, 24_000, 44_100, 48_000])
def test_a_tone_keeps_its_length_frequency_and_level(rate: int, to: int) -> None:
    sound = sine(rate, 1_000).resample(to)
    assert sound.rate == to and sound.seconds == pytest.approx(0.5, abs=2 / to + 1e-4)
    assert measured(sound)[0] == pytest.approx(1_000, abs=1)
    assert measured(sound)[1] == pytest.approx(0.3, rel=0.001)


@pytest.mark.parametrize("share", [1.1, 1.3, 1.7])
@pytest.mark.parametrize(
    ("rate", "to"), [(96_000, 24_000), (48_000, 24_000), (44_100, 24_000), (24_000, 8_000)]
)
def test_what_a_rate_cannot_hold_is_gone(rate: int, to: int, share: float) -> None:
    high = sine(rate, to / 2 * share)
    assert decibels(high.resample(to)) < decibels(high) - 60
    assert decibels(Sound.from_pcm16(high.pcm16(to), to)) < decibels(high) - 60


def test_the_same_rate_is_the_same_sound(tone: Sound) -> None:
    assert tone.resample(24_000) is tone


@pytest.mark.parametrize("rate", [0, -1, 999, 10**9])
def test_no_sound_has_that_rate(tone: Sound, rate: int) -> None:
    with pytest.raises(SoundError, match="a sample rate of"):
        tone.resample(rate)


def test_pcm16_is_little_endian() -> None:
    sound = Sound([0.0, 0.5, 1.0, -1.0], 24_000)
    assert struct.unpack("<4h", sound.pcm16()) == (0, 16_384, 32_767, -32_767)
    wave = np.arange(-32_767, 32_768, dtype="<i2")
    back = np.frombuffer(Sound.from_pcm16(wave.tobytes()).pcm16(), "<i2")
    assert np.abs(back.astype(int) - wave).max() <= 1


# -- for the card -----------------------------------------------------------------------------
@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
@pytest.mark.parametrize("seconds", [1, 3, 8])
def test_a_second_is_at_most_7_kilobytes_of_notebook(rate: int, seconds: int) -> None:
    t = np.arange(rate * seconds) / rate
    sweep = Sound(0.3 * np.sin(2 * np.pi * (100 * t + 0.2 * rate / seconds * t**2)), rate)
    noise = Sound(0.1 * np.random.default_rng(1).standard_normal(len(t)), rate)
    for sound in (babble(rate, seconds), sweep, noise):
        assert len(sound.data_url) <= 7_000 * seconds + 1_500  # and the frames of its ends


@pytest.mark.parametrize("rate", [8_000, 11_025, 24_000, 96_000])
def test_a_data_url_is_the_same_sound(rate: int) -> None:
    sound = sine(rate, seconds=1)
    assert sound.data_url.startswith(DATA_URL) and sound.data_url is sound.data_url
    back = Sound.decode(base64.b64decode(sound.data_url.removeprefix(DATA_URL), validate=True))
    assert back.seconds == pytest.approx(1, abs=0.08) and back.rate <= 24_000
    assert measured(back)[0] == pytest.approx(440, abs=1)
    assert measured(back)[1] == pytest.approx(0.3, rel=0.06)
    face = sound._repr_html_()
    assert f'src="{sound.data_url}"' in face and "autoplay" not in face


def test_a_sound_of_nothing_shows_and_is_not_written() -> None:
    nothing = Sound(np.zeros(0), 24_000)
    assert "<audio" in nothing._repr_html_() and nothing.seconds == 0
    for ending in ("wav", "mp3", "flac", "ogg"):
        with pytest.raises(SoundError, match="there is no sound to write"):
            nothing.encode(ending)


# -- to a model -------------------------------------------------------------------------------
@pytest.mark.parametrize("rate", RATES)
def test_what_is_sent_is_mono_wav_of_at_most_24_khz(rate: int) -> None:
    label, data = sine(rate).upload()
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (label, file.format, file.subtype) == ("wav", "WAV", "PCM_16")
        assert (file.channels, file.samplerate) == (1, min(rate, 24_000))
    assert measured(Sound.decode(data)) == pytest.approx((440, 0.3), rel=0.002)


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (0, "0.00 s of sound is too short; send at least 0.1 s"),
        (0.0999, "0.09 s of sound is too short"),
        (2401, "41 minutes of sound are too long; cut it into parts of at most 40 minutes"),
    ],
)
def test_too_short_and_too_long(seconds: float, line: str) -> None:
    with pytest.raises(SoundError, match=line):
        Sound(np.zeros(round(seconds * 10_000), np.float32), 10_000).upload()


def test_the_shortest_and_the_largest_wav() -> None:
    assert Sound(np.zeros(2_400), 24_000).upload()[0] == "wav"
    label, data = Sound(np.zeros(9_999_970, np.float32), 24_000).upload()
    assert label == "wav" and len(data) <= 20_000_000


def test_a_long_sound_is_mp3_below_the_limit() -> None:
    long = Sound(np.zeros(10_080_000, np.float32), 24_000)
    label, data = long.upload()
    assert label == "mp3" and (data[:3] == b"ID3" or data[0] == 0xFF)
    assert len(data) / long.seconds * 40 * 60 < 20_000_000  # the bit rate is constant
    assert Sound.decode(data).seconds == pytest.approx(long.seconds, abs=0.1)
    assert Sound(np.zeros(40 * 60 * 1_000, np.float32), 1_000).upload()[0] == "wav"


# -- unchangeable -----------------------------------------------------------------------------
def test_a_sound_cannot_be_changed() -> None:
    mine = np.array([0.0, 0.5, 1.0], np.float32)
    sound = Sound(mine, 8_000)
    mine[:] = 9
    assert sound.samples.tolist() == [0, 0.5, 1]
    with pytest.raises(ValueError, match="read-only"):
        sound.samples[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        sound.rate = 16_000  # type: ignore[misc]
    assert repr(sound) == "Sound(0.00 s at 8000 Hz)" and len({sound, sound}) == 1


@pytest.mark.parametrize("name", ["a.aac", "wav", "a.", "a", "a.wav.exe"])
def test_an_ending_that_is_no_format(tone: Sound, name: str) -> None:
    with pytest.raises(SoundError, match=r"cannot write '\..*'; use one of \.wav, \.mp3,"):
        tone.save(name)


@pytest.mark.parametrize("rate", [1_000, 384_000, 655_350])
def test_every_rate_is_written_in_every_format(rate: int) -> None:
    for ending in ("wav", "mp3", "flac", "ogg"):
        assert Sound.decode(sine(rate, 100).encode(ending)).seconds == pytest.approx(0.5, abs=0.1)


def test_a_folder_that_is_not_there(tone: Sound) -> None:
    for name in ("nowhere/a.wav", "~nobody-of-this-name/a.wav"):
        with pytest.raises(SoundError, match="cannot write"):
            tone.save(name)
