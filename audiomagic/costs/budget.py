"""The till: admits a call under the caps, books it in the ledger, and settles it afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from ..errors import BudgetExceeded, LedgerError, one_line
from .books import Books
from .caps import HOW, Allowance, Cap, allow, start
from .estimate import Estimate
from .ledger import Ledger
from .ledger_entries import CallEnd, CallStart
from .reservation import Reservation, Unbooked

PATIENCE = 4.0  # seconds that a call waits for a ledger that others write in
GLANCE = 0.3  # seconds to wait where that was in vain: a call's two more looks make five in all


class Budget:
    """Stands between a session and the ledger; `warn` is told, once, that nothing can be booked."""

    def __init__(self, ledger: Ledger, warn: Callable[[str], None]):
        self.ledger = ledger
        self._warn = warn
        self._warned = False
        self._known: dict[str, dict[str, Decimal]] = {}  # caps when last looked at, by notebook
        self._unbooked = Unbooked()
        self._locked = False  # whether waiting for the ledger was in vain, the last time

    @contextmanager
    def admitted(
        self, call: CallStart, estimate: Estimate | None, **how: Any
    ) -> Iterator[Reservation]:
        """Admit a call (see `admit`), let it run, and settle it as its ticket's `end` says.

        >>> with till.admitted(call, estimate, own=Cap(Decimal("0.05"), "call")) as ticket:
        ...     receipt = send(replace(request, max_tokens=ticket.max_tokens))
        ...     ticket.end = CallEnd.of(receipt)
        """
        ticket = self.admit(call, estimate, **how)
        try:
            yield ticket
        except BaseException as error:
            ticket.end = ticket.end or CallEnd.failed(error)
            raise
        finally:
            self.settle(ticket)

    def admit(
        self,
        call: CallStart,
        estimate: Estimate | None,
        own: Cap | None = None,
        *,
        allow_unpriced: bool = False,
        among: int = 1,
    ) -> Reservation:
        """Open a call in the ledger, its worst case held, if the caps allow it.

        Looking and holding are one transaction: two kernels cannot both take the last cent. Without
        an estimate the call is free (the embedded engine, a replay). `own` is a cap on this call
        alone; see `allow` for the rest. Raises BudgetExceeded: nothing may be sent then. A ledger
        that cannot be used stops no call, unless there is a cap, or may be.
        """

        def decide(books: Books | None) -> Allowance:
            if estimate is None:
                return Allowance(None, Decimal(0))
            caps = [own] if own else []
            if books:
                caps += self._caps(books, call)
            return allow(estimate, caps, allow_unpriced=allow_unpriced, among=among)

        try:
            with self._writing() as books:
                allowance = decide(books)
                number = books.open(call, allowance.worst)
        except LedgerError as error:
            if estimate is not None:
                self._refuse_unbookable(call.notebook, own, error)
            self._complain(error)
            allowance, number = decide(None), None
        return Reservation(call, number, allowance.max_tokens, allowance.worst)

    def settle(self, ticket: Reservation) -> None:
        """Close a call in the ledger; what goes wrong is told, and keeps no answer back."""
        ticket.end = ticket.end or CallEnd("answered")
        self._unbooked.add(ticket)
        try:
            with self._writing():
                pass
        except LedgerError as error:
            self._unbooked.keep(self.ledger)
            self._complain(error)

    @contextmanager
    def _writing(self) -> Iterator[Books]:
        """Change the ledger; the calls that could not be booked before are booked first."""
        try:
            patience = GLANCE if self._locked else PATIENCE
            with self._unbooked.booked(self.ledger, patience) as books:
                self._locked = False
                yield books
        except LedgerError as error:
            self._locked = error.busy
            raise

    def caps(self, notebook: str) -> list[Cap]:
        """Return the caps that hold for a notebook, with what is gone of each."""
        with self.ledger.reading() as books:
            return self._caps(books, CallStart("", "", "", notebook))

    def set_cap(self, amount: Decimal | None, per: str, notebook: str) -> None:
        """Keep a cap in the ledger, for this notebook or for every day or month; None lifts it."""
        with self._writing() as books:
            books.cap(per, amount, notebook if per == "notebook" else "")
            found = books.caps(notebook)
        # Of the other caps, one that is gone from the ledger stays known: it was not lifted.
        self._known[notebook] = self._known.get(notebook, {}) | _holding(found)
        if amount is None:
            self._known[notebook].pop(per, None)

    def _caps(self, books: Books, call: CallStart) -> list[Cap]:
        found = []
        for per, amount in self._look(books, call.notebook).items():
            only = call.notebook if per == "notebook" else None
            spent, held = books.charges(start(per, call.when), only)
            found.append(Cap(amount, per, spent, held))
        return found

    def _look(self, books: Books, notebook: str) -> dict[str, Decimal]:
        """Return the caps that hold for a notebook, and remember them.

        Raises BudgetExceeded where one that was known is neither in the ledger nor lifted.
        """
        found = books.caps(notebook)
        for per, cap in self._known.get(notebook, {}).items():
            if per not in found:
                raise BudgetExceeded(
                    f"the budget of {Cap(cap, per)} is gone: the ledger "
                    f"{one_line(self.ledger.path, 120)} was deleted or replaced; set it anew: "
                    f"{HOW[per].format(f'{cap:f}')}, or lift it: {HOW[per].format('off')}"
                )
        self._known[notebook] = _holding(found)
        return self._known[notebook]

    def _refuse_unbookable(self, notebook: str, own: Cap | None, error: LedgerError) -> None:
        """Raise BudgetExceeded where there is a cap, or may be; without one a call may go on."""
        try:
            with self.ledger.reading(GLANCE) as books:
                caps: dict[str, Decimal] | None = self._look(books, notebook)
        except LedgerError as blind:
            caps = self._known.get(notebook)
            # Who caps a call minds what it costs: it goes on only where it is seen what else holds.
            if not caps and (own or (caps is None and blind.busy)):
                line = f"there may be a budget, which cannot be looked at: {blind}"
                raise BudgetExceeded(line) from error
        if caps:
            raise BudgetExceeded(f"there is a budget, and it cannot be kept: {error}") from error

    def _complain(self, error: LedgerError) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"{error}; until then calls are not in it, and no budget is kept")


def _holding(caps: dict[str, Decimal | None]) -> dict[str, Decimal]:
    """Return the caps but for those that were lifted."""
    return {per: cap for per, cap in caps.items() if cap is not None}
