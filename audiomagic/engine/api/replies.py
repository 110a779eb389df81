"""What the engine's HTTP API answers with: JSON, events, files and errors, each with an id."""

import json
import secrets
from collections.abc import Iterable
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response

from .errors import APIError, api_error

# A comment between events, which nobody reads: where it cannot be sent, the model is stopped.
KEEP_ALIVE = b":\n\n"


def json_reply(value: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return reply(json.dumps(value).encode(), "application/json", status)


def events_reply(events: Iterable[bytes]) -> Response:
    """Answer with server-sent events, each sent once it is made; see `event`."""
    return reply(events, "text/event-stream; charset=utf-8")


def reply(body: bytes | Iterable[bytes], kind: str, status: int = 200) -> Response:
    """Answer with bytes, or as they are made; a client that hangs up closes their generator."""
    headers = {"x-request-id": "req_" + secrets.token_hex(16)}
    return Response(body, status, headers, content_type=kind)


def error_reply(error: Exception) -> Response:
    """Answer with an error, in the shape of OpenAI's."""
    failed = api_error(_of_http(error) if isinstance(error, HTTPException) else error)
    answer = json_reply(failed.wire(), failed.status)
    if failed.status >= 500:
        answer.headers["x-should-retry"] = "false"  # the official client's own header
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.allow.update(error.valid_methods)
    return answer


def event(data: Any, name: str | None = None) -> bytes:
    """Write one server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def _of_http(error: HTTPException) -> APIError:
    code = "method_not_supported" if isinstance(error, MethodNotAllowed) else None
    return APIError(error.description or error.name, None, code, error.code or 500)
