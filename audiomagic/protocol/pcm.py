"""The sound of a completion: bytes as servers send them, made into 24 kHz mono pcm16.

The service streams headerless pcm16. Others send a WAV file, whole or cut in parts, or a WAV file
in each chunk, some at a rate of their own; and some call headerless samples "wav".
"""

import struct
from dataclasses import dataclass, field

import numpy as np
import soxr

from ..errors import InvalidResponse
from ..sound import HIGHEST_RATE, MOST_CHANNELS, WIRE_RATE, int16

FORMATS = {(1, 16): "<i2", (1, 32): "<i4", (3, 32): "<f4"}  # (WAV's format tag, bits) -> numpy's
EXTENSIBLE = 0xFFFE  # a format tag that stands for one further on in the header
LOWEST_RATE = 8_000  # Hz: of speech; a lower one would turn little data into much sound
LONGEST_HEADER = 10_000  # bytes before the samples


@dataclass
class PcmDecoder:
    """Decodes sound into `pcm`: signed 16-bit little-endian mono samples at 24 kHz."""

    pcm: bytearray = field(default_factory=bytearray)  # data may end inside the last sample
    _pending: bytes = b""  # not yet converted: the start of a header, or a part of a frame
    _wav: "_Wav | None" = None
    _resampler: soxr.ResampleStream | None = None

    def add(self, data: bytes) -> None:
        """Take more data. Raises InvalidResponse for a WAV file that cannot be read."""
        # A header begins a chunk; what is left of a frame before it belongs to no file.
        self._pending = data if _is_wav(data) else self._pending + data
        if _is_wav(self._pending):
            wav = _Wav.of(self._pending)
            if wav is None and len(self._pending) > LONGEST_HEADER:
                raise InvalidResponse("the server sent a damaged WAV header; try it again")
            if wav is None:
                return
            if self._wav is None or self._wav.rate != wav.rate:
                self.end()
            self._wav, self._pending = wav, self._pending[wav.begin :]
        if self._wav:
            self._convert(self._wav)
        else:
            self.pcm += self._pending
            self._pending = b""

    def end(self) -> None:
        """Take what the resampler still holds back."""
        if self._resampler:
            self.pcm += int16(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
            self._resampler = None

    def _convert(self, wav: "_Wav") -> None:
        frame = np.dtype(wav.dtype).itemsize * wav.channels
        whole = min(len(self._pending) // frame * frame, wav.left)
        frames = np.frombuffer(self._pending[:whole], wav.dtype).reshape(-1, wav.channels)
        wav.left -= whole
        self._pending = self._pending[whole:] if wav.left else b""  # other parts of the file
        if (wav.dtype, wav.channels, wav.rate) == ("<i2", 1, WIRE_RATE):
            self.pcm += frames.tobytes()  # as the service sends it: nothing to compute
            return
        scale = 1.0 if wav.dtype == "<f4" else -float(np.iinfo(wav.dtype).min)
        samples = (frames.mean(axis=1) / scale).astype(np.float32)
        if wav.rate != WIRE_RATE:
            if self._resampler is None:
                self._resampler = soxr.ResampleStream(wav.rate, WIRE_RATE, 1, dtype="float32")
            samples = self._resampler.resample_chunk(samples)
        self.pcm += int16(samples)


@dataclass
class _Wav:
    """A WAV file's header: `begin` is where the samples do, `left` their bytes still to come."""

    dtype: str
    channels: int
    rate: int
    begin: int
    left: int

    @classmethod
    def of(cls, data: bytes) -> "_Wav | None":
        """Read it; None where more of it is to come. Raises InvalidResponse for unknown kinds."""
        at, form = 12, b""
        while len(data) >= at + 8:
            name, size = struct.unpack_from("<4sI", data, at)
            at += 8
            if name == b"data":
                break
            if name == b"fmt ":
                form = data[at : at + size]
            at += size + size % 2
        else:
            return None
        tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", form[:16].ljust(16, b"\0"))
        if tag == EXTENSIBLE and len(form) >= 26:
            (tag,) = struct.unpack_from("<H", form, 24)
        in_range = 1 <= channels <= MOST_CHANNELS and LOWEST_RATE <= rate <= HIGHEST_RATE
        if (tag, bits) not in FORMATS or not in_range:
            raise InvalidResponse(
                f"the server sent WAV sound of an unknown kind ({tag}, {bits} bits, {channels} "
                f"channels, {rate} Hz); ask it for pcm16"
            )
        # A header written before the end was known says 0, or the most that it can.
        left = size if 0 < size < 0x7FFF_0000 else 2**62
        return cls(FORMATS[tag, bits], channels, rate, at, left)


def _is_wav(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WAVE"
