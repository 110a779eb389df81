"""The transcription of what the user says: by another model of the server, and billed apart."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from ..catalogue import catalogue
from ..costs.ledger import UNSENT, CallEnd, CallStart
from ..costs.pricing import total
from ..costs.transcription import estimate, transcription_cost
from ..protocol.request import Message
from ..transports.realtime.transport import RealtimeTransport
from ..turn.client import Client

PATIENCE = 3.0  # seconds that words may come later than the answer to them
UNKNOWN = "(spoken; its words are not known)"


@dataclass
class Transcription:
    """The words of one spoken question, and how their transcription ended for the ledger."""

    spoken: Message
    words: str = UNKNOWN
    end: CallEnd = UNSENT

    def follow(self, transport: RealtimeTransport) -> None:
        """Take what is known of it once its question is answered; wait a little for the words."""
        transcript = transport.transcript(self.spoken, PATIENCE)
        if transcript is None:
            return  # the question was never sent
        self.words = transcript.words.strip() or UNKNOWN
        if transcript.failed:
            self.end = CallEnd("failed", dollars=Decimal(0), settled=True)
            return
        seconds, told = self.spoken.sounds[0].seconds, transcript.seconds
        host = transport.provider.host
        model = catalogue().default_transcription_model
        cost = transcription_cost(model, seconds if told is None else told, host)
        known = told is not None and cost is not None
        self.end = CallEnd("answered", dollars=cost, estimated=told is None, settled=known)


@dataclass
class Transcriptions:
    """Those of one conversation."""

    client: Client
    transport: RealtimeTransport
    costs: list[Decimal | None] = field(default_factory=list)  # US dollars; None: unknown

    @property
    def by_model(self) -> Mapping[str, Decimal | None]:
        """What was paid for them, by a line that says what for."""
        if not self.costs:
            return {}
        known = [cost for cost in self.costs if cost is not None]
        line = f"Transcription of what you said, by {catalogue().default_transcription_model}"
        return {line: total(known) if len(known) == len(self.costs) else None}

    @contextmanager
    def of(self, spoken: Message) -> Iterator[Transcription]:
        """Reserve what the transcription of a question may cost; settle it when the block ends.

        Raises BudgetExceeded.
        """
        provider, client = self.transport.provider, self.client
        transcription = Transcription(spoken)
        if not provider.paid:
            try:
                yield transcription
            finally:
                transcription.follow(self.transport)
            return
        model, seconds = catalogue().default_transcription_model, spoken.sounds[0].seconds
        start = CallStart(
            model, provider.name, provider.host, client.notebook, client.call_budget.cell, seconds
        )
        expected = estimate(model, seconds, provider.host)
        with client.budget.reserve(start, expected, client.call_budget) as reservation:
            try:
                yield transcription
            finally:
                transcription.follow(self.transport)
                reservation.end = transcription.end
                if (end := transcription.end) is not UNSENT:
                    self.costs.append(end.dollars if end.settled else None)
