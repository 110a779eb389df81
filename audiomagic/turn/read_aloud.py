"""Reading: a text read aloud word for word, passage by passage, heard as one."""

from dataclasses import replace

from ..costs.call_budget import CallBudget
from ..protocol.request import Message, Request
from ..protocol.response import Delta
from ..sound import WIRE_RATE
from ..speech.chunking import chunks
from ..speech.crossfade import Crossfader
from ..transports.cancellation import Cancellation
from ..transports.openai_client import Endpoint
from .client import Call, Client
from .listener import StreamListener
from .tool_loop import ToolLoop


def read_aloud(
    caller: Client,
    request: Request,
    route: Endpoint,
    account: CallBudget,
    listener: StreamListener | None = None,
) -> ToolLoop:
    """Have the text of the request's last message read; a long one takes several requests.

    What fails before anything was read is raised (see `Client.call`), a later error is in the
    result.
    """
    found = chunks(request.messages[-1].text)
    if len(found) == 1:
        return ToolLoop((caller.call(request, route, account, listener),))
    seamed, calls = _Seamed(listener), list[Call]()
    for number, (passage, asked) in enumerate(zip(found, requests(request), strict=True), 1):
        seamed.on_progress(f"passage {number} of {len(found)} …")
        try:
            call = caller.call(asked, route, account, seamed)
        except BaseException as error:
            return ToolLoop(tuple(calls)).broken(error)
        ended = number == len(found) or call.error or seamed.cancellation.cancelled
        pcm = seamed.close(None if ended else passage.pause)
        seconds = len(pcm) / (2 * WIRE_RATE)
        receipt = replace(call.receipt, seconds_out=seconds)
        calls.append(replace(call, answer=replace(call.answer, pcm=pcm), receipt=receipt))
        if ended:
            break
    return ToolLoop(tuple(calls))


def requests(request: Request) -> list[Request]:
    """Return a request for each passage of the text of a request's last message."""
    *head, question = request.messages
    texts = (passage.text.strip() for passage in chunks(question.text))
    return [replace(request, messages=(*head, Message(question.role, (text,)))) for text in texts]


class _Seamed:
    """Passes sound on as if it had been spoken in one go, and keeps what it passed."""

    def __init__(self, listener: StreamListener | None):
        self._audience = listener
        self.cancellation = listener.cancellation if listener else Cancellation()
        self._seam = Crossfader()
        self._kept = b""  # of this passage

    def on_progress(self, line: str) -> None:
        """Tell what takes time."""
        if self._audience:
            self._audience.on_progress(line)

    def on_delta(self, piece: Delta) -> None:
        """Pass on what is due."""
        self._pass(Delta(piece.text, self._seam.feed(piece.pcm)))

    def close(self, pause: float | None) -> bytes:
        """End a passage, the last one without a pause; return its sound."""
        self._pass(Delta("", self._seam.end() if pause is None else self._seam.part(pause)))
        kept, self._kept = self._kept, b""
        return kept

    def _pass(self, piece: Delta) -> None:
        self._kept += piece.pcm
        if self._audience and (piece.text or piece.pcm):
            self._audience.on_delta(piece)
