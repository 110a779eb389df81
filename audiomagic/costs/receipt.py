"""The receipt of one call: who answered, how much, in what time, at what cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import add

from ..protocol.usage import Usage
from .prices import Price, Prices, listed
from .pricing import Bill, bill


@dataclass(frozen=True)
class Receipt:
    """What is known of a call besides its words and sound. Times and lengths in seconds."""

    when: datetime
    engine: str  # "openai": a server that speaks its protocol; "local": the embedded one; "replay"
    host: str  # the server's name
    requested_model: str  # the model asked for
    model: str  # the model that answered
    voice: str | None
    seconds_in: float
    seconds_out: float
    usage: Usage | None
    time_to_first_audio: float | None  # from the request to the first piece of sound
    duration: float  # from the request to the end of the answer
    prices: Prices = field(default_factory=listed, repr=False)  # those known when it was made
    counted_usage: Usage | None = None  # tokens by our own count, where the server did not say
    request_id: str | None = None  # the server's own name for the call, where it gave it one

    @property
    def free(self) -> bool:
        """Whether nothing is paid for it: the embedded engine's, or a replay."""
        return self.engine != "openai"

    @property
    def price(self) -> Price | None:
        """The service's price of the model; None when unknown."""
        host = "" if self.free else self.host
        # A server may answer an alias by a snapshot's longer name; another name is another model.
        named = self.free or self.model.startswith(self.requested_model)
        found = self.prices.find(self.model, host)
        return found or (self.prices.find(self.requested_model, host) if named else None)

    @property
    def bill(self) -> Bill | None:
        """The service's price of this call, itemised; None when unknown.

        For the embedded engine, or a replay, it is what the service would have charged.
        """
        return bill(self.usage, self.price) if self.usage else None

    @property
    def cost(self) -> Decimal | None:
        """What was paid, in US dollars: 0 for the embedded engine or a replay, None if unknown."""
        if self.free:
            return Decimal(0)
        billed = self.bill
        return billed.dollars if billed else None

    @property
    def estimate(self) -> Decimal | None:
        """What was probably paid, in US dollars: the cost, or the price of our own count."""
        if self.cost is not None or self.counted_usage is None:
            return self.cost
        guessed = bill(self.counted_usage, self.price)
        return guessed.dollars if guessed else None


def together(receipts: Sequence[Receipt]) -> Receipt:
    """Add up the receipts of requests that were made one after the other for one reply."""
    first, last = receipts[0], receipts[-1]
    before, first_sound = 0.0, None
    for receipt in receipts:
        if first_sound is None and receipt.time_to_first_audio is not None:
            first_sound = before + receipt.time_to_first_audio
        before += receipt.duration
    return replace(
        last,
        when=first.when,
        seconds_in=sum(receipt.seconds_in for receipt in receipts),
        seconds_out=sum(receipt.seconds_out for receipt in receipts),
        usage=_sum([receipt.usage for receipt in receipts]),
        counted_usage=_sum([receipt.usage or receipt.counted_usage for receipt in receipts]),
        time_to_first_audio=first_sound,
        duration=before,
    )


def _sum(usages: Sequence[Usage | None]) -> Usage | None:
    """Add up what calls took; None where that is not known of one."""
    known = [usage for usage in usages if usage]
    return reduce(add, known) if len(known) == len(usages) else None
