"""A short day in one kernel; `python -m tests.soak` is a long one."""

from pathlib import Path

from .soak import soak


def test_a_hundred_calls_leave_nothing_behind(tmp_path: Path) -> None:
    done = soak(100, 3, tmp_path)
    assert 3 <= done.ways.total() - done.ways["answered"] <= 20
    done.check()
