"""WAV: the one reader of its header, and of samples that need no decoder with a memory."""

import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

MOST_CHANNELS = 256
LONGEST_HEADER = 10_000  # bytes before the samples
EXTENSIBLE = 0xFFFE  # a format tag that stands for one further on in the header
UNKNOWN = 0x7FFF_0000  # a size from here on was written before the end was known
ENDLESS = 2**62
ANY_RATE = 8_000  # Hz: samples are the same at each
ORDERS = {b"RIFF": "<", b"RF64": "<", b"BW64": "<", b"RIFX": ">"}  # of bytes, by a file's name
# (format tag, bytes of a sample) -> libsndfile's name of it
SUBTYPES = {
    (1, 1): "PCM_U8", (1, 2): "PCM_16", (1, 3): "PCM_24", (1, 4): "PCM_32",
    (3, 4): "FLOAT", (3, 8): "DOUBLE", (6, 1): "ALAW", (7, 1): "ULAW",
}  # fmt: skip
HEAD = 8  # bytes of a part's name and size
LARGEST_PART = 2**20  # bytes of what is no sound, behind the samples
TAGS = (b"TAG", b"ID3", b"APETAGEX")  # which may stand there, too
NAMES = {2: "MS ADPCM", 0x11: "IMA ADPCM", 0x31: "GSM", 0x40: "G.721", 0x55: "mp3"}


@dataclass(frozen=True)
class Wav:
    """A WAV file's header: the samples are the `size` bytes from `begin` on, or all that come."""

    tag: int
    bits: int
    channels: int
    rate: int
    align: int  # bytes of a frame, as the header says
    begin: int
    size: int
    order: str = "<"  # of bytes in numbers, as `struct` calls it

    @classmethod
    def of(cls, data: bytes) -> "Wav | None":
        """Read it; None where more of it is to come, or where it is not a WAV file."""
        if data[:4] not in ORDERS or data[8:12] != b"WAVE":
            return None
        order = ORDERS[data[:4]]
        (whole,) = struct.unpack_from(f"{order}I", data, 4)
        at, form, large = 12, b"", 0
        while len(data) >= at + 8:
            name, size = struct.unpack_from(f"{order}4sI", data, at)
            at += 8
            if name == b"data":
                break
            if name == b"fmt ":
                form = data[at : at + size]
            if name == b"ds64" and len(data) >= at + 16:  # sizes that need more than 32 bits
                (large,) = struct.unpack_from("<Q", data, at + 8)
            at += size + size % 2
        else:
            return None
        numbers = struct.unpack(f"{order}HHIIHH", form[:16].ljust(16, b"\0"))
        tag, channels, rate, _, align, bits = numbers
        if tag == EXTENSIBLE and len(form) >= 26:
            (tag,) = struct.unpack_from(f"{order}H", form, 24)
        # A header written first says 0; so does one of no samples, with other parts behind.
        if size >= UNKNOWN or (size == 0 and not _is_chunk(data[at : at + 8], whole - at, order)):
            size = large if 0 < large < ENDLESS else ENDLESS
        return cls(tag, bits, channels, rate, align, at, size, order)

    @property
    def subtype(self) -> str | None:
        """How libsndfile calls these samples; None where a decoder with a memory is needed."""
        known = SUBTYPES.get((self.tag, -(-self.bits // 8)))
        # Some headers are wrong about frames; but 8 bits in more than a byte could be anything.
        damaged = self.bits == 8 and self.align != self.channels
        return known if 1 <= self.channels <= MOST_CHANNELS and not damaged else None

    @property
    def name(self) -> str:
        known = NAMES.get(self.tag, f"format {self.tag:#x}")
        return f"WAV ({known}, {self.bits} bits, {self.channels} channels, {self.rate} Hz)"

    @property
    def frame(self) -> int:
        """Bytes of one sample of every channel."""
        return -(-self.bits // 8) * self.channels

    def frames(self, data: bytes | memoryview) -> NDArray[np.float32]:
        """Decode whole frames to shape (n, channels)."""
        decoded: tuple[NDArray[np.float32], Any] = soundfile.read(
            io.BytesIO(data), dtype="float32", always_2d=True, samplerate=ANY_RATE,
            channels=self.channels, format="RAW", subtype=self.subtype,
            endian="BIG" if self.order == ">" else "LITTLE",
        )  # fmt: skip
        return decoded[0]

    def with_sizes(self, data: bytes) -> bytes:
        """Return the file with its true sizes in the header, for readers that believe it."""
        if self.size != ENDLESS or not data.startswith(b"RIFF"):
            return data
        whole, size = (
            struct.pack("<I", min(n, UNKNOWN)) for n in (len(data) - 8, len(data) - self.begin)
        )
        return data[:4] + whole + data[8 : self.begin - 4] + size + data[self.begin :]


def is_part(behind: bytes) -> bool:
    """Whether what stands behind the samples is another part of the file, by HEAD bytes of it."""
    return behind.startswith(TAGS) or any(
        _is_chunk(behind[:HEAD], LARGEST_PART, order) for order in "<>"
    )


def _is_chunk(head: bytes, room: int, order: str) -> bool:
    """Whether a part of a file begins with these bytes: a name, and a size that fits."""
    if len(head) < HEAD:
        return False
    name, size = struct.unpack(f"{order}4sI", head)
    return name.isascii() and name.decode("ascii").isprintable() and bool(size <= room)
