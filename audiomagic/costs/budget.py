"""The budget: reserves what a call may cost before it is sent, and settles what it did cost.

It limits an answer's length so that its worst case fits under every cap.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ..errors import BudgetExceeded, LedgerError, one_line
from .estimate import Estimate
from .ledger import UNSENT, CallEnd, CallStart, Ledger, Transaction
from .pricing import Prices, dollars, exact, listed, read_amount

HOW_TO_RAISE = {  # period of a cap -> how to raise it
    "call": "--max-cost {}",
    "notebook": "%audiomagic budget {}",
    "day": "%audiomagic budget {} --per day",
    "month": "%audiomagic budget {} --per month",
}
LEAST = 60  # tokens of an answer worth paying for: three seconds of speech


@dataclass(frozen=True)
class Cap:
    """A cap in US dollars, and how much of it is used."""

    amount: Decimal
    per: str  # a key of HOW_TO_RAISE
    spent: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)  # the worst case of calls in flight, or without a bill

    @property
    @exact()
    def room(self) -> Decimal:  # below zero after a call that cost more than its worst case
        return self.amount - self.spent - self.reserved

    @exact()
    def refusal(self, needed: Decimal) -> BudgetExceeded:
        raised = self.amount or Decimal("0.01")
        while raised < self.spent + self.reserved + needed:
            raised *= 2
        parts = [] if self.per == "call" else [f"{dollars(self.spent)} is spent"]
        if self.reserved:
            waiting = "for calls in flight or of unknown cost"
            parts.append(f"{dollars(self.reserved)} is reserved {waiting}")
        parts.append(f"this call may cost {dollars(needed)} or more")
        step = HOW_TO_RAISE[self.per].format(f"{raised:f}")
        error = BudgetExceeded(f"the cap is {self}, and {', '.join(parts)}; raise it: {step}")
        error.enough = raised
        return error

    def __str__(self) -> str:
        return f"${self.amount:f} per {self.per}"


@dataclass(eq=False)
class Reservation:
    """A call that was allowed; the caller says how it ended."""

    max_tokens: int | None  # the longest answer that the caps allow; None: there is no cap
    dollars: Decimal | None = None  # that it may cost; None: unknown
    recorded: bool = True  # whether the ledger has it
    end: CallEnd | None = None


@dataclass
class CallBudget:
    """What one call of the user may cost, and has cost, over all its requests (US dollars)."""

    cap: Decimal | None = None  # None: only the caps in the ledger apply
    allow_unpriced: bool = False  # whether a model without a known price may be used under a cap
    sharing: int = 1  # calls that are made at once, and share what the caps leave
    cell: str = ""  # its id, for the ledger
    prices: Prices = field(default_factory=listed)
    spent: Decimal = Decimal(0)
    known: bool = True  # whether each request has a bill, or at least a known worst case
    ends: list[CallEnd] = field(default_factory=list)  # of all its requests

    @exact()
    def charge(self, reservation: Reservation) -> None:
        """Add a request that was made; one without a bill may have cost its worst case."""
        end = reservation.end or CallEnd("answered")
        self.ends.append(end)
        paid, worst = end.dollars or Decimal(0), reservation.dollars or Decimal(0)
        self.spent += paid if end.settled else max(paid, worst)
        self.known = self.known and (end.settled or reservation.dollars is not None)

    @property
    @exact()
    def cost(self) -> Decimal | None:
        """What its requests have cost, failed ones too; None unless that is known of each."""
        costs = [end.dollars for end in self.ends if end.settled and end.dollars is not None]
        return sum(costs, Decimal(0)) if len(costs) == len(self.ends) else None

    @exact()
    def allow(self, estimate: Estimate | None, caps: Sequence[Cap]) -> Reservation:
        """Allow the longest answer whose worst case fits all caps, or raise BudgetExceeded."""
        if estimate is None:  # it is free
            return Reservation(None, Decimal(0))
        if self.cap is not None:
            caps = [Cap(self.cap, "call", self.spent), *caps]
        if estimate.price is None:
            if caps and not self.allow_unpriced:
                raise BudgetExceeded(
                    f"the cap is {caps[0]}, but the price of this model is not known; set it with "
                    "%config AudioMagics.prices, or allow the call with --allow-unpriced"
                )
            return Reservation(None)
        tokens = longest = estimate.high.output_tokens
        shortest = min(LEAST, longest)  # what does not fit even a short answer is refused
        for cap in sorted(caps, key=lambda cap: cap.room):
            calls = 1 if cap.per == "call" else self.sharing
            tokens = min(tokens, estimate.affordable(cap.room / calls))
            if tokens < shortest:
                raise cap.refusal(estimate.worst(shortest) * calls)
        return Reservation(tokens if caps else None, estimate.worst(tokens))


@dataclass(eq=False)
class Budget:
    """Stands between the calls of a session and the ledger."""

    ledger: Ledger
    warn: Callable[[str], None]  # called once, with a line, if calls cannot be recorded
    _warned: bool = False
    _capped: bool | None = None  # whether a cap applied when the ledger was last read

    @contextmanager
    def reserve(
        self, call: CallStart, estimate: Estimate | None, call_budget: CallBudget
    ) -> Iterator[Reservation]:
        """Hold what a call may cost while it runs; then record what its `end` says it cost.

        If the block raises, the call is recorded as failed. Raises BudgetExceeded before anything
        may be sent. A ledger that cannot be used stops a call only if there is a cap, or may be.
        """
        try:
            reservation = self._reserved(call, estimate, call_budget)
        except KeyboardInterrupt:
            self._finish(call, UNSENT)  # it may just have been written
            raise
        try:
            yield reservation
        except BaseException as error:
            reservation.end = reservation.end or CallEnd.failed(error)
            if estimate is None:  # nothing is paid for it, whatever happened
                free = CallEnd(reservation.end.outcome, dollars=Decimal(0), settled=True)
                reservation.end = free
            raise
        finally:
            reservation.end = reservation.end or CallEnd("answered")
            call_budget.charge(reservation)
            if reservation.recorded:
                self._finish(call, reservation.end)

    def _finish(self, call: CallStart, end: CallEnd) -> None:
        """Record the end of a call, through all interrupts: it would hold its worst case forever.

        The first end that is written stands, so that it may be written again.
        """
        interrupt = None
        while True:
            try:
                with self.ledger.writing() as transaction:
                    transaction.finish(call, end)
                break
            except KeyboardInterrupt as pressed:
                interrupt = pressed
            except LedgerError as error:  # the answer is there: it must not be kept back
                self._warn_once(error)
                break
        if interrupt:
            raise interrupt

    def caps(self, notebook: str) -> list[Cap]:
        with self.ledger.reading() as transaction:
            return self._caps(transaction, notebook, datetime.now().astimezone())

    def set_cap(self, amount: Decimal | None, per: str, notebook: str) -> None:
        """Keep a cap in the ledger, for this notebook or for every day or month; None lifts it."""
        with self.ledger.writing() as transaction:
            transaction.set_cap(per, amount, notebook if per == "notebook" else "")
            self._capped = bool(transaction.caps(notebook))

    def _reserved(
        self, call: CallStart, estimate: Estimate | None, call_budget: CallBudget
    ) -> Reservation:
        try:
            # In one transaction, so that two kernels cannot both take the last cent.
            with self.ledger.writing() as transaction:
                caps = self._caps(transaction, call.notebook, call.when)
                reservation = call_budget.allow(estimate, caps)
                transaction.insert(call, reservation.dollars)
        except LedgerError as error:
            own = call_budget.cap is not None
            if estimate and (own or self._may_be_capped(call.notebook, error)):
                raise BudgetExceeded(f"no budget can be enforced: {error}") from error
            self._warn_once(error)
            reservation = call_budget.allow(estimate, [])
            reservation.recorded = False
        return reservation

    def _may_be_capped(self, notebook: str, error: LedgerError) -> bool:
        try:
            with self.ledger.reading(patience=0) as transaction:
                self._capped = bool(transaction.caps(notebook))
        except LedgerError:  # a locked ledger may hold a cap that was never seen
            return error.busy if self._capped is None else self._capped
        return self._capped

    def _caps(self, transaction: Transaction, notebook: str, now: datetime) -> list[Cap]:
        found = []
        for per, amount in transaction.caps(notebook).items():
            only = notebook if per == "notebook" else None
            found.append(Cap(amount, per, *transaction.charges(start(per, now), only)))
        self._capped = bool(found)
        return found

    def _warn_once(self, error: LedgerError) -> None:
        if not self._warned:
            self._warned = True
            self.warn(
                f"{error}; until this is fixed, calls are not recorded and budgets are not enforced"
            )


def amount(words: str) -> Decimal:
    """Read an amount of US dollars, as "5" or "$0.50". Raises OptionError."""
    form = f"a cap must be an amount in US dollars, such as 0.50, not '{one_line(words, 40)}'"
    return read_amount(words.strip().removeprefix("$"), form)


def start(per: str, now: datetime) -> datetime | None:
    """Return when the day or month of `now` began, in local time; None for a cap without end."""
    if per not in ("day", "month"):
        return None
    local = now.astimezone()
    return datetime(local.year, local.month, local.day if per == "day" else 1).astimezone()
