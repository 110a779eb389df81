"""Reading: a text read aloud word for word, passage by passage, heard as one."""

from dataclasses import replace

from .caller import Call, Caller
from .far.client import Route
from .far.line import Line
from .hearing import Audience
from .money.account import Account
from .rounds import Rounds
from .sound import WIRE_RATE
from .speech.passages import passages
from .speech.seam import Seam
from .wire.answer import Piece
from .wire.request import Message, Request


def read(
    caller: Caller,
    request: Request,
    route: Route,
    account: Account,
    audience: Audience | None = None,
) -> Rounds:
    """Have the text of the request's last message read; a long one takes several requests.

    What fails before anything was read is raised (see `Caller.call`), a later error is in the
    result.
    """
    found = passages(request.messages[-1].text)
    if len(found) == 1:
        return Rounds((caller.call(request, route, account, audience),))
    seamed, calls = _Seamed(audience), list[Call]()
    for number, (passage, asked) in enumerate(zip(found, requests(request), strict=True), 1):
        seamed.progress(f"passage {number} of {len(found)} …")
        try:
            call = caller.call(asked, route, account, seamed)
        except BaseException as error:
            return Rounds(tuple(calls)).broken(error)
        ended = number == len(found) or call.error or seamed.line.cut
        pcm = seamed.close(None if ended else passage.pause)
        seconds = len(pcm) / (2 * WIRE_RATE)
        receipt = replace(call.receipt, seconds_out=seconds)
        calls.append(replace(call, answer=replace(call.answer, pcm=pcm), receipt=receipt))
        if ended:
            break
    return Rounds(tuple(calls))


def requests(request: Request) -> list[Request]:
    """Return a request for each passage of the text of a request's last message."""
    *head, question = request.messages
    texts = (passage.text.strip() for passage in passages(question.text))
    return [replace(request, messages=(*head, Message(question.role, (text,)))) for text in texts]


class _Seamed:
    """Passes sound on as if it had been spoken in one go, and keeps what it passed."""

    def __init__(self, audience: Audience | None):
        self._audience = audience
        self.line = audience.line if audience else Line()
        self._seam = Seam()
        self._kept = b""  # of this passage

    def progress(self, line: str) -> None:
        """Tell what takes time."""
        if self._audience:
            self._audience.progress(line)

    def hear(self, piece: Piece) -> None:
        """Pass on what is due."""
        self._pass(Piece(piece.words, self._seam.feed(piece.pcm)))

    def close(self, pause: float | None) -> bytes:
        """End a passage, the last one without a pause; return its sound."""
        self._pass(Piece("", self._seam.end() if pause is None else self._seam.part(pause)))
        kept, self._kept = self._kept, b""
        return kept

    def _pass(self, piece: Piece) -> None:
        self._kept += piece.pcm
        if self._audience and (piece.words or piece.pcm):
            self._audience.hear(piece)
