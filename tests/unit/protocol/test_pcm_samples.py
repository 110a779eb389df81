"""Samples alone, as the service sends them: whatever they sound like, they come out unchanged."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from audiomagic.protocol.pcm import PcmDecoder

from ...support.sound_files import written

N = 4_800
T = np.arange(N) / 24_000
PACKET = 24_000 / 94  # Hz: a period of as many samples as a packet of MPEG-TS has
Random = np.random.Generator
Samples = NDArray[np.floating]


def hertz(random: Random) -> float:
    """Of any tone; every second one repeats in a way that files do, too."""
    if random.integers(2):
        return float(random.uniform(20, 12_000))
    return float(random.integers(1, 50) * random.choice([PACKET, PACKET / 2, 256, 255, 64]))


def angle(random: Random) -> Samples:
    return 2 * np.pi * hertz(random) * T + random.uniform(0, 6)


def noise(random: Random) -> Samples:
    return random.standard_normal(N)


def steady(random: Random) -> Samples:
    return np.full(N, random.uniform(-1, 1))


def voice(random: Random) -> Samples:
    """Harmonics of a deep or high voice, with two formants."""
    pitch, sound = random.uniform(80, 300), np.zeros(N)
    for k in range(1, 20):
        formants = np.exp(-(((k * pitch - np.array([600, 1_500])) / 450) ** 2)) @ [1, 0.4]
        sound += formants * np.sin(2 * np.pi * k * pitch * T + random.uniform(0, 6))
    return sound / np.abs(sound).max()


SOUNDS: dict[str, Callable[[Random], Samples]] = {
    "a sine": lambda random: np.sin(angle(random)),
    "a square wave": lambda random: np.sign(np.sin(angle(random)) + 1e-9),
    "a sawtooth": lambda random: angle(random) / np.pi % 2 - 1,
    "a chord": lambda random: np.sin(angle(random)) / 2 + np.sin(angle(random)) / 2,
    "a sweep": lambda random: np.sin(2 * np.pi * (20 + 5 * hertz(random) * T) * T),
    "a voice": voice,
    "white noise": noise,
    "dull noise": lambda random: np.convolve(
        noise(random), np.hanning(random.integers(4, 60)), "same"
    ),
    "brown noise": lambda random: np.cumsum(noise(random)) / 30,
    "evenly distributed noise": lambda random: random.uniform(-0.7, 0.7, N),
    "an offset": steady,
    "an offset with noise": lambda random: (
        steady(random) + noise(random) * 10 ** random.uniform(-5, -2)
    ),
    "a square wave with an offset and noise": lambda random: (
        np.sign(np.sin(angle(random)) + 1e-9) / 2 - random.uniform(0, 0.1) + noise(random) / 100
    ),
    "silence": lambda random: np.zeros(N),
    "silence, then a sine": lambda random: np.sin(angle(random)) * (random.uniform() < T * 5),
}  # fmt: skip


def heard(pcm: bytes, size: int) -> bytes:
    decoder = PcmDecoder()
    for at in range(0, len(pcm), size):
        decoder.add(pcm[at : at + size])
    decoder.end()
    return bytes(decoder.pcm)


def encoded(sound: Samples) -> bytes:
    return (sound * 32_767).astype("<i2").tobytes()


@pytest.mark.parametrize("kind", SOUNDS)
def test_samples_are_never_taken_for_anything_else(kind: str) -> None:
    random = np.random.default_rng(len(kind))
    for _ in range(300):
        pcm = encoded(np.clip(random.uniform(0.01, 1.3) * SOUNDS[kind](random), -1, 1))
        assert heard(pcm, int(random.integers(100, 10_000))) == pcm


@pytest.mark.parametrize("pitch", [PACKET, 255.4, 256, 512, 768, 1_024])
def test_a_tone_that_repeats_as_packets_do_is_heard(pitch: float) -> None:
    for level in (0.5, 0.711, 0.9):
        for shape in (np.sin, lambda turns: np.sign(np.sin(turns) + 1e-9)):
            pcm = encoded(level * shape(2 * np.pi * pitch * T))
            assert heard(pcm, 10_000) == pcm


def test_samples_that_are_characters_each_are_heard() -> None:
    for pcm in (encoded(np.full(N, 0.105)), b"AB" * N, b"  " * N):
        assert heard(pcm, 10_000) == pcm


def raw(sound: Samples, width: str) -> bytes:
    return written(sound, 24_000, "RAW", width)


@pytest.mark.parametrize("size", [119, 9_600, 10**6])
@pytest.mark.parametrize("before", [0, 4_800])
@pytest.mark.parametrize("level", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("width", ["FLOAT", "PCM_32", "PCM_24"])
def test_samples_of_more_bits_are_read(width: str, level: float, before: int, size: int) -> None:
    """Silence before them is told only to be that: how long it is, is not known."""
    random = np.random.default_rng(5)
    for kind in ("a sine", "a voice", "dull noise"):
        sound = SOUNDS[kind](random)
        sound = level * sound / np.abs(sound).max() + random.standard_normal(N) * 1e-4
        pcm = heard(raw(np.concatenate([np.zeros(before), sound]), width), size)
        samples = np.frombuffer(pcm, "<i2")[-N:] / 32_767
        assert np.abs(samples - sound).max() < 1e-4, kind


def test_floats_of_what_had_16_bits_are_read() -> None:
    sound = np.round(SOUNDS["a voice"](np.random.default_rng(6)) * 20_000) / 32_768
    samples = np.frombuffer(heard(raw(sound, "FLOAT"), 9_600), "<i2") / 32_767
    assert np.abs(samples - sound).max() < 1e-4
