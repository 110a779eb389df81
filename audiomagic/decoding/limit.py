"""A limit on the samples that are decoded together: a small file may unpack into gigabytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ..errors import SoundError

MOST_SAMPLES = 2**28  # 93 minutes at 48 kHz, 186 at 24 kHz; a gigabyte of memory


@dataclass
class Limit:
    """How many samples may still be decoded."""

    left: int = MOST_SAMPLES
    exceeded: bool = False

    def take(self, samples: int, rate: int) -> None:
        """Raises SoundError when that is too many."""
        self.left -= samples
        if self.left < 0:
            self.exceeded = True
            minutes = MOST_SAMPLES / max(rate, 1) / 60
            raise SoundError(f"more than {minutes:.0f} minutes of sound; cut it into parts")


_limit: ContextVar[Limit | None] = ContextVar("limit", default=None)


def current() -> Limit:
    """Return the limit that applies here: of several sounds together, or of one by itself."""
    return _limit.get() or Limit()


@contextmanager
def together() -> Iterator[Limit]:
    """Let all that is decoded within count as one."""
    if outer := _limit.get():
        yield outer
        return
    token = _limit.set(limit := Limit())
    try:
        yield limit
    finally:
        _limit.reset(token)
