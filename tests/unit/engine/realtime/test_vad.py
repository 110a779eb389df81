"""The gain before voice activity detection; the model itself is tried in `tests/models`."""

import numpy as np
import pytest

pytest.importorskip("faster_whisper")

from audiomagic.engine.realtime.vad import Gain, VoiceActivity
from audiomagic.engine.stt import LEVEL

WINDOW = 512


def frames(rms: float, seconds: float, seed: int = 1) -> list[np.ndarray]:
    count = round(seconds * 16_000 / WINDOW)
    noise = np.random.default_rng(seed).standard_normal((count, WINDOW)) * rms
    return list(noise.astype(np.float32))


def level(rms: float, gain: Gain, seconds: float = 2) -> float:
    """The level that a sound has in the end."""
    scaled = [gain.level(frame) for frame in frames(rms, seconds)]
    return float(np.sqrt(np.mean(np.square(scaled[-10:]))))


@pytest.mark.parametrize("rms", [0.01, 0.05, 0.1, 0.2])
def test_a_steady_voice_comes_to_the_level_of_the_thresholds(rms: float) -> None:
    assert level(rms, Gain()) == pytest.approx(LEVEL, rel=0.1)


def test_what_is_all_but_silent_stays_so() -> None:
    assert level(1e-5, Gain()) < 1e-3


def test_a_pause_is_not_made_loud() -> None:
    gain = Gain()
    level(0.1, gain)
    assert level(0.001, gain, 1) < 0.01


def test_whoever_raises_the_voice_is_not_distorted_for_long() -> None:
    gain = Gain()
    level(0.005, gain)
    scaled = [gain.level(frame) for frame in frames(0.2, 1)]
    assert np.mean(np.abs(scaled[-1]) >= 1) == 0


def test_silence_is_no_speech() -> None:
    activity = VoiceActivity()
    assert max(activity.probability(np.zeros(WINDOW, np.float32)) for _ in range(50)) < 0.5
