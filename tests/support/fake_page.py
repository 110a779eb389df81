"""A page that records, as a recorder in the kernel sees it."""

import json
from typing import Any

import numpy as np

from audiomagic.widgets.recorder_protocol import RecorderProtocol, Response

CHUNKS = [np.random.default_rng(i).bytes(4_800) for i in range(5)]
PCM = b"".join(CHUNKS)


class FakePage:
    """Sends messages to a recorder's protocol as the comm gives them."""

    def __init__(self, **options: Any):
        self.protocol = RecorderProtocol(**options)
        self.last = Response()
        self.take = "t"

    def tell(self, message: Any, *buffers: bytes) -> list[dict[str, Any]]:
        """Send a message; return the answers."""
        sent = json.loads(json.dumps(message)), [memoryview(data) for data in buffers]
        self.last = self.protocol.handle(*sent)
        return [json.loads(json.dumps(answer)) for answer in self.last.messages]

    def record(self, *chunks: bytes, what: str = "sound", take: str = "t") -> None:
        self.take = take
        assert self.tell({"kind": "start", "take": take, "what": what}) == []
        for number, chunk in enumerate(chunks):
            answer = self.tell({"kind": "chunk", "take": take, "number": number}, chunk)
            assert answer == [{"take": take, "kind": "ack", "next": number + 1}]

    def end(self, count: int, **fields: Any) -> list[dict[str, Any]]:
        usual = {"cut": None, "complaint": "", "send": True}
        return self.tell({"kind": "end", "take": self.take, "count": count, **usual, **fields})

    def done(self, line: str = "") -> list[dict[str, Any]]:
        """What it is answered when a take is over."""
        return [{"kind": "done", "take": self.take, "line": line}]
