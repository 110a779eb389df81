"""Reservation: a call that was admitted; and those of them that the ledger does not have yet."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from weakref import finalize

from ..errors import LedgerError
from .books import Books
from .ledger import Ledger
from .ledger_entries import CallEnd, CallStart


@dataclass(eq=False)
class Reservation:
    """An admitted call. Whoever makes it says how it ended."""

    call: CallStart
    number: int | None  # in the ledger; None: it could not be booked
    max_tokens: int | None  # the longest answer that the caps allow; None: there is no cap
    held: Decimal | None = None  # US dollars that it may cost; None where that is not known
    end: CallEnd | None = None
    pid: int = field(default_factory=os.getpid)

    @property
    def worst(self) -> Decimal:
        """US dollars that it may cost; 0 where that is not known."""
        return self.held or Decimal(0)

    def book(self, books: Books) -> None:
        """Close it in the ledger; where it was never opened, or in another, open it first."""
        if self.number is None or not books.has(self.number, self.call):
            self.number = books.open(self.call, self.held)
        books.close(self.number, self.end or CallEnd("answered"))


class Unbooked:
    """Calls that have ended, and are not closed in the ledger yet."""

    def __init__(self) -> None:
        self._tickets: set[Reservation] = set()
        self._kept: finalize[..., Unbooked] | None = None

    def add(self, ticket: Reservation) -> None:
        """Have a call closed with the next change of the ledger."""
        self._tickets.add(ticket)

    @contextmanager
    def booked(self, ledger: Ledger, patience: float) -> Iterator[Books]:
        """Change a ledger; close them first. Raises LedgerError, after which they stay."""
        with ledger.writing(patience) as books:
            done = _book(self._tickets, books)
            yield books
        self._tickets.difference_update(done)

    def keep(self, ledger: Ledger) -> None:
        """Close them when the process ends, if there is no change of the ledger before."""
        if self._kept is None:
            self._kept = finalize(self, _book_last, self._tickets, ledger)


def _book(tickets: set[Reservation], books: Books) -> list[Reservation]:
    # A forked child has its parent's calls too: those the parent books.
    mine = [ticket for ticket in list(tickets) if ticket.pid == os.getpid()]
    for ticket in mine:
        ticket.book(books)
    return mine


def _book_last(tickets: set[Reservation], ledger: Ledger) -> None:
    if tickets:
        with suppress(LedgerError), ledger.writing() as books:  # it was warned of before
            _book(tickets, books)
