"""When somebody begins, pauses and has finished, told from the probabilities of speech."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.engine.realtime.turn_detection import Change, TurnDetector

STARTED, PAUSED, RESUMED, STOPPED = Change.STARTED, Change.PAUSED, Change.RESUMED, Change.STOPPED


def changes(
    probabilities: list[float], threshold: float = 0.5, silence_ms: int = 500
) -> dict[int, Change]:
    """The changes, by the number of the frame that made each."""
    detector = TurnDetector(threshold, silence_ms)
    steps = enumerate(map(detector.step, probabilities))
    return {frame: change for frame, change in steps if change is not None}


def test_a_turn_starts_pauses_and_stops() -> None:
    found = changes([0.1] * 3 + [0.9] * 10 + [0.1] * 20)
    assert found == {4: STARTED, 18: PAUSED, 28: STOPPED}  # 500 ms are 16 frames


def test_who_goes_on_after_a_pause_has_not_finished() -> None:
    found = changes([0.9] * 4 + [0.1] * 8 + [0.9] * 4 + [0.1] * 16)
    assert found == {1: STARTED, 9: PAUSED, 12: RESUMED, 21: PAUSED, 31: STOPPED}


def test_a_short_gap_is_no_pause() -> None:
    assert changes([0.9] * 4 + [0.1] * 5 + [0.9] * 4) == {1: STARTED}


def test_a_click_starts_nothing() -> None:
    assert changes([0.1, 0.9, 0.1] * 20) == {}


def test_a_voice_that_fades_goes_on_until_it_is_clearly_gone() -> None:
    assert changes([0.9] * 4 + [0.4] * 40) == {1: STARTED}
    assert changes([0.9] * 4 + [0.34] + [0.4] * 15)[19] is STOPPED


def test_a_higher_threshold_hears_less() -> None:
    assert changes([0.6] * 10, threshold=0.7) == {}
    assert changes([0.6] * 10, threshold=0.3) == {1: STARTED}


@pytest.mark.parametrize(("silence_ms", "frames"), [(0, 1), (32, 1), (200, 7), (1000, 32)])
def test_the_silence_that_ends_a_turn_is_counted_in_whole_frames(
    silence_ms: int, frames: int
) -> None:
    found = changes([0.9] * 2 + [0.0] * 40, silence_ms=silence_ms)
    assert {frame: c for frame, c in found.items() if c is STOPPED} == {1 + frames: STOPPED}


def test_with_the_lowest_threshold_silence_still_ends_a_turn() -> None:
    assert changes([0.9] * 2 + [0.0] * 20, threshold=0.0)[17] is STOPPED


@given(st.lists(st.floats(0, 1)), st.floats(0, 1), st.integers(0, 2000))
def test_turns_never_overlap(probabilities: list[float], threshold: float, silence: int) -> None:
    kinds = list(changes(probabilities, threshold, silence).values())
    ends = [kind for kind in kinds if kind in (STARTED, STOPPED)]
    assert all(kind is (STARTED, STOPPED)[i % 2] for i, kind in enumerate(ends))
    turn = [kind for kind in kinds if kind in (PAUSED, RESUMED, STARTED)]
    assert all(a is PAUSED for a, b in pairwise(turn) if b is RESUMED)
