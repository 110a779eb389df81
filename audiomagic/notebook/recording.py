"""Recording: a `%%listen` that records; first a recorder, then the reply's card in its place."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import Interrupted, ReplyPending, one_line
from ..speech import trim
from ..widgets.recorder import Recorder
from . import frontend
from .live_output import LiveCard
from .pending import PACE, PendingReply

if TYPE_CHECKING:
    from ..sound import Sound
    from .invocation import Call, Result

QUIET = {"text/plain": "Answered.", "text/html": "Answered."}
PROBE = 6.0  # seconds in which a page shows the recorder, where messages reach a busy kernel


class Recording:
    """Follows one recording from its recorder to its card.

    `send` returns what sends a sound; `done` is given the reply before anyone who waits, and gives
    back what is shown of it, or None for nothing; `live_card` makes one in a display's place.
    """

    def __init__(
        self,
        send: "Callable[[object], Call]",
        done: "Callable[[Result], Result | None]",
        live_card: Callable[[Any], LiveCard],
        pending: PendingReply,
        **recorder: Any,
    ):
        self.pending = pending
        self._send, self._done = send, done
        self._recorder = Recorder(then=self._answer, unheard=self._unheard, **recorder)
        self._live = live_card(self._recorder.show())

    def close(self) -> None:
        """Let the microphone go: the cell is run again."""
        self._recorder.close()
        if not self.pending.settled:
            self.pending.fail(ReplyPending("its recorder was closed; run its cell again"))

    async def wait(self) -> "Result | PendingReply":
        """Wait in a cell that awaits; where messages cannot get through, give the pending reply."""
        patience = time.monotonic() + PROBE
        try:
            while not self.pending.settled:
                if self._unseen(patience):
                    return self.pending
                await asyncio.sleep(PACE)
        except asyncio.CancelledError:
            self._recorder.halt()
            raise Interrupted("what was recorded is kept") from None
        return self.pending.reply

    def poll(self) -> "Result | PendingReply":
        """Do the same in a cell that blocks, as only ipykernel 6 needs."""
        from jupyter_ui_poll import run_ui_poll_loop

        patience = time.monotonic() + PROBE

        def look() -> PendingReply | None:
            return self.pending if self.pending.settled or self._unseen(patience) else None

        try:
            run_ui_poll_loop(look, PACE)
        except KeyboardInterrupt:
            self._recorder.halt()
            raise Interrupted("what was recorded is kept") from None
        return self.pending.reply if self.pending.settled else self.pending

    def _unseen(self, patience: float) -> bool:
        """Say, and print, that no page has shown the recorder by a time (of time.monotonic)."""
        unseen = not self._recorder.shown.is_set() and time.monotonic() > patience
        if unseen:
            print(frontend.CANNOT_WAIT)
        return unseen

    def _unheard(self, line: str) -> None:
        self.pending.fail(ReplyPending(f"{line.rstrip('.')}. Press Record to try again"))

    def _answer(self, sound: "Sound") -> None:
        """Send what was recorded; the reply's card takes the recorder's place, for good."""
        recorder = self._recorder
        recorder.notice = ""
        self._live.open()
        try:
            reply = self._send(sound)(self._live)
        except Exception as error:  # shown in the page, raised to whoever reads the reply
            recorder.notice = f"{one_line(error).rstrip('.')}. The recording is kept."
            self._live.take_back(recorder.show)
            self.pending.fail(error)
            return
        if recorder.unsent >= trim.WORTH:
            reply = reply.noted(trim.note(recorder.unsent))
        if recorder.complaint:
            reply = reply.noted(f"The recording: {recorder.complaint}")
        shown = self._done(reply)
        card = self._live.card(shown) if shown else QUIET
        recorder.send({"kind": "card", "html": card["text/html"]})
        self._live.settle(card)
        self.pending.fulfil(reply)
        if not frontend.voila():  # there, the card lives in the recorder's own view
            recorder.close()
