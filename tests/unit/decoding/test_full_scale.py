"""Samples beyond full scale: the whole sound is scaled down; a click in it is cut off."""

import numpy as np
import pytest

from audiomagic.decoding.full_scale import STEP, full_scale, scaled

from ...support.tones import sine

TONE = sine(24_000, seconds=1, level=1).samples
TONE = TONE / np.abs(TONE).max()


@pytest.mark.parametrize("level", [1e-9, 0.3, 1.0])
def test_what_is_in_range_stays_as_it_is(level: float) -> None:
    samples = np.float32(level) * TONE
    assert scaled(samples) == (samples, "") and full_scale(samples) == 1


@pytest.mark.parametrize("level", [1.13, 1.4, 1.9, 4.2, 32_768.0, 1e30])
def test_what_is_beyond_is_scaled_down_and_that_is_said(level: float) -> None:
    samples, note = scaled(np.float32(level) * TONE)
    assert np.abs(samples - TONE).max() < 1e-6
    assert note == f"The sound was scaled down: it reached {level:.3g}, not 1."


def test_what_nobody_hears_is_not_said() -> None:
    samples, note = scaled(np.float32(1.1) * TONE)
    assert np.abs(samples - TONE).max() < 1e-6 and note == ""


@pytest.mark.parametrize("at", [0, 9_000, 23_995])
@pytest.mark.parametrize("height", [3.0, 1e6, -1e30])
@pytest.mark.parametrize("width", [1, 5])
def test_a_click_does_not_make_a_voice_inaudible(at: int, height: float, width: int) -> None:
    clicked = 0.5 * TONE
    clicked[at : at + width] = height
    samples, note = scaled(clicked)
    assert note == f"Clicks in the sound were cut off: they reached {abs(height):.3g}."
    assert np.abs(samples).max() == 1
    assert np.abs(samples - 0.5 * TONE).max() <= 1.5
    untouched = clicked < 1 if height > 0 else clicked > -1
    assert np.array_equal(samples[untouched], clicked[untouched])


def test_a_click_in_samples_of_another_scale() -> None:
    clicked = np.float32(8_000) * np.tile(TONE, 60)
    clicked[STEP] = 1e9
    samples, note = scaled(clicked)
    assert np.abs(np.delete(samples, STEP) - np.delete(clicked, STEP) / 8_000).max() < 1e-6
    assert note == (
        "The sound was scaled down: it reached 8e+03, not 1. "
        "Clicks in the sound were cut off: they reached 1e+09."
    )


@pytest.mark.parametrize("crest", [2, 3])
def test_the_pulses_of_a_voice_are_no_clicks(crest: int) -> None:
    """A glottal pulse: few samples of each frame are as loud as the peak."""
    t = np.arange(24_000) / 24_000
    voice = np.exp(crest * 4 * (np.cos(2 * np.pi * 90 * t) - 1)).astype(np.float32)
    samples, note = scaled(7 * voice)
    assert np.abs(samples - voice).max() < 1e-6 and "Clicks" not in note


@pytest.mark.parametrize("width", [1, 20])
@pytest.mark.parametrize("height", [1.4, 1.9])
def test_a_metronome_a_little_too_loud_is_not_damaged(height: float, width: int) -> None:
    ticks = np.zeros(48_000, np.float32)
    for at in range(100, 48_000, 12_000):
        ticks[at : at + width] = height * np.linspace(1, 0, width, endpoint=False)
    samples, note = scaled(ticks)
    assert np.abs(samples - ticks / np.float32(height)).max() < 1e-6
    assert note == f"The sound was scaled down: it reached {height:.3g}, not 1."


def test_nothing_has_no_peak() -> None:
    assert full_scale(np.zeros(0, np.float32)) == 1 and scaled(np.zeros(0, np.float32))[1] == ""
