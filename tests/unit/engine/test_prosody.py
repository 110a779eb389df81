"""Changes to a voice: how they go together, and how they grow."""

import pytest

from audiomagic.engine.prosody import LIMITS, PLAIN, Prosody

SLOW = Prosody(pace=0.8, pitch=0.9, loudness=-2, breath=0.5, pauses=2)


def test_no_change_leaves_another_as_it_is() -> None:
    assert Prosody.together([]) == Prosody.together([PLAIN]) == PLAIN**1.5 == PLAIN
    assert Prosody.together([SLOW, PLAIN]) == SLOW


def test_of_several_changes_in_one_direction_the_largest_counts() -> None:
    slower = Prosody(pace=0.7, loudness=-1, breath=0.2)
    assert Prosody.together([SLOW, slower]) == Prosody(0.7, 0.9, 1, -2, 0, 0.5, 2)


def test_changes_in_two_directions_add_up() -> None:
    both = Prosody.together([SLOW, Prosody(pace=1.5, melody=2, loudness=5)])
    assert (both.pace, both.melody, both.loudness) == (pytest.approx(1.2), 2, 3)


def test_a_change_can_be_made_stronger_weaker_and_opposite() -> None:
    assert (SLOW**2).pace == pytest.approx(0.64) and (SLOW**2).loudness == -4
    assert (SLOW**0.5).pauses == pytest.approx(2**0.5) and (SLOW**0.5).breath == 0.25
    assert (SLOW**-1).pace == pytest.approx(1.25) and (SLOW**-1).loudness == 2
    assert Prosody.together([SLOW**-1]).breath == 0


def test_changes_go_as_far_as_a_voice_can() -> None:
    far = Prosody.together([Prosody(9, 9, 9, 99, 99, 9, 9)])
    near = Prosody.together([Prosody(0, 0, 0, -99, -99, -9, 0)])
    for name, (least, most) in LIMITS.items():
        assert (getattr(near, name), getattr(far, name)) == (least, most)
