"""RealtimeTransport: answers the requests of one conversation on a session that remembers it."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import takewhile

from ...catalogue import catalogue
from ...errors import ConnectionFailed
from ...protocol.realtime.response import sound_tokens
from ...protocol.realtime.session import SessionConfig
from ...protocol.realtime.speech import SpokenItem
from ...protocol.realtime.transcripts import Transcript
from ...protocol.request import Message, Request
from ...protocol.usage import AUDIO_IN_PER_SECOND, NOTHING, Usage
from ..cancellation import Cancellation
from ..retry import Retries
from ..transport import Chunk, Provider, Report, Response, Transport
from .connection import AGAIN
from .inbox import Observer
from .session import RealtimeSession

MOST_WORDS = 28_000  # tokens of the conversation that are told to a new session: models hold 28,224
TRANSCRIBING = 3.0  # seconds that the words of a question may come later than its answer
RENEWED = "The session ended; a new one was opened and given the conversation so far as text."


class RealtimeTransport(Transport):
    """Each request holds the whole conversation; what the session has of it is not sent again.

    Where the session is over, or has a question without its answer, a new one is told the
    conversation in words. One thread at a time uses it.
    """

    def __init__(self, inner: Transport, language: str = ""):
        """`inner` makes connections; `language`: what is spoken (ISO 639-1), "" if unknown."""
        self._inner, self._language = inner, language
        self._session: RealtimeSession | None = None
        self._detects_turns = False
        self._observer: Observer | None = None
        self._held = NOTHING  # tokens that the session holds, and each answer reads again
        self._untold: list[Message] = []
        self._heard: Message | None = None  # the last question by a microphone,
        self._heard_by: RealtimeSession | None = None  # and the session that heard it
        self._renewed = False  # whether the session is not the first one
        # The last question of a cassette's, and its words.
        self._replayed: tuple[Message | None, Transcript | None] = None, None

    @property
    def provider(self) -> Provider:
        inner = self._inner.provider
        return replace(inner, max_context=min(MOST_WORDS, inner.max_context), text_history=True)

    def check(self, model: str, voice: str | None) -> None:
        self._inner.check_realtime(model, voice)

    def notes(self, model: str, *, realtime: bool = True) -> list[str]:
        renewed, self._renewed = self._renewed, False
        return [*([RENEWED] if renewed else []), *self._inner.notes(model, realtime=True)]

    def retries(self, report: Report) -> Retries:
        return self._inner.retries(report)

    def prepare(self, request: Request, report: Report) -> None:
        if not self._inner.replays:
            self.session(request, report)

    def reread(self, request: Request) -> Usage:
        return self._held if self._usable else NOTHING

    @contextmanager
    def stream(
        self, request: Request, cancellation: Cancellation, report: Report
    ) -> Iterator[Response]:
        began, was_open = time.perf_counter(), self._usable
        if self._inner.replays:
            with self._inner.stream(request, cancellation, report) as response:
                yield replace(response, chunks=self._with_words(request, response.chunks))
            return
        try:
            name, chunks = self._asked(request, cancellation, report)
        except ConnectionFailed as failed:
            if failed.may_be_billed or not was_open:
                raise
            name, chunks = self._asked(request, cancellation, report)  # it had ended unnoticed
        with closing(chunks):
            noted = self._noted(chunks)
            if self._inner.records:
                noted = self._and_words(request, noted)
            response = Response(noted, name, settles_when_cancelled=True)
            yield self._inner.kept(request, response, began)

    def transcript(self, spoken: Message | SpokenItem, seconds: float) -> Transcript | None:
        """Return the words of what was said, as far as they are known in so many seconds.

        None where it was not sent.
        """
        question, found = self._replayed
        if spoken is question:
            return found
        return self._session.transcript(spoken, seconds) if self._session else None

    def close(self) -> None:
        if self._session:
            self._session.close()
            self._session = None

    # -- the microphone -----------------------------------------------------------------------
    def listen(self, observer: Observer, detects_turns: bool) -> None:
        """Have sessions from now on hear a microphone, and an observer see all that comes of it.

        `detects_turns`: whether the server tells when the user has spoken.
        """
        self._observer, self._detects_turns = observer, detects_turns

    def session(self, request: Request, report: Report) -> RealtimeSession:
        """Return the session, opened for a request and told all that is not new in it.

        Raises RequestFailed.
        """
        if self._session and self._usable:
            return self._session
        self._renewed = self._session is not None
        self.close()
        self._held = NOTHING
        config = SessionConfig.of(
            request, catalogue().default_transcription_model, self._language, self._detects_turns
        )
        connection = self._inner.connect_realtime(request, report)
        host = self.provider.host
        session = RealtimeSession(connection, config, host, self._observer)
        self._session = session
        session.tell(_old_and_new(request)[0])
        session.coherent, self._untold = True, []
        return session

    def tell(self, messages: Sequence[Message]) -> None:
        """Have the session know messages that came about elsewhere, before it answers again."""
        self._untold += messages

    @property
    def item(self) -> str:
        """The id of the item whose words or sound were read last."""
        return self._session.item if self._session else ""

    def heard(self, question: Message) -> None:
        """Take it that the session has this question, by its microphone."""
        self._heard, self._heard_by = question, self._session

    # -- requests -----------------------------------------------------------------------------
    @property
    def _usable(self) -> bool:
        return self._session is not None and not self._session.ended and self._session.coherent

    def _asked(
        self, request: Request, cancellation: Cancellation, report: Report
    ) -> tuple[str, Generator[Chunk, None, None]]:
        """Tell the session what is new, and ask for a response; return its id and its chunks."""
        session, (_, new) = self.session(request, report), _old_and_new(request)
        if self._heard in new and session is not self._heard_by:
            gone = ConnectionFailed(f"{self.provider.host} ended the session; {AGAIN}")
            gone.may_be_billed = False
            raise gone  # what was spoken into a microphone went with it
        untold, self._untold = self._untold, []
        session.tell([*untold, *(message for message in new if message is not self._heard)])
        seconds = sum(sound.seconds for message in new for sound in message.sounds)
        self._hold(round(seconds * AUDIO_IN_PER_SECOND))
        return session.respond(request, cancellation)

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

    def _and_words(self, request: Request, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Have the words of the question follow its answer, for a cassette."""
        yield from chunks
        for message in request.messages[-1:]:
            transcript = self.transcript(message, TRANSCRIBING) if message.sounds else None
            if transcript and transcript.words:
                yield transcript.chunk()

    def _with_words(self, request: Request, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Take the words of the question that follow a recorded answer."""
        for chunk in chunks:
            if transcript := Transcript.of_chunk(chunk):
                self._replayed = request.messages[-1], transcript
            yield chunk


def _old_and_new(request: Request) -> tuple[Sequence[Message], Sequence[Message]]:
    """Return the messages of the conversation: those that a session has already, and those that
    come with this request, a question or the results of tools. The others are instructions.
    """
    messages = [message for message in request.messages if not message.instructs]
    results = list(takewhile(lambda message: message.role == "tool", reversed(messages)))
    new = len(results) or 1
    return messages[:-new], messages[-new:]
