"""The budget: reserves what a call may cost before it is sent, and settles what it did cost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from ..errors import BudgetExceeded, LedgerError
from .caps import Cap, allow, start
from .estimate import Estimate
from .ledger import Ledger, Transaction
from .ledger_entries import CallEnd, CallStart
from .prices import Prices, exact, listed


@dataclass(eq=False)
class Reservation:
    """A call that was allowed; the caller says how it ended."""

    max_tokens: int | None  # the longest answer that the caps allow; None: there is no cap
    held: Decimal | None = None  # US dollars that it may cost; None: unknown
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

    @exact()
    def charge(self, reservation: Reservation) -> None:
        """Add a request that was made; one without a bill may have cost its worst case."""
        end = reservation.end
        paid = (end and end.dollars) or Decimal(0)
        worst = reservation.held or Decimal(0)
        self.spent += paid if end and end.settled else max(paid, worst)

    def allow(self, estimate: Estimate | None, caps: list[Cap]) -> Reservation:
        """Allow a request under these caps and the call's own; without an estimate it is free."""
        if estimate is None:
            return Reservation(None, Decimal(0))
        own = [] if self.cap is None else [Cap(self.cap, "call", self.spent)]
        return Reservation(*allow(estimate, [*own, *caps], self.allow_unpriced, self.sharing))


class Budget:
    """Stands between the calls of a session and the ledger.

    `warn` is called once, with a line, if calls cannot be recorded.
    """

    def __init__(self, ledger: Ledger, warn: Callable[[str], None]):
        self.ledger = ledger
        self._warn = warn
        self._warned = False
        self._capped: bool | None = None  # whether a cap applied when the ledger was last read

    @contextmanager
    def reserve(
        self, call: CallStart, estimate: Estimate | None, call_budget: CallBudget
    ) -> Iterator[Reservation]:
        """Hold what a call may cost while it runs; then record what its `end` says it cost.

        An exception means that nothing was answered. Raises BudgetExceeded: nothing may be sent
        then. A ledger that cannot be used stops a call only if there is a cap, or may be.

        >>> with budget.reserve(call, estimate, CallBudget(Decimal("0.05"))) as reservation:
        ...     receipt = send(replace(request, max_tokens=reservation.max_tokens))
        ...     reservation.end = CallEnd.of(receipt)
        """
        reservation = self._reserved(call, estimate, call_budget)
        try:
            yield reservation
        except BaseException as error:
            sent = estimate.worst(0) if estimate and estimate.price else None
            reservation.end = reservation.end or CallEnd.failed(error, sent)
            if estimate is None:  # nothing is paid for it, whatever happened
                reservation.end = replace(reservation.end, dollars=Decimal(0), settled=True)
            raise
        finally:
            reservation.end = reservation.end or CallEnd("answered")
            call_budget.charge(reservation)
            if reservation.recorded:
                self._settle(call, reservation.end)

    def caps(self, notebook: str) -> list[Cap]:
        """Return the caps that apply to a notebook, with what is used of each."""
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
        """Read the caps and hold the worst case in one transaction.

        So two kernels cannot both take the last cent.
        """
        try:
            with self.ledger.writing() as transaction:
                caps = self._caps(transaction, call.notebook, call.when)
                reservation = call_budget.allow(estimate, caps)
                transaction.insert(call, reservation.held)
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

    def _settle(self, call: CallStart, end: CallEnd) -> None:
        """Record the end of a call; what goes wrong must not keep its answer back."""
        try:
            with self.ledger.writing() as transaction:
                transaction.finish(call, end)
        except LedgerError as error:
            self._warn_once(error)

    def _warn_once(self, error: LedgerError) -> None:
        if not self._warned:
            self._warned = True
            self._warn(
                f"{error}; until this is fixed, calls are not recorded and budgets are not enforced"
            )
