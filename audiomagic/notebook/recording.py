"""A `%%listen` that records: a recorder, then the reply's card in its place.

`PendingReply` is what the cell gives at once; `Recording` follows the recorder.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from ..errors import Interrupted, ReplyPending, one_line
from ..speech import silence
from ..widgets.recorder import Recorder
from . import frontend
from .live_output import LiveCard

if TYPE_CHECKING:
    from ..sound import Sound
    from .invocation import Result

QUIET = {"text/plain": "Answered.", "text/html": "Answered."}
PACE = 0.05  # seconds between two looks; the loop stays free for the recorder's messages
PROBE = 6.0  # seconds in which a page shows the recorder, where messages reach a busy kernel


class PendingReply:
    """The reply of a recording that has not been made yet.

    Its attributes are the reply's; before there is one they raise ReplyPending, or the error of
    the call. `await` it in a cell to wait; `wait()` does so in a thread.
    """

    def __init__(self, awaitable: bool = True):
        self._awaitable = awaitable  # whether recordings reach the kernel while a cell awaits
        self._settled = threading.Event()
        self._reply: Result | None = None
        self._error: Exception | None = None

    def fulfil(self, reply: "Result") -> None:
        self._reply, self._error = reply, None
        self._settled.set()

    def fail(self, error: Exception) -> None:
        self._error = error
        self._settled.set()

    @property
    def settled(self) -> bool:
        return self._settled.is_set()

    @property
    def reply(self) -> "Result":
        """The reply. Raises ReplyPending, or the error of the call."""
        if self._reply:
            return self._reply
        how = "`await` waits for it" if self._awaitable else "with --wait, its cell waits"
        line = f"no reply yet: press Record below its %listen and speak ({how})"
        raise self._error or ReplyPending(line)

    def wait(self, seconds: float | None = None) -> "Result":
        """Block until the reply is there; in a cell, `await` it, so that the recorder works."""
        self._settled.wait(seconds)
        return self.reply

    def __await__(self) -> "Generator[Any, None, Result]":
        while not self.settled and self._awaitable:
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


class Recording:
    """Follows one recording from its recorder to its card.

    `send` sends a sound; `done` gets the reply before anybody who waits for it, and returns what
    is shown of it, or None for nothing; `recorder` are options of the Recorder.
    """

    def __init__(
        self,
        send: "Callable[[object], Result]",
        done: "Callable[[Result], Result | None]",
        live: LiveCard,
        pending: PendingReply,
        **recorder: Any,
    ):
        self.pending = pending
        self._send, self._done, self._live = send, done, live
        self._recorder = Recorder(on_sound=self._answer, on_failure=self._failed, **recorder)
        live.handle = self._recorder.show()
        self._patience = time.monotonic() + PROBE

    def close(self) -> None:
        self._recorder.close()
        if not self.pending.settled:
            self.pending.fail(ReplyPending("its recorder was closed; run its cell again"))

    async def wait(self) -> "Result | PendingReply":
        """Wait in a cell that awaits; where no messages get through, return the pending reply."""
        try:
            while not self._ended():
                await asyncio.sleep(PACE)
        except asyncio.CancelledError:
            self._recorder.halt()
            raise Interrupted("what was recorded is kept") from None
        return self.pending.reply if self.pending.settled else self.pending

    def poll(self) -> "Result | PendingReply":
        """Do the same in a cell that blocks, as only ipykernel 6 needs."""
        from jupyter_ui_poll import run_ui_poll_loop

        try:
            run_ui_poll_loop(lambda: self._ended() or None, PACE)
        except KeyboardInterrupt:
            self._recorder.halt()
            raise Interrupted("what was recorded is kept") from None
        return self.pending.reply if self.pending.settled else self.pending

    def _ended(self) -> bool:
        """Whether to stop waiting: there is a reply, or no page has shown the recorder in time."""
        if self.pending.settled:
            return True
        if self._recorder.protocol.shown or time.monotonic() < self._patience:
            return False
        print(frontend.CANNOT_WAIT)
        return True

    def _failed(self, line: str) -> None:
        self.pending.fail(ReplyPending(f"{line.rstrip('.')}. Press Record to try again"))

    def _answer(self, sound: "Sound") -> None:
        recorder = self._recorder
        recorder.notice = ""
        self._live.open()
        try:
            reply = self._send(sound)
        except Exception as error:  # shown in the page, raised where the reply is read
            recorder.notice = f"{one_line(error).rstrip('.')}. The recording is kept."
            self._live.clear(recorder.show)
            self.pending.fail(error)
            return
        trimmed, complaint = recorder.protocol.trimmed_seconds, recorder.protocol.complaint
        if trimmed >= silence.WORTH:
            reply = reply.noted(silence.note(trimmed))
        if complaint:
            reply = reply.noted(f"The recording: {complaint}")
        shown = self._done(reply)
        bundle = self._live.card(shown) if shown else QUIET
        recorder.send({"kind": "card", "html": bundle["text/html"]})
        self._live.settle(reply, bundle)
        self.pending.fulfil(reply)
        if not frontend.voila():  # there, the card lives in the recorder's own view
            recorder.close()
