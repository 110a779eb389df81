"""Samples of more than 16 bits are told by their bytes; those of 16 are never taken for them."""

import numpy as np
import pytest

from audiomagic.decoding.width import wider

from ...support.sound_files import written
from ...support.tones import sine

RANDOM = np.random.default_rng(3)
HISS = 1e-4 * RANDOM.standard_normal(12_000)
BYTES = RANDOM.bytes(5_000)
SOUNDS = {
    "a tone": sine(24_000).samples + HISS,
    "a high tone": sine(24_000, 7_013, level=0.8).samples + HISS,
    "a quiet tone": sine(24_000, level=0.01).samples + HISS,
    "brown noise": np.clip(np.cumsum(0.005 * RANDOM.standard_normal(12_000)), -1, 1) + HISS,
}


@pytest.mark.parametrize("kind", SOUNDS)
@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_32", "PCM_24"])
def test_the_width_of_samples_is_told(kind: str, subtype: str) -> None:
    data = written(SOUNDS[kind], 24_000, "RAW", subtype)
    assert wider(data[:5_000]) == subtype
    assert wider(data[:1_000]) is None  # too few


@pytest.mark.parametrize("kind", ["a tone", "a high tone", "brown noise"])
def test_floats_may_have_had_16_bits(kind: str) -> None:
    samples = np.round(SOUNDS[kind] * 32_767) / 32_768
    assert wider(written(samples, 24_000, "RAW", "FLOAT")[:5_000]) == "FLOAT"


@pytest.mark.parametrize("kind", SOUNDS)
def test_samples_of_16_bits_are_no_wider(kind: str) -> None:
    for sound in (SOUNDS[kind], np.sign(SOUNDS[kind]) * 0.48 + HISS - 0.04, 50 * SOUNDS[kind]):
        samples = np.clip(sound, -1, 1)
        for offset in (0, 2):
            data = written(samples, 24_000, "RAW", "PCM_16")
            assert wider(data[offset : 5_000 + offset]) is None


def test_a_square_wave_is_not_taken_for_floats() -> None:
    """These values are the upper halves of floats; every second sample may be 0 besides."""
    for step in np.linspace(0.05, 3, 300):
        wave = np.sign(np.sin(np.arange(2_500) * step) + 1e-9) * 0.5 - 0.02 + 50 * HISS[:2_500]
        for every in (1, 2):
            samples = wave * (np.arange(2_500) % every == every - 1)
            assert wider(written(samples, 24_000, "RAW", "PCM_16")) is None


def test_what_is_no_sound_has_no_width() -> None:
    for data in (BYTES, bytes(5_000), b"\xff" * 5_000, b""):
        assert wider(data) is None
