"""When each word of a transcript is spoken.

A stream tells little: words come before their sound, by anything from a syllable to the whole
answer. So phrases (what stands between marks of punctuation) are laid over the stretches of voice
between pauses, the whole at once and as evenly as can be, and words share a phrase's time by their
length. What the stream does tell, that sound received earlier cannot hold a word, is respected.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, product

import numpy as np

from ..sound import Sound

# A word is what stands between spaces; a sign of Chinese, Japanese or Korean is one of its own.
# static/words.js cuts in the same way.
SIGN = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
WORD = re.compile(rf"{SIGN}|(?:(?!{SIGN})\S)+")
PHRASE_END = re.compile(r"[.,;:!?…。、！？—–)\]\"”]$")
FRAME = 0.01  # seconds
PAUSE = 0.09  # seconds: shorter silences belong to speech (the closure of a "t")
QUIET = 0.03  # of the loud parts' level: below it there is silence
MOST_PHRASES, MOST_STRETCHES = 4, 6  # that one step of the search lays together
REACH = 15.0  # seconds off an even course that a phrase may lie
UNEVEN, UNHEARD, INSIDE, TOO_EARLY = 1.0, 0.15, 0.6, 8.0  # what each fault costs

Mark = tuple[int, float]  # characters of the text that came, seconds of sound before the next


@dataclass(frozen=True)
class VoicedSpan:
    """A stretch of voice between two pauses, in seconds."""

    start: float
    end: float


@dataclass(frozen=True)
class Phrase:
    """Words up to a mark of punctuation: how long each is to say, and when each may begin."""

    weights: tuple[float, ...]
    not_before: tuple[float, ...]

    @property
    def weight(self) -> float:
        """How long the whole is to say."""
        return sum(self.weights)


def word_starts(text: str, sound: Sound, marks: Iterable[Mark] = ()) -> tuple[float, ...]:
    """Return the second at which each word of a text starts in its sound.

    >>> starts("Hello, Ada.", sound)
    (0.08, 0.61)
    """
    phrases = _phrases(text, list(marks))
    voice = voiced_spans(sound) or [VoicedSpan(0.0, sound.seconds)]
    found: list[float] = []
    for some, where in _laid(phrases, voice):
        weights = [weight for phrase in some for weight in phrase.weights]
        found += _shared(weights, where)
    earliest = [second for phrase in phrases for second in phrase.not_before]
    in_order = accumulate(map(max, found, earliest), max)
    return tuple(round(min(second, sound.seconds), 2) for second in in_order)


def voiced_spans(sound: Sound) -> list[VoicedSpan]:
    """Find the stretches of voice."""
    size = max(1, round(FRAME * sound.rate))
    count = len(sound.samples) // size
    if count == 0:
        return []
    frames = sound.samples[: count * size].reshape(count, size)
    level = np.sqrt(np.mean(frames.astype(np.float32) ** 2, axis=1))
    loud = level > max(QUIET * float(np.percentile(level, 95)), 1e-4)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(np.int8), [0]])))
    found: list[VoicedSpan] = []
    for first, last in edges.reshape(-1, 2) * (size / sound.rate):
        if found and first - found[-1].end < PAUSE:
            found[-1] = VoicedSpan(found[-1].start, float(last))
        else:
            found.append(VoicedSpan(float(first), float(last)))
    return [stretch for stretch in found if stretch.end - stretch.start > 2 * FRAME]


def _phrases(text: str, marks: list[Mark]) -> list[Phrase]:
    phrases: list[Phrase] = []
    weights: list[float] = []
    earliest: list[float] = []
    words = list(WORD.finditer(text))
    for word in words:
        came = bisect_right(marks, word.start(), key=lambda mark: mark[0])
        weights.append(_weight(word[0]))
        earliest.append(marks[came - 1][1] if came else 0.0)
        if PHRASE_END.search(word[0]) or word is words[-1]:
            phrases.append(Phrase(tuple(weights), tuple(earliest)))
            weights, earliest = [], []
    return phrases


def _weight(word: str) -> float:
    """Guess how long a word is to say, in letters: a digit is a word, a sign of Han two sounds."""
    if re.match(SIGN, word):
        return 3.0
    digits = sum(character.isdigit() for character in word)
    letters = sum(character.isalpha() for character in word)
    return letters + 4 * digits + 1.0


def _shared(weights: Sequence[float], where: Sequence[VoicedSpan]) -> list[float]:
    """Return the start of each word: words share the voice, pauses left out, by their weight."""
    lengths = [stretch.end - stretch.start for stretch in where]
    voice, whole = sum(lengths), sum(weights)
    found = []
    for before in (0.0, *accumulate(weights[:-1])):
        left = voice * before / whole
        for stretch, length in zip(where, lengths, strict=True):
            if left < length - 1e-9 or stretch is where[-1]:
                found.append(stretch.start + min(left, length))
                break
            left -= length
    return found


def _laid(
    phrases: Sequence[Phrase], voice: Sequence[VoicedSpan]
) -> list[tuple[Sequence[Phrase], Sequence[VoicedSpan]]]:
    """Lay phrases over stretches of voice, a few of each at a time, at the least cost."""
    if not phrases:
        return []
    said = [0.0, *accumulate(phrase.weight for phrase in phrases)]
    voiced = [0.0, *accumulate(stretch.end - stretch.start for stretch in voice)]
    pace = voiced[-1] / said[-1]
    best = {(0, 0): (0.0, (0, 0))}
    for i, j in product(range(len(phrases)), range(len(voice))):
        if (i, j) not in best or abs(said[i] * pace - voiced[j]) > REACH:
            continue
        so_far = best[i, j][0]
        late = max(0.0, phrases[i].not_before[0] - voice[j].start - 0.05)
        steps = product(range(1, MOST_PHRASES + 1), range(1, MOST_STRETCHES + 1))
        for m, n in steps:
            if i + m > len(phrases) or j + n > len(voice):
                continue
            expected, length = (said[i + m] - said[i]) * pace, voiced[j + n] - voiced[j]
            pauses = voice[j + n - 1].end - voice[j].start - length
            cost = so_far + UNEVEN * (length - expected) ** 2 / (expected + 0.3)
            later = phrases[i + m - 1].not_before[0] - voice[j + n - 1].end
            cost += UNHEARD * (m - 1) + INSIDE * pauses + TOO_EARLY * (late + max(0.0, later))
            if cost < best.get((i + m, j + n), (np.inf,))[0]:
                best[i + m, j + n] = (cost, (i, j))
    end = (len(phrases), len(voice))
    if end not in best:  # many more of one kind than of the other
        return [(phrases, voice)]
    laid = []
    while end != (0, 0):
        i, j = best[end][1]
        laid.append((phrases[i : end[0]], voice[j : end[1]]))
        end = (i, j)
    return laid[::-1]
