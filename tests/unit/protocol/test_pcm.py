"""The sound of an answer: samples, and files of every kind, in pieces of any size."""

import base64
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from audiomagic import Session, Sound
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


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize(("container", "subtype"), [("MP3", "MPEG_LAYER_III"), ("WAV", "PCM_24")])
def test_its_rate_is_its_own(container: str, subtype: str, rate: int) -> None:
    stereo = np.stack([TONE.resample(rate).samples] * 2, axis=1)
    whole = decoded(*cut(written(stereo, rate, container, subtype), 4_096))
    assert len(whole) == pytest.approx(24_000, abs=10)
    assert measured(Sound(whole, 24_000))[1] == pytest.approx(0.3, rel=0.03)


@pytest.mark.parametrize(
    ("container", "codec"), [("adts", "aac"), ("mp4", "aac"), ("webm", "libopus")]
)
def test_what_only_pyav_reads_is_read_with_it(container: str, codec: str) -> None:
    samples = TONE.resample(48_000).samples
    whole = decoded(*cut(packed(samples[None], container, codec, 48_000), 500))
    assert len(whole) == pytest.approx(24_000, abs=1_200)
    assert measured(Sound(whole, 24_000))[1] == pytest.approx(0.3, rel=0.03)


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
