"""The till: admits a call under the caps, books it in the ledger, and settles it afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..errors import BudgetError, LedgerError
from .budget import Allowance, Cap, allow, start
from .estimate import Estimate
from .ledger import Books, Call, End, Ledger


@dataclass
class Ticket:
    """An admitted call. Whoever makes it says how it ended."""

    number: int | None  # in the ledger; None: it could not be booked
    max_tokens: int | None  # the longest answer that the caps allow; None: there is no cap
    worst: Decimal = Decimal(0)  # US dollars that it may cost; 0 where that is not known
    end: End | None = None


class Till:
    """Stands between a session and the ledger; `warn` is told, once, that nothing can be booked."""

    def __init__(self, ledger: Ledger, warn: Callable[[str], None]):
        self.ledger = ledger
        self._warn = warn
        self._warned = False

    @contextmanager
    def admitted(self, call: Call, estimate: Estimate | None, **how: Any) -> Iterator[Ticket]:
        """Admit a call (see `admit`), let it run, and settle it as its ticket's `end` says.

        >>> with till.admitted(call, estimate, own=Cap(Decimal("0.05"), "call")) as ticket:
        ...     receipt = send(replace(request, max_tokens=ticket.max_tokens))
        ...     ticket.end = End.of(receipt)
        """
        ticket = self.admit(call, estimate, **how)
        try:
            yield ticket
        except BaseException as error:
            ticket.end = ticket.end or End.failed(error)
            raise
        finally:
            self.settle(ticket)

    def admit(
        self,
        call: Call,
        estimate: Estimate | None,
        own: Cap | None = None,
        *,
        unpriced: bool = False,
        among: int = 1,
    ) -> Ticket:
        """Open a call in the ledger, its worst case held, if the caps allow it.

        Looking and holding are one transaction: two kernels cannot both take the last cent. Without
        an estimate the call is free (the embedded engine, a replay). `own` is a cap on this call
        alone; see `allow` for the rest. Raises BudgetError: nothing may be sent then. A ledger
        that cannot be used stops no call, unless it can still be read and holds caps.
        """

        def decide(books: Books | None) -> Allowance:
            if estimate is None:
                return Allowance(None, Decimal(0))
            caps = [own] if own else []
            caps += self._caps(books, call) if books else []
            return allow(estimate, caps, unpriced=unpriced, among=among)

        try:
            with self.ledger.writing() as books:
                allowance = decide(books)
                number = books.open(call, allowance.worst)
                return Ticket(number, allowance.max_tokens, allowance.worst or Decimal(0))
        except LedgerError as error:
            if estimate is not None:
                self._refuse_unbookable(call, error)
            self._complain(error)
            allowance = decide(None)
            return Ticket(None, allowance.max_tokens, allowance.worst or Decimal(0))

    def settle(self, ticket: Ticket) -> None:
        """Close a call in the ledger; what goes wrong is told, and keeps no answer back."""
        if ticket.number is None:
            return
        try:
            with self.ledger.writing() as books:
                books.close(ticket.number, ticket.end or End("answered"))
        except LedgerError as error:
            self._complain(error)

    def caps(self, notebook: str) -> list[Cap]:
        """Return the caps that hold for a notebook, with what is gone of each."""
        with self.ledger.reading() as books:
            return self._caps(books, Call("", "", "", notebook))

    def set_cap(self, amount: Decimal | None, per: str, notebook: str) -> None:
        """Keep a cap in the ledger, for this notebook or for every day or month; None lifts it."""
        with self.ledger.writing() as books:
            books.cap(per, amount, notebook if per == "notebook" else "")

    def _caps(self, books: Books, call: Call) -> list[Cap]:
        found = []
        for per, amount in books.caps(call.notebook).items():
            only = call.notebook if per == "notebook" else None
            spent, held = books.charges(start(per, call.when), only)
            found.append(Cap(amount, per, spent, held))
        return found

    def _refuse_unbookable(self, call: Call, error: LedgerError) -> None:
        try:
            with self.ledger.reading() as books:
                caps = books.caps(call.notebook)
        except LedgerError:
            return
        if caps:
            raise BudgetError(f"there is a budget, and it cannot be kept: {error}") from error

    def _complain(self, error: LedgerError) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"{error}; until then calls are not in it, and no budget is kept")
