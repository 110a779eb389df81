"""What kind of file begins where, by a few bytes."""

import re
from collections.abc import Callable

import numpy as np
import regex

from .noise import is_noise, level
from .width import wider

WAV, FLAC, OGG, MP3, AAC, TS = "WAV", "FLAC", "Ogg", "mp3", "AAC", "MPEG-TS"
RAW = "raw"  # no file that is known: samples alone, as far as one can tell
TEXT, UNKNOWN = "text", "sound of an unknown format"
# (what it starts with, what it has further on and where, the kind)
SIGNATURES = (
    (b"RIFF", 8, b"WAVE", WAV),
    (b"RIFX", 8, b"WAVE", WAV),
    (b"RF64", 8, b"WAVE", WAV),
    (b"BW64", 8, b"WAVE", WAV),
    (b"fLaC", 0, b"", FLAC),
    (b"OggS", 4, b"\0\x02", OGG),  # the first page of a stream
    (b"ID3\2", 0, b"", MP3),
    (b"ID3\3", 0, b"", MP3),
    (b"ID3\4", 0, b"", MP3),
    (b"\x1aE\xdf\xa3", 0, b"", "WebM"),
    (b"FORM", 8, b"AIF", "AIFF"),
    (b"FORM", 8, b"8SVX", "SVX"),
    (b"FORM", 8, b"16SV", "SVX"),
    (b"caff", 0, b"", "CAF"),
    (b".snd", 0, b"", "AU"),
    (b"dns.", 0, b"", "AU"),  # little-endian
    (b"riff.\x91\xcf\x11", 0, b"", "W64"),
    (b"Creative Voice File\x1a", 0, b"", "VOC"),
    (b"NIST_1A\n", 0, b"", "NIST"),
    (b"RIFF", 8, b"AVI ", "AVI"),
    (b"0&\xb2u\x8ef\xcf\x11", 0, b"", "WMA"),
    (b"FLV\x01", 0, b"", "FLV"),
    (b"wvpk", 0, b"", "WavPack"),
    (b"TTA1", 0, b"", "TTA"),
    (b"#!AMR", 0, b"", "AMR"),
)
BIT_RATES = {  # kbit/s of layer III, by MPEG version
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = (44_100, 48_000, 32_000)  # Hz, of version 1
HEADER = 7  # bytes of the longest header of a frame
PACKET = 188  # bytes, in MPEG-TS
PACKETS = 8  # among which there is a table of programs; a tone may look like four of them
PROGRAMS = re.compile(rb"G[\x40\x60]\0[\x10-\x1f]\0\0[\xb0-\xbf]")  # as that table begins
BOM = b"\xef\xbb\xbf"  # the byte order mark of UTF-8
BLANK = b"\0\t\n\r "  # what may stand before a file
SEARCHED = 5_000  # bytes that hold three frames of any mp3, after a part of one
LOUD = 0.25  # RMS of full scale: few recordings, but most files, begin with "samples" so loud
PROSE = 64  # bytes: so many tell it
LETTERS = PROSE // 4  # in them, at least
VARIED = 6  # different bytes: those of samples hardly vary where all happen to be characters


def find(data: bytes, more: bool = True) -> tuple[str, int] | None:
    """Return the kind of file that begins here, and where; None where only `more` bytes can tell.

    Blanks may stand before it, or a part of a frame. For samples alone it is (RAW, 0), or how
    libsndfile calls those of more than 16 bits.
    """
    blank = len(data) - len(data.removeprefix(BOM).lstrip(BLANK))
    for at in (0, max(0, blank - 3), blank):  # a file of MP4 may begin with three of them
        found = kind(data[at:])
        if found is None and more and blank < SEARCHED:
            return None
        if found not in (RAW, None):
            return found, at
    begin = data[: min(len(data), SEARCHED) // 2 * 2]
    samples = np.frombuffer(begin, "<i2") / 2**15
    if level(samples) < LOUD:
        return RAW, 0
    if framed := _first_frame(data):
        return framed
    if more and len(data) < SEARCHED:
        return None
    return wider(begin) or (UNKNOWN if is_noise(samples) else RAW), 0


def kind(data: bytes) -> str | None:
    """Return the kind of a file, RAW for none; None where only more bytes can tell."""
    undecided = False
    for start, at, further, name in SIGNATURES:
        end = at + len(further)
        if data.startswith(start) and data[at:end] == further:
            return name
        begun = data[: len(start)] == start[: len(data)]
        undecided |= begun and data[at:end] == further[: max(0, len(data) - at)]
    if data[4:8] == b"ftyp" and data.startswith(b"\0\0"):
        return "MP4"
    if undecided:
        return None
    return TEXT if _is_prose(data[:PROSE]) else _framed(data)


def begins(data: bytes) -> bool:
    """Whether a chunk is the beginning of a file, rather than the next part of one."""
    found = kind(data)
    if found == MP3 and not data.startswith(b"ID3"):
        return any(tag in data[:60] for tag in (b"Xing", b"Info"))  # only a first frame has them
    return found not in (RAW, AAC, TS, TEXT, None)


def _is_prose(data: bytes) -> bool:
    if len(data) < PROSE or not data.isascii():
        return False
    if not all(character.isprintable() or character.isspace() for character in data.decode()):
        return False
    varied = min(len(set(data[::2])), len(set(data[1::2]))) >= VARIED
    return varied and sum(map(str.isalpha, data.decode())) >= LETTERS


def _framed(data: bytes, frames: int = 2) -> str | None:
    """Tell mp3 and its like from samples: each frame says where the next is."""
    for name, found in (
        (MP3, _chained(data, _mp3_frame, frames)),
        (AAC, _chained(data, _aac_frame, frames)),
        (TS, _packets(data)),
    ):
        if found is None:
            return None
        if found:
            return name
    return RAW


def _first_frame(data: bytes) -> tuple[str, int] | None:
    """Return what consists of frames, and where the first is that is followed by two more."""
    for match in regex.finditer(rb"\xff(?=[\xe2-\xfb])|G", data[:SEARCHED]):
        found = _framed(data[match.start() :], 3)
        if found not in (RAW, None):
            return found, match.start()
    return None


def _chained(data: bytes, frame: Callable[[bytes], int | None], frames: int) -> bool | None:
    """Whether so many frames follow each other from here; None for not yet known."""
    first = data[:2]
    for _ in range(frames - 1):
        size = frame(data)
        if not size:
            return None if size is None else False
        if len(data) < size + HEADER:
            return None
        data = data[size:]
        if data[:2] != first:
            return False
    return True


def _packets(data: bytes) -> bool | None:
    """Whether packets of MPEG-TS follow each other from here; None for not yet known."""
    headers = [data[at : at + HEADER] for at in range(0, PACKETS * PACKET, PACKET)]
    if not all(map(_is_packet, headers)):
        return False
    if any(map(PROGRAMS.match, headers)) and len(data) >= 4 * PACKET:
        return True
    return False if len(headers[-1]) == HEADER else None


def _is_packet(header: bytes) -> bool:
    """Whether a packet may begin so: without an error, not scrambled, and not empty."""
    error, control = header[1:2], header[3:4]
    return (
        header[:1] in (b"G", b"") and error < b"\x80" and (not control or 0x10 <= control[0] < 0x40)
    )


def _mp3_frame(data: bytes) -> int | None:
    """Return the bytes of the mp3 frame that begins here: 0 for none, None for not yet known."""
    if not _synchronizes(data, 0xE6, 0xE2):
        return 0
    if len(data) < 4:
        return None
    version = {0: 2.5, 2: 2, 3: 1}.get(data[1] >> 3 & 3)
    bit_rate, rate = data[2] >> 4, data[2] >> 2 & 3
    if version is None or bit_rate in (0, 15) or rate == 3:
        return 0
    kbits = BIT_RATES[1 if version == 1 else 2][bit_rate - 1]
    hertz = RATES[rate] // {1: 1, 2: 2, 2.5: 4}[version]
    return (144 if version == 1 else 72) * kbits * 1_000 // hertz + (data[2] >> 1 & 1)


def _aac_frame(data: bytes) -> int | None:
    """Return the same of AAC in ADTS."""
    if not _synchronizes(data, 0xF6, 0xF0):
        return 0
    if len(data) < HEADER:
        return None
    size = (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5
    return size if size > HEADER and data[2] >> 2 & 15 < 13 else 0


def _synchronizes(data: bytes, mask: int, second: int) -> bool:
    """Whether it begins as a frame does: with 0xFF, then these bits."""
    return data.startswith(b"\xff") and (len(data) == 1 or data[1] & mask == second)
