"""SharedBudget: what a batch may cost, all its calls together."""

from decimal import Decimal

from ..costs.pricing import EXACT


class SharedBudget:
    """Lends each call a part of what is left, and takes back what it did not need; US dollars."""

    def __init__(self, room: Decimal):
        """Take what all calls together may cost."""
        self.room = room

    def share(self, among: int) -> Decimal:
        """Give the most that a call may cost of which so many are made at once."""
        share = EXACT.divide(self.room, Decimal(among))
        self.room = EXACT.subtract(self.room, share)
        return share

    def settle(self, share: Decimal, paid: Decimal | None) -> None:
        """Take a share back but for what was paid; None: perhaps all of it."""
        if paid is not None:
            self.room = EXACT.add(self.room, EXACT.subtract(share, paid))
