"""Budget: how long an answer may be so that its worst case stays under every cap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from ..errors import BudgetExceeded, OptionError, one_line
from .amounts import dollars
from .estimate import Estimate
from .pricing import EXACT

HOW = {  # what a cap is per -> how to raise it
    "call": "--max-cost {}",
    "notebook": "%audiomagic budget {}",
    "day": "%audiomagic budget {} --per day",
    "month": "%audiomagic budget {} --per month",
}
LEAST = 60  # tokens of an answer worth paying for: three seconds of speech


@dataclass(frozen=True)
class Cap:
    """A cap in US dollars, and what is gone of it.

    `held` is the worst case of calls in flight, and of those whose bill never came.
    """

    amount: Decimal
    per: str  # a key of HOW
    spent: Decimal = Decimal(0)
    held: Decimal = Decimal(0)

    @property
    def room(self) -> Decimal:
        """What is left; below zero after a call that cost more than it might have."""
        return EXACT.subtract(EXACT.subtract(self.amount, self.spent), self.held)

    def refusal(self, needed: Decimal) -> BudgetExceeded:
        """Word that a call that may cost `needed` is refused: spent, cap, how to raise it."""
        raised = self.amount or Decimal("0.01")
        while raised < self.spent + self.held + needed:
            raised *= 2
        parts = [] if self.per == "call" else [f"{dollars(self.spent)} is spent"]
        if self.held:
            parts.append(f"{dollars(self.held)} held for calls in flight or without a bill")
        parts.append(f"this call may cost {dollars(needed)} or more")
        error = BudgetExceeded(
            f"the cap is {self}, and {', '.join(parts)}; "
            f"raise it: {HOW[self.per].format(f'{raised:f}')}"
        )
        error.enough = raised
        return error

    def __str__(self) -> str:
        return f"${self.amount:f} per {self.per}"


@dataclass(frozen=True)
class Allowance:
    """What a call may take: tokens of the answer (None: no cap), and dollars at the most."""

    max_tokens: int | None
    worst: Decimal | None  # None when its price is unknown


def allow(
    estimate: Estimate, caps: Sequence[Cap], *, allow_unpriced: bool = False, among: int = 1
) -> Allowance:
    """Allow a call such a long answer that its worst case stays under every cap.

    `among`: so many calls still to come (a comparison's, which run at once) share the room.
    `unpriced` lets a model without a known price through. Raises BudgetExceeded: nothing may be sent.
    """
    longest = estimate.high.output_tokens
    if estimate.price is None:
        if caps and not allow_unpriced:
            raise BudgetExceeded(
                f"the cap is {caps[0]}, and the price of this model here is not known; "
                "tell it (%config AudioMagics.prices), or let it through: --allow-unpriced"
            )
        return Allowance(None, None)
    tokens = longest
    for cap in sorted(caps, key=lambda cap: cap.room):
        sharing = 1 if cap.per == "call" else among
        tokens = min(tokens, estimate.affordable(EXACT.divide(cap.room, sharing)))
        if tokens < min(LEAST, longest):
            raise cap.refusal(estimate.worst(min(LEAST, longest)) * sharing)
    return Allowance(tokens if caps else None, estimate.worst(tokens))


def amount(words: str) -> Decimal:
    """Read an amount of US dollars, as "5" or "$0.50". Raises OptionError."""
    try:
        value = Decimal(words.strip().removeprefix("$"))
        if value.is_finite() and 0 <= value <= 1_000_000:
            return value
    except InvalidOperation:
        pass
    raise OptionError(f"a budget is an amount of US dollars, as 0.50, not '{one_line(words, 40)}'")


def start(per: str, now: datetime) -> datetime | None:
    """Return when the day or month of `now` began, in local time; None for what never ends."""
    if per not in ("day", "month"):
        return None
    local = now.astimezone()
    return datetime(local.year, local.month, local.day if per == "day" else 1).astimezone()
