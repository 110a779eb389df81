"""HTTP bodies: bounded as they are unpacked, by whatever way they are read."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx2
import pytest

from audiomagic.errors import InvalidResponse
from audiomagic.protocol import http

LARGEST = 3_000_000
PACKED = gzip.compress(bytes(30_000_000))  # 30 kB


def got(body: bytes | Iterator[bytes], status: int = 200, **headers: str) -> httpx2.Response:
    """An answer with this body, as a client with our hook receives it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(request: httpx2.Request) -> httpx2.Response:
        stream = iter([body]) if isinstance(body, bytes) else body
        return httpx2.Response(status, headers=named, content=stream)

    hooks: Any = {"response": [partial(http.bound, LARGEST)]}
    client = httpx2.Client(transport=httpx2.MockTransport(answer), event_hooks=hooks)
    return client.send(client.build_request("GET", "http://a/"), stream=True)


READERS: list[Callable[[httpx2.Response], Any]] = [
    lambda response: response.read(),
    lambda response: sum(map(len, response.iter_bytes())),
    lambda response: sum(map(len, response.iter_raw())),
    lambda response: sum(map(len, response.iter_text())),
    lambda response: sum(map(len, response.iter_lines())),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("coding", ["gzip", "GZIP, identity", "deflate", ""])
def test_no_more_is_unpacked_than_may_be_read(
    read: Callable[[httpx2.Response], Any], coding: str
) -> None:
    body = {"deflate": zlib.compress(bytes(30_000_000)), "": bytes(4_000_000)}.get(coding, PACKED)
    with pytest.raises(InvalidResponse, match="sent more than 3 MB, which is too much; stopped"):
        read(got(body, content_encoding=coding))
    shown = got(body, status=400, content_encoding=coding)
    assert shown.read() == bytes(http.LARGEST_ERROR) and shown.is_closed


@pytest.mark.parametrize("coding", ["gzip, gzip", "deflate,gzip", "gzip, gzip, gzip", "br, gzip"])
def test_what_is_packed_twice_is_not_unpacked(coding: str) -> None:
    def untouched() -> Iterator[bytes]:
        yield pytest.fail("was read")

    with pytest.raises(InvalidResponse, match="packed its answer more than once; not read"):
        got(untouched(), content_encoding=coding).read()
    assert got(untouched(), status=500, content_encoding=coding).read() == b""


def test_what_is_not_packed_as_it_says_is_one_line() -> None:
    with pytest.raises(InvalidResponse, match="the server's answer cannot be unpacked"):
        got(b"{}", content_encoding="gzip").read()
    assert got(b"{}", status=400, content_encoding="gzip").read() == b""


def test_an_answer_that_was_packed_once_is_read() -> None:
    for body, coding in ((gzip.compress(b"Hi."), "gzip"), (b"Hi.", "identity"), (b"Hi.", "")):
        assert got(body, content_encoding=coding).read() == b"Hi."
        assert got(body, status=404, content_encoding=coding).read() == b"Hi."


def test_parts_are_joined_up_to_a_size() -> None:
    assert http.contents([b"a", b"b"], 2) == b"ab"
    with pytest.raises(InvalidResponse, match="more than 9 kB"):
        http.contents((bytes(1_000) for _ in range(10)), 9_000)


def test_only_our_own_headers_and_the_credentials_are_sent() -> None:
    given = {"X-Org": "me", "Authorization": "another's", "Content-Type": "application/json"}
    sent = httpx2.Request("POST", "http://a/", headers=given, content=b"{}")
    http.own_headers({"authorization": "its own"}, sent)
    assert "x-org" not in sent.headers and sent.headers["authorization"] == "its own"
    assert {sent.headers[name] for name in ("host", "content-type")} == {"a", "application/json"}
