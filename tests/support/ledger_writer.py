"""A kernel, as far as the ledger sees one: opens and closes calls, and says which are closed."""

import sys
from decimal import Decimal

from audiomagic.costs.ledger import Ledger
from audiomagic.costs.ledger_entries import CallEnd, CallStart

if __name__ == "__main__":
    ledger, name = Ledger(sys.argv[1]), sys.argv[2]
    for count in range(int(sys.argv[3])):
        with ledger.writing() as books:
            number = books.open(CallStart("gpt-audio-1.5", "openai", "h", name), Decimal("0.05"))
        with ledger.writing() as books:
            end = CallEnd("answered", dollars=Decimal("0.001") * (count + 1), settled=True)
            books.close(number, end)
        print(number, flush=True)
