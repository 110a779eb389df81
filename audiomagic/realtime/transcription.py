"""The transcription of what the user says: by another model of the server, and billed apart."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal

from ..catalogue import catalogue
from ..costs.budget import Reservation
from ..costs.ledger import UNSENT, CallEnd, CallStart
from ..costs.pricing import total
from ..costs.transcription import estimate, transcription_cost
from ..protocol.realtime.speech import SpokenItem
from ..protocol.realtime.transcripts import Transcript
from ..protocol.request import Message
from ..transports.realtime.transport import RealtimeTransport
from ..turn.client import Client

SILENT = "(nothing was said)"
UNKNOWN = "(spoken; its words are not known)"


@dataclass
class Transcription:
    """That of one spoken question; `words` are known once it has ended, or never."""

    spoken: Message | SpokenItem
    seconds: float  # of sound
    words: str = UNKNOWN
    ended: bool = False
    _reserved: ExitStack = field(default_factory=ExitStack)
    _reservation: Reservation | None = None


@dataclass
class Transcriptions:
    """Those of one conversation: each is reserved when its question is sent, and booked when its
    words are there.
    """

    client: Client
    transport: RealtimeTransport
    costs: list[Decimal | None] = field(default_factory=list)  # US dollars; None: unknown

    @property
    def model(self) -> str:
        return catalogue().default_transcription_model

    @property
    def by_model(self) -> Mapping[str, Decimal | None]:
        """What was paid for them, by a line that says what for."""
        if not self.costs:
            return {}
        known = [cost for cost in self.costs if cost is not None]
        paid = total(known) if len(known) == len(self.costs) else None
        return {f"Transcription of what you said, by {self.model}": paid}

    def begin(self, spoken: Message | SpokenItem, seconds: float) -> Transcription:
        """Reserve what it may cost. Raises BudgetExceeded."""
        provider, client = self.transport.provider, self.client
        transcription = Transcription(spoken, seconds)
        if provider.paid:
            start = CallStart(
                self.model, provider.name, provider.host, client.notebook, client.call_budget.cell,
                seconds,
            )  # fmt: skip
            expected = estimate(self.model, seconds, provider.host)
            reserved = client.budget.reserve(start, expected, client.call_budget)
            transcription._reservation = transcription._reserved.enter_context(reserved)
        return transcription

    def end(self, transcription: Transcription, seconds: float) -> None:
        """Take the words, for which it waits at most so many seconds, and book what they cost."""
        self._book(transcription, self.transport.transcript(transcription.spoken, seconds))

    def end_if_complete(self, transcription: Transcription) -> None:
        """Do so if the words are there by now."""
        transcript = self.transport.transcript(transcription.spoken, 0)
        if transcript and transcript.complete:
            self._book(transcription, transcript)

    def _book(self, transcription: Transcription, transcript: Transcript | None) -> None:
        if transcript is not None:
            silent = transcript.complete and not transcript.failed
            transcription.words = transcript.words.strip() or (SILENT if silent else UNKNOWN)
        transcription.ended = True
        reservation = transcription._reservation
        if not reservation:
            return
        reservation.end = end = self._end(transcription, transcript)
        if transcript is not None:
            self.costs.append(end.dollars if end.settled else None)
        transcription._reserved.close()

    def _end(self, transcription: Transcription, transcript: Transcript | None) -> CallEnd:
        if transcript is None:  # its question was never sent
            return UNSENT
        if transcript.failed:
            return CallEnd("failed", dollars=Decimal(0), settled=True)
        told, host = transcript.seconds, self.transport.provider.host
        seconds = transcription.seconds if told is None else told
        cost = transcription_cost(self.model, seconds, host)
        known = told is not None and cost is not None
        return CallEnd("answered", dollars=cost, estimated=not known, settled=known)
