"""Answers `/v1/realtime`: a WebSocket on which a session of the Realtime protocol is held."""

import json
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.frames import CloseCode
from websockets.http11 import Request as Handshake
from websockets.http11 import Response as HandshakeReply
from websockets.server import ServerProtocol
from websockets.sync.server import ServerConnection
from werkzeug.wrappers import Request as HTTPRequest
from werkzeug.wrappers import Response

from ...errors import AudiomagicError, one_line
from ..engine import Engine
from ..realtime.queued_socket import QueuedSocket
from ..realtime.session import LIFETIME, Session, error_event
from .errors import APIError, api_error, missing
from .models import check_realtime

PATH = "/v1/realtime"
# In a WSGI environment: returns the socket of the request, blocking, for the app to answer on.
LEND = "audiomagic.lend_socket"
Lend = Callable[[], socket.socket]
LARGEST_FRAME = 16 * 2**20  # bytes: 15 MiB of sound in base64, and what is around it
MOST_FRAMES = 4  # that wait to be handled
HANDSHAKE = 10  # seconds
PATIENCE = 30.0  # seconds for which a client may read nothing, while much waits for it
OPENED = HTTPStatus.SWITCHING_PROTOCOLS
MOST_AT_ONCE = 16  # each holds one of the server's threads


def serve_realtime(sock: socket.socket, engine: Engine, received: bytes = b"") -> None:
    """Hold a session on a connected socket; return, the socket closed, once either side ends it.

    `received` is what was read already of the request that opens the WebSocket. A request that is
    refused gets an HTTP status, and an error in the API's own shape.
    """
    protocol = ServerProtocol(max_size=LARGEST_FRAME)
    protocol.receive_data(received)
    # The client is gone, or was told, where something is raised.
    with sock, suppress(ConnectionClosed, InvalidHandshake, EOFError, OSError):
        queued = QueuedSocket(sock)
        # No pings: both ends are on this machine, whose system knows which of them is gone. And a
        # client that does not read while it plays a long answer would not reply to one.
        connection = ServerConnection(queued, protocol, ping_interval=None, max_queue=MOST_FRAMES)
        with connection:
            for event in protocol.events_received():
                connection.process_event(event)
            connection.handshake(_refusal, server_header=None, timeout=HANDSHAKE)
            if connection.response and connection.response.status_code == OPENED:
                _hold(connection, queued, engine)


def _refusal(_: ServerConnection, request: Handshake) -> HandshakeReply | None:
    """Return the answer to a request for something else; None for one that is accepted."""
    try:
        _check(request.path)
    except APIError as error:
        body = json.dumps(error.wire()).encode()
        headers = Headers(
            {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                "Connection": "close",
            }
        )
        status = HTTPStatus(error.status)
        return HandshakeReply(status.value, status.phrase, headers, body)
    return None


def _check(target: str) -> None:
    """Raise APIError for what is not a conversation with a model that is here."""
    path, _, query = target.partition("?")
    if path != PATH:
        line = f"Unknown request URL: GET {one_line(path, 80)}."
        raise APIError(line, None, "unknown_url", 404)
    named = parse_qs(query).get("model")
    if not named:
        raise missing("model")
    check_realtime(named[-1])


def _hold(connection: ServerConnection, queued: QueuedSocket, engine: Engine) -> None:
    try:
        engine.load()
    except AudiomagicError as error:  # a model is missing: nothing can be said
        connection.send(json.dumps(error_event(api_error(error))))
        connection.close(CloseCode.INTERNAL_ERROR)
        return
    ends = time.monotonic() + LIFETIME

    def put(event: Mapping[str, Any]) -> None:
        if not queued.wait_for_room(PATIENCE):
            connection.close_socket()
        with suppress(ConnectionClosed):
            connection.send(json.dumps(event))

    with closing(Session(engine, put)) as session:
        try:
            while True:
                session.handle(connection.recv(max(0.0, ends - time.monotonic())))
        except TimeoutError:
            session.expire()
    connection.close(CloseCode.GOING_AWAY)


class Conversations:
    """The sessions that a server holds, each in one of its threads."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._open: set[socket.socket] = set()
        self._lock = Lock()

    def hold(self, request: HTTPRequest) -> Response:
        """Hold a session on the connection of a request until it ends. Raises APIError."""
        lend: Lend | None = request.environ.get(LEND)
        if lend is None or request.headers.get("Upgrade", "").lower() != "websocket":
            line = "This is a WebSocket: connect with an OpenAI client's `realtime.connect`."
            raise APIError(line, None, "websocket_required", 400)
        target = request.environ["REQUEST_URI"]
        _check(target)
        with self._lock:
            if len(self._open) >= MOST_AT_ONCE:
                line = f"There are {MOST_AT_ONCE} conversations already; end one of them."
                raise APIError(line, None, "rate_limit_exceeded", 429)
            sock = lend()
            self._open.add(sock)
        try:
            serve_realtime(sock, self._engine, _head(request, target))
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()
        return Response(status=OPENED)  # which was sent long ago

    def close(self) -> None:
        """End all sessions, as when the server is stopped."""
        with self._lock:
            for sock in self._open:
                with suppress(OSError):  # it is closed
                    sock.shutdown(socket.SHUT_RDWR)


def _head(request: HTTPRequest, target: str) -> bytes:
    """Return the head of a request as it was sent."""
    lines = [f"GET {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
