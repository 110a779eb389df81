"""A short day in one kernel and a small troubled batch.

`python -m tests.benchmarks.soak` and `python -m tests.benchmarks.batch` are the long ones.
"""

from pathlib import Path

from ..benchmarks.batch import fare
from ..benchmarks.soak import soak


def test_some_calls_leave_nothing_behind(tmp_path: Path) -> None:
    done = soak(50, 3, tmp_path)
    assert 3 <= done.ways.total() - done.ways["answered"] <= 20
    done.check()


def test_a_troubled_batch_is_answered_in_the_end() -> None:
    fared = fare(30)
    assert fared.once.errors and fared.asked > 45  # half were limited, a tenth failed
    fared.check(30)
