"""Where a file ends and another begins, in a stream of them.

Files hold others' first bytes: FLAC in Ogg, an mp3 behind its tags. Another file is thus looked for
only behind what belongs to the first by its own account, and only where that account is known.
"""

import struct

import regex

from .wav import LONGEST_HEADER, ORDERS, UNKNOWN, Wav

# How a file begins: bytes that no file has by chance.
BEGINNING = regex.compile(
    rb"(?:RIFF|RIFX|RF64|BW64)....WAVE|OggS\0\x02|fLaC[\0\x80]\0\0\x22|FORM....AIF[FC]"
    rb"|\xff[\xe2-\xfb]..(?:.{9}|.{17}|.{32})(?:Xing|Info)",
    regex.DOTALL,
)
ZEROS = regex.compile(rb"\0*+")
MOST_PARTS = 1_000  # tags, or other parts, before the sound
TAG = 10  # bytes of an ID3 tag's header, and of its footer
PAGE = 27  # bytes of the shortest header of an Ogg page


def following(data: bytearray, at: int = 0) -> tuple[int, bool]:
    """Return where another file may begin in a file's data, and whether one surely does.

    `at` is what that was when there was less data.
    """
    at = max(at, _least(data))
    if data.startswith(b"OggS"):
        while data.startswith(b"OggS", at) and not _is_first(data, at):
            end = _page(data, at)
            if end > len(data):
                return at, False
            at = end
    return among_samples(data, at)


def among_samples(data: bytearray, at: int = 0) -> tuple[int, bool]:
    """Return the same where no byte of the file can look like another's beginning."""
    found = BEGINNING.search(data, at, partial=True)
    return (found.start(), not found.partial) if found else (len(data), False)


def header(data: bytearray) -> int:
    """Return how many bytes begin a file, before its sound, or with the first byte of that behind a
    tag; more than there are, where the end of them is still to come.
    """
    at, tagged = 0, 0
    for _ in range(MOST_PARTS):
        if not data.startswith(b"ID3", at):
            break
        padding = ZEROS.match(data, end := _tag(data, at))
        at, tagged = padding.end() if padding else end, 1
    if data.startswith(b"fLaC", at):
        return _metadata(data, at + 4)
    for _ in range(MOST_PARTS):  # one page for each stream of an Ogg file
        if not _is_first(data, at):
            break
        at = _page(data, at)
    return at + tagged


def _least(data: bytearray) -> int:
    """Return how many bytes the file has at least: all, where it does not say that."""
    if order := ORDERS.get(bytes(data[:4])):
        wav = Wav.of(bytes(data[:LONGEST_HEADER]))
        if wav and wav.subtype:  # no samples look like a file; and their number may be wrong
            return wav.begin
        return _size(data, f"{order}I")
    if data.startswith(b"FORM"):
        return _size(data, ">I")
    if data.startswith((b"ID3", b"fLaC", b"OggS", b"\xff")):
        return max(1, header(data))
    return len(data)


def _size(data: bytearray, form: str) -> int:
    (size,) = struct.unpack_from(form, data, 4)
    return 8 + size if 0 < size < UNKNOWN else len(data)


def _tag(data: bytearray, at: int) -> int:
    """Return where an ID3 tag ends."""
    size = 0
    for seven_bits in data[at + 6 : at + TAG]:
        size = size << 7 | seven_bits
    footer = TAG if data[at + 5 : at + 6] >= b"\x10" else 0
    return at + TAG + size + footer


def _metadata(data: bytearray, at: int) -> int:
    """Return where FLAC's frames begin, further than the data where that is not known."""
    for _ in range(MOST_PARTS):
        if len(data) < at + 4:
            break
        last = data[at] >= 0x80
        at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        if last:
            return at
    return max(at, len(data)) + 1


def _is_first(data: bytearray, at: int) -> bool:
    """Whether the first page of a stream begins here."""
    return data.startswith(b"OggS", at) and data[at + 4 : at + 6] == b"\0\x02"


def _page(data: bytearray, at: int) -> int:
    """Return where an Ogg page ends, further than the data where that is not known."""
    table = at + PAGE
    if len(data) < table or len(data) < table + data[table - 1]:
        return len(data) + 1
    end = table + data[table - 1]
    return end + sum(data[table:end])
