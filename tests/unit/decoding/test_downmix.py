"""Channels made one: what is lost by a mean, and what is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from audiomagic.decoding.downmix import Downmix, mixed

RATE, SECONDS = 24_000, 2
T = np.arange(RATE * SECONDS) / RATE
RANDOM = np.random.default_rng(4)
HISS = RANDOM.standard_normal((8, len(T))) * 0.003  # -50 dBFS
Channel = NDArray[np.floating]


def voice(hertz: float, level: float = 0.1) -> Channel:
    """Syllables: a harmonic tone that comes and goes."""
    tone = sum(np.sin(2 * np.pi * k * hertz * T + k) / k for k in range(1, 12))
    return level * tone * np.clip(np.sin(2 * np.pi * 2 * T + hertz), 0, 1)


A, B = voice(110), voice(153)
FIRST, SECOND = T < 1, T >= 1


def mix(*channels: Channel) -> Channel:
    return mixed(np.stack(channels, axis=1)).astype(np.float64)


def decibels(samples: Channel, of: Channel) -> float:
    return float(10 * np.log10((samples @ samples + 1e-6) / (of @ of + 1e-6)))


def share(samples: Channel, of: Channel) -> float:
    """How much of a voice is in there, in dB."""
    return float(20 * np.log10(abs(samples @ of) / (of @ of) + 1e-6))


@pytest.mark.parametrize(
    "other", [A, B, 0 * A, A + 0.5 * B, 0.5 * A, HISS[0], -0.1 * A, np.where(FIRST, A, B)]
)
def test_stereo_stays_a_mean(other: Channel) -> None:
    assert np.abs(mix(A, other) - (A + other) / 2).max() < 1e-6


@pytest.mark.parametrize("level", [1.0, 0.9, 0.5])
@pytest.mark.parametrize("part", [T >= 0, FIRST, SECOND, (T > 0.7) & (T < 1.1)])
def test_where_a_channel_is_inverted_it_is_left_out(level: float, part: Channel) -> None:
    heard = mix(A, np.where(part, -level, 1) * A)
    for piece in np.array_split(np.arange(len(T)), 20):
        assert -4 < decibels(heard[piece], A[piece]) < 1


def test_six_people_with_a_microphone_each_are_all_heard() -> None:
    voices = [voice(hertz) for hertz in (98, 110, 131, 153, 170, 202)]
    for together in (6, 2, 1):
        heard = mix(*voices[:together], *HISS[: 6 - together])
        for one in voices[:together]:
            assert share(heard, one) > -20 * np.log10(together) - 3.5
    rarely = B * (T > 1.5) * (T < 1.75)  # one word in all this time
    assert share(mix(A, rarely, *HISS[:4]), rarely) > -9


@pytest.mark.parametrize("others", [3, 5, 7])
@pytest.mark.parametrize("hiss", [0.0, 0.3, 1.0])
def test_noise_of_other_inputs_does_not_dilute_a_voice(others: int, hiss: float) -> None:
    heard = mix(*(hiss * HISS[:2]), A, *(hiss * HISS[2:others]))
    assert share(heard, A) == pytest.approx(0, abs=0.7)
    assert decibels(heard, A) == pytest.approx(0, abs=0.7)


def test_inverted_channels_among_others_are_left_out() -> None:
    assert decibels(mix(0.004 * B, -A, 0 * A, 0 * A, A, *HISS[:2]), A) == pytest.approx(0, abs=0.5)


HUM = np.sin(2 * np.pi * 50 * T)


@pytest.mark.parametrize("level", [0.1, 0.02, 0.01])
@pytest.mark.parametrize(
    "slow", [0.02 + 0 * T, 0.1 * HUM, 0.05 * HUM + 0.02, 0.1 * np.sin(2 * np.pi * 20 * T)]
)
def test_an_offset_or_hum_does_not_outweigh_a_voice(slow: Channel, level: float) -> None:
    quiet = level * A / np.sqrt(np.mean(A**2))
    for sign in (-1, 1, 0):
        heard = mix(slow + 0.01 * HISS[0], quiet + sign * slow)
        assert -8 < share(heard - heard.mean(), quiet) < 1
    loudest = mix(slow, -slow, quiet, HISS[0] / 30, HISS[1] / 30)
    assert share(loudest, quiet) == pytest.approx(0, abs=1.5)


def test_no_step_is_heard_where_the_weights_change() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 100 * T)
    steepest = np.abs(np.diff(tone)).max()
    for other in (np.where(FIRST, tone, -tone), np.where(FIRST, -0.9 * tone, 0.9 * tone)):
        heard = mix(tone, np.convolve(other, np.ones(100) / 100, "same"))
        assert np.abs(np.diff(heard)).max() < 1.2 * steepest
        assert decibels(heard[48_000 // 2 + 3_000 :], tone[48_000 // 2 + 3_000 :]) > -4


@pytest.mark.parametrize("size", [1, 7, 1_024, 5_000])
def test_cuts_make_no_difference_and_little_is_held_back(size: int) -> None:
    frames = np.stack([A, np.where(SECOND, -A, B), 0.2 * B], axis=1)[:12_345]
    downmix, heard = Downmix(3), [np.empty(0, np.float32)]
    for at in range(0, len(frames), size):
        heard.append(downmix.add(frames[at : at + size]))
        assert at - sum(map(len, heard)) < 1_100
    whole = np.concatenate([*heard, downmix.end()])
    assert np.array_equal(whole, mixed(frames)) and len(downmix.end()) == 0


def test_silence_and_nothing_are_mixed_too() -> None:
    for opposed in (np.full(3_000, 0.1), 0.001 * T[:3_000]):
        assert np.isfinite(mixed(np.stack([opposed, -opposed], axis=1))).all()
    assert mixed(np.zeros((5, 3))).tolist() == [0.0] * 5
    assert mixed(np.zeros((0, 2), np.float32)).shape == (0,)
    assert mixed(np.full((4, 1), 0.5)).tolist() == [0.5] * 4
    assert np.isfinite(mixed(np.array([[1e30, -1e30], [1e-30, 0]]))).all()
