"""Several channels made one: their mean, unless that would lose what is in them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 2**10  # frames, 21 to 128 ms: the channels are weighed anew in each
FADE = 2**8  # frames from one block's weights to the next's, so that no step is heard
RISE: NDArray[np.float32] = np.linspace(0, 1, FADE, endpoint=False, dtype=np.float32)
ENOUGH = 0.16  # of the loudest channel's power, -8 dB: less in their mean is a loss, ...
RESTORED = 0.4  # ... which ends at -4 dB, so that the weights do not waver
LEADS = 0.5  # of the loudest channel's power, -3 dB: with as much, the last leading one stays it
SLOW = 2**6  # frames, 1 to 8 ms: what is a line over so many is an offset, hum or wind, no voice
OPPOSED = -0.5  # correlation with the leading channel: such a channel cancels it
# A constant and a slope, each of length 1 and at right angles to the other.
LINE: NDArray[np.float64] = np.stack([np.ones(SLOW), np.linspace(-1, 1, SLOW)], axis=1)
LINE /= np.linalg.norm(LINE, axis=0)


class Downmix:
    """Mixes channels while they come, block by block.

    Where their mean is much quieter than the loudest channel, each is weighted by its power, as
    automatic microphone mixers do: who speaks is heard in full, channels of noise hardly dilute it.
    Those which oppose the loudest (one may be inverted) are left out. Only what may be a voice is
    weighed, not an offset or hum.
    """

    def __init__(self, channels: int) -> None:
        self._mean: NDArray[np.float32] = np.full(channels, 1 / channels, np.float32)
        self._weights: NDArray[np.float32] | None = None  # of the last block
        self._weighted = False  # whether the mean would be a loss
        self._leader = 0
        self._pending = np.empty((0, channels), np.float32)  # less than a block

    def add(self, frames: NDArray[Any]) -> NDArray[np.float32]:
        """Take finite frames of shape (n, channels); return samples of whole blocks."""
        frames = frames.astype(np.float32, copy=False)
        if frames.shape[1] == 1:
            return frames[:, 0]
        if len(self._pending):
            frames = np.concatenate([self._pending, frames])
        whole = len(frames) - len(frames) % BLOCK
        self._pending = frames[whole:].copy()
        return self._mixed(frames[:whole])

    def end(self) -> NDArray[np.float32]:
        """Return what is still to be mixed: less than a block."""
        last, self._pending = self._pending, self._pending[:0]
        return self._mixed(last)

    def _mixed(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        mixed = np.empty(len(frames), np.float32)
        for at in range(0, len(frames), BLOCK):
            block = frames[at : at + BLOCK]
            before, weights = self._weights, self._chosen(block)
            samples = block @ weights
            if before is not None and before is not weights:
                rise, start = RISE[: len(block)], block[:FADE]
                samples[:FADE] = rise * samples[:FADE] + (1 - rise) * (start @ before)
            mixed[at : at + BLOCK] = samples
            self._weights = weights
        return mixed

    def _chosen(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        wide = _quick(block.astype(np.float64))  # whose squares do not overflow
        powers = np.einsum("ij,ij->j", wide, wide)
        loudest, mean = powers.max(), wide @ self._mean
        if powers[self._leader] < LEADS * loudest:
            self._leader = int(powers.argmax())
        if mean @ mean >= (RESTORED if self._weighted else ENOUGH) * loudest:
            self._weighted = False
            return self._mean
        self._weighted = True
        likeness = wide[:, self._leader] @ wide
        heard = powers * (likeness >= OPPOSED * np.sqrt(powers * powers[self._leader]))
        weights: NDArray[np.float32] = (heard / heard.sum()).astype(np.float32)
        return weights


def _quick(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is left of frames without each channel's slow part: a high-pass."""
    missing = -len(block) % SLOW
    padded = np.pad(block, ((0, missing), (0, 0)), mode="edge") if missing else block
    pieces = padded.reshape(-1, SLOW, block.shape[1])
    quick: NDArray[np.float64] = pieces - LINE @ (LINE.T @ pieces)
    return quick.reshape(padded.shape)[: len(block)]


def mixed(frames: NDArray[Any]) -> NDArray[np.float32]:
    """Mix all finite frames of a sound, of shape (n, channels), to shape (n,)."""
    downmix = Downmix(frames.shape[1])
    return np.concatenate([downmix.add(frames), downmix.end()])
