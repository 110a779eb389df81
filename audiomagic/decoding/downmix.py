"""Several channels made one: their mean, unless that would lose what is in them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENOUGH = 0.24  # of the loudest channel's power, -6 dB: what a mean leaves if the other is empty
SILENT = 0.02  # of the loudest channel's peak, -34 dB: such a channel would only dilute the others
CANCELLED = 0.5  # of the power that unrelated channels would have: they cancel each other


@dataclass
class Downmix:
    """Chooses the weights of channels by all that has been heard of them.

    A mean that is much quieter than the loudest channel leaves out the silent ones. Where the
    others cancel (one may be inverted), the loudest is taken alone.
    """

    peaks: NDArray[np.float64]
    products: NDArray[np.float64]  # of each pair of channels, summed over time

    @classmethod
    def of(cls, channels: int) -> "Downmix":
        return cls(np.zeros(channels), np.zeros((channels, channels)))

    def hear(self, frames: NDArray[Any]) -> None:
        """Take finite frames, of shape (n, channels)."""
        if len(frames) and len(self.peaks) > 1:
            wide = frames.astype(np.float64, copy=False)
            self.peaks = np.maximum(self.peaks, np.abs(wide).max(axis=0))
            self.products += wide.T @ wide

    @property
    def mean(self) -> NDArray[np.float64]:
        """The weights of a plain mean."""
        return np.full(len(self.peaks), 1 / len(self.peaks))

    def weights(self, current: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights to go on with: the current ones, as long as they lose little."""
        powers = self.products.diagonal()
        if self._power(current) >= ENOUGH * powers.max():
            return current
        audible = self.peaks >= SILENT * self.peaks.max()
        weights: NDArray[np.float64] = audible / audible.sum()
        if self._power(weights) < CANCELLED * (weights**2 @ powers):
            weights = np.eye(len(powers))[powers.argmax()]
        return weights

    def _power(self, weights: NDArray[np.float64]) -> float:
        return float(weights @ self.products @ weights)


def mixed(frames: NDArray[Any]) -> NDArray[Any]:
    """Mix finite frames, of shape (n, channels), to shape (n,)."""
    downmix = Downmix.of(frames.shape[1])
    downmix.hear(frames)
    wide = frames.astype(np.result_type(frames, np.float32), copy=False)
    samples: NDArray[Any] = wide @ downmix.weights(downmix.mean).astype(wide.dtype)
    return samples
