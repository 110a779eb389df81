"""What a page with a player is asked."""

import numpy as np

TEXT = "One small robot. It counted the birds, every day, in the garden by the sea."
WORDS = [word + " " for word in TEXT.split(" ")]
PLAYER = ".audiomagic-player"
STATE = f"() => document.querySelector('{PLAYER}')?.dataset.state ?? null"


def speech(seconds: float) -> bytes:
    """Make something that sounds, changes all the time, and has no silent sample."""
    n = np.arange(int(24_000 * seconds))
    wave = 6_000 * np.sin(n * (0.05 + n / 6e7)) + 40 * (n % 50)
    return np.where(wave.astype("<i2") == 0, 1, wave).astype("<i2").tobytes()
