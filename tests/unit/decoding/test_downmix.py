"""Channels made one: what is lost by a mean, and what is not."""

import numpy as np
import pytest

from audiomagic.decoding.downmix import Downmix, mixed

RANDOM = np.random.default_rng(4)
VOICES = RANDOM.standard_normal((6, 48_000)) * 0.1


def weights(*channels: np.ndarray) -> list[float]:
    downmix = Downmix.of(len(channels))
    for block in np.array_split(np.stack(channels, axis=1), 7):
        downmix.hear(block)
    return [round(float(w), 3) for w in downmix.weights(downmix.mean)]


def test_stereo_stays_a_mean() -> None:
    a, b = VOICES[:2]
    assert (
        weights(a, a) == weights(a, b) == weights(a, a + 0.5 * b) == weights(a, 0 * a) == [0.5, 0.5]
    )


def test_six_people_with_a_microphone_each_are_all_heard() -> None:
    assert weights(*VOICES) == [round(1 / 6, 3)] * 6
    rarely = VOICES[1] * (np.arange(48_000) < 480)  # one word in all this time
    assert weights(VOICES[0], rarely, *(0 * VOICES[2:])) == [0.5, 0.5, 0, 0, 0, 0]


@pytest.mark.parametrize("level", [1.0, 0.9, 0.5])
def test_an_inverted_channel_is_left_out(level: float) -> None:
    a, b = VOICES[:2]
    assert weights(a, -level * a) == [1, 0]
    assert weights(0.8 * a, -a) == [0, 1]
    assert weights(a, -0.8 * level * a + 0.05 * b) == [1, 0]


def test_one_voice_among_noise_of_the_other_inputs() -> None:
    assert weights(*(0.004 * VOICES[1:4]), VOICES[0], 0 * VOICES[0]) == [0, 0, 0, 1, 0]


def test_while_a_sound_comes_its_channel_stays_the_same() -> None:
    downmix, taken = Downmix.of(2), []
    weights = downmix.mean
    for block in np.array_split(np.stack([VOICES[0], -VOICES[0]], axis=1), 50):
        downmix.hear(block)
        weights = downmix.weights(weights)
        taken.append(weights.tolist())
    assert taken == [[1, 0]] * 50


def test_silence_and_nothing_are_mixed_too() -> None:
    assert mixed(np.zeros((5, 3))).tolist() == [0.0] * 5
    assert mixed(np.zeros((0, 2), np.float32)).shape == (0,)
    assert mixed(np.full((4, 1), 0.5)).tolist() == [0.5] * 4
