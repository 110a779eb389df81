"""RealtimeTransport: answers the requests of one conversation on a session that remembers it."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

from ...catalogue import catalogue
from ...errors import ConnectionFailed
from ...protocol.realtime.response import sound_tokens
from ...protocol.realtime.session import SessionConfig
from ...protocol.realtime.transcripts import Transcript
from ...protocol.request import Message, Request
from ...protocol.usage import AUDIO_IN_PER_SECOND, NOTHING, Usage
from ..cancellation import Cancellation
from ..retry import Retries
from ..transport import Chunk, Provider, Report, Response, Transport
from .session import RealtimeSession

MOST_WORDS = 28_000  # tokens of the conversation that are told to a new session: models hold 28,224
RENEWED = "The session had ended; this is a new one, which was told the conversation in words."


class RealtimeTransport(Transport):
    """Each request holds the whole conversation; what the session has of it is not sent again.

    Where the session is over, or has another conversation, a new one is told this one in words. It
    is used by one thread at a time.
    """

    def __init__(self, inner: Transport, language: str = ""):
        """`inner` makes connections; `language`: what is spoken (ISO 639-1), "" if unknown."""
        self._inner, self._language = inner, language
        self._session: RealtimeSession | None = None
        self._held = NOTHING  # tokens that the session holds, and each answer reads again
        self._renewed = False  # whether the session is not the first one

    @property
    def provider(self) -> Provider:
        inner = self._inner.provider
        return replace(inner, max_context=min(MOST_WORDS, inner.max_context), text_history=True)

    def check(self, model: str, voice: str | None) -> None:
        self._inner.check_realtime(model, voice)

    def notes(self, model: str, style: str) -> list[str]:
        renewed, self._renewed = self._renewed, False
        return [*([RENEWED] if renewed else []), *self._inner.notes(model, style)]

    def retries(self, report: Report) -> Retries:
        return self._inner.retries(report)

    def reread(self, request: Request) -> Usage:
        if not self._continues(request):
            return NOTHING
        return self._held

    @contextmanager
    def stream(
        self, request: Request, cancellation: Cancellation, report: Report
    ) -> Iterator[Response]:
        is_new = not self._continues(request)
        try:
            name, chunks = self._asked(request, cancellation, report)
        except ConnectionFailed as failed:
            if is_new or failed.may_be_billed:
                raise
            name, chunks = self._asked(request, cancellation, report)  # it ended unnoticed
        with closing(chunks):
            yield Response(self._noted(chunks), name, settles_when_cancelled=True)

    def transcript(self, spoken: Message, seconds: float) -> Transcript | None:
        """Return the words of a spoken message, as far as they are known in so many seconds.

        None where the message was not sent.
        """
        return self._session.transcript(spoken, seconds) if self._session else None

    def close(self) -> None:
        if self._session:
            self._session.close()
            self._session = None

    def _asked(
        self, request: Request, cancellation: Cancellation, report: Report
    ) -> tuple[str, Generator[Chunk, None, None]]:
        """Tell the session what is new, and ask for a response; return its id and its chunks."""
        session = self._opened(request, report)
        told = _conversation(request)[session.known :]
        session.tell(told)
        heard = sum(sound.seconds for message in told for sound in message.sounds)
        self._hold(round(heard * AUDIO_IN_PER_SECOND))
        return session.respond(request, cancellation)

    def _opened(self, request: Request, report: Report) -> RealtimeSession:
        if self._session and self._continues(request):
            return self._session
        self._renewed = self._session is not None
        self.close()
        self._held = NOTHING
        config = SessionConfig.of(request, catalogue().default_transcription_model, self._language)
        connection = self._inner.connect_realtime(request, report)
        self._session = RealtimeSession(connection, config, self.provider.host)
        return self._session

    def _continues(self, request: Request) -> bool:
        """Whether the session has what was said before the last question of a request."""
        session = self._session
        if session is None or session.ended or not session.coherent:
            return False
        return session.known < len(_conversation(request))

    def _noted(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Name the model in each chunk, and count what the next answer reads again.

        Thoughts are among it, which the words of the conversation do not show.
        """
        model = self._session.model if self._session else ""
        for chunk in chunks:
            usage = Usage.of(chunk.get("usage"))
            if usage and usage.consistent and usage.input_audio_tokens is not None:
                sound = usage.input_audio_tokens + (usage.output_audio_tokens or 0)
                self._held = Usage(usage.input_tokens + usage.output_tokens, 0, sound, 0)
            else:
                self._hold(sound_tokens(chunk))
            yield {**chunk, "model": model}

    def _hold(self, sound: int) -> None:
        self._held += Usage(sound, 0, sound, 0)


def _conversation(request: Request) -> Sequence[Message]:
    """Return the messages that are items of the conversation: the others are instructions."""
    roles = ("system", "developer")
    return [message for message in request.messages if message.role not in roles]
