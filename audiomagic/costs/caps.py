"""Caps: how long an answer may be so that its worst case stays under every cap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..errors import BudgetExceeded, OptionError, one_line
from .estimate import Estimate
from .prices import exact, read_amount
from .pricing import dollars

RAISE = {  # period of a cap -> how to raise it
    "call": "--max-cost {}",
    "notebook": "%audiomagic budget {}",
    "day": "%audiomagic budget {} --per day",
    "month": "%audiomagic budget {} --per month",
}
LEAST = 60  # tokens of an answer worth paying for: three seconds of speech


@dataclass(frozen=True)
class Cap:
    """A cap in US dollars, and how much of it is used.

    `held` is the worst case of calls in flight, and of those whose bill never came.
    """

    amount: Decimal
    per: str  # a key of RAISE
    spent: Decimal = Decimal(0)
    held: Decimal = Decimal(0)

    @property
    @exact()
    def room(self) -> Decimal:
        """What is left; below zero after a call that cost more than its worst case."""
        return self.amount - self.spent - self.held

    @exact()
    def refusal(self, needed: Decimal) -> BudgetExceeded:
        """Return the error for a call that may cost `needed`, and how to raise the cap."""
        raised = self.amount or Decimal("0.01")
        while raised < self.spent + self.held + needed:
            raised *= 2
        parts = [] if self.per == "call" else [f"{dollars(self.spent)} is spent"]
        if self.held:
            parts.append(f"{dollars(self.held)} is held for calls in flight or without a bill")
        parts.append(f"this call may cost {dollars(needed)} or more")
        raise_it = RAISE[self.per].format(f"{raised:f}")
        error = BudgetExceeded(f"the cap is {self}, and {', '.join(parts)}; raise it: {raise_it}")
        error.enough = raised
        return error

    def __str__(self) -> str:
        return f"${self.amount:f} per {self.per}"


@exact()
def allow(
    estimate: Estimate, caps: Sequence[Cap], allow_unpriced: bool = False, sharing: int = 1
) -> tuple[int | None, Decimal | None]:
    """Return the most tokens of an answer whose worst case stays under every cap, and that case.

    The former is None without a cap, the latter for a model without a known price.
    `sharing`: how many calls are made at once (a comparison's, say) and share the room.
    `allow_unpriced` permits a model without a known price. Raises BudgetExceeded: then nothing may
    be sent.
    """
    longest = estimate.high.output_tokens
    if estimate.price is None:
        if caps and not allow_unpriced:
            raise BudgetExceeded(
                f"the cap is {caps[0]}, but the price of this model is not known; set it with "
                "%config AudioMagics.prices, or allow the call with --allow-unpriced"
            )
        return None, None
    tokens = longest
    for cap in sorted(caps, key=lambda cap: cap.room):
        calls = 1 if cap.per == "call" else sharing
        tokens = min(tokens, estimate.affordable(cap.room / calls))
        if tokens < min(LEAST, longest):
            raise cap.refusal(estimate.worst(min(LEAST, longest)) * calls)
    return tokens if caps else None, estimate.worst(tokens)


def amount(words: str) -> Decimal:
    """Read an amount of US dollars, as "5" or "$0.50". Raises OptionError."""
    value = read_amount(words.strip().removeprefix("$"))
    if value is None:
        shown = one_line(words, 40)
        raise OptionError(f"a budget must be an amount of US dollars such as 0.50, not '{shown}'")
    return value


def start(per: str, now: datetime) -> datetime | None:
    """Return when the day or month of `now` began, in local time; None for a cap without end."""
    if per not in ("day", "month"):
        return None
    local = now.astimezone()
    return datetime(local.year, local.month, local.day if per == "day" else 1).astimezone()
