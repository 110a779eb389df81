"""A server for many: it answers each question by its own words, and counts who asked for what."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from .fake_server import FakeServer, Handler, refusals, spoken

Trouble = Callable[[Handler, dict[str, Any], str, int], bool]


class Crowd(FakeServer):
    """Says back what was asked, in a tone; `trouble` may do something else, and say so."""

    def __init__(self, pcm: bytes, delay: float = 0.0, trouble: Trouble | None = None) -> None:
        super().__init__()
        self._pcm = pcm
        self._delay = delay  # seconds before an answer begins
        self._trouble = trouble or (lambda *_: False)
        self._lock = threading.Lock()
        self._busy = 0
        self.asked: Counter[str] = Counter()  # by the words of the question
        self.answered: Counter[str] = Counter()  # to the end
        self.repeated: list[str] = []  # asked although answered
        self.most_at_once = 0

    def received(self, handler: Handler, body: dict[str, Any]) -> None:
        words = question(body)
        for refusal in refusals(handler, body):
            handler.refuse(*refusal)
            return
        with self._lock:
            self.requests.append(body)
            self.asked[words] += 1
            if self.answered[words]:
                self.repeated.append(words)
            self._busy += 1
            self.most_at_once = max(self.most_at_once, self._busy)
        try:
            time.sleep(self._delay)
            if not self._trouble(handler, body, words, self.asked[words]):
                with self._lock:
                    self.answered[words] += 1
                handler.stream(spoken([words], self._pcm))
        finally:
            with self._lock:
                self._busy -= 1


def question(body: dict[str, Any]) -> str:
    """The words of the last message."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part["type"] == "text")
