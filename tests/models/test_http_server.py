"""The door of `serve`, knocked at with raw sockets: strangers, slow ones, rubbish."""

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any, cast

import pytest

pytest.importorskip("waitress")

from audiomagic.engine import http_server
from audiomagic.engine.app import LARGEST_BODY, App
from audiomagic.engine.engine import Engine

TOKEN = "am-a-token-of-thirty-two-letters"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = http_server.create_server(App(cast(Engine, None)), 0, TOKEN, LARGEST_BODY)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server.effective_port
    server.close()


def request(port: int, *lines: str, path: str = "/v1/models", body: bytes = b"") -> bytes:
    head = (f"{'POST' if body else 'GET'} {path} HTTP/1.1", *lines)
    return "\r\n".join((*head, "", "")).encode() + body


def ask(port: int, data: bytes, timeout: float = 5) -> tuple[int, dict[str, Any], bool]:
    """Send bytes; return the status, the body, and whether the connection was closed after it."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout)) as line:
        line.sendall(data)
        file = line.makefile("rb")
        status = int(file.readline().split()[1])
        headers = {}
        while (header := file.readline().strip()) != b"":
            name, _, value = header.partition(b":")
            headers[name.lower()] = value.strip()
        body = json.loads(file.read(int(headers[b"content-length"])))
        line.settimeout(0.3)
        try:
            closed = file.read(1) == b""
        except TimeoutError:
            closed = False
        except ConnectionResetError:  # more was sent than was read
            closed = True
        return status, body, closed


def ours(port: int, **more: str) -> list[str]:
    known = {"Host": f"127.0.0.1:{port}", "Authorization": f"Bearer {TOKEN}"} | more
    return [f"{name}: {value}" for name, value in known.items()]


def test_a_program_with_the_token_is_let_in(port: int) -> None:
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        status, body, closed = ask(port, request(port, *ours(port, Host=host)))
        assert status == 200 and body["data"][0]["id"] == "local-engine" and not closed


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Host": "localhost.evil.example:{port}"}, 403),
        ({"Host": "evil.example:{port}"}, 403),
        ({"Host": "127.0.0.1:{port}\r\nHost: evil.example"}, 403),
        ({"Host": "127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:{port}"}, 403),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Bearer {TOKEN}\r\nAuthorization: Bearer {TOKEN}"}, 401),
        ({"Content-Length": "9" * 5000}, 400),
        ({"Content-Length": "-1"}, 400),
        ({"Content-Length": str(LARGEST_BODY + 1)}, 413),
        ({"Transfer-Encoding": "gzip"}, 501),
        ({"X": "y" * 300_000}, 431),
    ],
)
def test_all_others_are_refused_in_the_services_shape_and_hung_up_on(
    port: int, more: dict[str, str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    more = {name: value.replace("{port}", str(port)) for name, value in more.items()}
    with caplog.at_level(logging.WARNING):
        found, body, closed = ask(port, request(port, *ours(port, **more)))
    assert (found, closed) == (status, True) and body["error"]["message"], body
    assert caplog.text == ""
    assert ask(port, request(port, *ours(port)))[0] == 200


@pytest.mark.parametrize("length", ["Content-Length: 90000000", "Transfer-Encoding: chunked"])
def test_a_strangers_body_is_not_waited_for(port: int, length: str) -> None:
    """He is answered before any of it came, also where he asks to be told to go on."""
    host = f"Host: 127.0.0.1:{port}"
    for lines in ((host, length), (host, length, "Expect: 100-continue")):
        data = request(port, *lines, path="/v1/chat/completions", body=b"{")
        status, _, closed = ask(port, data)
        assert (status, closed) == (401, True)


@pytest.mark.parametrize(
    "body", [b'{"model": "m", "messages": [{"role": "user", "content": "\\ud800"}]}', b"{oops"]
)
def test_a_body_that_is_none_is_refused(
    port: int, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    lines = ours(port, **{"Content-Length": str(len(body))})
    status, answer, _ = ask(port, request(port, *lines, path="/v1/chat/completions", body=body))
    assert status == 400 and "could not parse the JSON" in answer["error"]["message"]
    assert caplog.text == ""


def test_a_crowd_that_says_nothing_locks_nobody_out(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "DEADLINE", 1.0)
    with ExitStack() as crowd:
        lines = []
        for index in range(150):
            line = socket.create_connection(("127.0.0.1", port), 5)
            crowd.callback(line.close)
            if index % 2:
                line.sendall(b"GET / HTTP/1.1\r\nHost")
            lines.append(line)
        assert ask(port, request(port, *ours(port)))[0] == 200
        time.sleep(1.2)
        for line in lines[1::2]:  # a byte now and then keeps no line open
            line.sendall(b":")
        time.sleep(1.5)
        ask(port, request(port, *ours(port)))
        for line in lines[1::2]:
            line.settimeout(2)
            assert line.recv(1) == b""
