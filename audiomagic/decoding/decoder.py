"""A whole sound file, decoded: mono samples, within bounds and in range."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SoundError
from .downmix import Downmix
from .limit import Limit, current
from .readers import READERS, Reader, Unreadable

UNKNOWN = "not a sound file that can be read; try wav, mp3, flac or ogg"
NOT_FINITE = "the samples hold NaN or infinite values"
LOUDEST = 2.0  # of full scale: beyond are samples of another scale
OVERSHOOT = 1.5  # of full scale: what a decoder makes of a loud mp3, without harm


@dataclass(frozen=True)
class Decoded:
    """Samples, float32 of shape (n,), at `rate` Hz; `note` says what was changed in them."""

    samples: NDArray[np.float32]
    rate: int
    note: str = ""


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
        return _in_range(samples, rate)
    raise SoundError(UNKNOWN + hint)


def _mono(
    reader: Reader,
    data: bytes,
    partial: bool,
    limit: Limit,
    weights: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float32], int]:
    """Mix all blocks to their mean; or by other weights, once more, where that turns out wrong."""
    samples, left = _Samples(), limit.left
    try:
        with reader(data) as stream:
            downmix = Downmix.of(stream.channels)
            applied = (downmix.mean if weights is None else weights).astype(np.float32)
            for block in stream.blocks:
                limit.take(len(block), stream.rate)
                if not np.isfinite(block).all():
                    raise SoundError(NOT_FINITE)
                downmix.hear(block)
                samples.add(block @ applied)
    except Unreadable:
        if not (partial and samples.length):
            limit.left = left
            raise
    better = downmix.weights(downmix.mean)
    if weights is None and not np.array_equal(better, downmix.mean):
        limit.left = left
        del samples
        return _mono(reader, data, partial, limit, better)
    return samples.all(), stream.rate


def _in_range(samples: NDArray[np.float32], rate: int) -> Decoded:
    peak = float(max(samples.max(), -samples.min()))
    if not math.isfinite(peak):
        raise SoundError(NOT_FINITE)
    if peak <= OVERSHOOT:
        return Decoded(samples, rate)
    samples /= peak
    return Decoded(samples, rate, f"The sound was scaled down: it reached {peak:.3g}, not 1.")


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
