"""Client: makes one request under the budget: reserve, stream, settle."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ..costs.budget import Budget, CallBudget, Reservation
from ..costs.estimate import Estimate, afterwards, estimate
from ..costs.ledger import CallEnd, CallStart
from ..costs.receipt import Receipt
from ..errors import Interrupted, InvalidResponse
from ..protocol.request import Request
from ..protocol.response import Completion, Delta, ResponseAccumulator
from ..protocol.usage import AUDIO_OUT_PER_SECOND
from ..sound import pcm16_seconds
from ..transports.cancellation import Cancelled
from ..transports.transport import Provider, Report, Response, Transport
from .listener import NullListener, StreamListener
from .reply import STOPPED


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

        Raises what fails before anything has arrived: AudiomagicError, or Interrupted; a later
        failure is the Call's `error`. Raises BudgetExceeded before anything is sent.
        """
        transport = self.transport.for_request(request)
        provider, expected = transport.provider, self.estimate(request, transport)
        start = CallStart(
            request.model, provider.name, provider.host, self.notebook, self.call_budget.cell,
            request.seconds, paid=provider.paid,
        )  # fmt: skip
        with self.budget.reserve(start, expected, self.call_budget) as reservation:
            incoming = _IncomingCompletion(self.listener, reservation)
            error: BaseException | None = None
            try:
                capped = replace(request, budget_tokens=reservation.max_tokens)
                cancellation = self.listener.cancellation
                with transport.stream(capped, cancellation, self.report) as response:
                    incoming.follow(response, provider.host)
            except Cancelled:
                pass  # what has arrived is kept
            except BaseException as caught:
                if incoming.accumulator.completion().empty:
                    if isinstance(caught, KeyboardInterrupt):
                        raise Interrupted("the request was stopped before an answer") from None
                    raise
                error = caught
            if self.listener.cancellation.cancelled or isinstance(error, KeyboardInterrupt):
                incoming.accumulator.finish_reason = STOPPED
            completion = incoming.accumulator.completion()
            receipt = self._receipt(request, provider, completion, incoming)
            outcome = f"failed: {type(error).__name__}" if error else "answered"
            if completion.finish_reason == STOPPED:
                outcome = STOPPED
            reservation.end = CallEnd.of(receipt, outcome)
            return Call(request, completion, receipt, error, incoming.already_recorded)

    def estimate(self, request: Request, transport: Transport | None = None) -> Estimate | None:
        """Return what a request will take; None where nothing is paid for it."""
        provider = (transport or self.transport).provider
        if not provider.paid:
            return None
        price = self.call_budget.prices.find(request.model, provider.host)
        return estimate(request, price, self.spoken)

    def _receipt(
        self,
        request: Request,
        provider: Provider,
        completion: Completion,
        incoming: "_IncomingCompletion",
    ) -> Receipt:
        seconds = pcm16_seconds(completion.pcm)
        unreported = provider.paid and completion.usage is None
        return Receipt(
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
            usage=completion.usage,
            time_to_first_audio=incoming.time_to_first_audio,
            duration=time.perf_counter() - incoming.start,
            request_id=incoming.request_id,
            prices=self.call_budget.prices,
            counted_usage=afterwards(request, completion.text, seconds) if unreported else None,
        )


class _IncomingCompletion:
    """A completion while it arrives: accumulated, timed, passed on to the listener."""

    def __init__(self, listener: StreamListener, reservation: Reservation):
        self.accumulator = ResponseAccumulator()
        self.start = time.perf_counter()
        self.time_to_first_audio: float | None = None  # seconds
        self.request_id: str | None = None
        self.already_recorded = False
        self._listener = listener
        cap = reservation.max_tokens
        self._longest = None if cap is None else cap / AUDIO_OUT_PER_SECOND  # seconds
        self._seconds = 0.0

    def follow(self, response: Response, host: str) -> None:
        """Take chunks until they end, the call is cancelled, or the budget's cap is passed.

        Raises InvalidResponse where the stream ended without an answer.
        """
        self.request_id = response.request_id
        self.already_recorded = response.already_recorded
        for chunk in response.chunks:
            self._pass_on(self.accumulator.add(chunk))
            self._listener.cancellation.raise_if_cancelled()
            if self._longest and self._seconds > self._longest:
                self.accumulator.finish_reason = "length"  # the server ignored the cap
                return
        self._pass_on(self.accumulator.end())
        completion = self.accumulator.completion()
        if completion.empty and completion.finish_reason is None:
            raise InvalidResponse(
                f"{host} sent no answer; is it a Chat Completions server? check --base-url"
            )

    def _pass_on(self, delta: Delta) -> None:
        self._seconds += pcm16_seconds(delta.pcm)
        if delta.pcm and self.time_to_first_audio is None:
            self.time_to_first_audio = time.perf_counter() - self.start
        self._listener.on_delta(delta)
