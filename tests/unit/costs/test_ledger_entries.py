"""How a call ended, as the ledger records it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from audiomagic import Session
from audiomagic.costs.ledger_entries import CallEnd
from audiomagic.costs.receipt import Receipt
from audiomagic.errors import ConnectionFailed, OptionError, RequestRejected
from audiomagic.protocol.usage import Usage

COUNTED, DOLLARS = Usage(11, 16, 0, 10), Decimal("0.0007275")


def receipt(host: str = "api.openai.com", usage: Usage | None = COUNTED, **more: Any) -> Receipt:
    when, model = datetime(2026, 11, 22, 12, tzinfo=UTC), "gpt-audio-1.5"
    return Receipt(when, "openai", host, model, model, "alloy", 0.0, 0.5, usage, 0.5, 1.0, **more)


def test_an_end_is_taken_from_the_receipt() -> None:
    assert CallEnd.of(receipt()) == CallEnd("answered", 0.5, COUNTED, DOLLARS, False, True)
    proxied = CallEnd.of(receipt(host="127.0.0.1:4000"))
    assert proxied == CallEnd("answered", 0.5, COUNTED, DOLLARS, True, True)
    local = CallEnd.of(receipt(host="the local engine", paid=False))
    assert local == CallEnd("answered", 0.5, COUNTED, Decimal(0), False, True)
    stopped = CallEnd.of(receipt(usage=None, counted_usage=COUNTED), "stopped")
    assert stopped == CallEnd("stopped", 0.5, COUNTED, DOLLARS, True, True)
    assert CallEnd.of(receipt(usage=None)) == CallEnd("answered", 0.5, None, None, True, False)
    charged = CallEnd.of(receipt(host="x", usage=Usage(1, 1, server_cost=Decimal("0.5"))))
    assert (charged.dollars, charged.estimated, charged.settled) == (Decimal("0.5"), False, True)


@pytest.mark.parametrize("error", [RequestRejected("no", 401), OptionError("never sent")])
def test_a_refused_request_is_free(error: Exception) -> None:
    end = CallEnd.failed(error)
    assert end == CallEnd(f"failed: {type(error).__name__}", dollars=Decimal(0), settled=True)


@pytest.mark.parametrize("error", [RequestRejected("broke off"), ConnectionFailed("lost")])
def test_a_request_that_failed_on_its_way_may_have_been_billed(error: Exception) -> None:
    assert CallEnd.failed(error) == CallEnd(f"failed: {type(error).__name__}")


def test_a_stopped_request_costs_at_most_what_was_sent() -> None:
    assert CallEnd.failed(KeyboardInterrupt()) == CallEnd("stopped", estimated=True)
    end = CallEnd.failed(KeyboardInterrupt(), DOLLARS)
    assert (end.dollars, end.estimated, end.settled) == (DOLLARS, True, True)


def test_a_request_that_was_never_sent_is_free() -> None:
    with pytest.raises(ConnectionFailed) as caught:
        Session(base_url="http://127.0.0.1:9/v1", api_key="k").speak("Hi")
    end = CallEnd.failed(caught.value)
    assert (end.outcome, end.dollars, end.settled) == ("failed: ConnectionFailed", 0, True)
