"""CallBudget: what one call of the user may cost and has cost, all its requests together."""

from dataclasses import dataclass, field
from decimal import Decimal

from .caps import Cap
from .prices import Prices, listed
from .reservation import Reservation


@dataclass
class CallBudget:
    """Amounts in US dollars."""

    most: Decimal | None = None  # None: only the caps in the ledger hold
    allow_unpriced: bool = False  # whether a model without a known price may be asked under a cap
    among: int = 1  # calls that are made at once, and share what the caps leave
    cell: str = ""  # its id, for the ledger
    prices: Prices = field(default_factory=listed)
    gone: Decimal = Decimal(0)

    @property
    def cap(self) -> Cap | None:
        """The cap of this call, and what is gone of it."""
        return None if self.most is None else Cap(self.most, "call", self.gone)

    def pay(self, ticket: Reservation) -> None:
        """Take note of a request that was made: one without a bill may have cost its worst."""
        end = ticket.end
        paid = (end.dollars if end else None) or Decimal(0)
        worst = Decimal(0) if end and end.settled else ticket.worst
        self.gone += max(paid, worst)
