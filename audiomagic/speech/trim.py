"""Silence: what of a sound need not be sent, since it is paid for by the second."""

import numpy as np

from ..sound import Sound

FRAME = 0.01  # seconds, over which loudness is measured
HUSH = 0.001  # RMS of a silent frame at the most: -60 dBFS, ...
BELOW = 0.02  # ... or as a part of the loudest frame, -34 dB: a room is never quite still
MARGIN = 0.5  # seconds kept at both ends: some short clips are only heard with silence around
WORTH = 0.5  # seconds: less is not worth cutting


def trim_silence(sound: Sound) -> Sound:
    """Return a sound without the silence at its ends, but for half a second; or as it is.

    A sound that is silent throughout is left alone: its far end shall say so.
    """
    size = max(1, round(FRAME * sound.rate))
    frames = np.pad(sound.samples, (0, -len(sound.samples) % size)).reshape(-1, size)
    loudness = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    heard = np.flatnonzero(loudness > max(HUSH, BELOW * float(loudness.max(initial=0.0))))
    if len(heard) == 0:
        return sound
    margin = round(MARGIN * sound.rate)
    first = max(0, int(heard[0]) * size - margin)
    last = min(len(sound.samples), (int(heard[-1]) + 1) * size + margin)
    cut = len(sound.samples) - (last - first)
    return Sound(sound.samples[first:last], sound.rate) if cut >= WORTH * sound.rate else sound


def note(seconds: float) -> str:
    """Say what was saved."""
    return f"{seconds:.1f} s of silence not sent."
