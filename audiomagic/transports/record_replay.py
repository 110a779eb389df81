"""Transports that keep answers on a cassette, or give them again."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..protocol.request import Request
from .cancellation import Cancellation
from .model_list import Listing
from .realtime.connection import RealtimeConnection
from .retry import Retries
from .transport import Provider, Report, Response, Transport

if TYPE_CHECKING:
    from .cassette import Cassette


@dataclass(frozen=True)
class ReplayTransport(Transport):
    """Gives recorded answers again, at the pace at which they came or at once."""

    cassette: "Cassette"
    pace: bool = True
    replays = True

    @property
    def provider(self) -> Provider:
        why = f"cassette {self.cassette.folder.name}"
        return Provider("replay", "the cassette", why, label="replayed · free")

    @contextmanager
    def stream(
        self, request: Request, cancellation: Cancellation, report: Report
    ) -> Iterator[Response]:
        """Raises NotRecorded, CassetteError."""
        with cancellation.bound():
            yield Response(self.cassette.answer(request, self.pace))

    def check_realtime(self, model: str, voice: str | None) -> None:
        """Allow all: what was not recorded is not there."""


@dataclass(frozen=True)
class RecordingTransport(Transport):
    """Passes requests on to `inner`, and keeps every whole answer.

    With `claimed`, the takes that a batch has had (see `Cassette.claim`), a request whose answer
    the cassette had before is answered from it: a batch that is run again pays for nothing twice.
    """

    inner: Transport
    cassette: "Cassette"
    claimed: Counter[str] | None = None
    records = True

    @property
    def provider(self) -> Provider:
        return self.inner.provider

    def check_realtime(self, model: str, voice: str | None) -> None:
        self.inner.check_realtime(model, voice)

    def connect_realtime(self, request: Request, report: Report) -> RealtimeConnection:
        return self.inner.connect_realtime(request, report)

    def check(self, model: str, voice: str | None) -> None:
        self.inner.check(model, voice)

    def notes(self, model: str, *, realtime: bool = False) -> list[str]:
        return self.inner.notes(model, realtime=realtime)

    def models(self) -> Listing | None:
        return self.inner.models()

    def retries(self, report: Report) -> Retries:
        return self.inner.retries(report)

    def open(self, report: Report) -> None:
        self.inner.open(report)

    def for_request(self, request: Request) -> Transport:
        """Return a replay of the answer that is there already, if it may be used again."""
        if self.claimed is not None and self.cassette.claim(request, self.claimed):
            return ReplayTransport(self.cassette, pace=False)
        return self

    @contextmanager
    def stream(
        self, request: Request, cancellation: Cancellation, report: Report
    ) -> Iterator[Response]:
        began = time.perf_counter()
        with self.inner.stream(request, cancellation, report) as response:
            yield self.kept(request, response, began)

    def kept(self, request: Request, response: Response, began: float) -> Response:
        known = self.cassette.has(request)
        chunks = self.cassette.keep(request, response.chunks, began, self.claimed)
        return replace(response, chunks=chunks, already_recorded=known)
