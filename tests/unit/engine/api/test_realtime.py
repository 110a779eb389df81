"""Live conversations over a WebSocket, with scripted models: on a pair of sockets, and served."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest

pytest.importorskip("waitress")

from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect, unix_connect

from audiomagic.engine.api import http_server, realtime
from audiomagic.engine.api.app import App
from audiomagic.engine.api.realtime import serve_realtime
from audiomagic.errors import EngineError

from ....support.realtime_events import check
from ....support.scripted_engine import GATE, ScriptedEngine

ADDRESS = "ws://local/v1/realtime?model=local-engine"
TOKEN = "am-a-token-of-thirty-two-letters"
MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
UPDATE = {"type": "session.update", "session": {"type": "realtime"}}


@contextmanager
def end(engine: ScriptedEngine, received: bytes = b"") -> Iterator[socket.socket]:
    """The client's end of a pair of sockets; at the other a session is held until it is closed."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=serve_realtime, args=(theirs, engine, received))
    thread.start()
    try:
        yield ours
    finally:
        engine.models.gate.set()
        ours.close()
        thread.join(20)
        assert not thread.is_alive() and theirs.fileno() == -1


def ask(connection: Any) -> None:
    for event in ({"type": "conversation.item.create", "item": MESSAGE},
                  {"type": "response.create"}):  # fmt: skip
        connection.send(event if hasattr(connection, "session") else json.dumps(event))


def until(connection: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        event = json.loads(connection.recv(20))
        check(event)
        if event["type"] == kind:
            return dict(event)


def error_of(caught: pytest.ExceptionInfo[InvalidStatus]) -> tuple[int, str | None]:
    response = caught.value.response
    assert response.headers["content-type"] == "application/json"
    return response.status_code, json.loads(response.body or b"")["error"]["code"]


# -- on a pair of sockets -------------------------------------------------------------------------
def test_the_official_client_talks_over_a_pair_of_sockets() -> None:
    engine = ScriptedEngine(answers=[["Hello."]])
    with end(engine) as sock:
        client = openai.OpenAI(base_url="http://local/v1", api_key="none")
        options: Any = {"sock": sock, "unix": True}
        with (
            client,
            client.realtime.connect(
                model="local-engine", websocket_connection_options=options
            ) as connection,
        ):
            ask(connection)
            kinds = []
            for event in connection:
                kinds.append(event.type)
                if event.type == "response.done":
                    break
            assert kinds[0] == "session.created" and event.response.status == "completed"


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/v1/realtime?model=gpt-audio-1.5", 404, "model_not_found"),
        ("/v1/realtime?model=", 400, "missing_required_parameter"),
        ("/v1/realtime", 400, "missing_required_parameter"),
        ("/v1/live?model=local-engine", 404, "unknown_url"),
        ("/?model=local-engine", 404, "unknown_url"),
        ("//[/v1/realtime?model=local-engine", 404, "unknown_url"),
    ],
)
def test_who_asks_for_something_else_is_told_so(target: str, status: int, code: str) -> None:
    with end(ScriptedEngine()) as sock:
        with pytest.raises(InvalidStatus) as caught:
            unix_connect(uri=f"ws://local{target}", sock=sock)
        assert error_of(caught) == (status, code)


def test_a_request_that_was_read_already_is_answered() -> None:
    head = (
        "GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: local\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with end(ScriptedEngine(), head.encode()) as sock:
        sock.settimeout(20)
        assert sock.recv(12) == b"HTTP/1.1 101"


@pytest.mark.parametrize(
    "sent", [b"", b"\0" * 100, b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.0\r\n\r\n"]
)
def test_what_is_no_handshake_ends_without_noise(sent: bytes) -> None:
    with end(ScriptedEngine()) as sock:
        sock.sendall(sent)


def test_both_sides_may_send_much_at_once() -> None:
    engine = ScriptedEngine(answers=[["One two three. " * 200]])
    sound = base64.b64encode(bytes(2_000_000)).decode()
    with end(engine) as sock, unix_connect(uri=ADDRESS, sock=sock) as ws:
        ask(ws)
        for _ in range(5):  # 13 MB, while some 4 MB of sound come back, which nobody reads yet
            ws.send(json.dumps({"type": "input_audio_buffer.append", "audio": sound}))
            ws.send(json.dumps({"type": "input_audio_buffer.clear"}))
        assert until(ws, "response.done")["response"]["status"] == "completed"


def test_an_engine_without_its_models_says_so() -> None:
    class Bare(ScriptedEngine):
        def load(self, *_: Any, **__: Any) -> Any:
            raise EngineError("the engine is not installed; run pip install 'audiomagic[local]'")

    with end(Bare()) as sock, unix_connect(uri=ADDRESS, sock=sock) as ws:
        assert "not installed" in until(ws, "error")["error"]["message"]
        with pytest.raises(ConnectionClosedError):
            ws.recv(20)


def test_who_leaves_in_the_middle_of_an_answer_stops_the_model() -> None:
    engine = ScriptedEngine(answers=[["One. T", GATE, "wo."]])
    with end(engine) as sock, unix_connect(uri=ADDRESS, sock=sock) as ws:
        ask(ws)
        until(ws, "response.output_audio.delta")
        ws.close_socket()
        assert engine.models.stopped.wait(20)


def test_a_frame_that_is_too_large_ends_the_session() -> None:
    with (
        end(ScriptedEngine()) as sock,
        unix_connect(uri=ADDRESS, sock=sock) as ws,
    ):
        ws.send("x" * (realtime.LARGEST_FRAME + 1))
        with pytest.raises(ConnectionClosedError) as caught:
            until(ws, "error")
        assert caught.value.rcvd and caught.value.rcvd.code == 1009


# -- served ---------------------------------------------------------------------------------------
@contextmanager
def served(engine: ScriptedEngine) -> Iterator[int]:
    server = http_server.create_server(App(engine), 0, TOKEN)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.task_dispatcher.shutdown()
        assert not server.task_dispatcher.threads
        server.trigger.pull_trigger(server.close)  # in the thread that waits for its sockets
        thread.join(20)
        assert not thread.is_alive()


def opened(
    port: int, model: str = "gpt-realtime-2.1", token: str = TOKEN, **more: Any
) -> ClientConnection:
    url = f"ws://127.0.0.1:{port}/v1/realtime?model={model}"
    headers = {"Authorization": f"Bearer {token}"}
    return connect(url, additional_headers=headers, **more)


def models(port: int) -> int:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=TOKEN) as client:
        return len(client.models.list().data)


def test_a_served_session_stands_beside_other_requests() -> None:
    with (
        served(ScriptedEngine(answers=[["Hello."], ["Hello again."]])) as port,
        opened(port) as one,
        opened(port) as other,
    ):
        assert until(one, "session.created")["session"]["model"] == "local-engine"
        assert models(port) == 1
        for connection in (one, other):
            ask(connection)
            assert until(connection, "response.done")["response"]["status"] == "completed"


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"token": "wrong"}, 401, "invalid_api_key"),
        ({"origin": "http://127.0.0.1"}, 403, None),
        ({"model": "gpt-audio-1.5"}, 404, "model_not_found"),
        ({"model": ""}, 400, "missing_required_parameter"),
    ],
)
def test_strangers_and_mistakes_are_refused(
    more: dict[str, Any], status: int, code: str | None
) -> None:
    with served(ScriptedEngine()) as port:
        with pytest.raises(InvalidStatus) as caught:
            opened(port, **more)
        assert error_of(caught) == (status, code)


def test_a_request_that_opens_no_websocket_is_told_how() -> None:
    with (
        served(ScriptedEngine()) as port,
        openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=TOKEN) as client,
        pytest.raises(openai.BadRequestError, match="WebSocket"),
    ):
        client.get("/realtime?model=local-engine", cast_to=object)


def test_a_session_ends_when_the_server_does() -> None:
    engine = ScriptedEngine(answers=[["One. T", GATE, "wo."]])
    with served(engine) as port:
        connection = opened(port)
        ask(connection)
        until(connection, "response.output_audio.delta")
    with connection, pytest.raises(ConnectionClosed):
        until(connection, "response.done")


def test_conversations_leave_room_for_others() -> None:
    with served(ScriptedEngine()) as port:
        there = [opened(port) for _ in range(realtime.MOST_AT_ONCE)]
        with pytest.raises(InvalidStatus) as caught:
            opened(port)
        assert error_of(caught) == (429, "rate_limit_exceeded")
        assert models(port) == 1
        for connection in there:
            connection.close()
