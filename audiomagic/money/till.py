"""The till: admits a call under the caps, books it in the ledger, and settles it afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..errors import BudgetError, LedgerError, one_line
from .budget import HOW, Allowance, Cap, allow, start
from .entry import Call, End
from .estimate import Estimate
from .ledger import Books, Ledger

PATIENCE = 5.0  # seconds that a call waits for a ledger that others write in
GLANCE = 0.5  # seconds more to wait, only to see whether there is a cap


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
        self._known: dict[str, dict[str, Decimal]] = {}  # caps when last looked at, by notebook
        self._ends: list[tuple[int, End]] = []  # of calls, which the ledger does not have yet

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
        that cannot be used stops no call, unless there is a cap, or may be.
        """

        def decide(books: Books | None) -> Allowance:
            if estimate is None:
                return Allowance(None, Decimal(0))
            caps = [own] if own else []
            if books:
                self._check_kept(books, call.notebook)
                caps += self._caps(books, call)
            return allow(estimate, caps, unpriced=unpriced, among=among)

        try:
            with self._writing() as books:
                allowance = decide(books)
                number = books.open(call, allowance.worst)
            return Ticket(number, allowance.max_tokens, allowance.worst or Decimal(0))
        except LedgerError as error:
            if estimate is not None:
                self._refuse_unbookable(call.notebook, error)
            self._complain(error)
            allowance = decide(None)
            return Ticket(None, allowance.max_tokens, allowance.worst or Decimal(0))

    def settle(self, ticket: Ticket) -> None:
        """Close a call in the ledger; what goes wrong is told, and keeps no answer back."""
        if ticket.number is None:
            return
        self._ends.append((ticket.number, ticket.end or End("answered")))
        try:
            with self._writing():
                pass
        except LedgerError as error:
            self._complain(error)

    @contextmanager
    def _writing(self) -> Iterator[Books]:
        """Change the ledger; the ends that could not be written before are written first."""
        with self.ledger.writing(PATIENCE) as books:
            ends = list(self._ends)
            for number, end in ends:
                books.close(number, end)
            yield books
        self._ends = [end for end in self._ends if end not in ends]

    def caps(self, notebook: str) -> list[Cap]:
        """Return the caps that hold for a notebook, with what is gone of each."""
        with self.ledger.reading() as books:
            return self._caps(books, Call("", "", "", notebook))

    def set_cap(self, amount: Decimal | None, per: str, notebook: str) -> None:
        """Keep a cap in the ledger, for this notebook or for every day or month; None lifts it."""
        with self._writing() as books:
            books.cap(per, amount, notebook if per == "notebook" else "")
            self._look(books, notebook)

    def _caps(self, books: Books, call: Call) -> list[Cap]:
        found = []
        for per, amount in self._look(books, call.notebook).items():
            only = call.notebook if per == "notebook" else None
            spent, held = books.charges(start(per, call.when), only)
            found.append(Cap(amount, per, spent, held))
        return found

    def _look(self, books: Books, notebook: str) -> dict[str, Decimal]:
        """Return the caps that hold for a notebook, and remember them."""
        caps = {per: cap for per, cap in books.caps(notebook).items() if cap is not None}
        self._known[notebook] = caps
        return caps

    def _check_kept(self, books: Books, notebook: str) -> None:
        """Raise BudgetError where a cap that was known is neither in the ledger nor lifted."""
        found = books.caps(notebook)
        for per, cap in self._known.get(notebook, {}).items():
            if per not in found:
                raise BudgetError(
                    f"the budget of {Cap(cap, per)} is gone: the ledger "
                    f"{one_line(self.ledger.path, 120)} was deleted or replaced; set it anew: "
                    f"{HOW[per].format(f'{cap:f}')}, or lift it: {HOW[per].format('off')}"
                )

    def _refuse_unbookable(self, notebook: str, error: LedgerError) -> None:
        """Raise BudgetError where there is a cap, or may be; without one a call may go on."""
        try:
            with self.ledger.reading(GLANCE) as books:
                self._check_kept(books, notebook)
                caps: dict[str, Decimal] | None = self._look(books, notebook)
        except LedgerError as blind:
            caps = self._known.get(notebook)
            if caps is None and blind.busy:
                line = f"there may be a budget, which cannot be looked at: {blind}"
                raise BudgetError(line) from error
        if caps:
            raise BudgetError(f"there is a budget, and it cannot be kept: {error}") from error

    def _complain(self, error: LedgerError) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"{error}; until then calls are not in it, and no budget is kept")
