"""Serves the engine over HTTP on the loopback interface, to programs that know a token."""

import hmac
import secrets
import socket
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import waitress
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

from ..engine import Engine
from .app import App
from .errors import APIError
from .realtime import LEND
from .replies import error_reply

# Most wait for a model, which answers one by one, or hold a conversation (see
# `realtime.MOST_AT_ONCE`); others are answered beside them.
THREADS = 32
LARGEST_BODY = 100_000_000  # bytes: an hour of mp3 in base64


def serve(engine: Engine, port: int) -> None:
    """Serve until interrupted; print the address and a fresh token."""
    token = "am-" + secrets.token_urlsafe(24)
    server = create_server(App(engine), port, token)
    address = f"http://127.0.0.1:{server.effective_port}/v1"
    print(f"The local engine answers at {address} until Ctrl-C. For any OpenAI client:")
    print(f"  export OPENAI_BASE_URL={address}\n  export OPENAI_API_KEY={token}")
    print("It also holds live conversations, at /v1/realtime (a WebSocket).", flush=True)
    try:
        server.run()
    finally:
        server.close()


def create_server(app: App, port: int, token: str) -> Any:
    """Return waitress's server; port 0 is any free port. Raises OSError when it is taken."""

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            _check_client(environ, server.effective_port, token)
        except APIError as error:
            return error_reply(error)(environ, start_response)
        return app(environ, start_response)

    dispatcher = _Dispatcher(app)
    dispatcher.set_thread_count(THREADS)
    server = waitress.create_server(
        guarded,
        _dispatcher=dispatcher,
        host="127.0.0.1",
        port=port,
        max_request_body_size=LARGEST_BODY,
        connection_limit=400,  # Windows cannot watch more than 512
        channel_timeout=30,  # seconds without traffic
        ident=None,
    )
    server.channel_class = _Channel
    return server


class _Refusal(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Answers what waitress itself refuses, as a body that is too large, in the API's own shape."""

    def execute(self) -> None:
        error = self.request.error
        line = f"{error.reason}: {error.body}."
        answer = error_reply(APIError(line, None, None, error.code))
        body = answer.get_data()
        self.status = answer.status
        self.response_headers.extend(answer.headers)
        self.set_close_on_finish()  # what follows is not read
        self.content_length = len(body)
        self.write(body)


class _Task(WSGITask):  # type: ignore[misc]
    """A request, whose connection the app may borrow to answer by another protocol.

    While a task runs, waitress neither reads from its connection nor ends it for want of traffic;
    after it, it closes one that was lent.
    """

    def get_environment(self) -> WSGIEnvironment:
        environ: WSGIEnvironment = super().get_environment()
        environ[LEND] = self._lend
        return environ

    def _lend(self) -> socket.socket:
        self.wrote_header = self.close_on_finish = True  # nothing more is written here
        borrowed: socket.socket = self.channel.socket.dup()
        borrowed.setblocking(True)
        return borrowed


class _Channel(HTTPChannel):  # type: ignore[misc]
    task_class = _Task
    error_task_class = _Refusal


class _Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """The server's threads; conversations end before it waits for those that hold them."""

    def __init__(self, app: App):
        super().__init__()
        self._app = app

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:
        self._app.close()
        return bool(super().shutdown(cancel_pending, timeout))


def _check_client(environ: WSGIEnvironment, port: int, token: str) -> None:
    # A browser names the page that asks (Origin), or a host made to resolve here (DNS rebinding).
    hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
    if environ.get("HTTP_HOST", "").lower() not in hosts or "HTTP_ORIGIN" in environ:
        raise APIError("This server answers programs on this machine only.", None, None, 403)
    scheme, _, sent = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(sent.encode(), token.encode()):
        raise APIError("Incorrect API key provided.", None, "invalid_api_key", 401)
