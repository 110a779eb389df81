"""What the ledger records of a call: at its start, and at its end."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

from ..errors import OptionError, RequestFailed, RequestRejected
from ..protocol.usage import Usage
from .receipt import Receipt


@dataclass(frozen=True)
class CallStart:
    """What is known of a call before it is sent."""

    model: str
    engine: str
    host: str
    notebook: str = ""  # its path, or "" outside a notebook
    cell: str = ""
    seconds_in: float = 0.0
    when: datetime = field(default_factory=lambda: datetime.now(UTC))
    paid: bool = True
    id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class CallEnd:
    """How a call ended: "answered", "stopped", or "failed: " and the name of the error."""

    outcome: str
    seconds_out: float = 0.0
    usage: Usage | None = None
    dollars: Decimal | None = None  # None when unknown
    estimated: bool = False  # whether dollars are a guess
    settled: bool = False  # whether no more than these dollars can be charged for it

    @classmethod
    def of(cls, receipt: Receipt, outcome: str = "answered") -> "CallEnd":
        """Take it from a receipt; a cost by our own count or at assumed rates is estimated."""
        billed, guessed = receipt.bill, receipt.cost is None
        return cls(
            outcome,
            receipt.seconds_out,
            receipt.usage or receipt.counted_usage,
            receipt.estimate,
            estimated=receipt.paid and (guessed or bool(billed and billed.assumed)),
            # A stopped answer had arrived as it was made: no more is charged than is counted here.
            settled=not guessed or outcome == "stopped",
        )

    @classmethod
    def failed(cls, error: BaseException, sent: Decimal | None = None) -> "CallEnd":
        """Take it from an error; a request that was refused, or never sent, costs nothing.

        If it was stopped before anything came, it costs at most `sent`, the price of what was sent.
        """
        if isinstance(error, KeyboardInterrupt):
            return cls("stopped", dollars=sent, estimated=True, settled=sent is not None)
        free = (
            isinstance(error, OptionError)
            or (isinstance(error, RequestFailed) and not error.sent)
            or (isinstance(error, RequestRejected) and error.status is not None)
        )
        dollars = Decimal(0) if free else None
        return cls(f"failed: {type(error).__name__}", dollars=dollars, settled=free)
