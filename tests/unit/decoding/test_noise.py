"""Noise at full scale, which compressed data is as samples, and loud sounds, which are no such."""

import numpy as np
import pytest

from audiomagic.decoding.noise import FEWEST, is_noise, level, likeness

RANDOM = np.random.default_rng(9)
EVEN = RANDOM.uniform(-1, 1, 2_500)
LOUD = RANDOM.standard_normal(2_500)


def test_evenly_distributed_noise_at_full_scale_is_told_by_enough_samples() -> None:
    assert is_noise(EVEN) and not is_noise(EVEN[: FEWEST - 1])


@pytest.mark.parametrize("loud", [0.45, 0.55, 0.7, 1.0, 3.0])
def test_noise_as_it_is_in_nature_is_a_sound_however_loud(loud: float) -> None:
    assert not is_noise(np.clip(loud * LOUD, -1, 1))


def test_sounds_are_not_noise() -> None:
    turns = np.arange(2_500) * 2.1
    for sound in (np.sin(turns), 0.8 * EVEN, turns % 2 - 1, np.zeros(2_500), EVEN[:0]):
        assert not is_noise(sound)


def test_how_loud_samples_are_and_how_alike() -> None:
    assert level(EVEN) == pytest.approx(3**-0.5, abs=0.02) and level(EVEN[:0]) == 0
    assert likeness(EVEN) < 0.1 < 0.9 < likeness(np.sin(np.arange(2_500) * 0.5))
    assert likeness(np.zeros(99)) == 0
