"""Samples without a header that are wider than 16 bits: told by bytes that would be no sound."""

import numpy as np
from numpy.typing import NDArray

from .noise import is_noise, level, likeness

FEWEST = 500  # samples that tell it
TONAL = 0.5  # likeness of a sound's samples, at least, ...
QUIET = 0.1  # ... unless its level is below this
FLOATS = 2.0**-30, 2.0  # within which floats are, ...
MOST = 0.95  # ... nearly all that are not 0
SOME = 0.25  # of them have more digits than the two upper bytes hold


def wider(data: bytes) -> str | None:
    """Return what samples begin here if not those of 16 bits: "FLOAT", "PCM_32" or "PCM_24"."""
    if len(data) < 4 * FEWEST:
        return None
    if _are_floats(data):
        return "FLOAT"
    for width, subtype in ((4, "PCM_32"), (3, "PCM_24")):
        columns = np.frombuffer(data[: len(data) // width * width], np.int8) / 2**7
        low, _, high = columns.reshape(-1, width).T[-3:]
        if is_noise(low) and _is_sound(high):  # of 16 bits, both would be of a kind
            return subtype
    return None


def _are_floats(data: bytes) -> bool:
    whole = data[: len(data) // 4 * 4]
    read = np.frombuffer(whole, "<f4")
    least, most = FLOATS
    if not (read.min() < 0 < read.max() and np.abs(read).max() < most):  # NaN is none of that
        return False
    floats = read.astype(np.float64)
    if np.mean(np.abs(floats[floats != 0]) > least) < MOST:
        return False
    middle = np.frombuffer(whole, np.int8)[1::4] / 2**7
    had_16_bits = np.mean(middle != 0) > SOME and not np.any(floats * 2**15 % 1)
    return is_noise(middle) or bool(had_16_bits)


def _is_sound(samples: NDArray[np.float64]) -> bool:
    return not is_noise(samples) and (level(samples) < QUIET or likeness(samples) > TONAL)
