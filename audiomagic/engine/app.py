"""The engine as a WSGI app that speaks Chat Completions, in this process or over HTTP."""

import json
import secrets
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from ..errors import one_line
from .api_chat import JSON, ChatCompletions
from .api_errors import APIError, api_error
from .engine import MODEL, Engine

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class App:
    """Answers `/v1/chat/completions` and `/v1/models`."""

    def __init__(self, engine: Engine):
        self._chat = ChatCompletions(engine)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            kind, body = self._answer(environ)
        except Exception as error:  # whatever it is, the client is told in the protocol's own shape
            return respond(error, start_response)
        _start(start_response, 200, kind)
        return body

    def _answer(self, environ: Environ) -> tuple[str, Iterable[bytes]]:
        match environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""):
            case "GET", "/v1/models":
                model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "audiomagic"}
                return JSON, _json({"object": "list", "data": [model]})
            case "POST", "/v1/chat/completions":
                return self._chat.answer(environ["wsgi.input"].read())
            case method, path:
                url = one_line(f"{method} {path}", 80)
                raise APIError(f"Unknown request URL: {url}.", None, "unknown_url", 404)


def respond(error: Exception, start_response: StartResponse) -> list[bytes]:
    """Answer a request with an error."""
    failed = api_error(error)
    more = [("x-should-retry", "false")] if failed.status >= 500 else []
    _start(start_response, failed.status, JSON, more)
    return _json(failed.wire())


def _start(
    start_response: StartResponse, status: int, kind: str, more: Iterable[tuple[str, str]] = ()
) -> None:
    headers = [("content-type", kind), ("x-request-id", "req_" + secrets.token_hex(16)), *more]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)


def _json(value: object) -> list[bytes]:
    return [json.dumps(value).encode()]
