"""Changes to a voice: how they add up, and grow."""

import pytest

from audiomagic.engine.prosody import LIMITS, PLAIN, Prosody

SLOW = Prosody(pace=0.8, pitch=0.9, loudness=-2, breath=0.5, pauses=2)


def test_no_change_leaves_another_as_it_is() -> None:
    assert SLOW * PLAIN == PLAIN * SLOW == SLOW
    assert PLAIN**1.5 == PLAIN.limited() == PLAIN


def test_changes_add_up() -> None:
    both = SLOW * Prosody(pace=1.5, melody=2, loudness=5, breath=0.5)
    assert (both.pace, both.melody, both.loudness) == (pytest.approx(1.2), 2, 3)
    assert both.breath == 0.75  # half of the voice that is left


def test_a_change_can_be_made_stronger_and_weaker() -> None:
    assert (SLOW**2).pace == pytest.approx(0.64) and (SLOW**2).loudness == -4
    assert (SLOW**0.5).pauses == pytest.approx(2**0.5) and (SLOW**0.5).breath == 0.25


def test_changes_are_limited() -> None:
    far = Prosody(9, 9, 9, 99, 99, 9, 9).limited()
    near = Prosody(0, 0, 0, -99, -99, -9, 0).limited()
    for name, (least, most) in LIMITS.items():
        assert (getattr(near, name), getattr(far, name)) == (least, most)
