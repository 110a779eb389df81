"""Where a file ends and another begins: never where the first holds what looks like another."""

import pytest

from audiomagic.decoding.boundary import following, header

from ...support.sound_files import packed, written
from ...support.tones import sine

TONE = sine(24_000).samples
MP3 = written(TONE, 24_000, "MP3", "MPEG_LAYER_III")
FLAC, OPUS = written(TONE, 24_000, "FLAC", "PCM_16"), written(TONE, 24_000, "OGG", "OPUS")
TAG = b"ID3\4\0\0\0\0\0\x23TSSE\0\0\0\x0f\0\0\3Lavf60.16.100\0".ljust(45, b"\0")  # ffmpeg's
FOREIGN = b"\2\0\0\x14riffRIFF\xff\xff\xff\0WAVEfmt "  # a part of FLAC: a WAV file's header
FILES = {
    "an mp3": MP3,
    "an mp3 by ffmpeg": packed(TONE[None], "mp3", "mp3", 24_000, title="Answer"),
    "a tag, then an mp3": TAG + MP3,
    "a tag with a footer": b"ID3\4\0\x10\0\0\0\0" + b"3DI\4\0\x10\0\0\0\0" + MP3,
    "two tags, padded": TAG + TAG + bytes(99) + MP3,
    "a tag, then FLAC": TAG + FLAC,
    "FLAC that was a WAV file": FLAC[:42] + FOREIGN + FLAC[42:],
    "Ogg": OPUS,
    "FLAC in Ogg": packed(TONE[None], "ogg", "flac", 24_000),
    "AIFF": written(TONE, 24_000, "AIFF", "PCM_16"),
    "ADPCM": written(TONE, 24_000, "WAV", "IMA_ADPCM"),
}
UNSPLIT = {
    "FLAC in Matroska": packed(TONE[None], "matroska", "flac", 24_000),
    "FLAC in MP4": packed(TONE[None], "mp4", "flac", 24_000),
    "FLAC in CAF": packed(TONE[None], "caf", "flac", 24_000),
    "two streams in Ogg": OPUS[:47] + OPUS,  # their first pages come first
    "an mp3 in WAV without a size": b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + b"\x55\0" + bytes(99) + MP3,
}


def found(file: bytes, size: int) -> list[int]:
    """Where others begin, in data that comes in pieces."""
    data, at, starts, done = bytearray(), 0, list[int](), 0
    for begin in range(0, len(file), size):
        data += file[begin : begin + size]
        at, another = following(data, at)
        while another:
            done += at
            starts.append(done)
            del data[:at]
            at, another = following(data)
    return starts


@pytest.mark.parametrize("size", [97, 1_001, 10**6])
@pytest.mark.parametrize("kind", FILES | UNSPLIT)
def test_a_file_is_one(kind: str, size: int) -> None:
    assert found((FILES | UNSPLIT)[kind], size) == []


@pytest.mark.parametrize("size", [97, 1_001, 10**6])
@pytest.mark.parametrize("kind", FILES)
def test_another_begins_behind_it(kind: str, size: int) -> None:
    file = FILES[kind]
    assert found(file + OPUS + FLAC, size) == [len(file), len(file) + len(OPUS)]


@pytest.mark.parametrize("kind", ["a tag, then an mp3", "two tags, padded", "a tag, then FLAC"])
def test_a_header_reaches_to_the_sound(kind: str) -> None:
    file = bytearray(FILES[kind])
    reached = header(file)
    assert 45 < reached < 500
    assert all(header(file[:size]) > size for size in range(10, 46))


@pytest.mark.parametrize(
    "part", [b"ID3\4" + bytes(6), b"fLaC" + bytes(100), b"OggS\0\2" + bytes(22)]
)
def test_a_header_of_very_many_parts_is_not_read_to_its_end(part: bytes) -> None:
    endless = bytearray(part * 100_000)
    assert header(endless) > 0 and following(endless)[0] > 0
