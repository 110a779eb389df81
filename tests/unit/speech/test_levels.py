"""How loud a sound is."""

import numpy as np
import pytest

from audiomagic.speech.levels import BELOW, SILENCE, frame_size, levels, threshold


def test_each_frame_has_its_level_and_the_last_is_filled_up() -> None:
    samples = np.concatenate([np.zeros(10), np.full(10, 0.5), np.full(5, 0.5)])
    assert levels(samples, 10) == pytest.approx([0.0, 0.5, 0.5 / 2**0.5])
    assert len(levels(np.zeros(0), 10)) == 0


def test_a_frame_is_ten_milliseconds_at_any_rate() -> None:
    assert [frame_size(rate) for rate in (8_000, 24_000, 44_100, 30)] == [80, 240, 441, 1]


def test_what_is_speech_depends_on_the_loudest() -> None:
    assert threshold(0.0) == threshold(SILENCE) == SILENCE
    assert threshold(0.5) == pytest.approx(BELOW * 0.5)
