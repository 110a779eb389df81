"""Noise at full scale: no sound, but what compressed data would be as samples."""

import numpy as np
from numpy.typing import NDArray

WHITE = 0.45, 0.65  # RMS of it, of full scale, ...
ALIKE = 0.2  # ... and its samples do not resemble those of a moment before
MOMENTS = 32  # samples
FULL = 0.99  # of full scale: some of its samples are beyond, ...
CLIPPED = 0.999, 0.02  # ... but fewer beyond this than so many of noise that is too loud
FEWEST = 500  # samples that tell it


def level(samples: NDArray[np.float64]) -> float:
    """Return the RMS."""
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def is_noise(samples: NDArray[np.float64]) -> bool:
    """Whether samples in [-1, 1] are that: white, and all values are as frequent."""
    least, most = WHITE
    if len(samples) < FEWEST or not least < level(samples) < most:
        return False
    reached, (clipped, share) = np.abs(samples), CLIPPED
    if reached.max() < FULL or np.mean(reached > clipped) > share:
        return False
    return likeness(samples) < ALIKE


def likeness(samples: NDArray[np.float64]) -> float:
    """Return the highest correlation of samples with those of a moment before, 0 for silence."""
    power = float(samples @ samples)
    before = (float(samples[moment:] @ samples[:-moment]) for moment in range(1, MOMENTS))
    return max(map(abs, before)) / power if power else 0.0
