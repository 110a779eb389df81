"""The sound of a completion: bytes as servers send them, made into 24 kHz mono pcm16.

The service streams headerless pcm16. Others send a WAV file, whole or cut in parts, or a WAV file
in each chunk, some at a rate of their own; and some call headerless samples "wav". Whoever sends
mp3, FLAC, Ogg or another file in spite of what was requested is understood, too: once it is whole.
Several files, wherever they are cut, are played one after the other.
"""

import re
from dataclasses import dataclass, field

import numpy as np
import soxr
from numpy.typing import NDArray

from ..decoding import boundary, decoder, signature
from ..decoding.downmix import Downmix
from ..decoding.limit import Limit
from ..decoding.wav import ENDLESS, HEAD, LONGEST_HEADER, NAMES, Wav, is_part
from ..errors import InvalidResponse, SoundError
from ..sound import HIGHEST_RATE, WIRE_RATE, int16, pcm16_seconds

LARGEST_ANSWER = 200_000_000  # bytes of pcm16: 69 minutes; the service's longest are 14
BLOCK = 2**20  # samples of a file that are converted at a time
LOWEST_RATE = 8_000  # Hz: of speech; a lower one would turn little data into much sound
# Bytes of the densest second of a file: by these its length is told before it is whole.
DENSEST = dict.fromkeys((signature.MP3, signature.AAC, signature.OGG), 64_000)
DENSEST_OTHER = 400_000  # 48 kHz, stereo, 32 bits
HEADERLESS = {  # samples of another width than those of the service
    name: Wav(tag, bits, 1, WIRE_RATE, bits // 8, 0, ENDLESS)
    for name, tag, bits in (("FLOAT", 3, 32), ("PCM_32", 1, 32), ("PCM_24", 1, 24))
}
ZEROS = re.compile(rb"\0*+")
WIDTHS = 12  # bytes: whole samples of 2, 3 and 4
SHORTEST_HEAD = 8  # bytes by which a file can be told, some of which may be 0
SMALLEST_FILE = 44  # bytes: fewer are samples that happen to begin like one
UNREADABLE = "the server sent {}, which cannot be read; try another model, or server"
TOO_MUCH = "the server sent more sound than any model; stopped reading"


@dataclass
class PcmDecoder:
    """Decodes sound into `pcm`: signed 16-bit little-endian mono samples at 24 kHz.

    Raises InvalidResponse for what cannot be read, and for more than any model sends.
    """

    pcm: bytearray = field(default_factory=bytearray)  # data may end inside the last sample
    # Not yet converted: what is too short to be told, a header, a part of a frame, a whole file.
    _pending: bytearray = field(default_factory=bytearray)
    _kind: str | None = None  # see `signature`; None while it is not known
    _own: int = 0  # bytes of `_pending` that surely belong to this file, not to the next
    _wav: "_Samples | None" = None  # of a WAV file whose samples are converted as they come
    _resampler: "_Resampler | None" = None

    @property
    def seconds(self) -> float:
        """How much sound has come, at least, where a file is decoded once it is whole."""
        return pcm16_seconds(self.pcm) + len(self._pending) / DENSEST.get(
            self._kind or "", DENSEST_OTHER
        )

    def add(self, data: bytes) -> None:
        """Take more data."""
        # What is left of a frame before another file belongs to none.
        if signature.begins(data) and len(self._pending) >= boundary.header(self._pending):
            self._end_file()
        self._pending += data
        while self._another_begins():
            self._end_file(self._own)
        self._convert()
        if max(len(self.pcm), len(self._pending)) > LARGEST_ANSWER:
            raise InvalidResponse(TOO_MUCH)

    def end(self) -> None:
        """Take what is held back: too short to be told, a whole file, the end of the resampler."""
        self._end_file()
        self._flush()

    def _identify(self, more: bool = True) -> None:
        zeros = ZEROS.match(self._pending)
        silence = max(0, zeros.end() - SHORTEST_HEAD) // WIDTHS * WIDTHS if zeros else 0
        self.pcm += self._pending[:silence]  # as samples, and before a file
        del self._pending[:silence]
        if found := signature.find(bytes(self._pending[:LONGEST_HEADER]), more):
            self._kind, begin = found
            del self._pending[:begin]

    def _another_begins(self) -> bool:
        """Whether another file begins in `_pending`; `_own` is where, or where one may."""
        if self._kind is None:
            self._identify()
        if self._kind in (None, signature.RAW):
            self._own = len(self._pending)
            return False
        find = boundary.among_samples if self._wav else boundary.following
        self._own, found = find(self._pending, self._own)
        return found

    def _convert(self) -> None:
        """Make of the file's data what can be made before it is whole."""
        if self._kind == signature.RAW:
            self.pcm += self._pending[: self._own]
            del self._pending[: self._own]
        elif self._kind == signature.WAV or self._kind in HEADERLESS:
            self._add_wav()
        elif self._kind in (signature.TEXT, signature.UNKNOWN):
            raise InvalidResponse(UNREADABLE.format(self._kind))

    def _end_file(self, end: int | None = None) -> None:
        """Take the end of a file, which is that of all pending data if there is no other."""
        if self._kind is None:
            self._identify(more=False)
        self._own = len(self._pending) if end is None else end
        self._convert()
        data, kind, wav = bytes(self._pending[: self._own]), self._kind, self._wav
        del self._pending[: self._own]
        self._kind, self._wav, self._own = None, None, 0
        if wav:
            self._take(wav.end(), wav.header.rate)
        elif kind in (None, signature.RAW) or len(data) < SMALLEST_FILE:
            self.pcm += data
        else:
            self._add_file(data, kind or "")
        del self.pcm[len(self.pcm) // 2 * 2 :]  # half a sample

    def _add_file(self, data: bytes, kind: str) -> None:
        """Decode a file; what there is of it, where the answer broke off."""
        wav = Wav.of(data)
        name = wav.name if wav else kind
        limit = Limit(LARGEST_ANSWER // 2)
        try:
            decoded = decoder.decode(data, partial=True, limit=limit)
        except SoundError as error:
            if limit.exceeded:
                raise InvalidResponse(TOO_MUCH) from None
            raise InvalidResponse(UNREADABLE.format(name)) from error
        self._check_rate(decoded.rate, name)
        for at in range(0, len(decoded.samples), BLOCK):
            self._take(decoded.samples[at : at + BLOCK], decoded.rate)
        self._flush()

    def _add_wav(self) -> None:
        if self._wav is None:
            wav = HEADERLESS.get(self._kind or "") or Wav.of(bytes(self._pending[:LONGEST_HEADER]))
            if wav is None and len(self._pending) > LONGEST_HEADER:
                raise InvalidResponse("the server sent a damaged WAV header; try it again")
            if wav is None:
                return
            self._check_rate(wav.rate, "WAV")
            if wav.subtype is None:
                if wav.tag not in NAMES:
                    raise InvalidResponse(UNREADABLE.format(wav.name))
                self._kind = wav.name  # decoded when it is whole
                return
            self._wav = _Samples(wav, wav.size)
            del self._pending[: wav.begin]
            self._own -= wav.begin
        whole = self._wav.whole(self._pending, self._own)
        data = bytes(self._pending[:whole])
        used = self._own if self._wav.ended else whole
        del self._pending[:used]
        self._own -= used
        if self._wav.as_sent:
            self._flush()
            self.pcm += data  # as the service sends it: nothing to compute
        elif data:
            self._take(self._wav.mono(data), self._wav.header.rate)

    def _take(self, samples: NDArray[np.float32], rate: int) -> None:
        if len(samples) == 0:
            return
        if self._resampler is None or self._resampler.rate != rate:
            self._flush()
            self._resampler = _Resampler(rate)
        self.pcm += self._resampler.add(samples)
        if len(self.pcm) > LARGEST_ANSWER:
            raise InvalidResponse(TOO_MUCH)

    def _flush(self) -> None:
        if self._resampler:
            self.pcm += self._resampler.end()
            self._resampler = None

    def _check_rate(self, rate: int, name: str) -> None:
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise InvalidResponse(UNREADABLE.format(f"{name} at {rate} Hz"))


@dataclass
class _Samples:
    """The samples of a WAV file, while they come: `left` are the bytes still to come."""

    header: Wav
    left: int
    ended: bool = False  # whether other parts of the file have come
    _downmix: Downmix = field(init=False)

    def __post_init__(self) -> None:
        self._downmix = Downmix(self.header.channels)

    @property
    def as_sent(self) -> bool:
        """Whether they are what `pcm` holds."""
        wav = self.header
        kind = (wav.subtype, wav.channels, wav.rate, wav.order)
        return kind == ("PCM_16", 1, WIRE_RATE, "<")

    def whole(self, data: bytearray, own: int) -> int:
        """Take as many of `own` bytes as are whole frames of the file; return their number.

        What is no part of a file behind them are samples: the size was that of a first piece.
        """
        behind = bytes(data[self.left : own])
        if not self.ended and len(behind) >= HEAD:
            found = signature.kind(behind)
            self.ended = found not in (signature.RAW, None) or is_part(behind)
            if found == signature.RAW and not self.ended:
                self.left = ENDLESS
        taken = min(own // self.header.frame * self.header.frame, self.left)
        self.left -= taken
        return taken

    def mono(self, data: bytes) -> NDArray[np.float32]:
        frames = np.nan_to_num(self.header.frames(data), nan=0.0, posinf=0.0, neginf=0.0)
        return self._downmix.add(frames)

    def end(self) -> NDArray[np.float32]:
        return self._downmix.end()


class _Resampler:
    """Makes samples at `rate` Hz into pcm16; those beyond [-1, 1] are scaled down by the loudest
    so far.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._peak = 1.0
        self._stream = soxr.ResampleStream(rate, WIRE_RATE, 1) if rate != WIRE_RATE else None

    def add(self, samples: NDArray[np.float32], last: bool = False) -> bytes:
        self._peak = max(self._peak, float(np.abs(samples).max(initial=0.0)))
        samples = samples / np.float32(self._peak)
        return int16(self._stream.resample_chunk(samples, last=last) if self._stream else samples)

    def end(self) -> bytes:
        return self.add(np.zeros(0, np.float32), last=True)
