"""Amounts: US dollars in words."""

from decimal import Decimal

from .pricing import EXACT


def dollars(amount: Decimal) -> str:
    """Write an amount of US dollars to a hundredth of a cent, a smaller one to two digits.

    >>> dollars(Decimal("0.0213")), dollars(Decimal("0.0000175"))
    ('$0.0213', '$0.000018')
    """
    if amount and amount < Decimal("0.0001"):
        return f"${amount:.2g}" if amount >= Decimal("0.000001") else "under $0.000001"
    return f"${amount.quantize(Decimal('0.0001'), context=EXACT)}"
