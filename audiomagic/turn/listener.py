"""ResponseStream: an answer while it arrives: folded, timed, and passed on to whoever follows it."""

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from ..costs.estimate import afterwards
from ..costs.prices import Prices
from ..costs.receipt import Receipt
from ..errors import InvalidResponse
from ..protocol.request import Request
from ..protocol.response import Completion, Delta, ResponseAccumulator
from ..protocol.usage import AUDIO_OUT_PER_SECOND
from ..sound import WIRE_RATE
from ..transports.cancellation import Cancellation
from ..transports.endpoint import Endpoint


class StreamListener(Protocol):
    """Whoever follows a call while it runs."""

    def on_progress(self, line: str) -> None:
        """Be told what takes time."""

    def on_delta(self, piece: Delta) -> None:
        """Be given words and sound (24 kHz pcm16) as they arrive."""

    @property
    def cancellation(self) -> Cancellation:
        """What it may cut; then no more is asked of the server."""


class NullListener:
    """Follows one of several calls: no two are heard at once, but each can be stopped."""

    def __init__(self) -> None:
        self.cancellation = Cancellation()

    def on_progress(self, line: str) -> None:
        """Let it pass."""

    def on_delta(self, piece: Delta) -> None:
        """Let it pass."""


class ResponseStream:
    """One answer while it arrives, and its times."""

    def __init__(self, listener: StreamListener | None, max_tokens: int | None):
        self.fold = ResponseAccumulator()
        self._audience = listener
        self._most = None if max_tokens is None else max_tokens / AUDIO_OUT_PER_SECOND  # seconds
        self.start = time.perf_counter()
        self.request_id: str | None = None  # the server's own name for the call
        self._first_sound: float | None = None
        self._seconds = 0.0

    def follow(self, chunks: Iterable[Mapping[str, Any]], line: Cancellation) -> None:
        """Take chunks until they end, or the line is cut."""
        for chunk in chunks:
            self._hear(self.fold.add(chunk))
            line.raise_if_cancelled()
            if self._most and self._seconds > self._most:
                self.fold.finish_reason = "length"  # the server took no notice of the cap
                return
        self._hear(self.fold.end())

    def check(self, route: Endpoint) -> None:
        """Raise InvalidResponse where the stream ended without a word."""
        answer = self.fold.answer()
        if answer.empty and answer.finish_reason is None:
            raise InvalidResponse(
                f"{route.host} sent no answer; is it a Chat Completions server? check --base-url"
            )

    def _hear(self, piece: Delta) -> None:
        self._seconds += len(piece.pcm) / (2 * WIRE_RATE)
        if piece.pcm and self._first_sound is None:
            self._first_sound = time.perf_counter() - self.start
        if self._audience:
            self._audience.on_delta(piece)

    def receipt(
        self, request: Request, route: Endpoint, answer: Completion, prices: Prices
    ) -> Receipt:
        """Write down who answered, how much, and in what time."""
        seconds = len(answer.pcm) / (2 * WIRE_RATE)
        paid = route.engine == "openai" and answer.usage is None
        return Receipt(
            when=datetime.now(UTC),
            engine=route.engine,
            host=route.host,
            requested_model=request.model,
            model=answer.model or request.model,
            voice=request.voice,
            seconds_in=request.seconds,
            seconds_out=seconds,
            usage=answer.usage,
            time_to_first_audio=self._first_sound,
            duration=time.perf_counter() - self.start,
            request_id=self.request_id,
            prices=prices,
            counted_usage=afterwards(request, answer.text, seconds) if paid else None,
        )
