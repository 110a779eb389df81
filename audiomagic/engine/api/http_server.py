"""Serves the engine over HTTP on the loopback interface, to programs that know a token."""

import hmac
import secrets
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import waitress
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from ..engine import Engine
from .app import App
from .errors import APIError
from .replies import error_reply

THREADS = 32  # most wait for a model, which answers one by one; others are answered beside them
LARGEST_BODY = 100_000_000  # bytes: an hour of mp3 in base64


def serve(engine: Engine, port: int) -> None:
    """Serve until interrupted; print the address and a fresh token."""
    token = "am-" + secrets.token_urlsafe(24)
    server = create_server(App(engine), port, token)
    address = f"http://127.0.0.1:{server.effective_port}/v1"
    print(f"The local engine answers at {address} until Ctrl-C. For any OpenAI client:")
    print(f"  export OPENAI_BASE_URL={address}\n  export OPENAI_API_KEY={token}", flush=True)
    try:
        server.run()
    finally:
        server.close()


def create_server(app: WSGIApplication, port: int, token: str) -> Any:
    """Return waitress's server; port 0 is any free port. Raises OSError when it is taken."""

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            _check_client(environ, server.effective_port, token)
        except APIError as error:
            return error_reply(error)(environ, start_response)
        return app(environ, start_response)

    server = waitress.create_server(
        guarded,
        host="127.0.0.1",
        port=port,
        threads=THREADS,
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


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _Refusal


def _check_client(environ: WSGIEnvironment, port: int, token: str) -> None:
    # A browser names the page that asks (Origin), or a host made to resolve here (DNS rebinding).
    hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
    if environ.get("HTTP_HOST", "").lower() not in hosts or "HTTP_ORIGIN" in environ:
        raise APIError("This server answers programs on this machine only.", None, None, 403)
    scheme, _, sent = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(sent.encode(), token.encode()):
        raise APIError("Incorrect API key provided.", None, "invalid_api_key", 401)
