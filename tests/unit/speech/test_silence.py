"""How loud a sound is; silence is not sent, as measured on what reaches the server."""

import base64

import numpy as np
import pytest

from audiomagic import Session, Sound
from audiomagic.speech.silence import (
    BELOW,
    MARGIN,
    SILENCE,
    frame_size,
    levels,
    threshold,
    trim_silence,
)

from ...support.fake_server import FakeServer


def quiet(seconds: float, level: float = 0.0) -> np.ndarray:
    noise = np.random.default_rng(7).standard_normal(round(seconds * 24_000))
    return (level * noise).astype(np.float32)


@pytest.mark.parametrize("level", [0.0, 0.0005, 0.002])
def test_both_ends_are_cut_to_half_a_second(tone: Sound, level: float) -> None:
    whole = Sound(np.concatenate((quiet(2, level), tone.samples, quiet(3, level))), 24_000)
    assert trim_silence(whole).seconds == pytest.approx(1 + 2 * MARGIN, abs=0.02)


def voice(seconds: float, level: float) -> np.ndarray:
    """Syllables, of this RMS all in all."""
    t = np.arange(round(seconds * 24_000)) / 24_000
    syllables = np.sin(2 * np.pi * 440 * t) * np.clip(np.sin(2 * np.pi * 3 * t), 0, 1)
    return (level / np.sqrt(np.mean(syllables**2)) * syllables).astype(np.float32)


CLAP = np.clip(quiet(0.01, 0.7), -1, 1)
SWELL = np.linspace(0, 1, 240_000) ** 3


@pytest.mark.parametrize("room", [2e-4, 5e-4])
@pytest.mark.parametrize("noise", [CLAP, quiet(0.03, 0.5), quiet(0.2, 0.3)])
def test_a_knock_does_not_make_a_quiet_voice_silence(noise: np.ndarray, room: float) -> None:
    parts = (quiet(2, room), voice(2, 0.008), quiet(1, room), noise)
    for order in (parts, parts[::-1]):
        whole = Sound(np.concatenate(order), 24_000)
        trimmed = trim_silence(whole).seconds
        assert trimmed > 2 + 1 + MARGIN - 1 / 6  # the voice ends with a pause
        assert trimmed < whole.seconds - 1.2  # and the room's silence is cut


def test_a_whisper_beside_speech_is_heard() -> None:
    for order in ((voice(2, 0.2), voice(3, 0.003)), (voice(3, 0.003), voice(2, 0.2))):
        sound = Sound(np.concatenate(order), 24_000)
        assert trim_silence(sound) is sound


@pytest.mark.parametrize("envelope", [SWELL, SWELL[::-1], np.exp(-np.arange(240_000) / 30_000)])
def test_music_may_begin_and_end_softly(envelope: np.ndarray) -> None:
    music = (0.8 * envelope * np.sin(np.arange(240_000) * 0.05)).astype(np.float32)
    trimmed = trim_silence(Sound(music, 24_000)).samples
    audible = np.flatnonzero(levels(music, 240) > SILENCE)
    assert len(trimmed) / 240 > len(audible)
    for end in (0, -1):
        assert trimmed[end] == music[end] or abs(trimmed[end]) < SILENCE


@pytest.mark.parametrize("level", [0.0, 1e-4, 3e-4])
def test_of_a_quiet_voice_all_is_heard(level: float) -> None:
    """At -50 dBFS, where only its loudest moments are above what is silence otherwise."""
    parts = quiet(2, level), voice(1, 0.0007), voice(1, 0.0015), voice(1, 0.0007), quiet(2, level)
    assert trim_silence(Sound(np.concatenate(parts), 24_000)).seconds > 3


@pytest.mark.parametrize("level", [0.0012, 0.002])
def test_a_room_hums_and_murmurs(tone: Sound, level: float) -> None:
    """Noise of more bass than treble is less even."""
    noise = np.convolve(quiet(6, 1), np.hanning(50), "same")
    noise = (level * noise / noise.std()).astype(np.float32)
    noise[48_000:72_000] += tone.samples[:24_000]
    assert trim_silence(Sound(noise, 24_000)).seconds == pytest.approx(2, abs=0.05)


def test_what_is_not_worth_cutting_is_left_as_it_is(tone: Sound) -> None:
    for sound in (
        tone,
        Sound(np.concatenate((quiet(0.7), tone.samples, quiet(0.7))), 24_000),
        Sound(quiet(5), 24_000),  # nothing is heard in it at all
        Sound(np.zeros(0, np.float32), 24_000),
    ):
        assert trim_silence(sound) is sound


def test_a_pause_in_the_middle_stays(tone: Sound) -> None:
    sound = Sound(np.concatenate((tone.samples, quiet(5), tone.samples)), 24_000)
    assert trim_silence(sound) is sound


def test_the_card_says_what_was_saved(fake_server: FakeServer, key: str, tone: Sound) -> None:
    fake_server.say("A tone.", tone.pcm16())
    whole = Sound(np.concatenate((quiet(1.5), tone.samples, quiet(1.6))), 24_000)
    reply = Session().listen(whole, "What is it?")
    sent = fake_server.requests[0]["messages"][0]["content"][1]["input_audio"]["data"]
    assert Sound.decode(base64.b64decode(sent)).seconds == pytest.approx(2.0, abs=0.02)
    assert reply.notes == ("2.1 s of silence not sent.",)
    assert reply.receipt.seconds_in == pytest.approx(2.0, abs=0.02)


def test_each_frame_has_its_level_and_the_last_is_filled_up() -> None:
    samples = np.concatenate([np.zeros(10), np.full(10, 0.5), np.full(5, 0.5)])
    assert levels(samples, 10) == pytest.approx([0.0, 0.5, 0.5 / 2**0.5])
    assert len(levels(np.zeros(0), 10)) == 0


def test_a_frame_is_ten_milliseconds_at_any_rate() -> None:
    assert [frame_size(rate) for rate in (8_000, 24_000, 44_100, 30)] == [80, 240, 441, 1]


def test_what_is_speech_depends_on_the_loudest() -> None:
    assert threshold(0.0) == threshold(SILENCE) == SILENCE
    assert threshold(0.5) == pytest.approx(BELOW * 0.5)
