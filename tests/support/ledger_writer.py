"""A kernel, as far as the ledger sees one: makes calls one after another, and prints their ids."""

import sys
from decimal import Decimal

from audiomagic.costs.ledger import CallEnd, CallStart, Ledger

if __name__ == "__main__":
    ledger, name = Ledger(sys.argv[1], patience=60), sys.argv[2]
    for count in range(int(sys.argv[3])):
        call = CallStart("gpt-audio-1.5", "openai", "h", name)
        with ledger.writing() as transaction:
            transaction.insert(call, Decimal("0.05"))
        end = CallEnd("answered", dollars=Decimal("0.001") * (count + 1), settled=True)
        with ledger.writing() as transaction:
            transaction.finish(call, end)
        print(call.id, flush=True)
