"""The receipt of one call: who answered, how much, in what time, at what cost."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .costs import Bill, bill
from .wire.usage import Usage


@dataclass(frozen=True)
class Receipt:
    """What is known of a call besides its words and sound. Times and lengths in seconds."""

    when: datetime
    engine: str  # "openai": a server that speaks its protocol; "local": the embedded engine
    host: str  # the server's name
    asked: str  # the model asked for
    model: str  # the model that answered
    voice: str | None
    seconds_in: float
    seconds_out: float
    usage: Usage | None
    first_sound: float | None  # from the request to the first piece of sound
    total: float  # from the request to the end of the answer

    @property
    def bill(self) -> Bill | None:
        """The service's price of this call, itemised; None when unknown.

        For the embedded engine it is what the service would have charged for the same tokens.
        """
        if self.usage is None:
            return None
        # A server may answer an alias by a snapshot's longer name; another name is another model.
        named = self.engine == "local" or self.model.startswith(self.asked)
        return bill(self.usage, self.model) or (bill(self.usage, self.asked) if named else None)

    @property
    def cost(self) -> Decimal | None:
        """What was paid, in US dollars: 0 for the embedded engine, None when unknown."""
        if self.engine == "local":
            return Decimal(0)
        priced = self.bill
        return priced.dollars if priced else None
