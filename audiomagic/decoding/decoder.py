"""A whole sound file, decoded: mono samples, within bounds and in range."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SoundError
from .downmix import Downmix
from .full_scale import scaled
from .limit import Limit, current
from .readers import READERS, Reader, Unreadable

UNKNOWN = "not a sound file that can be read; try wav, mp3, flac or ogg"
NOT_FINITE = "the samples hold NaN or infinite values"


@dataclass(frozen=True)
class Decoded:
    """Samples, float32 of shape (n,) in [-1, 1], at `rate` Hz; `note` says what was changed."""

    samples: NDArray[np.float32]
    note: str
    rate: int


def decode(data: bytes, partial: bool = False, limit: Limit | None = None) -> Decoded:
    """Decode a file; with `partial`, one that breaks off is read up to there.

    Raises SoundError.
    """
    hint, limit = "", limit or current()
    for reader in READERS:
        try:
            samples, rate = _mono(reader, data, partial, limit)
        except Unreadable as error:
            hint = str(error)
            continue
        if len(samples) == 0:
            raise SoundError("there is no sound in it")
        if not np.isfinite(samples).all():
            raise SoundError(NOT_FINITE)
        return Decoded(*scaled(samples), rate)
    raise SoundError(UNKNOWN + hint)


def _mono(
    reader: Reader, data: bytes, partial: bool, limit: Limit
) -> tuple[NDArray[np.float32], int]:
    samples, left = _Samples(), limit.left
    try:
        with reader(data) as stream:
            downmix = Downmix(stream.channels)
            for block in stream.blocks:
                limit.take(len(block), stream.rate)
                if not np.isfinite(block).all():
                    raise SoundError(NOT_FINITE)
                samples.add(downmix.add(block))
    except Unreadable:
        if not (partial and samples.length):
            limit.left = left
            raise
    samples.add(downmix.end())
    return samples.all(), stream.rate


class _Samples:
    """Samples that come block by block: held once, where joining a list would hold them twice."""

    def __init__(self) -> None:
        self._kept = np.empty(0, np.float32)
        self.length = 0

    def add(self, block: NDArray[np.float32]) -> None:
        end = self.length + len(block)
        if end > len(self._kept):
            self._kept.resize(end + end // 4, refcheck=False)
        self._kept[self.length : end] = block
        self.length = end

    def all(self) -> NDArray[np.float32]:
        self._kept.resize(self.length, refcheck=False)
        return self._kept
