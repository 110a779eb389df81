"""The receipt of one call: who answered, how much, in what time and at what cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import add

from ..protocol.usage import Usage
from .pricing import Bill, Price, Prices, bill, exact, listed, total


@dataclass(frozen=True)
class Receipt:
    """What is known of a call besides its words and sound. Times and lengths in seconds."""

    when: datetime
    engine: str  # the transport's name: "openai", "local" or "replay"
    host: str
    requested_model: str
    model: str  # the model that answered
    voice: str | None
    seconds_in: float
    seconds_out: float
    usage: Usage | None
    time_to_first_audio: float | None  # from the request to the first sound
    duration: float  # from the request to the end of the answer
    prices: Prices = field(default_factory=listed, repr=False)  # those known when it was made
    # Of an answer without a cost, as it was broken off, or its usage was not told in full: our own
    # count, or what the server told where that costs more.
    counted_usage: Usage | None = None
    worst: Decimal | None = None  # what was reserved for it, in US dollars: most that it may cost
    request_id: str | None = None  # the server's own id of the call
    paid: bool = True  # False for the local engine and a replay
    label: str = ""  # shown instead of a cost, as "local · free"
    language: str | None = None  # of the answer, if the engine speaks only one

    @property
    def price(self) -> Price | None:  # the service's, also where it was not paid
        host = self.host if self.paid else ""
        asked, signed = (self.prices.find(n, host) for n in (self.requested_model, self.model))
        if asked and signed:  # a server may sign with any name: it bills the dearer
            return max(asked, signed, key=lambda price: price.rates.audio_out)
        # It may answer an alias by a snapshot's longer name; another name is another model.
        named = not self.paid or self.model.startswith(self.requested_model)
        return signed or (asked if named else None)

    @property
    def bill(self) -> Bill | None:
        """What the service charged, or would have, itemised; None when unknown."""
        return bill(self.usage, self.price) if self.usage else None

    @property
    def cost(self) -> Decimal | None:
        """What was paid, in US dollars: 0 if the call was free, None if unknown."""
        if not self.paid:
            return Decimal(0)
        billed = self.bill
        return billed.dollars if billed else None

    @property
    def settled(self) -> bool:
        """Whether no more than the cost can be charged for it."""
        return self.cost is not None

    @property
    def reserved(self) -> Decimal | None:
        """What still counts under caps, in US dollars, as no bill came; None where nothing does."""
        return None if self.settled else self.worst

    @property
    def estimate(self) -> Decimal | None:
        """What was probably paid, in US dollars: the cost, else the price of our own count."""
        counted = self.counted_usage if self.cost is None else None
        guessed = bill(counted, self.price) if counted else None
        return guessed.dollars if guessed else self.cost


@exact()
def together(receipts: Sequence[Receipt]) -> Receipt:
    """Add up the receipts of requests that were made one after another for one reply."""
    elapsed, first_audio = 0.0, None
    for receipt in receipts:
        if first_audio is None and receipt.time_to_first_audio is not None:
            first_audio = elapsed + receipt.time_to_first_audio
        elapsed += receipt.duration
    return replace(
        receipts[-1],
        when=receipts[0].when,
        seconds_in=sum(receipt.seconds_in for receipt in receipts),
        seconds_out=sum(receipt.seconds_out for receipt in receipts),
        usage=_sum([receipt.usage for receipt in receipts]),
        counted_usage=_sum([receipt.counted_usage or receipt.usage for receipt in receipts]),
        worst=total(receipt.reserved or receipt.cost or Decimal(0) for receipt in receipts),
        time_to_first_audio=first_audio,
        duration=elapsed,
    )


def _sum(usages: Sequence[Usage | None]) -> Usage | None:
    known = [usage for usage in usages if usage]
    return reduce(add, known) if len(known) == len(usages) else None
