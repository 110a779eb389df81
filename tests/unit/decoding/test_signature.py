"""What begins here: files by their first bytes, and samples that only look like one."""

import numpy as np
import pytest

from audiomagic.decoding import signature

from ...support.sound_files import packed, written
from ...support.tones import sine

TONE = sine(24_000).samples
FILES = {
    "WAV": written(TONE, 24_000, "WAV", "PCM_16"),
    "FLAC": written(TONE, 24_000, "FLAC", "PCM_16"),
    "Ogg": written(TONE, 24_000, "OGG", "OPUS"),
    "mp3": written(TONE, 24_000, "MP3", "MPEG_LAYER_III"),
    "AAC": packed(TONE[None], "adts", "aac", 24_000),
    "MP4": packed(TONE[None], "mp4", "aac", 24_000),
    "AIFF": written(TONE, 24_000, "AIFF", "PCM_16"),
    "AU": written(TONE, 24_000, "AU", "PCM_16", endian="LITTLE"),
    "W64": written(TONE, 24_000, "W64", "PCM_16"),
    "VOC": written(TONE, 24_000, "VOC", "PCM_16"),
    "MPEG-TS": packed(TONE[None], "mpegts", "aac", 24_000),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_told_by_its_beginning_at_whatever_place_that_is_cut(kind: str) -> None:
    found = [signature.kind(FILES[kind][:size]) for size in range(8, 2_000)]
    known = [one for one in found if one is not None]
    assert known and set(known) == {kind}
    assert found == [None] * (len(found) - len(known)) + known  # and it stays so


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_an_mp3_of_any_rate_is_told_without_a_tag(rate: int, mode: str) -> None:
    file = written(sine(rate).samples, rate, "MP3", "MPEG_LAYER_III", bitrate_mode=mode)
    assert file[0] == 0xFF and signature.kind(file) == "mp3" and signature.begins(file)


def test_samples_are_no_file() -> None:
    assert signature.find((TONE * 32_767).astype("<i2").tobytes()) == (signature.RAW, 0)
    noise = np.random.default_rng(2).integers(0, 256, (4_000, 3_000), np.uint8)
    noise[:2_000, :2] = 0xFF, 0xFB  # as an mp3 begins
    noise[2_000:, :2] = 0xFF, 0xF1  # as AAC does
    assert sum(signature.kind(row.tobytes()) not in (signature.RAW, None) for row in noise) <= 2
    assert not any(signature.begins(row.tobytes()) for row in noise)
    for samples in (bytes(100), b"\xff" * 100, TONE.tobytes(), b"RIFX" * 9, b"OggS\0\0" + bytes(9)):
        assert signature.kind(samples) == signature.RAW


def test_the_packets_of_a_transport_stream_have_a_table_of_programs() -> None:
    """Samples may repeat as they do: a tone whose period is a part of a packet."""
    file = FILES["MPEG-TS"]
    packets = [file[at : at + 188] for at in range(0, len(file), 188)]
    programs = next(one for one in packets if one.startswith(b"G@\0"))
    others = [one for one in packets if not one.startswith(b"G@\0")]
    for at in range(8):
        stream = b"".join([*others[:at], programs, *others[at:]])
        assert signature.kind(stream) == "MPEG-TS"
    assert signature.kind(b"".join(others)) == signature.RAW
    for wrong in (b"G\xc0\0\x10", b"G@\0\x90", b"G@\0\0"):
        assert signature.kind(b"".join([wrong.ljust(188, b"\0"), *packets])) == signature.RAW


@pytest.mark.parametrize(
    "text",
    [
        b'{\n    "error": {\n        "code": 429,\n        "message": "Out of quota"\n    }',
        b"upstream connect error or disconnect/reset before headers. reset reason: overflow",
        b"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n",
    ],
)
def test_prose_is_text_and_samples_that_happen_to_be_characters_are_not(text: bytes) -> None:
    assert signature.kind(text) == signature.TEXT
    slow = b"".join(bytes([low, ord("A")]) for low in range(48, 112))  # an offset, rising
    for samples in (slow, b"AB" * 40, b"p\r" * 40, b"0123456789" * 7):
        assert signature.kind(samples) == signature.RAW


def test_where_a_file_begins_is_found() -> None:
    for kind, file in FILES.items():
        for blank in (b"", b"\r\n", bytes(7)):
            assert signature.find(blank + file) == (kind, len(blank))
    for kind in ("mp3", "AAC"):
        frame = FILES[kind][500:]
        part = bytes(np.random.default_rng(1).integers(0, 250, 1_400, np.uint8))
        found = signature.find(part + frame)
        assert found and found[0] == kind and 1_400 <= found[1] < 2_000


def test_noise_at_full_scale_is_no_sound() -> None:
    random = np.random.default_rng(6)
    noise = random.bytes(20_000)
    assert signature.find(noise) == (signature.UNKNOWN, 0)
    assert signature.find(noise[:2_000]) is None
    assert signature.find(noise[:2_000], more=False) == (signature.UNKNOWN, 0)
    hiss = np.convolve(random.standard_normal(9_000), np.ones(3), "same") * 9_000
    for sound in (
        hiss.clip(-(2**15), 2**15 - 1).astype("<i2"),
        random.choice([-30_000, 30_000], 9_000),
    ):
        assert signature.find(sound.astype("<i2").tobytes()) == (signature.RAW, 0)
