"""The two entries that a call has in the ledger: before it is sent, and when it has ended."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from ..errors import OptionError, RequestFailed, RequestRejected
from ..protocol.usage import Usage
from .receipt import Receipt


@dataclass(frozen=True)
class CallStart:
    """What is known of a call before it is sent."""

    model: str
    engine: str
    host: str
    notebook: str = ""  # its path, or "" where there is none
    cell: str = ""
    seconds_in: float = 0.0
    when: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class CallEnd:
    """What became of it: "answered", "stopped", or "failed: " and the name of the error."""

    outcome: str
    seconds_out: float = 0.0
    usage: Usage | None = None
    dollars: Decimal | None = None  # None when unknown
    estimated: bool = False  # whether dollars are a guess
    settled: bool = False  # whether no more than these dollars can be charged for it

    @classmethod
    def of(cls, receipt: Receipt, outcome: str = "answered") -> "CallEnd":
        """Take it from a receipt; a cost by our own count, or another's rates, is estimated."""
        billed = receipt.bill
        guessed = receipt.cost is None
        return cls(
            outcome,
            receipt.seconds_out,
            receipt.usage or receipt.counted_usage,
            receipt.estimate,
            receipt.engine != "local" and (guessed or bool(billed and billed.assumed)),
            # What was stopped came as it was made: no more of it is charged than is counted here.
            not guessed or outcome == "stopped",
        )

    @classmethod
    def failed(cls, error: BaseException, asked: Decimal | None = None) -> "CallEnd":
        """Take it from an error; a request that was refused, or never sent, costs nothing.

        One that was stopped before anything came costs what was `asked` at the most.
        """
        if isinstance(error, KeyboardInterrupt):
            return cls("stopped", dollars=asked, estimated=True, settled=asked is not None)
        refused = isinstance(error, RequestRejected) and error.status is not None
        sent = (
            error.sent if isinstance(error, RequestFailed) else not isinstance(error, OptionError)
        )
        free = refused or not sent
        dollars = Decimal(0) if free else None
        return cls(f"failed: {type(error).__name__}", dollars=dollars, settled=free)
