"""Sound on its way out: resampled, compressed for the card, sent to a model; and unchangeable."""

import base64
import dataclasses
import io
import struct

import numpy as np
import pytest
import soundfile

from audiomagic import Sound
from audiomagic.errors import SoundError

from .test_sound import RATES, measured, sine

DATA_URL = "data:audio/mpeg;base64,"


def babble(rate: int, seconds: float) -> Sound:
    """Syllables of a gliding voice, with noise between them: as hard to compress as speech."""
    t = np.arange(int(rate * seconds)) / rate
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * t)) / rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 30) if k * 150 < rate / 2)
    tts = np.clip(np.sin(2 * np.pi * 2.5 * t), 0, 1) ** 0.5
    noise = np.random.default_rng(0).standard_normal(len(t)) * (1 - tts)
    return Sound(0.15 * voice * tts + 0.02 * noise, rate)


def decibels(sound: Sound) -> float:
    """Root mean square against full scale, away from the ends."""
    middle = sound.samples[len(sound.samples) // 5 : -len(sound.samples) // 5].astype(float)
    return float(20 * np.log10(np.sqrt((middle**2).mean()) + 1e-12))


# -- resampling -------------------------------------------------------------------------------
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("to", [8_000, 16_000, 24_000, 44_100, 48_000])
def test_a_tone_keeps_its_length_frequency_and_level(rate: int, to: int) -> None:
    sound = sine(rate, 1_000).resample(to)
    assert sound.rate == to and sound.seconds == pytest.approx(0.5, abs=2 / to + 1e-4)
    assert measured(sound)[0] == pytest.approx(1_000, abs=1)
    assert measured(sound)[1] == pytest.approx(0.3, rel=0.001)


@pytest.mark.parametrize("share", [1.1, 1.3, 1.7])
@pytest.mark.parametrize(
    ("rate", "to"), [(96_000, 24_000), (48_000, 24_000), (44_100, 24_000), (24_000, 8_000)]
)
def test_what_a_rate_cannot_hold_is_gone(rate: int, to: int, share: float) -> None:
    high = sine(rate, to / 2 * share)
    assert decibels(high.resample(to)) < decibels(high) - 60
    assert decibels(Sound.from_pcm16(high.pcm16(to), to)) < decibels(high) - 60


def test_the_same_rate_is_the_same_sound(tone: Sound) -> None:
    assert tone.resample(24_000) is tone


@pytest.mark.parametrize("rate", [0, -1, 999, 10**9])
def test_no_sound_has_that_rate(tone: Sound, rate: int) -> None:
    with pytest.raises(SoundError, match="a sample rate of"):
        tone.resample(rate)


def test_pcm16_is_little_endian_and_clipped() -> None:
    sound = Sound([0.0, 0.5, 1.0, 2.0, -2.0], 24_000)
    assert struct.unpack("<5h", sound.pcm16()) == (0, 16_384, 32_767, 32_767, -32_767)
    wave = np.arange(-32_767, 32_768, dtype="<i2")
    back = np.frombuffer(Sound.from_pcm16(wave.tobytes()).pcm16(), "<i2")
    assert np.abs(back.astype(int) - wave).max() <= 1


# -- for the card -----------------------------------------------------------------------------
@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
@pytest.mark.parametrize("seconds", [1, 3, 8])
def test_a_second_is_at_most_7_kilobytes_of_notebook(rate: int, seconds: int) -> None:
    t = np.arange(rate * seconds) / rate
    sweep = Sound(0.3 * np.sin(2 * np.pi * (100 * t + 0.2 * rate / seconds * t**2)), rate)
    noise = Sound(0.1 * np.random.default_rng(1).standard_normal(len(t)), rate)
    for sound in (babble(rate, seconds), sweep, noise):
        assert len(sound.data_url) <= 7_000 * seconds + 1_500  # and the frames of its ends


@pytest.mark.parametrize("rate", [8_000, 11_025, 24_000, 96_000])
def test_a_data_url_is_the_same_sound(rate: int) -> None:
    sound = sine(rate, seconds=1)
    assert sound.data_url.startswith(DATA_URL) and sound.data_url is sound.data_url
    back = Sound.decode(base64.b64decode(sound.data_url.removeprefix(DATA_URL), validate=True))
    assert back.seconds == pytest.approx(1, abs=0.08) and back.rate <= 24_000
    assert measured(back)[0] == pytest.approx(440, abs=1)
    assert measured(back)[1] == pytest.approx(0.3, rel=0.06)
    face = sound._repr_html_()
    assert f'src="{sound.data_url}"' in face and "autoplay" not in face


def test_a_sound_of_nothing_shows_and_is_not_written() -> None:
    nothing = Sound(np.zeros(0), 24_000)
    assert "<audio" in nothing._repr_html_() and nothing.seconds == 0
    for ending in ("wav", "mp3", "flac", "ogg"):
        with pytest.raises(SoundError, match="there is no sound to write"):
            nothing.encode(ending)


# -- to a model -------------------------------------------------------------------------------
@pytest.mark.parametrize("rate", RATES)
def test_what_is_sent_is_mono_wav_of_at_most_24_khz(rate: int) -> None:
    label, data = sine(rate).upload()
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (label, file.format, file.subtype) == ("wav", "WAV", "PCM_16")
        assert (file.channels, file.samplerate) == (1, min(rate, 24_000))
    assert measured(Sound.decode(data)) == pytest.approx((440, 0.3), rel=0.002)


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (0, "0.00 s of sound is too short; send at least 0.1 s"),
        (0.0999, "0.09 s of sound is too short"),
        (2401, "41 minutes of sound are too long; cut it into parts of at most 40 minutes"),
    ],
)
def test_too_short_and_too_long(seconds: float, line: str) -> None:
    with pytest.raises(SoundError, match=line):
        Sound(np.zeros(round(seconds * 10_000), np.float32), 10_000).upload()


def test_the_shortest_and_the_largest_wav() -> None:
    assert Sound(np.zeros(2_400), 24_000).upload()[0] == "wav"
    label, data = Sound(np.zeros(9_999_970, np.float32), 24_000).upload()
    assert label == "wav" and len(data) <= 20_000_000


def test_a_long_sound_is_mp3_below_the_limit() -> None:
    long = Sound(np.zeros(10_080_000, np.float32), 24_000)
    label, data = long.upload()
    assert label == "mp3" and (data[:3] == b"ID3" or data[0] == 0xFF)
    assert len(data) / long.seconds * 40 * 60 < 20_000_000  # the bit rate is constant
    assert Sound.decode(data).seconds == pytest.approx(long.seconds, abs=0.1)
    assert Sound(np.zeros(40 * 60 * 1_000, np.float32), 1_000).upload()[0] == "wav"


# -- unchangeable -----------------------------------------------------------------------------
def test_a_sound_cannot_be_changed() -> None:
    mine = np.array([0.0, 0.5, 1.0], np.float32)
    sound = Sound(mine, 8_000)
    mine[:] = 9
    assert sound.samples.tolist() == [0, 0.5, 1]
    with pytest.raises(ValueError, match="read-only"):
        sound.samples[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        sound.rate = 16_000  # type: ignore[misc]
    assert repr(sound) == "Sound(0.00 s at 8000 Hz)" and len({sound, sound}) == 1


@pytest.mark.parametrize("name", ["a.aac", "wav", "a.", "a", "a.wav.exe"])
def test_an_ending_that_is_no_format(tone: Sound, name: str) -> None:
    with pytest.raises(SoundError, match=r"cannot write '\..*'; use one of \.wav, \.mp3,"):
        tone.save(name)


@pytest.mark.parametrize("rate", [1_000, 384_000, 655_350])
def test_every_rate_is_written_in_every_format(rate: int) -> None:
    for ending in ("wav", "mp3", "flac", "ogg"):
        assert Sound.decode(sine(rate, 100).encode(ending)).seconds == pytest.approx(0.5, abs=0.1)


def test_a_folder_that_is_not_there(tone: Sound) -> None:
    for name in ("nowhere/a.wav", "~nobody-of-this-name/a.wav"):
        with pytest.raises(SoundError, match="cannot write"):
            tone.save(name)
