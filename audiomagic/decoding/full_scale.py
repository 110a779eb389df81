"""Full scale: samples beyond [-1, 1] are brought back into it, not cut off."""

import numpy as np
from numpy.typing import NDArray

FRAME = 256  # samples: 5 to 30 ms
CLICK = 8  # samples in a frame: what is louder in fewer is damage, not sound
CREST = 4.0  # how far the peaks of a voice stand out from those of that many samples
SLIGHT = 2.0  # -6 dB: what is scaled down by less stays audible, whatever is so loud in it
NOTICED = 1.12  # +1 dB: nobody hears what is scaled down by less, as most loud mp3 files are
STEP = 2**10 * FRAME  # samples that are measured at a time


def full_scale(samples: NDArray[np.floating]) -> float:
    """Return the level that becomes 1: the peak of finite samples, clicks aside; 1 at least."""
    peak = _peak(samples)
    if peak <= 1:
        return 1.0
    steps = [samples[at : at + STEP] for at in range(0, len(samples), STEP)]
    highest = CREST * max(map(_steady, steps))
    if peak <= max(highest, SLIGHT):
        return peak
    return max(1.0, *(_peak(step[np.abs(step) <= highest]) for step in steps))


def scaled(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], str]:
    """Return finite samples in [-1, 1], and a note of what was changed, "" for nothing."""
    peak = _peak(samples)
    if peak <= 1:
        return samples, ""
    level, notes = full_scale(samples), []
    if level > NOTICED:
        notes.append(f"The sound was scaled down: it reached {level:.3g}, not 1.")
    if peak > NOTICED * level:
        notes.append(f"Clicks in the sound were cut off: they reached {peak:.3g}.")
    inside = samples / np.float32(level)
    return np.clip(inside, -1.0, 1.0, out=inside), " ".join(notes)


def _peak(samples: NDArray[np.floating]) -> float:
    return float(max(samples.max(initial=0.0), -samples.min(initial=0.0)))


def _steady(samples: NDArray[np.floating]) -> float:
    """Return what CLICK samples of the loudest frame reach."""
    frames = np.abs(np.pad(samples, (0, -len(samples) % FRAME))).reshape(-1, FRAME)
    return float(np.partition(frames, -CLICK, axis=1)[:, -CLICK].max())
