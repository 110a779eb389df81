"""Frames before the vocoder: a scaled melody, a tilted spectrum, a voice that becomes breath."""

from dataclasses import replace

import numpy as np
import pytest

from audiomagic.engine.vocoder import BIN, Frames

VOICED = np.array([150, 200, 300], np.float32)
F0 = np.concatenate([[0], VOICED, [-1]]).astype(np.float32)  # an unvoiced frame before and after
AT_1_KHZ, AT_2_KHZ, AT_4_KHZ = (round(hertz / BIN) for hertz in (1_000, 2_000, 4_000))


@pytest.fixture
def frames() -> Frames:
    dice = np.random.default_rng(0)
    spectra = dice.normal(-2, 1, (5, 601, len(F0))).astype(np.float32)
    return Frames(*spectra, F0)


def test_a_melody_is_scaled_where_there_is_one(frames: Frames) -> None:
    sung = frames.sung(1.5, 1.0)
    assert np.allclose(sung.f0[1:-1], 1.5 * VOICED)
    assert (sung.f0[0], sung.f0[-1]) == (0, -1)
    assert np.array_equal(sung.noise, frames.noise)


def test_the_range_of_a_melody_is_scaled_about_its_median(frames: Frames) -> None:
    assert np.allclose(frames.sung(1.0, 0.0).f0[1:-1], 200)
    assert np.allclose(frames.sung(1.0, 2.0).f0[1:-1], [112.5, 200, 450])


def test_a_melody_stays_one_however_low_it_gets(frames: Frames) -> None:
    assert (frames.sung(0.1, 3.0).f0[1:-1] >= 50).all()


def test_a_melody_that_stays_leaves_all_as_it_is(frames: Frames) -> None:
    unvoiced = replace(frames, f0=np.zeros_like(F0))
    assert frames.sung(1.0, 1.0) is frames and unvoiced.sung(1.5, 0.5) is unvoiced


def test_between_its_harmonics_a_spectrum_is_straight(frames: Frames) -> None:
    column = frames.sung(1.1, 1.0).harmonic[:, 2]  # whose melody is 200 Hz: 10 rows
    assert np.allclose(column[10::10], frames.harmonic[10::10, 2], atol=1e-3)
    assert np.allclose(
        np.diff(column[10:601], 2).reshape(-1)[np.arange(589) % 10 != 9], 0, atol=1e-3
    )
    assert np.array_equal(frames.sung(1.1, 1.0).harmonic[:, 0], frames.harmonic[:, 0])


def test_a_tilt_is_so_many_decibels_per_octave(frames: Frames) -> None:
    tilted = frames.tilted(-3.0)
    decibels = (tilted.harmonic - frames.harmonic)[:, 0] * 20 / np.log(10)
    assert np.allclose(decibels[[AT_1_KHZ, AT_2_KHZ, AT_4_KHZ]], [0, -3, -6], atol=1e-4)
    assert np.isfinite(tilted.noise).all() and frames.tilted(0) is frames


def test_breath_takes_the_place_of_the_voice(frames: Frames) -> None:
    pytest.importorskip("hibari")
    half, whole = frames.breathed(0.5), frames.breathed(1.0)
    assert np.allclose(half.harmonic, frames.harmonic + np.log(0.5))
    assert (whole.harmonic < -15).all() and (whole.free < -15).all()
    assert (whole.noise[1:] > half.noise[1:]).all() and (half.noise[1:] > frames.noise[1:]).all()
    assert frames.breathed(0) is frames


def test_frames_become_samples_the_same_each_time(frames: Frames) -> None:
    pytest.importorskip("hibari")
    samples = frames.samples()
    assert len(samples) == 300 * len(F0)  # 12.5 ms each
    assert np.array_equal(samples, frames.samples())
