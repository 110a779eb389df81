"""Silence that need not be sent, since it is paid for by the second."""

import numpy as np

from ..sound import Sound
from .levels import frame_size, levels, threshold

MARGIN = 0.5  # seconds kept at both ends: some short clips are only heard with silence around
WORTH = 0.5  # seconds: less is not worth cutting


def trim_silence(sound: Sound) -> Sound:
    """Return a sound without the silence at its ends, but for half a second; or as it is.

    A sound that is silent throughout is left alone: the model's answer shall tell.
    """
    size = frame_size(sound.rate)
    loudness = levels(sound.samples, size)
    speech = np.flatnonzero(loudness > threshold(float(loudness.max(initial=0.0))))
    if len(speech) == 0:
        return sound
    margin = round(MARGIN * sound.rate)
    first = max(0, int(speech[0]) * size - margin)
    last = min(len(sound.samples), (int(speech[-1]) + 1) * size + margin)
    cut = len(sound.samples) - (last - first)
    return Sound(sound.samples[first:last], sound.rate) if cut >= WORTH * sound.rate else sound


def note(seconds: float) -> str:
    """Return what to tell a user about silence that was cut off."""
    return f"{seconds:.1f} s of silence not sent."
