"""Files decoded: without seeks, in range, within bounds, and never another file than is given."""

import base64
import io
import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audiomagic import Session, Sound
from audiomagic.decoding.decoder import decode
from audiomagic.decoding.limit import MOST_SAMPLES, Limit, current, together
from audiomagic.errors import OptionError, SoundError
from audiomagic.notebook.strip_audio import strip
from audiomagic.turn.chats import Chats
from audiomagic.widgets.recorder_protocol import Upload

from ...support.fake_page import FakePage
from ...support.sound_files import packed, silence, written
from ...support.tones import measured, sine

VARIABLE = {"bitrate_mode": "VARIABLE", "compression_level": 0.85}


def sweep(rate: int, seconds: int) -> NDArray[np.float32]:
    """A tone that rises through all that is heard: no two frames of an mp3 of it are alike."""
    t = np.arange(rate * seconds) / rate
    return (0.5 * np.sin(2 * np.pi * (100 * t + 75 * t**2))).astype(np.float32)


# -- no seek in a decoder with a memory -------------------------------------------------------
@pytest.mark.parametrize("rate", [24_000, 44_100])
@pytest.mark.parametrize(
    ("container", "subtype", "more"),
    [
        ("MP3", "MPEG_LAYER_III", VARIABLE),
        ("MP3", "MPEG_LAYER_III", {"bitrate_mode": "CONSTANT"}),
        ("OGG", "VORBIS", {}),
        ("FLAC", "PCM_16", {}),
        ("WAV", "IMA_ADPCM", {}),
        ("AIFF", "GSM610", {}),
    ],
)
def test_a_long_file_is_the_same_as_read_at_once(
    container: str, subtype: str, more: Any, rate: int, capfd: Any
) -> None:
    seconds = 60 if container == "MP3" else 12
    file = written(sweep(rate, seconds), rate, container, subtype, **more)
    whole, _ = soundfile.read(io.BytesIO(file), dtype="float32")
    capfd.readouterr()  # what was written while it was encoded
    sound = Sound.decode(file)
    assert sound.samples.shape == whole.shape
    assert np.abs(sound.samples - whole).max() < 1e-6
    assert capfd.readouterr().err == ""


def test_an_opus_file_in_stereo_is_the_same_as_read_at_once() -> None:
    file = written(np.stack([sweep(48_000, 10)] * 2, axis=1), 48_000, "OGG", "OPUS")
    whole, _ = soundfile.read(io.BytesIO(file), dtype="float32")
    assert np.abs(Sound.decode(file).samples - whole.mean(axis=1)).max() < 1e-6


@pytest.mark.parametrize("kept", [0.3, 0.5, 0.9])
def test_nothing_is_written_to_stderr_for_a_damaged_mp3(kept: float, capfd: Any) -> None:
    file = bytearray(written(sweep(24_000, 10), 24_000, "MP3", "MPEG_LAYER_III", **VARIABLE))
    capfd.readouterr()
    half = bytes(file[: int(kept * len(file))])
    file[3_000:3_400] = bytes(range(200)) * 2
    assert Sound.decode(half).seconds == pytest.approx(10 * kept, abs=3)
    assert Sound.decode(bytes(file)).seconds == pytest.approx(10, abs=1)
    assert capfd.readouterr().err == ""
    os.write(2, b"and then it is open again")
    assert capfd.readouterr().err == "and then it is open again"


# -- in range ---------------------------------------------------------------------------------
@pytest.mark.parametrize("peak", [1.2, 1.4, 1.8, 4.2, 3_000.0, 2.0**31])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_a_file_beyond_full_scale_is_scaled_down_with_a_note(peak: float, subtype: str) -> None:
    tone = sine(24_000, level=1.0).samples
    sound = Sound.decode(written(peak * tone, 24_000, "WAV", subtype))
    assert np.abs(sound.samples - tone / np.abs(tone).max()).max() < 1e-3
    assert sound.note.startswith("The sound was scaled down: it reached ")


def test_a_decoder_may_overshoot_without_a_note() -> None:
    sound = Sound.decode(written(sine(24_000, level=1.1).samples, 24_000, "AIFF", "FLOAT"))
    assert (sound.note, float(sound.samples.max())) == ("", pytest.approx(1))
    square = np.sign(sine(24_000, 200).samples).astype(np.float32)
    mp3 = Sound.decode(written(square, 24_000, "MP3", "MPEG_LAYER_III", bitrate_mode="CONSTANT"))
    assert np.abs(mp3.samples).max() == 1


def test_a_click_in_a_file_does_not_make_its_voice_inaudible() -> None:
    samples = sine(24_000, seconds=2).samples.copy()
    samples[9_000] = 3e5
    sound = Sound.decode(written(samples, 24_000, "WAV", "FLOAT"))
    assert np.array_equal(np.delete(sound.samples, 9_000), np.delete(samples, 9_000))
    assert sound.note == "Clicks in the sound were cut off: they reached 3e+05."


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_file_with_values_that_are_no_samples_is_refused(bad: float) -> None:
    samples = np.array([[0.0, 0.1], [bad, 0.2]], np.float32)
    for file in (written(samples, 8_000, "WAV", "FLOAT"), written(samples, 8_000, "AU", "FLOAT")):
        with pytest.raises(SoundError, match="NaN or infinite"):
            Sound.decode(file)


# -- channels ---------------------------------------------------------------------------------
TONE = sine(48_000, seconds=1).samples


@pytest.mark.parametrize(
    "channels",
    [
        [TONE, -TONE],
        [TONE, -0.5 * TONE],
        [0 * TONE, 0 * TONE, TONE, 0 * TONE, 0 * TONE, 0 * TONE],
        [0.002 * TONE, -TONE, 0 * TONE, 0 * TONE, TONE, 0 * TONE],
    ],
)
def test_where_mixing_would_lose_a_voice_the_loudest_channel_is_taken(channels: Any) -> None:
    frames = np.stack(channels, axis=1).astype(np.float32)
    files = [written(frames, 48_000, *kind) for kind in (("WAV", "PCM_16"), ("FLAC", "PCM_16"))]
    files += [packed(np.ascontiguousarray(frames.T), "mp4", "aac", 48_000)]
    for sound in (*map(Sound.decode, files), Sound(frames, 48_000), Sound.of((48_000, frames))):
        assert measured(sound)[1] == pytest.approx(0.3, rel=0.05)


def test_a_voice_among_hissing_channels_and_one_inverted_for_a_while_are_heard_in_full() -> None:
    hiss = 0.003 * np.random.default_rng(3).standard_normal((len(TONE), 5))
    partly = np.where(np.arange(len(TONE)) < 20_000, TONE, -TONE)
    for frames in (np.column_stack([hiss, TONE]), np.column_stack([TONE, partly])):
        frames = frames.astype(np.float32)
        file = written(frames, 48_000, "FLAC", "PCM_24")
        for sound in (Sound.decode(file), Sound(frames, 48_000)):
            for part in (sound.samples[5_000:19_000], sound.samples[23_000:45_000]):
                assert measured(Sound(part, 48_000))[1] == pytest.approx(0.3, rel=0.05)


# -- headers without sizes --------------------------------------------------------------------
@pytest.mark.parametrize("before", [b"", b"LIST\x04\0\0\0INFO"])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM"])
def test_a_wav_with_zero_sizes_is_read_to_its_end(subtype: str, before: bytes) -> None:
    whole = written(sine(24_000, seconds=2).samples, 24_000, "WAV", subtype)
    at = whole.index(b"data")
    head = whole[:4] + bytes(4) + whole[8:at] + before + b"data" + bytes(4)
    unsized = Sound.decode(head + whole[at + 8 :])
    size = struct.unpack_from("<I", whole, at + 4)[0]
    assert np.array_equal(unsized.samples[: 2 * size], Sound.decode(whole).samples)


@pytest.mark.parametrize("endian", ["BIG", "LITTLE"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "ULAW"])
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_an_au_file_without_its_size_is_read_to_its_end(
    size: int, subtype: str, endian: str
) -> None:
    whole = written(TONE, 48_000, "AU", subtype, endian=endian)
    unsized = Sound.decode(whole[:8] + struct.pack("<I", size) + whole[12:])
    assert np.array_equal(unsized.samples, Sound.decode(whole).samples) and unsized.seconds == 1
    empty = whole[: struct.unpack(">I" if endian == "BIG" else "<I", whole[4:8])[0]]
    with pytest.raises(SoundError, match="there is no sound in it"):
        Sound.decode(empty[:8] + bytes(4) + empty[12:])


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "ULAW"])
def test_a_big_endian_wav_without_its_sizes_is_read_to_its_end(subtype: str) -> None:
    whole = written(TONE, 48_000, "WAV", subtype, endian="BIG")
    at = whole.index(b"data") + 4
    for size in (bytes(4), b"\xff" * 4):
        sound = Sound.decode(whole[:4] + size + whole[8:at] + size + whole[at + 4 :])
        assert np.array_equal(sound.samples, Sound.decode(whole).samples) and sound.seconds == 1


def test_an_rf64_without_its_sizes_is_read_to_its_end() -> None:
    whole = written(TONE, 48_000, "RF64", "PCM_24")
    at = whole.index(b"ds64") + 8
    sound = Sound.decode(whole[:at] + bytes(24) + whole[at + 24 :])
    assert np.array_equal(sound.samples, Sound.decode(whole).samples) and sound.seconds == 1


@pytest.mark.parametrize("whole", [0, 36, 96_036, 0xFFFFFFFF])
def test_it_does_not_matter_what_a_header_says_of_the_whole(whole: int) -> None:
    file = written(TONE, 48_000, "WAV", "PCM_16")
    for size in (0, 0xFFFFFFFF, 0x7FFFFFFF - 36, 96_000):
        head = file[:4] + struct.pack("<I", whole) + file[8:40] + struct.pack("<I", size)
        assert Sound.decode(head + file[44:]).seconds == 1


@pytest.mark.parametrize("rate", [0, 999, 2**32 - 1])
def test_a_rate_that_no_sound_has_is_said(rate: int) -> None:
    file = written(TONE, 48_000, "WAV", "PCM_16")
    with pytest.raises(SoundError, match=f"a sample rate of {rate} Hz; expected 1000 to"):
        Sound.decode(file[:24] + struct.pack("<I", rate) + file[28:])


def test_what_follows_an_empty_recording_is_no_sound() -> None:
    empty = written(TONE[:0], 48_000, "WAV", "PCM_16")
    file = empty + b"LIST\x1a\0\0\0INFOISFT\x0e\0\0\0Lavf61.7.100\0\0"
    with pytest.raises(SoundError, match="there is no sound in it"):
        Sound.decode(file[:4] + struct.pack("<I", len(file) - 8) + file[8:])


# -- files that name others -------------------------------------------------------------------
CONCAT = b"ffconcat version 1.0\nfile private/diary.wav\n"
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n%s\n#EXT-X-ENDLIST\n"
SESSION = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n"
MANIFEST = (
    b'<?xml version="1.0"?><MPD type="static" profiles="urn:mpeg:dash:profile:isoff-live:2011">'
    b'<Period><AdaptationSet contentType="audio"><Representation id="1" bandwidth="1"><BaseURL>'
    b"private/diary.wav</BaseURL></Representation></AdaptationSet></Period></MPD>"
)


def turn(file: bytes) -> dict[str, Any]:
    """A turn of a saved chat that asks with such a file."""
    sound = {"mp3": base64.b64encode(file).decode()}
    return {"question": {"role": "user", "parts": [sound]}, "answer": "", "speaker": ["a", "b"]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    diary = tmp_path / "private" / "diary.wav"
    diary.parent.mkdir()
    sine(24_000).save(diary)
    (tmp_path / "list.m3u8").write_bytes(PLAYLIST % bytes(diary))
    return tmp_path


@pytest.mark.parametrize(
    "named",
    [
        CONCAT,
        b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + CONCAT,
        b"ffconcat version 1.0\nfile list.m3u8\n",
        PLAYLIST % b"private/diary.wav",
        PLAYLIST % b"file:private/diary.wav",
        SESSION,
        MANIFEST,
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_file_that_names_another_is_no_sound(named: bytes, capfd: Any) -> None:
    Path("question.mp3").write_bytes(named)
    with pytest.raises(SoundError, match=r"question\.mp3: not a sound file"):
        Session(engine="local").dry_run("Hi", "question.mp3")
    upload = Upload("take", is_file=True)
    upload.add(0, named)
    for read in (upload.sound, lambda: Sound.of(named), lambda: decode(named, partial=True)):
        with pytest.raises(SoundError, match="not a sound file"):
            read()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("named", [CONCAT, PLAYLIST % b"private/diary.wav"])
@pytest.mark.usefixtures("folder")
def test_no_other_way_leads_into_such_a_file(named: bytes, capfd: Any) -> None:
    """A saved chat that holds it; and its name where a chat or a notebook is asked for."""
    Path("chat.json").write_text(json.dumps([turn(named)]))
    Path("question.mp3").write_bytes(named)
    for refused, line in (
        (lambda: Chats().load("main", "chat.json"), r"is not a saved chat .*not a sound file"),
        (lambda: Chats().load("main", "question.mp3"), r"question\.mp3 is not a saved chat"),
        (lambda: strip("question.mp3"), r"question\.mp3 is not a notebook of format 4"),
    ):
        with pytest.raises(OptionError, match=line) as caught:
            refused()
        assert "\n" not in str(caught.value) and "diary" not in str(caught.value)
    assert Path("question.mp3").read_bytes() == named and capfd.readouterr().err == ""


@pytest.mark.parametrize("named", [CONCAT, PLAYLIST % b"private/diary.wav"])
@pytest.mark.usefixtures("folder")
def test_a_recorder_keeps_no_sound_of_such_a_file(named: bytes) -> None:
    page = FakePage()
    page.record(named, what="file")
    assert page.end(1) == [{"kind": "decode", "take": "t"}]  # the page has no other file to open
    assert page.protocol.sound is None and page.protocol.state == "idle"


# -- within bounds ----------------------------------------------------------------------------
def test_all_sounds_of_a_chat_have_one_bound(tmp_path: Path) -> None:
    part = silence(2**20)
    assert len(part) < 5_000
    (tmp_path / "chat.json").write_text(json.dumps([turn(part)] * 5))
    with together() as limit:
        limit.left = 4 * 2**20
        with pytest.raises(OptionError, match=r"the sounds in .*chat.json are too long together; "):
            Chats().load("main", tmp_path / "chat.json")
    assert len(Chats().load("main", tmp_path / "chat.json").exchanges) == 5


def test_all_sounds_of_a_call_have_one_bound() -> None:
    part = silence(2**20)
    with together() as limit:
        limit.left = 4 * 2**20
        with pytest.raises(SoundError, match="more than 93 minutes of sound; cut it into parts"):
            Session(engine="local").dry_run("Hi", [part] * 5)
    assert len(Sound.list_of([part] * 5)) == 5


def test_a_small_file_that_unpacks_into_hours_is_refused() -> None:
    part = written(np.zeros(2**20, np.int16), 48_000, "FLAC", "PCM_16")
    assert MOST_SAMPLES == 2**28  # a gigabyte: as little as 900 kB of such a file
    with together() as limit:
        limit.left = 2**20 - 1
        with pytest.raises(SoundError, match="more than 93 minutes of sound"):
            Sound.decode(part)


def test_what_is_not_kept_does_not_count() -> None:
    """A stereo file that is read twice, and what a reader had read of it before it failed."""
    file = written(np.stack([TONE, -TONE], axis=1), 48_000, "FLAC", "PCM_16")
    with together() as limit:
        decode(file)
        assert limit.left == MOST_SAMPLES - 48_000 and not limit.exceeded
        with together() as inner:
            assert inner is limit is current()
        limit.left = 47_999
        with pytest.raises(SoundError, match="more than"):
            decode(file)
        assert limit.exceeded
    assert current() == Limit(MOST_SAMPLES)
