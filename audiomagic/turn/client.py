"""Client: puts requests through to far ends, and books them."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from ..costs.budget import Budget
from ..costs.call_budget import CallBudget
from ..costs.estimate import Estimate, estimate
from ..costs.ledger import Ledger
from ..costs.ledger_entries import CallEnd
from ..costs.ledger_entries import CallStart as Booking
from ..costs.receipt import Receipt
from ..costs.reservation import Reservation
from ..errors import AudiomagicError, Interrupted
from ..protocol.request import Request
from ..protocol.response import Completion
from ..transports import openai_client
from ..transports.cancellation import Cancellation
from .listener import ResponseStream, StreamListener
from .notes import STOPPED

if TYPE_CHECKING:
    import openai

    from ..transports.cassette import Cassette

REMEMBERED = 1000  # answers whose length is known when a later message refers to one by its id


@dataclass(frozen=True)
class Call:
    """A request and its answer; an `error` came after a part of it."""

    request: Request
    answer: Completion
    receipt: Receipt
    error: BaseException | None = None
    known: bool = False  # whether the cassette had an answer to it before


@dataclass(frozen=True)
class Tape:
    """A cassette to record on, or to answer from, at the pace recorded or at once."""

    cassette: "Cassette"
    plays: bool
    pace: bool = True
    resumes: bool = False  # it records, and answers at once what it held before

    @property
    def route(self) -> openai_client.Endpoint:
        """Where its answers come from."""
        return openai_client.Endpoint("replay", f"cassette {self.cassette.folder.name}")


class Client:
    """Makes calls, for several threads at once; each far end is connected to once."""

    def __init__(self, notebook: str = "") -> None:
        """Make one for a notebook's calls, as the ledger names it."""
        self.budget = Budget(Ledger(), print)
        self._notebook = notebook
        self.tape: Tape | None = None
        self._said: dict[str, tuple[float, str]] = {}  # seconds and words by audio id
        self._begin()
        _callers.add(self)

    def _begin(self) -> None:
        """Have no connection yet."""
        self._clients: dict[openai_client.Endpoint, openai.OpenAI] = {}
        self._opening, self._remembering = Lock(), Lock()

    def call(
        self,
        request: Request,
        route: openai_client.Endpoint,
        account: CallBudget,
        listener: StreamListener | None = None,
    ) -> Call:
        """Send a request; let the audience follow its answer; book it.

        What fails before anything was answered is raised: AudiomagicError, or an interrupt.
        BudgetExceeded: a cap is reached, and nothing was sent.
        """
        tape = self.tape
        if tape and tape.resumes and not tape.plays and tape.cassette.claim(request):
            route = tape.route
        asked = self.estimate(request, route, account)
        booked = Booking(
            request.model, route.engine, route.host, self._notebook, account.cell, request.seconds
        )
        terms = {
            "own": account.cap,
            "allow_unpriced": account.allow_unpriced,
            "among": account.among,
        }
        with self.budget.admitted(booked, asked, **terms) as ticket:
            try:
                call = self._call(request, route, account, ticket, listener)
            except BaseException as error:
                ticket.end = CallEnd.failed(
                    error, asked.worst(0) if asked and asked.price else None
                )
                if asked is None:  # nothing is paid for it, whatever became of it
                    ticket.end = replace(ticket.end, dollars=Decimal(0), settled=True)
                raise
            finally:
                account.pay(ticket)
        self._remember(call)
        return call

    def _remember(self, call: Call) -> None:
        with self._remembering:
            if call.answer.audio_id:
                said = (call.receipt.seconds_out, call.answer.text)
                self._said[call.answer.audio_id] = said
            if len(self._said) > REMEMBERED:
                del self._said[next(iter(self._said))]

    def estimate(
        self, request: Request, route: openai_client.Endpoint, account: CallBudget
    ) -> Estimate | None:
        """Say what a request will take; None where nothing is paid for it."""
        if route.engine != "openai":
            return None
        return estimate(request, account.prices.find(request.model, route.host), self._said)

    def _call(
        self,
        request: Request,
        route: openai_client.Endpoint,
        account: CallBudget,
        ticket: Reservation,
        listener: StreamListener | None,
    ) -> Call:
        known = bool(self.tape and not self.tape.plays and self.tape.cassette.has(request))
        line = listener.cancellation if listener else Cancellation()
        hearing = ResponseStream(listener, ticket.max_tokens)
        error = None
        try:
            with line.used(), self._chunks(request, route, ticket, listener, hearing) as chunks:
                hearing.follow(chunks, line)
                hearing.check(route)
        except BaseException as caught:
            nothing = hearing.fold.answer().empty
            if isinstance(caught, KeyboardInterrupt) and nothing:
                raise Interrupted("the request was ended, nothing had come") from None
            if nothing:
                raise
            error = caught
        if line.cancelled or isinstance(error, KeyboardInterrupt):
            hearing.fold.finish_reason = STOPPED
        answer = hearing.fold.answer()
        receipt = hearing.receipt(request, route, answer, account.prices)
        stopped = answer.finish_reason == STOPPED
        failed = f"failed: {type(error).__name__}" if error else "answered"
        ticket.end = CallEnd.of(receipt, STOPPED if stopped else failed)
        return Call(request, answer, receipt, error, known)

    @contextmanager
    def _chunks(
        self,
        request: Request,
        route: openai_client.Endpoint,
        ticket: Reservation,
        listener: StreamListener | None,
        hearing: ResponseStream,
    ) -> Iterator[Iterator[Mapping[str, Any]]]:
        """Give the chunks of an answer, recorded or to be recorded where a tape is in."""
        tape = self.tape
        if tape and route.engine == "replay":
            yield tape.cassette.answer(request, tape.pace and tape.plays)
            return
        # A cap on money is none of the request's meaning, by which a cassette knows it.
        capped = replace(request, max_tokens=ticket.max_tokens or request.max_tokens)
        body = capped.wire()  # a sound that cannot be sent is found before anything is opened
        report = listener.on_progress if listener else None
        connection = self.connect(route, report)
        with openai_client.stream(connection, route, capped, body, report) as incoming:
            hearing.request_id, chunks = incoming.request_id, incoming.chunks
            yield tape.cassette.keep(request, chunks, hearing.start) if tape else chunks

    def resuming(self) -> "Client":
        """Return it, sharing all that it has; a cassette that is recorded then answers too."""
        again = copy(self)
        again.tape = self.tape and replace(self.tape, resumes=True)
        return again

    def prepare(self, route: openai_client.Endpoint) -> None:
        """Open the connection to a far end ahead of a call, in a thread."""

        def open_it() -> None:
            with suppress(AudiomagicError):  # the call itself will say it
                self.connect(route, lambda line: None)

        Thread(target=open_it, daemon=True).start()

    def connect(
        self, route: openai_client.Endpoint, report: Callable[[str], None] | None = None
    ) -> "openai.OpenAI":
        """Return the connection to a far end, opened at the first call of it."""
        with self._opening:
            if route not in self._clients:
                self._clients[route] = openai_client.connect(route, report)
            return self._clients[route]


_callers: WeakSet[Client] = WeakSet()


def _begin_all() -> None:
    """Open a forked child's own connections: it must not speak over its parent's."""
    for caller in list(_callers):
        caller._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_all)
