"""The engine's HTTP server, without models: who is let in, and what is refused."""

import http.client
import json
import socket
import threading
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, cast
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

pytest.importorskip("waitress")

from audiomagic.engine.api import http_server
from audiomagic.engine.api.app import App
from audiomagic.engine.engine import Engine

TOKEN = "am-a-token-of-thirty-two-letters"


class Streaming(App):
    """An app that sends the second half of its answer once the first has been read."""

    read = threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/halves":
            return super().__call__(environ, start_response)
        start_response("200 OK", [("content-type", "text/event-stream")])
        return self._halves()

    def _halves(self) -> Iterator[bytes]:
        yield b"data: first\n\n"
        assert self.read.wait(20)
        yield b"data: second\n\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = http_server.create_server(Streaming(cast(Engine, None)), 0, TOKEN)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server.effective_port
    server.trigger.pull_trigger(server.close)  # in the thread that waits for its sockets
    thread.join(20)
    server.task_dispatcher.shutdown()
    assert not thread.is_alive()


@contextmanager
def response(
    port: int, path: str, headers: dict[str, str], body: bytes = b""
) -> Iterator[http.client.HTTPResponse]:
    """Send a request with these headers alone."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.putrequest("POST" if body else "GET", path, skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        with connection.getresponse() as answer:
            yield answer


def ask(port: int, path: str = "/v1/models", body: bytes = b"", **more: str) -> tuple[int, Any]:
    headers = {"Host": f"127.0.0.1:{port}", "Authorization": f"Bearer {TOKEN}"}
    if body:
        headers["Content-Length"] = str(len(body))
    more = {name.replace("_", "-"): value.replace("{port}", str(port))
            for name, value in more.items()}  # fmt: skip
    with response(port, path, headers | more, body) as answer:
        return answer.status, json.loads(answer.read())


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}"])
def test_a_program_with_the_token_is_let_in(port: int, host: str) -> None:
    status, body = ask(port, Host=host)
    assert status == 200 and body["data"][0]["id"] == "local-engine"


def test_the_name_of_the_scheme_may_be_written_in_any_case(port: int) -> None:
    for scheme in ("bearer", "BEARER", "BeArEr"):
        assert ask(port, Authorization=f"{scheme} {TOKEN}")[0] == 200


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Host": "localhost.evil.example:{port}"}, 403),
        ({"Host": "evil.example:{port}"}, 403),
        ({"Host": "127.0.0.1:{port}, evil.example"}, 403),  # as two headers are joined
        ({"Host": ""}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:{port}"}, 403),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": TOKEN}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}, Bearer {TOKEN}"}, 401),
        ({"Authorization": "Bearer \xe9"}, 401),
    ],
)
def test_strangers_are_refused(port: int, more: dict[str, str], status: int) -> None:
    found, body = ask(port, **more)
    assert found == status and body["error"]["message"] and body["error"]["type"]
    assert ask(port, "/v1/chat/completions", b"{}", **more)[0] == status


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/files", b"", 404),
        ("/v1/chat/completions", b"{oops", 400),
        ("/v1/chat/completions", b'{"model": "\\ud800"}', 400),
        ("/v1/chat/completions", b"[" * 100_000, 400),
    ],
)
def test_bad_requests_are_refused(port: int, path: str, body: bytes, status: int) -> None:
    found, answer = ask(port, path, body)
    assert found == status and answer["error"]["message"]


def test_a_failure_that_nobody_foresaw_has_a_shape_and_an_id_and_tells_no_more(port: int) -> None:
    body = b'{"model": "local-engine", "messages": [{"role": "user", "content": "Hi"}]}'
    headers = {"Host": f"127.0.0.1:{port}", "Authorization": f"Bearer {TOKEN}"}
    headers["Content-Length"] = str(len(body))
    with response(port, "/v1/chat/completions", headers, body) as answer:  # there is no engine
        assert answer.status == 500 and str(answer.headers["x-request-id"]).startswith("req_")
        assert json.loads(answer.read())["error"] == {
            "message": "The engine failed (AttributeError); its own log says where.",
            "type": "server_error", "param": None, "code": None}  # fmt: skip


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"Content-Length: {http_server.LARGEST_BODY + 1}", 413),
        ("Content-Length: many", 400),
        ("Transfer-Encoding: gzip", 501),
        ("X-Large: " + "x" * 300_000, 431),
        ("no header", 400),
    ],
)
def test_what_is_not_read_at_all_is_refused_in_the_same_shape(
    port: int, head: str, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n\r\n".encode())
        with closing(http.client.HTTPResponse(connection)) as answer:
            answer.begin()
            error = json.loads(answer.read())["error"]
    assert answer.status == status and error["message"] and error["param"] is None
    assert error["type"] == ("server_error" if status >= 500 else "invalid_request_error")
    assert answer.headers["content-type"] == "application/json"
    assert str(answer.headers["x-request-id"]).startswith("req_")
    assert ask(port)[0] == 200


def test_a_length_of_more_digits_than_python_reads_ends_no_more_than_its_connection(
    port: int,
) -> None:
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {'9' * 5000}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(1_000) == b""
    assert ask(port)[0] == 200


def test_answers_are_streamed(port: int) -> None:
    headers = {"Host": f"127.0.0.1:{port}", "Authorization": f"Bearer {TOKEN}"}
    with response(port, "/halves", headers) as answer:
        assert answer.readline() == b"data: first\n"
        Streaming.read.set()
        assert answer.read() == b"\ndata: second\n\n"


def test_a_model_is_listed_while_many_wait_for_their_answers(port: int) -> None:
    Streaming.read.clear()
    headers = {"Host": f"127.0.0.1:{port}", "Authorization": f"Bearer {TOKEN}"}
    with ExitStack() as waiting:
        answers = [waiting.enter_context(response(port, "/halves", headers)) for _ in range(12)]
        assert ask(port)[0] == 200
        Streaming.read.set()
        assert all(answer.read().endswith(b"data: second\n\n") for answer in answers)


def test_a_body_may_begin_with_the_mark_of_its_encoding(port: int) -> None:
    for mark in (b"", BOM_UTF8):
        for path in ("/v1/chat/completions", "/v1/responses", "/v1/audio/speech"):
            status, body = ask(port, path, mark + b'{"model": 3}')
            assert status == 400 and body["error"]["param"] == "model"
