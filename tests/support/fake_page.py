"""A recorder whose page is a test."""

import json
from typing import Any

import numpy as np

from audiomagic.widgets.recorder import Recorder

PIECES = [np.random.default_rng(i).bytes(4_800) for i in range(5)]
PCM = b"".join(PIECES)


class Told(Recorder):
    """A recorder whose page is a test: what it sends is kept, what it raises is raised."""

    def __init__(self, **options: Any):
        self.sent: list[dict[str, Any]] = []
        self.raised: list[Exception] = []
        self.name = "t"
        super().__init__(**options)

    def send(self, content: Any, buffers: Any = None) -> None:
        self.sent.append(
            json.loads(json.dumps(content)) | ({"buffers": buffers} if buffers else {})
        )

    def _heard(self, *said: Any) -> None:
        try:
            super()._heard(*said)
        except Exception as error:  # ipywidgets would only log it
            self.raised.append(error)

    def tell(self, message: Any, *buffers: bytes) -> list[dict[str, Any]]:
        """Let a message come in as the comm gives it; return the answers."""
        content = {"data": {"method": "custom", "content": json.loads(json.dumps(message))}}
        self._handle_msg({"content": content, "buffers": [memoryview(b) for b in buffers]})
        if self.raised:
            raise self.raised.pop()
        answers, self.sent = self.sent, []
        return answers

    def record(self, *pieces: bytes, what: str = "sound", take: str = "t") -> None:
        self.name = take
        assert self.tell({"kind": "start", "take": take, "what": what}) == []
        for number, piece in enumerate(pieces):
            answer = self.tell({"kind": "piece", "take": take, "number": number}, piece)
            assert answer == [{"take": take, "kind": "ack", "next": number + 1}]

    def end(self, count: int, **more: Any) -> list[dict[str, Any]]:
        usual = {"cut": None, "complaint": "", "send": True}
        return self.tell({"kind": "end", "take": self.name, "count": count, **usual, **more})

    def done(self, line: str = "") -> list[dict[str, Any]]:
        """What it answers when a take is over."""
        return [{"kind": "done", "take": self.name, "line": line}]
