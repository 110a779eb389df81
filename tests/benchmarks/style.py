"""How far the engine's voice follows a style, by measure: `python -m tests.benchmarks.style`.

Each style is compared with the same sentences without one, in the same run: its tempo, melody (F0)
and loudness, how much of it is voiced, and what the recogniser understands of it.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from audiomagic import Sound
from audiomagic.engine import synthesize, transcribe

from ..support import acoustics
from . import figures
from .figures import Row
from .wer import wer

VOICE = "alloy"
SENTENCES = (
    "The weather in the mountains is sunny today, with a light wind from the west.",
    "He forgot his umbrella, so he came home wet and cold.",
    "If you are hungry, there is some bread in the kitchen.",
    "Please put the blue cup on the table beside the open window.",
    "My brother works in a small library near the old station.",
    "We walked along the river until it was too dark to see.",
    "She asked me whether the last train had already left.",
    "The children played in the garden all afternoon.",
    "They will open the new bridge in the middle of next month.",
    "Would you like to come with us to the market on Saturday?",
    "A good teacher explains the same thing in many different ways.",
    "The doctor told him to drink more water and to sleep longer.",
)
WITH_COMMA = slice(0, 3)
WORDS = sum(len(sentence.split()) for sentence in SENTENCES)


@dataclass(frozen=True)
class Spoken:
    """The sentences in one style."""

    style: str

    @cached_property
    def sounds(self) -> list[Sound]:
        return [synthesize(sentence, VOICE, self.style) for sentence in SENTENCES]

    @property
    def pace(self) -> float:
        """Words a second."""
        return WORDS / sum(sound.seconds for sound in self.sounds)

    @cached_property
    def errors(self) -> float:
        """Word error rate, in percent."""
        pairs = zip(SENTENCES, map(transcribe, self.sounds), strict=True)
        return 100 * sum(wer(said, heard)[0] for said, heard in pairs) / WORDS

    def median(self, measure: Callable[[Sound], float], of: slice = slice(None)) -> float:
        return statistics.median(map(measure, self.sounds[of]))

    def speed(self) -> float:
        """Seconds of speech that are made in one second."""
        start = time.perf_counter()
        seconds = sum(synthesize(one, VOICE, self.style).seconds for one in SENTENCES)
        return seconds / (time.perf_counter() - start)


def main() -> None:
    """Print the table."""
    figures.command(__doc__).parse_args()
    figures.show(rows())


def rows() -> list[Row]:
    plain = Spoken("")
    styles = "slowly", "fast", "deep", "high-pitched", "whispering", "loud", "monotone", "pauses"
    slow, fast, deep, high, whisper, loud, monotone, pauses = spoken = list(map(Spoken, styles))

    def share(one: Spoken, measure: Callable[[Sound], float], of: slice = slice(None)) -> str:
        return f"{one.median(measure, of) / plain.median(measure, of):.2f} x"

    louder = loud.median(acoustics.loudness) - plain.median(acoustics.loudness)
    errors = ", ".join(f"{one.style} {one.errors - plain.errors:+.1f}" for one in spoken)
    speeds = [statistics.median(one.speed() for _ in range(3)) for one in (plain, *spoken)]
    return [
        ("slowly, words a second", f"{slow.pace / plain.pace:.2f} x", "at most 0.78 x"),
        ("fast, words a second", f"{fast.pace / plain.pace:.2f} x", "at least 1.35 x"),
        ("deep, F0", share(deep, acoustics.median_f0), "at most 0.85 x"),
        ("high-pitched, F0", share(high, acoustics.median_f0), "at least 1.15 x"),
        ("whispering, share that is voiced", share(whisper, acoustics.voiced_share),
         "at most 0.50 x"),
        ("loud, RMS", f"{louder:+.1f} dB", "at least +4 dB"),
        ("monotone, range of the melody", share(monotone, acoustics.melody_range),
         "at most 0.35 x"),
        ("pauses, the longest in a sentence", share(pauses, acoustics.longest_pause, WITH_COMMA),
         "at least 1.30 x"),
        ("word error rate, points", errors,
         f"at most +2 (whispering +10) to {plain.errors:.1f} %"),
        ("speech made, slowest style", f"{min(speeds):.0f} x real time",
         f"at least 60 x (without a style: {speeds[0]:.0f} x)"),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
