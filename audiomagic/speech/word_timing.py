"""When each word of a transcript is spoken.

A stream tells little: words come before their sound, by anything from a syllable to the whole
answer. So phrases (the words between marks of punctuation) are aligned with the voiced spans
between pauses, all at once and as evenly as possible, and words share a phrase's time by their
length. What the stream does tell, that sound received earlier cannot hold a word, is respected.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..sound import Sound
from .silence import FRAME, frame_size, levels

# A word is what stands between spaces; a Chinese, Japanese or Korean character is a word.
# static/transcript.js cuts in the same way.
SIGN = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
WORD = re.compile(rf"{SIGN}|(?:(?!{SIGN})\S)+")
PHRASE_END = re.compile(r"[.,;:!?…。、！？—–)\]\"”]$")
PAUSE = 0.09  # seconds: shorter silences belong to speech (the closure of a "t")
QUIET = 0.03  # of the loud parts' level: below it there is silence
MAX_PHRASES, MAX_SPANS = 4, 6  # that one step of the search aligns with each other
MOST, MOST_PER_SECOND = 100, 2  # phrases that are aligned, in all and for each second
REACH = 15.0  # seconds that a phrase may lie off an even course
UNEVEN, UNHEARD, INSIDE, TOO_EARLY = 1.0, 0.15, 0.6, 8.0  # what each fault costs

Array = NDArray[np.float64]
Mark = tuple[int, float]  # characters of the text that came, seconds of sound before the next


class VoicedSpan(NamedTuple):
    """Voice between two pauses, in seconds."""

    start: float
    end: float


class Phrase(NamedTuple):
    """Words up to a mark of punctuation: how long each takes to say, and when each may begin."""

    weights: list[float]
    not_before: list[float]


def word_starts(text: str, sound: Sound, marks: Iterable[Mark] = ()) -> tuple[float, ...]:
    """Return the second at which each word of a text starts in its sound."""
    phrases = _joined(_phrases(text, list(marks)), MOST + round(MOST_PER_SECOND * sound.seconds))
    voice = voiced_spans(sound) or [VoicedSpan(0.0, sound.seconds)]
    found: list[float] = []
    for group, spans in _align(phrases, voice):
        weights = [weight for phrase in group for weight in phrase.weights]
        found += _starts(weights, spans)
    earliest = [second for phrase in phrases for second in phrase.not_before]
    in_order = accumulate(map(max, found, earliest), max)
    return tuple(round(min(second, sound.seconds), 2) for second in in_order)


def voiced_spans(sound: Sound) -> list[VoicedSpan]:
    size = frame_size(sound.rate)
    loudness = levels(sound.samples, size)
    if len(loudness) == 0:
        return []
    loud = loudness > max(QUIET * float(np.percentile(loudness, 95)), 1e-4)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(np.int8), [0]])))
    found: list[VoicedSpan] = []
    for first, last in (edges.reshape(-1, 2) * (size / sound.rate)).tolist():
        start = found.pop().start if found and first - found[-1].end < PAUSE else first
        found.append(VoicedSpan(start, last))
    return [span for span in found if span.end - span.start > 2 * FRAME]


def _phrases(text: str, marks: list[Mark]) -> list[Phrase]:
    phrases: list[Phrase] = []
    ended = True
    for word in WORD.finditer(text):
        if ended:
            phrases.append(Phrase([], []))
        came = bisect_right(marks, word.start(), key=lambda mark: mark[0])
        phrases[-1].weights.append(_weight(word[0]))
        phrases[-1].not_before.append(marks[came - 1][1] if came else 0.0)
        ended = bool(PHRASE_END.search(word[0]))
    return phrases


def _joined(phrases: list[Phrase], most: int) -> list[Phrase]:
    """Join phrases of more than anybody says in the time, evenly."""
    size = -(-len(phrases) // most) or 1
    groups = (phrases[i : i + size] for i in range(0, len(phrases), size))
    return [
        Phrase(
            [w for one in group for w in one.weights], [s for one in group for s in one.not_before]
        )
        for group in groups
    ]


def _weight(word: str) -> float:
    """Guess how long a word takes to say, in letters: a digit is a word, a Han sign two sounds."""
    if re.match(SIGN, word):
        return 3.0
    return 1.0 + sum(4 * c.isdigit() + c.isalpha() for c in word)


def _starts(weights: Sequence[float], spans: Sequence[VoicedSpan]) -> list[float]:
    """Return the start of each word: words share the voice, without pauses, by their weight."""
    starts, ends = np.array(spans).T
    voiced = np.cumsum(ends - starts)  # seconds of voice up to the end of each span
    before = (np.cumsum(weights) - weights) * voiced[-1] / np.sum(weights)  # and before each word
    at = np.minimum(np.searchsorted(voiced - 1e-9, before, side="right"), len(spans) - 1)
    found: list[float] = np.minimum(ends[at] - voiced[at] + before, ends[at]).tolist()
    return found


def _align(
    phrases: Sequence[Phrase], voice: Sequence[VoicedSpan]
) -> list[tuple[Sequence[Phrase], Sequence[VoicedSpan]]]:
    """Match phrases with voiced spans, a few of each at a time, at the least cost.

    The search goes from phrase to phrase; for each, over all spans within its reach at once.
    """
    if not phrases:
        return []
    said = np.cumsum([0.0, *(sum(phrase.weights) for phrase in phrases)])
    spans = _Spans.of(voice)
    said *= spans.voiced[-1] / said[-1]  # seconds of voice before each phrase, at an even pace
    first = np.searchsorted(spans.voiced, said - REACH)
    last = np.searchsorted(spans.voiced, said + REACH, side="right")
    # For phrases and spans up to (i, first[i] + k): the least cost, and the last step to there.
    costs = [np.full(size, np.inf) for size in last - first]
    taken = [np.zeros((size, 2), np.int8) for size in last - first]
    costs[0][0] = 0.0
    for i, phrase in enumerate(phrases):
        for m, n in product(range(1, MAX_PHRASES + 1), range(1, MAX_SPANS + 1)):
            if i + m > len(phrases):
                break
            begin = max(first[i], first[i + m] - n)
            end = min(last[i], last[i + m] - n)
            if begin >= end:
                continue
            not_before = phrase.not_before[0], phrases[i + m - 1].not_before[0]
            step = spans.costs(slice(begin, end), n, said[i + m] - said[i], *not_before)
            cost = costs[i][begin - first[i] : end - first[i]] + step + UNHEARD * (m - 1)
            there = slice(begin + n - first[i + m], end + n - first[i + m])
            better = cost < costs[i + m][there]
            costs[i + m][there][better] = cost[better]
            taken[i + m][there][better] = (m, n)
    aligned, i, j = [], len(phrases), len(voice)
    if not np.isfinite(costs[i][j - first[i]]):  # many more of one kind than of the other
        return [(phrases, voice)]
    while i:
        m, n = taken[i][j - first[i]].tolist()
        aligned.append((phrases[i - m : i], voice[j - n : j]))
        i, j = i - m, j - n
    return aligned[::-1]


class _Spans(NamedTuple):
    """Spans as arrays: when each starts and ends, and the seconds of voice up to each."""

    starts: Array
    ends: Array
    voiced: Array

    @classmethod
    def of(cls, voice: Sequence[VoicedSpan]) -> "_Spans":
        starts, ends = np.array(voice).T
        return cls(starts, ends, np.concatenate([[0.0], np.cumsum(ends - starts)]))

    def costs(self, these: slice, count: int, expected: float, first: float, last: float) -> Array:
        """Return what it costs to match phrases with `count` spans from each of these on.

        They should take the expected seconds; the first and last of them not begin before a second.
        """
        ahead = slice(these.start + count, these.stop + count)
        starts, ends = (
            self.starts[these],
            self.ends[these.start + count - 1 : these.stop + count - 1],
        )
        length = self.voiced[ahead] - self.voiced[these]
        early = np.maximum(0.0, first - starts - 0.05) + np.maximum(0.0, last - ends)
        uneven = (length - expected) ** 2 / (expected + 0.3)
        cost: Array = UNEVEN * uneven + INSIDE * (ends - starts - length) + TOO_EARLY * early
        return cost
