"""Client: makes one request under the budget: reserve, stream, settle."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ..costs.budget import Budget, CallBudget, Reservation
from ..costs.estimate import Estimate, afterwards, estimate, larger
from ..costs.ledger import UNSENT, CallEnd, CallStart
from ..costs.receipt import Receipt
from ..errors import Interrupted, InvalidResponse, RequestFailed
from ..protocol.request import Request
from ..protocol.response import Completion, Delta, ResponseAccumulator
from ..protocol.usage import NOTHING, Usage
from ..sound import pcm16_seconds
from ..transports.cancellation import Cancelled
from ..transports.retry import Retries
from ..transports.transport import Provider, Report, Response, Transport
from .listener import NullListener, StreamListener
from .reply import STOPPED

LONGER = 2  # times as long as those we count, at most: the tokens of sound of other models


@dataclass(frozen=True)
class Call:
    """A request and its completion; `error` is set if the stream broke after a part of it."""

    request: Request
    completion: Completion
    receipt: Receipt
    error: BaseException | None = None
    already_recorded: bool = False  # whether the cassette had an answer before


@dataclass(frozen=True)
class Client:
    """Makes the requests of one turn. `spoken` holds seconds and words of earlier spoken replies,
    by audio id.
    """

    transport: Transport
    budget: Budget
    call_budget: CallBudget = field(default_factory=CallBudget)
    listener: StreamListener = field(default_factory=NullListener)
    report: Report = None  # receives what takes time; None: the engine loads with a line on stderr
    notebook: str = ""
    spoken: Mapping[str, tuple[float, str]] = field(default_factory=dict)

    def complete(self, request: Request) -> Call:
        """Reserve what a request may cost, stream its completion to the listener, settle the cost.

        A try that failed in a way that may pass is followed by another, which is reserved by
        itself. Raises what fails before anything has arrived: AudiomagicError, or Interrupted; a
        later failure is the Call's `error`. Raises BudgetExceeded before anything is sent.
        """
        transport = self.transport.for_request(request)
        provider, expected = transport.provider, self.estimate(request, transport)
        retries = transport.retries(self.report)
        while True:
            start = CallStart(
                request.model, provider.name, provider.host, self.notebook, self.call_budget.cell,
                request.seconds, paid=provider.paid,
            )  # fmt: skip
            with (
                retries.attempt(),
                self.budget.reserve(start, expected, self.call_budget) as reservation,
            ):
                return self._attempt(request, transport, retries, reservation)

    def _attempt(
        self, request: Request, transport: Transport, retries: Retries, reservation: Reservation
    ) -> Call:
        provider, cancellation = transport.provider, self.listener.cancellation
        capped = replace(request, budget_tokens=reservation.max_tokens)
        priced = provider.paid and reservation.dollars is not None
        incoming = _IncomingCompletion(capped, self.listener, priced)
        error: BaseException | None = None
        reservation.end = UNSENT
        try:
            with cancellation.bound():
                retries.wait()
                transport.prepare(capped, self.report)
            reservation.end = None  # from here on it may be sent, and billed
            with transport.stream(capped, cancellation, self.report) as response:
                incoming.follow(response, provider.host)
        except Cancelled:
            pass  # what has arrived is kept
        except BaseException as caught:
            incoming.broken_off |= isinstance(caught, RequestFailed)
            completion = incoming.accumulator.completion()
            if completion.empty:
                receipt = self._receipt(request, provider, incoming, completion, reservation)
                counted = receipt.estimate
                if isinstance(caught, RequestFailed) and incoming.accumulator.tokens:
                    caught.may_be_billed = True  # it had begun to think
                unsent, end = reservation.end is UNSENT, CallEnd.failed(caught, counted)
                reservation.end = end.free() if unsent else end
                if isinstance(caught, KeyboardInterrupt):
                    raise Interrupted("the request was stopped before an answer") from None
                raise
            error = caught
        completion = incoming.accumulator.completion()
        receipt = self._receipt(request, provider, incoming, completion, reservation)
        outcome = f"failed: {type(error).__name__}" if error else "answered"
        if cancellation.cancelled or isinstance(error, KeyboardInterrupt):
            outcome = STOPPED
            completion = replace(completion, finish_reason=STOPPED)
        reservation.end = CallEnd.of(receipt, outcome)
        return Call(request, completion, receipt, error, incoming.already_recorded)

    def estimate(self, request: Request, transport: Transport | None = None) -> Estimate | None:
        """Return what a request will take; None where nothing is paid for it."""
        transport = transport or self.transport
        provider = transport.provider
        if not provider.paid:
            return None
        price = self.call_budget.prices.find(request.model, provider.host)
        return estimate(request, price, self.spoken) + transport.reread(request)

    def _receipt(
        self,
        request: Request,
        provider: Provider,
        incoming: "_IncomingCompletion",
        completion: Completion,
        reservation: Reservation,
    ) -> Receipt:
        seconds, sent = pcm16_seconds(completion.pcm), reservation.end is not UNSENT
        receipt = Receipt(
            when=datetime.now(UTC),
            engine=provider.name,
            host=provider.host,
            paid=provider.paid,
            label=provider.label,
            language=provider.language,
            requested_model=request.model,
            model=completion.model or request.model,
            voice=request.voice,
            seconds_in=request.seconds,
            seconds_out=seconds,
            usage=incoming.settled_usage(completion) if sent else NOTHING,
            worst=reservation.dollars,
            time_to_first_audio=incoming.time_to_first_audio,
            duration=time.perf_counter() - incoming.start,
            request_id=incoming.request_id,
            prices=self.call_budget.prices,
        )
        if receipt.settled:
            return receipt
        text = "".join((completion.text, *(call.arguments for call in completion.tool_calls)))
        counted = afterwards(request, text, seconds, incoming.accumulator.tokens)
        return replace(receipt, counted_usage=larger(counted, completion.usage, receipt.price))


class _IncomingCompletion:
    """A completion while it arrives: accumulated, timed, passed on to the listener."""

    def __init__(self, request: Request, listener: StreamListener, priced: bool):
        self.accumulator = ResponseAccumulator()
        self.start = time.perf_counter()
        self.time_to_first_audio: float | None = None  # seconds
        self.request_id: str | None = None
        self.already_recorded = False
        self._listener = listener
        # Where the price is known, so is the length of a token of sound. Others last longer.
        most = request.most_tokens
        self._most_tokens = most if most is None or priced else LONGER * most
        self.broken_off = False  # by us or by the server, whatever it said before

    def settled_usage(self, completion: Completion) -> Usage | None:
        """Return the usage of a finished answer; None while more may be billed.

        Some servers report usage with every chunk, or zeros; a server may have made, and bills,
        all of an answer that was broken off here.
        """
        ended = self.accumulator.ended and completion.finish_reason and not self.broken_off
        told = completion.usage if ended else None
        if told is None or told.server_cost:
            return told
        complete = told.input_tokens and (told.output_tokens or completion.empty)
        plausible = told.output_tokens >= self.accumulator.tokens // LONGER
        return told if complete and plausible else None

    def follow(self, response: Response, host: str) -> None:
        """Take chunks until they end, the call is cancelled, or a cap on tokens is passed.

        Raises InvalidResponse where the stream ended without an answer.
        """
        self.request_id = response.request_id
        self.already_recorded = response.already_recorded
        for chunk in response.chunks:
            self._pass_on(self.accumulator.add(chunk))
            if not response.settles_when_cancelled:
                self._listener.cancellation.raise_if_cancelled()
            if self._most_tokens is not None and self._made > self._most_tokens:
                self.broken_off = True  # the server ignored the cap
                self.accumulator.finish_reason = "length"
                return
        self._pass_on(self.accumulator.end())
        completion = self.accumulator.completion()
        if completion.empty and completion.finish_reason is None:
            raise InvalidResponse(
                f"{host} sent no answer; is it a Chat Completions server? check --base-url"
            )

    @property
    def _made(self) -> int:
        """The output tokens so far, at least: by our own count, or as the server says itself."""
        told = self.accumulator.usage
        return max(self.accumulator.tokens, told.output_tokens if told else 0)

    def _pass_on(self, delta: Delta) -> None:
        if delta.pcm and self.time_to_first_audio is None:
            self.time_to_first_audio = time.perf_counter() - self.start
        self._listener.on_delta(delta)
