"""Hearing: an answer while it arrives: folded, timed, and passed on to whoever follows it."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from .errors import BadAnswer
from .far.line import Line
from .far.route import Route
from .money.estimate import afterwards
from .money.prices import Prices
from .money.receipt import Receipt
from .sound import WIRE_RATE
from .wire.answer import Answer, Fold, Piece
from .wire.request import Request
from .wire.usage import AUDIO_OUT_PER_SECOND


class Audience(Protocol):
    """Whoever follows a call while it runs."""

    def progress(self, line: str) -> None:
        """Be told what takes time."""

    def hear(self, piece: Piece) -> None:
        """Be given words and sound (24 kHz pcm16) as they arrive."""

    @property
    def line(self) -> Line:
        """What it may cut; then no more is asked of the server."""


class Unheard:
    """Follows one of several calls: no two are heard at once, but each can be stopped."""

    def __init__(self) -> None:
        self.line = Line()

    def progress(self, line: str) -> None:
        """Let it pass."""

    def hear(self, piece: Piece) -> None:
        """Let it pass."""


class Hearing:
    """One answer while it arrives, and its times."""

    def __init__(self, audience: Audience | None, max_tokens: int | None):
        self.fold = Fold()
        self._audience = audience
        self._most = None if max_tokens is None else max_tokens / AUDIO_OUT_PER_SECOND  # seconds
        self.start = time.perf_counter()
        self.request_id: str | None = None  # the server's own name for the call
        self._first_sound: float | None = None
        self._seconds = 0.0

    def follow(self, chunks: Iterable[Mapping[str, Any]], line: Line) -> None:
        """Take chunks until they end, or the line is cut."""
        for chunk in chunks:
            self._hear(self.fold.add(chunk))
            line.check()
            if self._most and self._seconds > self._most:
                self.fold.finish = "length"  # the server took no notice of the cap
                return
        self._hear(self.fold.end())

    def check(self, route: Route) -> None:
        """Raise BadAnswer where the stream ended without a word."""
        answer = self.fold.answer()
        if answer.empty and answer.finish is None:
            raise BadAnswer(
                f"{route.host} sent no answer; is it a Chat Completions server? check --base-url"
            )

    def _hear(self, piece: Piece) -> None:
        self._seconds += len(piece.pcm) / (2 * WIRE_RATE)
        if piece.pcm and self._first_sound is None:
            self._first_sound = time.perf_counter() - self.start
        if self._audience:
            self._audience.hear(piece)

    def receipt(self, request: Request, route: Route, answer: Answer, prices: Prices) -> Receipt:
        """Write down who answered, how much, and in what time."""
        seconds = len(answer.pcm) / (2 * WIRE_RATE)
        paid = route.engine == "openai" and answer.usage is None
        return Receipt(
            when=datetime.now(UTC),
            engine=route.engine,
            host=route.host,
            asked=request.model,
            model=answer.model or request.model,
            voice=request.voice,
            seconds_in=request.seconds,
            seconds_out=seconds,
            usage=answer.usage,
            first_sound=self._first_sound,
            total=time.perf_counter() - self.start,
            request_id=self.request_id,
            prices=prices,
            guess=afterwards(request, answer.text, seconds) if paid else None,
        )
