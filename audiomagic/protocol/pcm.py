"""The sound of an answer: bytes as servers send them, made into 24 kHz mono pcm16.

The service streams headerless pcm16. Others send a WAV file, whole or cut in pieces, or one for
each piece, some at a rate of their own; and some call headerless samples "wav".
"""

import struct
from dataclasses import dataclass, field

import numpy as np
import soxr
from numpy.typing import NDArray

from ..errors import InvalidResponse
from ..sound import HIGHEST_RATE, MOST_CHANNELS, WIRE_RATE

KINDS = {(1, 16): "<i2", (1, 32): "<i4", (3, 32): "<f4"}  # (WAV's format tag, bits) -> numpy's
EXTENSIBLE = 0xFFFE  # a format tag that stands for one further on in the header
LOWEST_RATE = 8_000  # Hz: of speech; a lower one would make little data into much sound
LONGEST_HEADER = 10_000  # bytes before the samples


@dataclass
class PcmDecoder:
    """Fold pieces of sound into `pcm`: signed 16-bit little-endian mono samples at 24 kHz.

    The last sample may be half there: a piece may end inside it.
    """

    pcm: bytearray = field(default_factory=bytearray)
    _kept: bytes = b""  # not yet converted: the start of a header, or a part of a frame
    _wav: "_Wav | None" = None
    _resampler: soxr.ResampleStream | None = None

    def add(self, data: bytes) -> None:
        """Take a piece. Raises InvalidResponse for a WAV file of a kind that cannot be read."""
        # A header begins a piece; what then is left of a frame belongs to no file.
        self._kept = data if _is_wav(data) else self._kept + data
        if _is_wav(self._kept):
            self._begin()
        elif self._wav:
            self._convert(self._wav)
        else:
            self.pcm += self._kept
            self._kept = b""

    def end(self) -> None:
        """Take what the resampler still holds back."""
        if self._resampler:
            self.pcm += _int16(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
            self._resampler = None

    def _begin(self) -> None:
        """Read a header, if all of it is there."""
        if (wav := _Wav.of(self._kept)) is None:
            if len(self._kept) > LONGEST_HEADER:
                raise InvalidResponse(
                    "the server sent sound with a damaged WAV header; try it again"
                )
            return
        if self._wav is None or self._wav.rate != wav.rate:
            self.end()
        self._wav, self._kept = wav, self._kept[wav.begin :]
        self._convert(wav)

    def _convert(self, wav: "_Wav") -> None:
        """Convert the frames that are whole; what follows the samples in the file is dropped."""
        frame = np.dtype(wav.kind).itemsize * wav.channels
        whole = min(len(self._kept) // frame * frame, wav.left)
        frames = np.frombuffer(self._kept[:whole], wav.kind).reshape(-1, wav.channels)
        wav.left -= whole
        self._kept = self._kept[whole:] if wav.left else b""
        if (wav.kind, wav.channels, wav.rate) == ("<i2", 1, WIRE_RATE):
            self.pcm += frames.tobytes()  # as the service sends it: nothing to compute
            return
        scale = 1.0 if wav.kind == "<f4" else -float(np.iinfo(wav.kind).min)
        samples = (frames.mean(axis=1) / scale).astype(np.float32)
        if wav.rate != WIRE_RATE:
            if self._resampler is None:
                self._resampler = soxr.ResampleStream(wav.rate, WIRE_RATE, 1, dtype="float32")
            samples = self._resampler.resample_chunk(samples)
        self.pcm += _int16(samples)


def _is_wav(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WAVE"


def _int16(samples: NDArray[np.float32]) -> bytes:
    finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return (np.clip(finite, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes()


@dataclass
class _Wav:
    """A WAV file's header: `begin` is where the samples do, `left` the bytes of them to come."""

    kind: str
    channels: int
    rate: int
    begin: int
    left: int

    @classmethod
    def of(cls, data: bytes) -> "_Wav | None":
        """Read it, or return None when there is more of it to come. Raises InvalidResponse."""
        at, form = 12, b""
        while len(data) >= at + 8:
            name, size = struct.unpack_from("<4sI", data, at)
            at += 8
            if name == b"data":
                return cls._read(form, at, size)
            if name == b"fmt ":
                form = data[at : at + size]
            at += size + size % 2
        return None

    @classmethod
    def _read(cls, form: bytes, begin: int, size: int) -> "_Wav":
        tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", form[:16].ljust(16, b"\0"))
        if tag == EXTENSIBLE and len(form) >= 26:
            (tag,) = struct.unpack_from("<H", form, 24)
        known = 1 <= channels <= MOST_CHANNELS and LOWEST_RATE <= rate <= HIGHEST_RATE
        if (tag, bits) not in KINDS or not known:
            raise InvalidResponse(
                f"the server sent WAV sound of an unknown kind ({tag}, {bits} bits, {channels} "
                f"channels, {rate} Hz); ask it for pcm16"
            )
        # A header written before the end was known says 0, or the most that it can.
        left = size if 0 < size < 0x7FFF_0000 else 2**62
        return cls(KINDS[tag, bits], channels, rate, begin, left)
