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
REACH = 15.0  # seconds that a phrase may lie off an even course
UNEVEN, UNHEARD, INSIDE, TOO_EARLY = 1.0, 0.15, 0.6, 8.0  # what each fault costs

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
    phrases = _phrases(text, list(marks))
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
    """Match phrases with voiced spans, a few of each at a time, at the least cost."""
    if not phrases:
        return []
    said = [0.0, *accumulate(sum(phrase.weights) for phrase in phrases)]
    voiced = [0.0, *accumulate(span.end - span.start for span in voice)]
    pace = voiced[-1] / said[-1]
    best = {(0, 0): (0.0, (0, 0))}
    for i, j in product(range(len(phrases)), range(len(voice))):
        if (i, j) not in best or abs(said[i] * pace - voiced[j]) > REACH:
            continue
        so_far = best[i, j][0]
        late = max(0.0, phrases[i].not_before[0] - voice[j].start - 0.05)
        for m, n in product(range(1, MAX_PHRASES + 1), range(1, MAX_SPANS + 1)):
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
    aligned = []
    while end != (0, 0):
        i, j = best[end][1]
        aligned.append((phrases[i : end[0]], voice[j : end[1]]))
        end = (i, j)
    return aligned[::-1]
