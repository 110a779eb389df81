"""What can be measured of a voice: its loudness, its melody, and how much of it is voiced."""

import numpy as np
from numpy.typing import NDArray

from audiomagic import Sound

Floats = NDArray[np.float64]

LOWEST, HIGHEST = 60, 500  # Hz, of a melody
PERIODIC = 0.6  # correlation of a frame with itself, one period later, that makes it voiced
AUDIBLE = 0.03  # share of the loudest frame's amplitude; below are pauses


def frames(sound: Sound, seconds: float = 0.02) -> Floats:
    """Cut a sound into frames, a row each."""
    n = int(seconds * sound.rate)
    return sound.samples[: len(sound.samples) // n * n].reshape(-1, n).astype(np.float64)


def loudness(sound: Sound) -> float:
    """Return the RMS of what is loud enough to be speech, in dBFS."""
    power = np.mean(frames(sound) ** 2, axis=1)
    return float(10 * np.log10(power[power > power.max() / 1000].mean()))


def melody(sound: Sound) -> Floats:
    """Return the frequency (Hz) of each 50 ms of speech; 0 where it is not voiced."""
    cut = frames(sound, 0.05)
    levels = np.sqrt(np.mean(cut**2, axis=1))
    return np.array([_f0(frame, sound.rate) for frame in cut[levels > AUDIBLE * levels.max()]])


def median_f0(sound: Sound) -> float:
    """Return the middle of the melody, in Hz."""
    found = melody(sound)
    return float(np.median(found[found > 0]))


def melody_range(sound: Sound) -> float:
    """Return how far the melody moves, from its lowest tenth to its highest, in semitones."""
    found = melody(sound)
    low, high = np.percentile(found[found > 0], (10, 90))
    return float(12 * np.log2(high / low))


def voiced_share(sound: Sound) -> float:
    """Return the share of speech that is voiced: little of a whisper."""
    return float(np.mean(melody(sound) > 0))


def longest_pause(sound: Sound) -> float:
    """Return the longest silence between two sounds, in seconds."""
    heard = np.flatnonzero(np.abs(frames(sound, 0.01)).max(1) > 0.01)
    return float(np.diff(heard).max(initial=1) - 1) / 100


def _f0(frame: Floats, rate: int) -> float:
    shortest, longest = rate // HIGHEST, rate // LOWEST
    # dividing by the overlap keeps long periods from looking weak
    n = len(frame)
    same = np.correlate(frame, frame, "full")[n - 1 :] / (n - np.arange(n))
    peaks = same[shortest:longest] / same[0]
    if peaks.max() <= PERIODIC:
        return 0.0
    first = int(np.flatnonzero(peaks > 0.9 * peaks.max())[0])  # later ones are whole periods more
    while first + 1 < len(peaks) and peaks[first + 1] > peaks[first]:
        first += 1
    return rate / (shortest + first)
