"""PendingReply: a reply that is still to be spoken for; once it is there, this stands for it."""

import asyncio
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from ..errors import ReplyPending

if TYPE_CHECKING:
    from .invocation import Result

PACE = 0.05  # seconds between two looks; the loop stays free for the recorder's messages


class PendingReply:
    """What a recording `%%listen` gives at once.

    Its attributes are the reply's, and raise ReplyPending before there is one, or the call's own error
    when it failed. `await` it in a cell to wait; `wait()` does so in a thread.
    """

    def __init__(self, awaitable: bool = True):
        """Make one; `awaitable` says whether the kernel hears the recorder while a cell awaits."""
        self._awaitable = awaitable
        self._settled = threading.Event()
        self._reply: Result | None = None
        self._error: Exception | None = None

    def fulfil(self, reply: "Result") -> None:
        """Let it stand for a reply."""
        self._reply, self._error = reply, None
        self._settled.set()

    def fail(self, error: Exception) -> None:
        """Let it tell an error, until a later try succeeds."""
        self._error = error
        self._settled.set()

    @property
    def settled(self) -> bool:
        """Whether there is a reply, or an error."""
        return self._settled.is_set()

    @property
    def reply(self) -> "Result":
        """The reply. Raises ReplyPending, or the error of the call."""
        if self._reply:
            return self._reply
        how = "await it to wait" if self._awaitable else "--wait lets its cell wait"
        raise self._error or ReplyPending(
            f"no reply yet: press Record below its %listen and speak ({how})"
        )

    def wait(self, seconds: float | None = None) -> "Result":
        """Block until the reply is there; in a notebook's cell, `await` lets the recorder work."""
        self._settled.wait(seconds)
        return self.reply

    def __await__(self) -> "Generator[Any, None, Result]":
        while not self._settled.is_set() and self._awaitable:
            yield from asyncio.sleep(PACE).__await__()
        return self.reply

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.reply, name)

    def __str__(self) -> str:
        return str(self.reply)

    def __repr__(self) -> str:
        if self._reply:
            return repr(self._reply)
        return f"<no reply: {self._error}>" if self._error else "<no reply yet>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self._reply._repr_mimebundle_() if self._reply else {"text/plain": repr(self)}
