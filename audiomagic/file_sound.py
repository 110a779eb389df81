"""FileSound: a sound that stays in its file, and is read when it is looked at."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .sound import Sound


class FileSound(Sound):
    """Like any other sound; only its `path`, rate (Hz) and length are kept in memory.

    Whatever needs its samples raises SoundError when the file is gone.
    """

    def __init__(self, path: Path, rate: int, seconds: float):
        """Take a file, and what is known of it."""
        for name, value in (("path", path), ("rate", rate), ("_seconds", seconds)):
            object.__setattr__(self, name, value)

    path: Path
    _seconds: float

    @property
    def samples(self) -> NDArray[np.float32]:
        """The samples, read anew; an mp3 may hold some milliseconds more than was said."""
        return Sound.read(self.path).resample(self.rate).samples

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self._seconds

    @property
    def data_url(self) -> str:
        """See `Sound.data_url`; this one is not kept."""
        return Sound.read(self.path).data_url
