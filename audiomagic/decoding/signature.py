"""What kind of file begins here, by its first bytes."""

WAV, FLAC, OGG, MP3, AAC = "WAV", "FLAC", "Ogg", "mp3", "AAC"
RAW = "raw"  # no file that is known: samples alone, as far as one can tell
# (what it starts with, what it has further on and where, the kind)
SIGNATURES = (
    (b"RIFF", 8, b"WAVE", WAV),
    (b"RF64", 8, b"WAVE", WAV),
    (b"BW64", 8, b"WAVE", WAV),
    (b"fLaC", 0, b"", FLAC),
    (b"OggS", 4, b"\0\x02", OGG),  # the first page of a stream
    (b"ID3", 0, b"", MP3),
    (b"\x1aE\xdf\xa3", 0, b"", "WebM"),
    (b"FORM", 8, b"AIF", "AIFF"),
    (b"caff", 0, b"", "CAF"),
    (b".snd", 0, b"", "AU"),
    (b"#!AMR", 0, b"", "AMR"),
)
BIT_RATES = {  # kbit/s of layer III, by MPEG version
    1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = (44_100, 48_000, 32_000)  # Hz, of version 1
HEADER = 7  # bytes of the longer of two headers of frames


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
    return None if undecided else _framed(data)


def begins(data: bytes) -> bool:
    """Whether a chunk is the beginning of a file, rather than the next part of one."""
    found = kind(data)
    if found == MP3 and not data.startswith(b"ID3"):
        return any(tag in data[:60] for tag in (b"Xing", b"Info"))  # only a first frame has them
    return found not in (RAW, AAC, None)


def _framed(data: bytes) -> str | None:
    """Tell mp3 and AAC from samples by two frames, of which the first says where the second is."""
    for name, size in ((MP3, _mp3_frame(data)), (AAC, _aac_frame(data))):
        if size is None:
            return None
        if size:
            if len(data) < size + HEADER:
                return None
            return name if data[size] == 0xFF and data[size + 1] == data[1] else RAW
    return RAW


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
