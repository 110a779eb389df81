"""Retries: how long a server asks to wait, and what a failure was caused by."""

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest

from audiomagic.errors import SoundError
from audiomagic.transports.retry import find_cause, rate_limit_gate, retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after-ms": "250", "retry-after": "2"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00"}, None),  # without a time zone
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_date_to_come_back_at() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1))
    assert 3_500 < (retry_after({"retry-after": date}) or 0) <= 3_600


def chained(*errors: BaseException) -> BaseException:
    """The last error, which each of those before led to."""
    for cause, error in pairwise(errors):
        error.__context__ = cause
    return errors[-1]


def test_a_cause_is_found_up_to_the_first_of_the_system_or_of_ours() -> None:
    unknown = socket.gaierror("unknown name")
    assert find_cause(chained(unknown, ValueError(), KeyError()), socket.gaierror) is unknown
    assert find_cause(chained(unknown, OSError(), KeyError()), socket.gaierror) is None
    assert find_cause(chained(unknown, SoundError(), KeyError()), socket.gaierror) is None
    assert find_cause(None, OSError) is None


def test_a_server_has_a_gate_for_each_key() -> None:
    assert rate_limit_gate("http://a/v1", "one") is rate_limit_gate("http://a/v1", "one")
    assert rate_limit_gate("http://a/v1", "one") is not rate_limit_gate("http://a/v1", "two")
