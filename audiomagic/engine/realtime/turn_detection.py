"""When somebody begins to speak, pauses and has finished: a state machine on probabilities."""

import math
from enum import Enum, auto

FRAME_MS = 32  # milliseconds of each frame
START_FRAMES = 2  # that make a start: a click fills one
# Below the threshold by so much, a voice has ended; in between, it goes on as it was.
HYSTERESIS, LOWEST = 0.15, 0.01
PAUSE_FRAMES = 6  # of silence (192 ms) after which it is worth recognising what was said so far


class Change(Enum):
    """What a frame has changed."""

    STARTED = auto()  # somebody speaks, for START_FRAMES
    PAUSED = auto()  # for PAUSE_FRAMES they have not
    RESUMED = auto()  # they go on, after a pause
    STOPPED = auto()  # they have been silent for long enough


class TurnDetector:
    """Takes the probability of speech of each frame, and tells what it changes.

    `threshold` is the probability above which somebody speaks, `silence_ms` how long the silence
    is that ends a turn.
    """

    def __init__(self, threshold: float, silence_ms: int):
        self._threshold = threshold
        self._silence = max(1, math.ceil(silence_ms / FRAME_MS))  # frames
        self.speaking = False
        self._loud = self._quiet = 0  # frames in a row

    def step(self, probability: float) -> Change | None:
        """Take the next frame."""
        if not self.speaking:
            return self._before_speech(probability)
        if probability > self._threshold:
            resumed = self._quiet >= PAUSE_FRAMES
            self._quiet = 0
            return Change.RESUMED if resumed else None
        if self._quiet or probability < max(self._threshold - HYSTERESIS, LOWEST):
            self._quiet += 1
        if self._quiet >= self._silence:
            self.reset()
            return Change.STOPPED
        return Change.PAUSED if self._quiet == PAUSE_FRAMES else None

    def reset(self) -> None:
        """Forget what was heard: nobody speaks."""
        self.speaking = False
        self._loud = self._quiet = 0

    def _before_speech(self, probability: float) -> Change | None:
        self._loud = self._loud + 1 if probability > self._threshold else 0
        if self._loud < START_FRAMES:
            return None
        self.speaking, self._quiet = True, 0
        return Change.STARTED
