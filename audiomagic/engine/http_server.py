"""The door of `serve`: HTTP on the loopback, for programs that have the token; strangers stay out.

Who asks is told from the headers, before anything of a body is read. A web page cannot ask: its
browser names the page (Origin), or a host that is not ours (a name that was made to mean us).
"""

import hmac
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask
from waitress.utilities import Error

from .api_errors import APIError

MOST = 400  # connections at once; Windows cannot watch more than 512
DEADLINE = 5.0  # seconds within which the headers of a request are there
IDLE = 30  # seconds that a connection may stay open without a request

Guard = Callable[[dict[str, str]], None]


def create_server(app: Any, port: int, token: str, largest: int) -> Any:
    """Return a server on 127.0.0.1 (`run`, `close`, `effective_port`); 0 is any free port.

    Bodies of more than `largest` bytes are refused. Raises OSError where the port is taken.
    """
    server = waitress.create_server(
        app,
        host="127.0.0.1",
        port=port,
        threads=4,
        max_request_body_size=largest,
        connection_limit=MOST,
        channel_timeout=IDLE,
        cleanup_interval=1,
        ident=None,
    )
    server.channel_class = _channel(partial(admit, port=server.effective_port, token=token))
    server.maintenance = partial(_maintenance, server, server.maintenance)
    return server


def admit(headers: dict[str, str], port: int, token: str) -> None:
    """Raise APIError for a stranger's headers."""
    ours = [f"{name}:{port}" for name in ("127.0.0.1", "localhost")]
    if headers.get("HOST", "").lower() not in ours or "ORIGIN" in headers:
        raise APIError("This server answers programs on this machine only.", None, None, 403)
    sent = headers.get("AUTHORIZATION", "").removeprefix("Bearer ")
    if not hmac.compare_digest(sent.encode(), token.encode()):
        raise APIError("Incorrect API key provided.", None, "invalid_api_key", 401)


class _Denied(Error):  # type: ignore[misc]
    def __init__(self, refused: APIError):
        self.code, self.reason, self.refused = refused.status, "APIError", refused


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    def __init__(self, guard: Guard, adj: Any):
        super().__init__(adj)
        self._guard = guard
        self.born = time.time()

    def parse_header(self, header_plus: bytes) -> None:
        """Read the headers, and refuse a stranger by them."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a length of 5,000 digits
            raise ParsingError("Content-Length is invalid") from error
        try:
            self._guard(self.headers)
        except APIError as refused:
            self.error = _Denied(refused)
            # No body is waited for, nor asked for: the request is complete.
            self.body_rcv, self.content_length, self.expect_continue = None, 0, False


class _ErrorTask(ErrorTask):  # type: ignore[misc]
    """Answers in the service's shape, then hangs up."""

    def execute(self) -> None:
        """Write the answer."""
        error = self.request.error
        refused = getattr(error, "refused", None) or APIError(str(error.body), None, None)
        body = json.dumps(refused.wire()).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


def _channel(guard: Guard) -> type[Any]:
    class Channel(HTTPChannel):  # type: ignore[misc]
        parser_class = staticmethod(partial(_Parser, guard))
        error_task_class = _ErrorTask

    return Channel


def _maintenance(server: Any, usual: Callable[[float], None], now: float) -> None:
    """Close connections that are idle, and those whose headers do not come to their end."""
    usual(now)
    for channel in list(server.active_channels.values()):
        begun = channel.request
        if begun and not begun.headers_finished and now - begun.born > DEADLINE:
            channel.will_close = True
