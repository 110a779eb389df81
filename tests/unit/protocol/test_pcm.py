"""The sound of an answer: samples, and files of every kind, in pieces of any size."""

import base64
import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from audiomagic import Session, Sound
from audiomagic.decoding.wav import Wav
from audiomagic.errors import InvalidResponse
from audiomagic.protocol.pcm import PcmDecoder
from audiomagic.protocol.response import ResponseAccumulator

from ...support.fake_server import KEY, FakeServer, chunk
from ...support.sound_files import packed, silence, written
from ...support.tones import measured, sine

TONE = sine(24_000, seconds=1)
KINDS: list[tuple[str, str, float]] = [
    *(("WAV", kind, 1e-3) for kind in ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
    *(("WAV", kind, 0.03) for kind in ("PCM_U8", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM")),
    ("RF64", "PCM_24", 1e-3),
    ("FLAC", "PCM_16", 1e-3),
    ("AIFF", "PCM_24", 1e-3),
    ("MP3", "MPEG_LAYER_III", 0.05),
    ("OGG", "VORBIS", 0.03),
    ("OGG", "OPUS", 0.06),
]


def decoded(*chunks: bytes) -> NDArray[np.float32]:
    decoder = PcmDecoder()
    for data in chunks:
        decoder.add(data)
    decoder.end()
    return np.frombuffer(decoder.pcm, "<i2").astype(np.float32) / 32_768


def cut(file: bytes, size: int) -> list[bytes]:
    return [file[at : at + size] for at in range(0, len(file), size)]


def middle(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return samples[len(samples) // 5 : -len(samples) // 5]


@pytest.mark.parametrize(("container", "subtype", "near"), KINDS)
def test_an_answer_may_be_a_file_of_any_kind(container: str, subtype: str, near: float) -> None:
    file = written(TONE.samples, 24_000, container, subtype)
    whole = decoded(file)
    assert len(whole) == pytest.approx(24_000, abs=600)
    assert np.abs(middle(whole[:24_000]) - middle(TONE.samples)).max() < near
    for size in (119, 1_001, 9_601):
        assert np.array_equal(decoded(*cut(file, size)), whole)
    assert np.array_equal(decoded(file, file), np.concatenate([whole, whole]))


@pytest.mark.parametrize(("container", "subtype", "near"), KINDS)
def test_how_long_it_is_at_least_is_known_before_it_is_whole(
    container: str, subtype: str, near: float
) -> None:
    decoder, known = PcmDecoder(), 0.0
    for piece in cut(written(np.tile(TONE.samples, 60), 24_000, container, subtype), 10_000):
        decoder.add(piece)
        assert known <= decoder.seconds <= 60.1
        known = decoder.seconds
    assert known > 0.5  # what compresses well is longer
    decoder.end()
    assert decoder.seconds == pytest.approx(60, abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize(("container", "subtype"), [("MP3", "MPEG_LAYER_III"), ("WAV", "PCM_24")])
def test_its_rate_is_its_own(container: str, subtype: str, rate: int) -> None:
    stereo = np.stack([TONE.resample(rate).samples] * 2, axis=1)
    whole = decoded(*cut(written(stereo, rate, container, subtype), 4_096))
    assert len(whole) == pytest.approx(24_000, abs=10)
    assert measured(Sound(whole, 24_000))[1] == pytest.approx(0.3, rel=0.03)


@pytest.mark.parametrize(
    ("container", "codec"),
    [("adts", "aac"), ("mp4", "aac"), ("webm", "libopus"), ("mp3", "mp3"), ("ogg", "flac"),
     ("matroska", "flac"), ("caf", "flac")],
)  # fmt: skip
def test_what_ffmpeg_writes_is_read(container: str, codec: str) -> None:
    samples = TONE.resample(48_000).samples
    whole = decoded(*cut(packed(samples[None], container, codec, 48_000), 500))
    assert len(whole) == pytest.approx(24_000, abs=1_200)
    assert measured(Sound(whole, 24_000))[1] == pytest.approx(0.3, rel=0.06)  # LAME lowers it


OTHERS: dict[str, bytes] = {
    "RIFX": written(TONE.samples, 24_000, "WAV", "PCM_16", endian="BIG"),
    "RIFX of floats": written(TONE.samples, 24_000, "WAV", "FLOAT", endian="BIG"),
    "AU": written(TONE.samples, 24_000, "AU", "PCM_24"),
    "AU, little-endian": written(TONE.samples, 24_000, "AU", "PCM_16", endian="LITTLE"),
    "W64": written(TONE.samples, 24_000, "W64", "PCM_16"),
    "VOC": written(TONE.samples, 24_000, "VOC", "PCM_16"),
    "SVX": written(TONE.samples, 24_000, "SVX", "PCM_16"),
    "NIST": written(TONE.samples, 24_000, "NIST", "PCM_16"),
    "CAF": written(TONE.samples, 24_000, "CAF", "PCM_16"),
    "MPEG-TS": packed(TONE.samples[None], "mpegts", "aac", 24_000),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_of_a_rarer_kind_is_played_without_its_header(kind: str) -> None:
    whole = decoded(OTHERS[kind])
    assert len(whole) == pytest.approx(24_000, abs=2_000)
    assert measured(Sound(whole, 24_000))[1] == pytest.approx(0.3, rel=0.03)
    assert np.abs(whole[:100]).max() < 0.32  # a header would be louder
    for size in (119, 1_001, 9_601):
        assert np.array_equal(decoded(*cut(OTHERS[kind], size)), whole)


MP3 = written(TONE.samples, 24_000, "MP3", "MPEG_LAYER_III", bitrate_mode="CONSTANT")
HARDER = np.random.default_rng(8).standard_normal(48_000).astype(np.float32) * 0.1
FRAMED = {
    "mp3": (MP3, 1_201),
    "a louder mp3": (written(HARDER, 48_000, "MP3", "MPEG_LAYER_III"), 5_003),
    "AAC": (packed(HARDER[None], "adts", "aac", 48_000), 5_007),
}


@pytest.mark.parametrize("size", [119, 1_001, 9_601, 10**6])
@pytest.mark.parametrize("kind", FRAMED)
def test_frames_without_their_beginning_are_no_noise(kind: str, size: int) -> None:
    file, begin = FRAMED[kind]
    whole, rest = decoded(file), decoded(*cut(file[begin:], size))
    assert len(rest) == pytest.approx(len(whole) * (1 - begin / len(file)), abs=4_000)
    assert np.abs(rest).max() <= 1.1 * np.abs(whole).max()


@pytest.mark.parametrize("size", [119, 1_001, 10**6])
@pytest.mark.parametrize(
    "blank", [b"\n", b"\r\n\r\n", bytes(1), bytes(4), bytes(99), bytes(20_000)]
)
def test_blanks_before_a_file_make_no_noise_of_it(blank: bytes, size: int) -> None:
    for kind in (("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("WAV", "PCM_16")):
        file = written(TONE.samples, 24_000, *kind)
        whole, heard = decoded(file), decoded(*cut(blank + file, size))
        silent = len(heard) - len(whole)
        assert 0 <= silent <= len(blank) / 2 and not heard[:silent].any()
        assert np.array_equal(heard[silent:], whole)


def test_a_byte_order_mark_before_a_file_makes_no_noise_of_it() -> None:
    file = written(TONE.samples, 24_000, "WAV", "PCM_16")
    assert np.array_equal(decoded(b"\xef\xbb\xbf" + file), decoded(file))


def test_silence_is_not_held_back() -> None:
    decoder = PcmDecoder()
    decoder.add(bytes(4_800))
    assert len(decoder.pcm) > 4_780
    decoder.add(TONE.pcm16())
    assert decoder.pcm == bytes(4_800) + TONE.pcm16()


def test_a_silence_that_looks_like_blanks_is_held_back_for_a_moment_only() -> None:
    decoder, offset = PcmDecoder(), b"\n\0" * 4_800
    for piece in cut(offset, 960):
        decoder.add(piece)
    assert decoder.pcm == offset


@pytest.mark.parametrize(
    "text",
    [b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body></body></html>",
     b'{"error": {"message": "' + b"The model is overloaded. " * 9 + b'"}}'],
)  # fmt: skip
def test_a_text_in_the_place_of_sound_is_no_noise(text: bytes) -> None:
    with pytest.raises(InvalidResponse, match="the server sent text, which cannot be read"):
        decoded(text)


def test_what_is_of_no_known_format_is_no_noise() -> None:
    unknown = packed(HARDER[None], "latm", "aac", 48_000)
    for size in (119, 10**6):
        with pytest.raises(InvalidResponse, match="the server sent sound of an unknown format, "):
            decoded(*cut(unknown, size))


@pytest.mark.parametrize("level", [0.3, 1.0])
@pytest.mark.parametrize("hertz", [90, 440, 24_000 * 2 / 188, 6_000])
def test_samples_that_are_loud_from_the_start_are_samples(hertz: float, level: float) -> None:
    """Also a tone that repeats as the packets of MPEG-TS do."""
    t = np.arange(24_000) / 24_000
    pcm = Sound(level * np.cos(2 * np.pi * hertz * t), 24_000).pcm16()
    for size in (119, 4_801):
        decoder = PcmDecoder()
        for piece in cut(pcm, size):
            decoder.add(piece)
        assert decoder.pcm == pcm


# -- several files ----------------------------------------------------------------------------
SEVERAL = [*KINDS, ("MP3", "without a tag", 0.0), ("WAV", "without sizes", 0.0)]


@pytest.mark.parametrize("size", [119, 1_001, 9_601, 10**6])
@pytest.mark.parametrize(("container", "subtype", "near"), SEVERAL)
def test_files_that_follow_each_other_are_all_played(
    container: str, subtype: str, near: float, size: int
) -> None:
    if subtype == "without a tag":
        file = MP3
    elif subtype == "without sizes":
        file = written(TONE.samples, 24_000, container, "PCM_16")
        file = file[:4] + b"\xff" * 4 + file[8:40] + b"\xff" * 4 + file[44:]
    else:
        file = written(TONE.samples, 24_000, container, subtype)
    whole = decoded(file)
    heard = decoded(*cut(3 * file, size))
    assert len(heard) == pytest.approx(3 * len(whole), abs=2_000)
    for at in (1, 2):
        part = heard[at * len(heard) // 3 :][: len(whole) - 2_000]
        assert measured(Sound(part, 24_000))[1] == pytest.approx(0.3, rel=0.03)


TAG = b"ID3\4\0\0\0\0\0\x0aTIT2" + bytes(6)


@pytest.mark.parametrize("cuts", [[20], [3, 20], [20, 21, 500], []])
def test_an_mp3_behind_its_tag_is_one_file(cuts: list[int]) -> None:
    file = written(TONE.samples, 24_000, "MP3", "MPEG_LAYER_III")
    tagged = 2 * (TAG + file)
    pieces = [tagged[a:b] for a, b in pairwise([0, *cuts, len(tagged)])]
    assert len(decoded(*pieces)) == pytest.approx(2 * len(decoded(file)), abs=2_000)


@pytest.mark.parametrize("size", [119, 1_001, 10**6])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("counted", [0.1, 0.5])
def test_samples_beyond_the_number_in_a_header_are_heard(
    subtype: str, size: int, counted: float
) -> None:
    """A header may have been written for the first piece of an answer."""
    file = written(TONE.samples, 24_000, "WAV", subtype)
    header = Wav.of(file)
    assert header is not None
    first = int(counted * 24_000) * header.frame
    early = file[: header.begin - 4] + struct.pack("<I", first) + file[header.begin :]
    whole = decoded(file)
    assert np.array_equal(decoded(*cut(early, size)), whole)
    assert np.array_equal(decoded(early, file), np.tile(whole, 2))


@pytest.mark.parametrize(
    "behind", [b"LIST\x04\0\0\0INFO", b"TAG" + b"Title".ljust(125), b"id3 \x0c\0\0\0" + bytes(12)]
)
def test_what_is_no_sound_behind_the_samples_is_not_heard(behind: bytes) -> None:
    file = written(TONE.samples, 24_000, "WAV", "PCM_16")
    for size in (119, 10**6):
        assert np.array_equal(decoded(*cut(file + behind, size)), decoded(file))


@pytest.mark.parametrize("size", [119, 1_001, 10**6])
def test_files_of_different_kinds_follow_each_other(size: int) -> None:
    kinds = [("WAV", "PCM_16"), ("OGG", "OPUS"), ("FLAC", "PCM_16"), ("WAV", "PCM_24")]
    files = [written(TONE.samples, 24_000, *kind) for kind in kinds]
    listed = files[0] + b"LIST\x04\0\0\0INFO"  # what may follow the samples
    heard = decoded(*cut(listed + b"".join(files[1:]), size))
    assert len(heard) == pytest.approx(4 * 24_000, abs=100)
    assert np.abs(heard).max() < 0.33


def test_very_many_files_are_read_in_a_linear_way() -> None:
    file = written(TONE.samples[:10], 24_000, "WAV", "PCM_16")
    assert len(decoded(20_000 * file)) == 200_000


def test_stereo_is_played_to_its_end_where_another_file_follows() -> None:
    frames = np.stack([TONE.samples, np.where(np.arange(24_000) < 12_000, 1, -1) * TONE.samples], 1)
    file = written(frames.astype(np.float32), 24_000, "WAV", "PCM_16")
    for size in (119, 9_601):
        heard = decoded(*cut(file + file, size))
        assert len(heard) == 48_000
        for at in range(0, 48_000, 12_000):
            part = Sound(heard[at + 1_500 : at + 12_000], 24_000)
            assert measured(part)[1] == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"ID3\4\0\0\0\0\0\0" + bytes(40), "mp3"),
        (b"fLaC" + bytes(40), "FLAC"),
        (b"OggS\0\2" + bytes(40), "Ogg"),
        (b"\0\0\0\x18ftypM4A " + bytes(40), "MP4"),
        (b"caff\0\1" + bytes(40), "CAF"),
        (written(TONE.samples, 24_000, "WAV", "PCM_16").replace(b"\1\0\1\0", b"\2\2\1\0"), "WAV"),
        (written(TONE.samples, 1_000, "FLAC", "PCM_16"), "FLAC at 1000 Hz"),
    ],
)
def test_what_cannot_be_read_is_named(head: bytes, name: str) -> None:
    with pytest.raises(InvalidResponse, match=f"the server sent {name}.* cannot be read; try an"):
        decoded(head)


def test_samples_that_look_like_an_mp3_are_samples() -> None:
    pcm = b"\xff\xfb\x90\x64" + TONE.pcm16()
    assert np.array_equal(decoded(*cut(pcm, 3)), np.frombuffer(pcm, "<i2") / np.float32(32_768))
    assert len(decoded(b"\xff\xfb", b"\x90\x64")) == 2 and len(decoded(b"RIFF")) == 2
    assert len(decoded(b"fLaC")) == 2 and len(decoded(bytes(8), b"ID3\4")) == 6


def test_where_channels_cancel_the_loudest_is_taken() -> None:
    frames = np.stack([TONE.samples, -TONE.samples], axis=1)
    for kind in (("WAV", "PCM_16"), ("FLAC", "PCM_16")):
        whole = decoded(*cut(written(frames, 24_000, *kind), 2_000))
        assert np.abs(whole - TONE.samples).max() < 1e-3


@pytest.mark.parametrize("peak", [4.2, 30_000.0])
def test_floats_of_another_scale_are_no_noise(peak: float) -> None:
    file = written(peak * TONE.samples / 0.3, 24_000, "WAV", "FLOAT")
    whole = decoded(*cut(file, 9_601))
    assert np.abs(middle(whole) - middle(TONE.samples / 0.3)).max() < 0.02
    broken = np.array([0.1, np.nan, np.inf, -np.inf, 0.1], np.float32)
    assert np.isfinite(decoded(written(broken, 24_000, "WAV", "FLOAT"))).all()


def test_a_file_that_unpacks_into_hours_is_not_read() -> None:
    bomb = silence(34 * 2**20, 8_000)  # some 100 kB, 74 minutes
    with pytest.raises(InvalidResponse, match="more sound than any model; stopped reading"):
        decoded(bomb)


def answer(*files: str) -> ResponseAccumulator:
    accumulator = ResponseAccumulator()
    accumulator.add(chunk({"content": "Hi."}))
    for text in files:
        accumulator.add(chunk({"audio": {"data": text}}))
    return accumulator


def test_of_an_answer_that_breaks_off_what_came_is_kept() -> None:
    file = written(TONE.samples, 24_000, "MP3", "MPEG_LAYER_III")
    half = answer(base64.b64encode(file[: len(file) // 2]).decode()).completion()
    assert half.text == "Hi." and 0.1 < len(half.pcm) / 48_000 < 0.7
    damaged = answer(base64.b64encode(b"fLaC" + bytes(99)).decode())
    assert (damaged.completion().text, damaged.completion().pcm) == ("Hi.", b"")


@pytest.mark.parametrize("kind", [("MP3", "MPEG_LAYER_III"), ("OGG", "OPUS"), ("WAV", "ULAW")])
@pytest.mark.parametrize("size", [4_000, 999])
def test_a_reply_is_heard_whatever_the_server_sent(
    fake_server: FakeServer, kind: tuple[str, str], size: int
) -> None:
    text = (
        "data:audio/x;base64," + base64.encodebytes(written(TONE.samples, 24_000, *kind)).decode()
    )
    chunks: list[Any] = [chunk({"audio": {"data": text[at : at + size]}}) for at in
                         range(0, len(text), size)]  # fmt: skip
    fake_server.send_chunks([*chunks, chunk({"audio": {"transcript": "Hm.", "expires_at": 1}})])
    reply = Session(base_url=fake_server.url, api_key=KEY).speak("Hum")
    assert reply.sound is not None and reply.text == "Hm."
    assert reply.sound.seconds == pytest.approx(1, abs=0.03)
    assert measured(reply.sound)[1] == pytest.approx(0.3, rel=0.03)
