"""Tones, and what a sound measures."""

import numpy as np

from audiomagic import Sound

RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000)


def sine(rate: int, hertz: float = 440.0, seconds: float = 0.5, level: float = 0.3) -> Sound:
    return Sound(level * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate), rate)


def measured(sound: Sound) -> tuple[float, float]:
    """Frequency (Hz) and level of a tone, away from its ends."""
    middle = sound.samples[len(sound.samples) // 5 : -len(sound.samples) // 5]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 8 * len(middle)))
    hertz = spectrum.argmax() * sound.rate / (8 * len(middle))
    return float(hertz), float(np.sqrt(2 * (middle.astype(float) ** 2).mean()))
