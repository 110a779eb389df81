"""Session: settings, a far end, and the turns that were run on it. No IPython in here."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, Unpack

from . import client, spelling
from .catalogue import catalogue
from .errors import AudiomagicError, BadAnswer, OptionError
from .notes import STOPPED, notes_on
from .receipt import Receipt
from .reply import Reply
from .sound import Sound
from .wire.answer import Answer, Fold, Piece
from .wire.request import Message, Request, system

if TYPE_CHECKING:
    import openai


class Options(TypedDict, total=False):
    """What a session, or one call, can be told. None stands for "as the session says"."""

    model: str | None
    voice: str | None
    style: str | None  # how to say it: language, accent, emotion, pace
    system: str | None  # who the model is
    engine: str | None  # "auto", "openai" or "local"
    base_url: str | None
    max_tokens: int | None  # cap on output tokens, audio and text together


class Audience(Protocol):
    """Whoever follows a call while it runs."""

    def progress(self, line: str) -> None:
        """Be told what takes time."""

    def hear(self, piece: Piece) -> None:
        """Be given words and sound (24 kHz pcm16) as they arrive."""

    @property
    def wants_more(self) -> bool:
        """Say whether to go on; else no more is asked of the server."""


@dataclass
class Stopwatch:
    """Times one call, in seconds."""

    start: float
    first_sound: float | None = None

    def note(self, piece: Piece) -> None:
        """Remember when the first sound came."""
        if piece.pcm and self.first_sound is None:
            self.first_sound = time.perf_counter() - self.start


class Session:
    """Talk with audio models.

    >>> session = Session(voice="coral")
    >>> session.speak("Tell me a joke", style="deadpan").save("joke.mp3")
    >>> session.listen("question.wav", "Answer briefly").text
    """

    def __init__(self, *, api_key: str | None = None, **options: Unpack[Options]):
        """Take defaults for every call; `api_key` stands in for $OPENAI_API_KEY."""
        self.options = _checked(options)
        self.receipts: list[Receipt] = []
        self._key = api_key
        self._clients: dict[client.Route, openai.OpenAI] = {}
        self._opening = Lock()

    def speak(
        self,
        text: str,
        *,
        verbatim: bool = False,
        audience: Audience | None = None,
        **options: Unpack[Options],
    ) -> Reply:
        """Send a text; get a spoken answer, or with `verbatim` the text itself, read aloud.

        Raises AudiomagicError: OptionError, ConnectionFailed, RequestRefused, BadAnswer, ...
        """
        if not isinstance(text, str) or not text.strip():
            raise OptionError("there is nothing to say; write some text")
        settings = self._settings(options)
        head = system(settings["system"] or "", settings["style"] or "", verbatim)
        return self._turn((*head, Message("user", (text,))), settings["voice"], settings, audience)

    def listen(
        self,
        sound: object,
        instruction: str = "",
        *,
        text: bool = False,
        audience: Audience | None = None,
        **options: Unpack[Options],
    ) -> Reply:
        """Send a sound with an instruction; get a spoken answer, or with `text` a written one.

        `sound` is whatever holds one: a Sound, a path, `(rate, array)`, an IPython Audio, bytes.
        Raises AudiomagicError: SoundError for one that cannot be sent, and those of `speak`.
        """
        settings = self._settings(options)
        head = system(settings["system"] or "", settings["style"] or "")
        words = instruction.strip()
        parts: tuple[str | Sound, ...] = (*((words,) if words else ()), Sound.of(sound))
        voice = None if text else settings["voice"]
        return self._turn((*head, Message("user", parts)), voice, settings, audience)

    def prepare(self, **options: Unpack[Options]) -> None:
        """Check the options, and open the connection ahead of a call, in a thread.

        The embedded engine's models take seconds to load. Raises AudiomagicError as the call would.
        """
        settings = self._settings(options)
        route = self._route(settings)
        if route.engine == "local":
            _check_local(settings["model"], settings["voice"])

        def open_it() -> None:
            with suppress(AudiomagicError):  # the call itself will say it
                self._connection(route, lambda line: None)

        Thread(target=open_it, daemon=True).start()

    @property
    def spent(self) -> Decimal:
        """US dollars paid so far; calls without a known price are not in it."""
        return sum((receipt.cost or Decimal(0) for receipt in self.receipts), Decimal(0))

    def route(self, **options: Unpack[Options]) -> client.Route:
        """Say where a call with these options would go."""
        return self._route(self._settings(options))

    # -- one turn -----------------------------------------------------------------------------
    def _settings(self, options: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in _checked(options).items() if value is not None}
        settings = dict.fromkeys(Options.__annotations__) | self.options | given
        settings["model"] = settings["model"] or catalogue().default_model
        settings["voice"] = settings["voice"] or catalogue().default_voice
        return settings

    def _route(self, settings: Mapping[str, Any]) -> client.Route:
        return client.choose(settings["engine"] or "auto", settings["base_url"], self._key)

    def _turn(
        self,
        messages: tuple[Message, ...],
        voice: str | None,
        settings: Mapping[str, Any],
        audience: Audience | None,
    ) -> Reply:
        route = self._route(settings)
        request = Request(settings["model"], messages, voice, max_tokens=settings["max_tokens"])
        if route.engine == "local":
            _check_local(request.model, request.voice)
        body = request.wire()  # a sound that cannot be sent is found before anything is opened
        connection = self._connection(route, audience.progress if audience else None)
        watch = Stopwatch(time.perf_counter())
        fold = Fold()
        with client.stream(connection, route, request, body) as chunks:
            for chunk in chunks:
                piece = fold.add(chunk)
                watch.note(piece)
                if audience:
                    audience.hear(piece)
                    if not audience.wants_more:
                        fold.finish = STOPPED
                        break
        return self._reply(request, route, fold.answer(), watch, settings)

    def _connection(
        self, route: client.Route, report: Callable[[str], None] | None
    ) -> "openai.OpenAI":
        with self._opening:
            if route not in self._clients:
                self._clients[route] = client.connect(route, report)
            return self._clients[route]

    def _reply(
        self,
        request: Request,
        route: client.Route,
        answer: Answer,
        watch: Stopwatch,
        settings: Mapping[str, Any],
    ) -> Reply:
        if not answer.text and not answer.pcm and answer.finish is None:
            raise BadAnswer(
                f"{route.host} sent no answer; is it a Chat Completions server? check --base-url"
            )
        sound = Sound.from_pcm16(answer.pcm) if answer.pcm else None
        receipt = Receipt(
            when=datetime.now(UTC),
            engine=route.engine,
            host=route.host,
            asked=request.model,
            model=answer.model or request.model,
            voice=request.voice,
            seconds_in=request.seconds,
            seconds_out=sound.seconds if sound else 0.0,
            usage=answer.usage,
            first_sound=watch.first_sound,
            total=time.perf_counter() - watch.start,
        )
        self.receipts.append(receipt)
        notes = tuple(notes_on(request, route.engine, answer, settings))
        return Reply(
            answer.text,
            sound,
            receipt,
            request,
            answer.finish,
            notes,
            answer.marks,
            answer.audio_id,
            answer.expires_at,
        )


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    for name in options:
        if name not in Options.__annotations__:
            raise OptionError(spelling.unknown("option", name, Options.__annotations__))
    return dict(options)


def _check_local(model: str, voice: str | None) -> None:
    """Refuse names that the service would refuse: the engine itself answers to any model's."""
    from .local.engine import MODEL

    if model not in (*catalogue().models, MODEL):
        raise OptionError(client.unknown_model(model))
    if voice and voice not in catalogue().voices:
        raise OptionError(spelling.unknown("voice", voice, catalogue().voices))
