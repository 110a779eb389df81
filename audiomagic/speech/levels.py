"""How loud a sound is from moment to moment, and where that is speech."""

import numpy as np
from numpy.typing import NDArray

FRAME = 0.01  # seconds over which loudness is measured
SILENCE = 0.001  # RMS of a silent frame at most: -60 dBFS, ...
BELOW = 0.02  # ... or as a part of the loudest frame, -34 dB: a room is never quite still


def frame_size(rate: int) -> int:
    """Return the samples of a frame."""
    return max(1, round(FRAME * rate))


def levels(samples: NDArray[np.floating], size: int) -> NDArray[np.float64]:
    """Return the RMS of each frame of `size` samples; the last one is filled up with silence."""
    frames = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
    rms: NDArray[np.float64] = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    return rms


def threshold(loudest: float) -> float:
    """Return the level above which a frame is speech, if the loudest one is this loud."""
    return max(SILENCE, BELOW * loudest)
