"""Reading aloud: a text word for word, chunk by chunk, heard as one."""

from dataclasses import replace

from ..errors import RequestRejected
from ..protocol.request import Message, Request
from ..protocol.response import Delta
from ..sound import pcm16_seconds
from ..speech.chunking import chunks
from ..speech.crossfade import Crossfader
from .client import Call, Client
from .listener import StreamListener
from .tool_loop import Rounds, in_words


def read_aloud(client: Client, request: Request) -> Rounds:
    """Have the text of the request's last message read; a long one takes several requests.

    What fails before anything was read is raised (see `Client.complete`), a later error is in the
    result.
    """
    parts = chunks(request.messages[-1].text)
    if len(parts) == 1:
        return Rounds((_complete(client, request),))
    listener, calls = _CrossfadingListener(client.listener), list[Call]()
    client = replace(client, listener=listener)
    for number, (part, asked) in enumerate(zip(parts, requests(request), strict=True), 1):
        listener.on_progress(f"passage {number} of {len(parts)} …")
        try:
            refused = calls and not calls[-1].request.has_audio_ids
            call = _complete(client, asked.in_words() if refused else asked)
        except BaseException as error:
            return Rounds(tuple(calls)).broken(error)
        ended = number == len(parts) or call.error or listener.cancellation.cancelled
        pcm = listener.close(None if ended else part.pause)
        receipt = replace(call.receipt, seconds_out=pcm16_seconds(pcm))
        completion = replace(call.completion, pcm=pcm)
        calls.append(replace(call, completion=completion, receipt=receipt))
        if ended:
            break
    return Rounds(tuple(calls))


def _complete(client: Client, request: Request) -> Call:
    try:
        return client.complete(request)
    except RequestRejected as rejected:
        with in_words(request, rejected) as repeated:
            return client.complete(repeated)


def requests(request: Request) -> list[Request]:
    """Return a request for each chunk of the text of a request's last message."""
    *head, question = request.messages
    texts = (chunk.text.strip() for chunk in chunks(question.text))
    return [replace(request, messages=(*head, Message(question.role, (text,)))) for text in texts]


class _CrossfadingListener:
    """Passes sound on as if it had been spoken in one go, and keeps what it passed."""

    def __init__(self, listener: StreamListener):
        self._listener = listener
        self.cancellation = listener.cancellation
        self.on_progress = listener.on_progress
        self._crossfader = Crossfader()
        self._kept = bytearray()  # of this chunk

    def on_delta(self, delta: Delta) -> None:
        self._pass_on(Delta(delta.text, self._crossfader.feed(delta.pcm)))

    def close(self, pause: float | None) -> bytes:
        """End a chunk, the last one without a pause; return its sound."""
        crossfader = self._crossfader
        self._pass_on(Delta("", crossfader.end() if pause is None else crossfader.part(pause)))
        kept, self._kept = bytes(self._kept), bytearray()
        return kept

    def _pass_on(self, delta: Delta) -> None:
        self._kept += delta.pcm
        if delta.text or delta.pcm:
            self._listener.on_delta(delta)
