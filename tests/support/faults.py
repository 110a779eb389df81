"""The fault matrix: what a server may do, once or for each try, and the line that tells of it."""

import gzip
import json
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from audiomagic.errors import ConnectionFailed, InvalidResponse, RequestFailed, RequestRejected

from .fake_server import KEY, REQUEST_ID, Handler, Script, chunk, spoken

NAMED = f" (request {REQUEST_ID})"


QUOTA = (
    "You exceeded your current quota, please check your plan and billing details.",
    None,
    "insufficient_quota",
    "insufficient_quota",
)


@dataclass(frozen=True)
class Fault:
    """What the server does, once or for each try, and the line that tells of it."""

    script: Script
    line: str  # {host} is the server's address
    kind: type[RequestFailed] = RequestRejected
    tries: int = 1
    code: str | None = None
    kept: str = ""  # the words on the card, with their sound
    billable: bool = False  # whether it may have been billed all the same


def refuse(*what: Any, **headers: str) -> Script:
    return lambda handler, body: handler.refuse(*what, **headers)


def send(status: int, body: bytes, kind: str = "application/json", **headers: str) -> Script:
    return lambda handler, _: handler.send(status, body, kind, **headers)


def events(*items: Any, **how: Any) -> Script:
    return lambda handler, body: handler.stream(items, **how)


def hang(handler: Handler, body: Any) -> None:
    time.sleep(0.6)


def fall_silent(handler: Handler, body: Any) -> None:
    handler.stream([*BEGUN, ": still there\n\n"], done=False)
    time.sleep(0.6)


def hang_up(handler: Handler, body: Any) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut(handler: Handler, body: Any) -> None:
    """Promise more than is sent."""
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.send_header("content-length", "100000")
    handler.send_header("x-request-id", REQUEST_ID)
    handler.end_headers()
    handler.wfile.write("".join(f"data: {json.dumps(item)}\n\n" for item in BEGUN).encode())
    handler.close_connection = True


def redirect(handler: Handler, body: Any) -> None:
    handler.send(307, b"", location="http://127.0.0.1:9/v1/chat/completions")


SAID = chunk({"audio": {"transcript": "Once upon "}})


BEGUN = spoken(["Once ", "upon "], bytes(9_600))[:-2]


BROKEN_OFF: dict[str, Any] = {"kept": "Once upon", "billable": True}


AGAIN = {"retry_after_ms": "5"}


TOMORROW = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)


HUGE = ["data: ", *["A" * 1_000_000] * 100]


NO_CHAT = "which is not Chat Completions; check --base-url (it usually ends in /v1)"


ERROR = {"message": f"Out of\norder, {KEY}", "type": "server_error", "code": "overloaded"}


FAULTS = {
    # -- the connection
    "silence before the answer": Fault(
        hang,
        "{host} did not answer in time; run it again",
        ConnectionFailed,
        billable=True,
    ),
    "silence within it": Fault(
        fall_silent,
        "{host} fell silent in the middle of its answer; run it again" + NAMED,
        ConnectionFailed,
        **BROKEN_OFF,
    ),
    "hung up before it": Fault(
        hang_up,
        "no connection to {host} (Server disconnected without sending a response.); "
        "check the network and --base-url, or use --engine local",
        ConnectionFailed,
        tries=4,
        billable=True,
    ),
    "cut within it": Fault(
        cut,
        "the connection to {host} was lost in the middle of its answer; run it again" + NAMED,
        ConnectionFailed,
        **BROKEN_OFF,
    ),
    # -- answers that are none
    "rubbish for JSON": Fault(
        events(*BEGUN, "data: {oops\n\n"),
        f"the server answered with something that is not JSON, {NO_CHAT}{NAMED}",
        InvalidResponse,
        **BROKEN_OFF,
    ),
    "rubbish in place of JSON": Fault(
        send(200, b'{"choices": [{"mess'),
        f"the server answered with something that is not JSON, {NO_CHAT}{NAMED}",
        InvalidResponse,
        billable=True,
    ),
    "a list": Fault(
        events(*BEGUN, [1]),
        f"the server answered with a chunk that is not an object, {NO_CHAT}{NAMED}",
        InvalidResponse,
        **BROKEN_OFF,
    ),
    "no text": Fault(
        send(200, bytes(range(128, 256)), "text/event-stream"),
        f"the server answered with something that is not text, {NO_CHAT}{NAMED}",
        InvalidResponse,
        billable=True,
    ),
    "a web page": Fault(
        send(200, b"\n<!doctype html><title>Sign in</title>", "text/html"),
        f"the server answered with a web page, {NO_CHAT}{NAMED}",
        InvalidResponse,
        billable=True,
    ),
    "a web page, not found": Fault(
        send(404, b"<html>no such model here</html>", "text/html"),
        "{host} does not serve Chat Completions at this address (404); check --base-url "
        "(it usually ends in /v1)" + NAMED,
    ),
    "rubbish for base64": Fault(
        events(*BEGUN, chunk({"audio": {"data": "!!"}})),
        "the server sent sound that is not base64; try again" + NAMED,
        InvalidResponse,
        **BROKEN_OFF,
    ),
    "a chunk of 100 MB": Fault(
        events(*BEGUN, *HUGE),
        "the server sent a chunk of more than 80 MB, more than any answer; stopped reading" + NAMED,
        InvalidResponse,
        **BROKEN_OFF,
    ),
    "nothing there": Fault(
        send(404, b'{"detail": "Not Found"}'),
        "{host} has nothing at this address (404: Not Found); check --base-url and --model" + NAMED,
    ),
    "a redirect": Fault(
        redirect,
        "{host} redirects to another address; if you trust it, set it with --base-url" + NAMED,
    ),
    # -- refusals
    "a wrong key": Fault(
        refuse(401, f"Incorrect API key: {KEY[:9]}****{KEY[-4:]}.", None, "invalid_api_key"),
        "{host} rejected the API key; set OPENAI_API_KEY to a valid one" + NAMED,
        code="invalid_api_key",
    ),
    "too many requests": Fault(
        refuse(429, "Rate limit reached", **AGAIN),
        "{host} is limiting the rate of requests; wait a little, then run it again" + NAMED,
        tries=4,
    ),
    "too many requests, for an hour": Fault(
        refuse(429, "Rate limit reached", retry_after="3600"),
        "{host} is limiting the rate of requests; run it again in 60 minutes" + NAMED,
    ),
    "too many requests, until tomorrow": Fault(
        refuse(429, "Rate limit reached", retry_after=TOMORROW),
        "{host} is limiting the rate of requests; run it again in 24 hours" + NAMED,
    ),
    "too many requests, for ever": Fault(
        refuse(429, "Rate limit reached", retry_after="inf"),
        "{host} is limiting the rate of requests; wait a little, then run it again" + NAMED,
        tries=4,
    ),
    "no credit": Fault(
        refuse(429, *QUOTA),
        "the account has no credit left; add some, or use --engine local" + NAMED,
        code="insufficient_quota",
    ),
    "an error of its own": Fault(
        refuse(500, f"The server had an error. {KEY}", **AGAIN),
        "{host} had an internal error (500: The server had an error. …); run it again" + NAMED,
        tries=4,
        billable=True,
    ),
    "an error of its own, in HTML": Fault(
        send(502, b"<h1>Bad gateway</h1>", "text/html", **AGAIN),
        "{host} had an internal error (502); run it again" + NAMED,
        tries=4,
        billable=True,
    ),
    "not to be sent again": Fault(
        refuse(503, "Down for repairs", x_should_retry="false"),
        "{host} had an internal error (503: Down for repairs); run it again" + NAMED,
        billable=True,
    ),
    "an expired sound": Fault(
        refuse(
            400,
            "Assistant audio audio_6754 not found.",
            "content.messages[2].audio.id",
            "audio_not_found",
        ),
        "an earlier audio reply has expired on {host}; send it as text" + NAMED,
        code="audio_not_found",
    ),
    "the filter, before it": Fault(
        refuse(400, "The prompt was filtered", "prompt", "content_filter"),
        "the content filter of {host} stopped this; rephrase it" + NAMED,
        code="content_filter",
        billable=True,
    ),
    "any other refusal": Fault(
        refuse(400, f"Unknown\x1b parameter: 'x'. {KEY[:20]}", "x", "unknown_parameter"),
        "{host} rejected the request (400: Unknown parameter: 'x'. …); correct it, and "
        "run it again" + NAMED,
        code="unknown_parameter",
    ),
    "an error without end": Fault(
        send(400, b"x" * 50_000_000, "text/plain"),
        "{host} does not serve Chat Completions at this address (400); check --base-url "
        "(it usually ends in /v1)" + NAMED,
    ),
    "an error packed twice": Fault(
        send(400, gzip.compress(gzip.compress(bytes(30_000_000))), content_encoding="gzip, gzip"),
        "{host} does not serve Chat Completions at this address (400); check --base-url "
        "(it usually ends in /v1)" + NAMED,
    ),
    "an error that unpacks to much": Fault(
        send(400, gzip.compress(b"x" * 30_000_000), content_encoding="gzip"),
        "{host} does not serve Chat Completions at this address (400); check --base-url "
        "(it usually ends in /v1)" + NAMED,
    ),
    "an answer packed twice": Fault(
        send(200, gzip.compress(gzip.compress(b"data: {}")), content_encoding="gzip, gzip"),
        "the server packed its answer more than once; not read" + NAMED,
        InvalidResponse,
        billable=True,
    ),
    # -- errors within the stream
    "an error within it": Fault(
        events(*BEGUN, {"error": ERROR}),
        "{host} broke off with an error: Out of order, …; run it again" + NAMED,
        code="overloaded",
        **BROKEN_OFF,
    ),
    "an error within it, by its name": Fault(
        events(*BEGUN, f"event: error\ndata: {json.dumps(ERROR)}\n\n"),
        "{host} broke off with an error: Out of order, …; run it again" + NAMED,
        code="overloaded",
        **BROKEN_OFF,
    ),
    "no credit, within it": Fault(
        events({"error": {"message": QUOTA[0], "code": QUOTA[2]}}),
        "the account has no credit left; add some, or use --engine local" + NAMED,
        code="insufficient_quota",
        billable=True,
    ),
    "an error of no charset": Fault(
        send(400, b'{"error": {"message": "Too loud"}}', "application/json; charset=hex"),
        "{host} rejected the request (400: Too loud); correct it, and run it again" + NAMED,
    ),
    "an error that is text": Fault(
        events({"error": "worn out"}),
        "{host} broke off with an error: worn out; run it again" + NAMED,
        billable=True,
    ),
}
