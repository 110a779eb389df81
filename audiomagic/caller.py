"""Caller: puts requests through to far ends, and keeps a receipt of each."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from . import client
from .errors import BadAnswer, Interrupted
from .line import Line
from .notes import STOPPED
from .receipt import Receipt
from .sound import WIRE_RATE
from .wire.answer import Answer, Fold, Piece
from .wire.request import Request

if TYPE_CHECKING:
    import openai

    from .cassette import Cassette


class Audience(Protocol):
    """Whoever follows a call while it runs."""

    def progress(self, line: str) -> None:
        """Be told what takes time."""

    def hear(self, piece: Piece) -> None:
        """Be given words and sound (24 kHz pcm16) as they arrive."""

    @property
    def line(self) -> Line:
        """What it may cut; then no more is asked of the server."""


@dataclass(frozen=True)
class Call:
    """A request and its answer; an `error` came after a part of it."""

    request: Request
    answer: Answer
    receipt: Receipt
    error: BaseException | None = None


@dataclass(frozen=True)
class Tape:
    """A cassette to record on, or to answer from, at the pace recorded or at once."""

    cassette: "Cassette"
    plays: bool
    pace: bool = True


class Caller:
    """Makes calls, for several threads at once; each far end is connected to once."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.tape: Tape | None = None
        self._clients: dict[client.Route, openai.OpenAI] = {}
        self._opening = Lock()

    def call(self, request: Request, route: client.Route, audience: Audience | None = None) -> Call:
        """Send a request; let the audience follow its answer; keep the receipt.

        What fails before anything was answered is raised: AudiomagicError, or an interrupt.
        """
        line = audience.line if audience else Line()
        hearing = _Hearing(audience)
        error = None
        try:
            with line.used(), self._chunks(request, route, audience, hearing.start) as chunks:
                hearing.follow(chunks, line)
        except BaseException as caught:
            if isinstance(caught, KeyboardInterrupt) and not hearing.anything:
                raise Interrupted("the request was ended, nothing had come") from None
            if not hearing.anything:
                raise
            error = caught
        if line.cut or isinstance(error, KeyboardInterrupt):
            hearing.fold.finish = STOPPED
        answer = hearing.fold.answer()
        if not hearing.anything and answer.finish is None:
            raise BadAnswer(
                f"{route.host} sent no answer; is it a Chat Completions server? check --base-url"
            )
        receipt = hearing.receipt(request, route, answer)
        self.receipts.append(receipt)
        return Call(request, answer, receipt, error)

    @contextmanager
    def _chunks(
        self, request: Request, route: client.Route, audience: Audience | None, start: float
    ) -> Iterator[Iterator[Mapping[str, Any]]]:
        """Give the chunks of an answer, recorded or to be recorded where a tape is in."""
        tape = self.tape
        if tape and tape.plays:
            yield tape.cassette.answer(request, tape.pace)
            return
        body = request.wire()  # a sound that cannot be sent is found before anything is opened
        report = audience.progress if audience else None
        connection = self.connect(route, report)
        with client.stream(connection, route, request, body, report) as chunks:
            yield tape.cassette.keep(request, chunks, start) if tape else chunks

    def connect(
        self, route: client.Route, report: Callable[[str], None] | None = None
    ) -> "openai.OpenAI":
        """Return the connection to a far end, opened at the first call of it."""
        with self._opening:
            if route not in self._clients:
                self._clients[route] = client.connect(route, report)
            return self._clients[route]


class _Hearing:
    """One answer while it arrives, and its times."""

    def __init__(self, audience: Audience | None):
        self.fold = Fold()
        self._audience = audience
        self.start = time.perf_counter()
        self._first_sound: float | None = None

    @property
    def anything(self) -> bool:
        """Whether there are words, sound or tool calls."""
        answer = self.fold.answer()
        return bool(answer.text or answer.pcm or answer.calls)

    def follow(self, chunks: Iterable[Mapping[str, Any]], line: Line) -> None:
        """Take chunks until they end, or the line is cut."""
        for chunk in chunks:
            self._hear(self.fold.add(chunk))
            line.check()
        self._hear(self.fold.end())

    def _hear(self, piece: Piece) -> None:
        if piece.pcm and self._first_sound is None:
            self._first_sound = time.perf_counter() - self.start
        if self._audience:
            self._audience.hear(piece)

    def receipt(self, request: Request, route: client.Route, answer: Answer) -> Receipt:
        """Write down who answered, how much, and in what time."""
        return Receipt(
            when=datetime.now(UTC),
            engine=route.engine,
            host=route.host,
            asked=request.model,
            model=answer.model or request.model,
            voice=request.voice,
            seconds_in=request.seconds,
            seconds_out=len(answer.pcm) / (2 * WIRE_RATE),
            usage=answer.usage,
            first_sound=self._first_sound,
            total=time.perf_counter() - self.start,
        )
