"""What happens in a conversation, for whoever follows it from another thread."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock
from typing import Literal

from ..protocol.response import Delta
from ..transports.cancellation import Cancellation
from ..turn.listener import StreamListener
from ..turn.reply import Reply


@dataclass(frozen=True)
class ConversationEvent:
    """One thing that happened.

    `kind`: "heard": what you said, in words, which may be known only after the answer; "answer":
    more of an answer, its `text` and `pcm` (24 kHz mono pcm16); "reply": the whole answer.
    """

    kind: Literal["heard", "answer", "reply"]
    text: str = ""
    pcm: bytes = field(default=b"", repr=False)
    reply: Reply | None = None


class Followers:
    """Passes events on to all that follow."""

    def __init__(self) -> None:
        self._queues: list[SimpleQueue[ConversationEvent | None]] = []
        self._closed = False
        self._changing = Lock()

    def follow(self) -> Iterator[ConversationEvent]:
        """Return an iterator over what happens from now on; it ends with the conversation."""
        queue: SimpleQueue[ConversationEvent | None] = SimpleQueue()
        with self._changing:
            self._queues.append(queue)
            if self._closed:
                queue.put(None)
        return iter(queue.get, None)

    def tell(self, event: ConversationEvent) -> None:
        with self._changing:
            for queue in self._queues:
                queue.put(event)

    def close(self) -> None:
        with self._changing:
            self._closed = True
            for queue in self._queues:
                queue.put(None)


@dataclass(frozen=True)
class FollowedListener:
    """Receives an answer for a listener, and for all that follow the conversation."""

    listener: StreamListener
    followers: Followers

    def on_delta(self, delta: Delta) -> None:
        self.listener.on_delta(delta)
        if delta.text or delta.pcm:
            self.followers.tell(ConversationEvent("answer", delta.text, delta.pcm))

    def on_progress(self, line: str) -> None:
        self.listener.on_progress(line)

    @property
    def cancellation(self) -> Cancellation:
        return self.listener.cancellation
