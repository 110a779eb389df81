"""Seams: no click, the pause that was asked for, and nothing else touched."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import audiomagic.engine
from audiomagic import Sound
from audiomagic.speech.crossfade import FRAME, HELD, Crossfader

RATE = 24_000
EDGES = [(0.0, 0.0), (0.02, 0.03), (0.3, 0.5), (0.0, 0.9), (1.5, 0.0)]  # seconds of quiet around


def hum(seconds: float, before: float = 0.0, after: float = 0.0, level: float = 0.3) -> Sound:
    """A tone in a room with some noise; without quiet around it, it starts and breaks off bare."""
    dice = np.random.default_rng(1)
    tone = level * np.sin(2 * np.pi * 150 * np.arange(round(seconds * RATE)) / RATE + 1)
    tone[:FRAME] *= np.linspace(0, 1, FRAME) if before else 1
    tone[-FRAME:] *= np.linspace(1, 0, FRAME) if after else 1
    whole = np.pad(tone, (round(before * RATE), round(after * RATE)))
    return Sound(whole + 0.0003 * dice.standard_normal(len(whole)), RATE)


def join(sounds: list[Sound], pauses: list[float]) -> Sound:
    """The sounds as one; `pauses` are the seconds between each and the next."""
    fader = Crossfader()
    joined = [
        fader.feed(sound.pcm16()) + fader.part(pause)
        for sound, pause in zip(sounds[:-1], pauses, strict=True)
    ]
    joined += [fader.feed(sound.pcm16()) for sound in sounds[-1:]]
    return Sound.from_pcm16(b"".join((*joined, fader.end())))


def heard(sound: Sound) -> np.ndarray:
    """The 10 ms frames in which something is."""
    frames = sound.samples[: len(sound.samples) // FRAME * FRAME].reshape(-1, FRAME)
    return np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > 0.006)


def gaps(sound: Sound, least: float = 0.02) -> list[float]:
    """Seconds of each silence between what is heard."""
    lengths = [(b - a - 1) / 100 for a, b in pairwise(heard(sound))]
    return [length for length in lengths if length > least]


def steepest(sound: Sound) -> float:
    """The largest step from one sample to the next, but for the first and last that is heard."""
    first, *_, last = heard(sound)
    return float(np.abs(np.diff(sound.samples[(first + 1) * FRAME : last * FRAME])).max())


@pytest.mark.parametrize("edges", EDGES)
@pytest.mark.parametrize("pause", [0.1, 0.4, 0.7])
def test_a_pause_is_as_long_as_asked_and_nothing_clicks(
    edges: tuple[float, float], pause: float
) -> None:
    sounds = [hum(seconds, *edges) for seconds in (0.5, 0.3, 0.4)]
    joined = join(sounds, [pause, pause])
    assert gaps(joined) == pytest.approx([pause, pause], abs=0.011)
    assert joined.seconds == pytest.approx(1.2 + 2 * pause + sum(edges), abs=0.021)
    assert steepest(joined) < 1.05 * steepest(hum(0.5))  # bare, the tone would step by 0.3


def test_without_a_pause_sounds_meet_without_a_step() -> None:
    joined = join([hum(0.5, 0.2, 0.2), hum(0.5, 0.2, 0.2)], [0.0])
    assert gaps(joined) == []
    assert steepest(joined) < 1.05 * steepest(hum(0.5))
    assert joined.seconds == pytest.approx(1.4, abs=0.021)


def test_one_sound_stays_as_it_is_and_so_do_both_ends() -> None:
    sound = hum(0.5, 0.3, 1.4)
    assert join([sound], []).pcm16() == sound.pcm16()
    assert join([], []).seconds == 0
    both = join([sound, sound], [0.4]).samples
    ends = round(0.7 * RATE), round(1.6 * RATE)
    assert np.array_equal(both[: ends[0]], Sound.from_pcm16(sound.pcm16()).samples[: ends[0]])
    assert np.array_equal(both[-ends[1] :], Sound.from_pcm16(sound.pcm16()).samples[-ends[1] :])


def test_quiet_within_a_passage_is_kept_and_other_rates_are_met() -> None:
    sound = hum(0.5)
    halting = Sound(np.concatenate((sound.samples, np.zeros(2 * RATE), sound.samples)), RATE)
    assert gaps(join([halting, halting.resample(48_000)], [0.4])) == pytest.approx(
        [2.0, 0.4, 2.0], abs=0.021
    )


def test_a_passage_without_sound_leaves_one_pause() -> None:
    silent = Sound(np.zeros(RATE), RATE)
    assert gaps(join([hum(0.5), silent, hum(0.5)], [0.3, 0.5])) == pytest.approx([0.5], abs=0.011)
    assert join([hum(0.5), silent], [0.3]).seconds == pytest.approx(0.5)


def test_a_whisper_and_a_loud_voice_are_both_speech() -> None:
    for level in (0.01, 0.9):
        joined = join([hum(0.5, level=level)] * 2, [0.4])
        assert joined.seconds == pytest.approx(1.4, abs=0.021)


@given(st.lists(st.integers(0, 9_001), max_size=12))
def test_what_is_heard_live_is_what_is_kept(sizes: list[int]) -> None:
    sounds = [hum(0.3, 0.1, 0.2), hum(0.2, 0.05), hum(0.2)]
    seam, live = Crossfader(), b""
    for number, sound in enumerate(sounds):
        live += seam.part(0.4) if number else b""
        pcm = sound.pcm16()
        for size in (*sizes, len(pcm)):  # odd sizes part a sample
            live += seam.feed(pcm[:size])
            pcm = pcm[size:]
    live += seam.end()
    assert np.array_equal(Sound.from_pcm16(live).samples, join(sounds, [0.4, 0.4]).samples)


def test_speech_waits_ten_milliseconds_and_quiet_a_second() -> None:
    seam = Crossfader()
    pcm = hum(0.5).pcm16()
    assert len(seam.feed(pcm)) == len(pcm) - 2 * FRAME
    assert seam.feed(bytes(2 * HELD - 2 * FRAME)) == b""
    assert len(seam.feed(bytes(20 * HELD))) == 20 * HELD
    assert len(seam.feed(hum(0.1).pcm16())) == 2 * HELD + 2 * RATE // 10 - 2 * FRAME


@given(st.lists(st.binary(max_size=3_000), max_size=8), st.floats(0, 1))
def test_any_bytes_pass(pieces: list[bytes], pause: float) -> None:
    seam = Crossfader()
    joined = b"".join(seam.feed(piece) + seam.part(pause) for piece in pieces) + seam.end()
    assert len(joined) % 2 == 0
    assert len(joined) <= sum(map(len, pieces)) + len(pieces) * 2 * RATE * pause


@pytest.mark.models
def test_real_speech_has_natural_pauses_and_no_click() -> None:
    lines = ("It was late.", "She sat by the fire, and slept.", "Who is there?")
    sounds = [audiomagic.engine.synthesize(line) for line in lines]
    joined = join(sounds, [0.4, 0.7])
    bare = Sound(np.concatenate([sound.samples for sound in sounds]), RATE)
    assert joined.seconds == pytest.approx(bare.seconds + 0.4 + 0.7 - 2 * 0.26, abs=0.15)
    assert gaps(joined, 0.38) == pytest.approx([0.4, 0.7], abs=0.03)
    assert steepest(joined) <= max(map(steepest, sounds)) * 1.01
    assert audiomagic.engine.transcribe(joined).lower().startswith("it was late. she sat")
