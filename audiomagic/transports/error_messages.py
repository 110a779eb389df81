"""Faults: what may go wrong at the far end, in one line: what happened, then what to do."""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .. import redaction, suggestions
from ..catalogue import catalogue
from ..errors import ConnectionFailed, RequestFailed, RequestRejected, one_line
from ..protocol.error import TOO_LONG, ErrorBody
from ..protocol.request import Request
from ..protocol.sse import ErrorEvent
from . import model_list, network
from .endpoint import Endpoint
from .retry import LONGEST_PAUSE, retry_after, within

if TYPE_CHECKING:
    import openai

FORGOTTEN = "audio_not_found"  # the code of an earlier spoken answer that is referred to in vain


def describe(
    error: Exception, route: Endpoint, request: Request, begun: bool = False
) -> RequestFailed:
    """Turn a failure of the client into one line of ours; `begun` tells whether an answer came."""
    import httpx2
    import openai

    if isinstance(error, openai.APIStatusError):
        return _refused(error, route, request)
    if isinstance(error, ErrorEvent):
        failure = _coded(error.failure, request)
        line = _known(failure, route, request) or (
            f"{route.host} broke off with an error: {_said(failure)}; run it again"
        )
        return RequestRejected(line, code=failure.code)
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        how = "fell silent in the middle of its answer" if begun else "did not answer in time"
        failed = ConnectionFailed(f"{route.host} {how}; run it again")
    elif begun:
        line = f"the connection to {route.host} was lost in the middle of its answer; run it again"
        failed = ConnectionFailed(line)
    else:
        failed = ConnectionFailed(_unreached(error, route))
    unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
    failed.sent = not any(within(error, kind) for kind in unsent)
    return failed


def _unreached(error: Exception, route: Endpoint) -> str:
    """Word why a server was never reached."""
    import httpx2

    reason = redaction.without_pieces(one_line(_cause(error), 100))
    check = "check the network" if route.is_service else "check the network and --base-url"
    check += ", or use --engine local"
    if within(error, socket.gaierror):
        return f"no address is known for {route.host} ({reason}); {check}"
    if found := within(error, ssl.SSLError):
        return _untrusted(found, route)
    if proxy := network.proxy(route):
        return f"the proxy that {proxy} names did not let it through ({reason}); check {proxy}"
    if isinstance(error.__cause__, httpx2.ProxyError):
        return f"the proxy did not let it through ({reason}); check the settings of the proxy"
    return f"no connection to {route.host} ({reason}); {check}"


def _untrusted(error: ssl.SSLError, route: Endpoint) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{route.host} showed a certificate that is not trusted ({error.verify_message}); if "
            "your network puts its own in place, name it by SSL_CERT_FILE"
        )
    reason = one_line(error.reason or error, 60).lower().replace("_", " ")
    return f"{route.host} does not speak TLS ({reason}); is its address http://, not https://?"


def _refused(error: "openai.APIStatusError", route: Endpoint, request: Request) -> RequestRejected:
    """Word an error answer."""
    failure, status, headers = ErrorBody.of(error.body), error.status_code, error.response.headers
    failure = _coded(failure, request)
    said, host = _said(failure), route.host
    if line := _known(failure, route, request):
        pass
    elif status == 401:
        line = f"{host} refused the key; set {route.key_variable} to a valid one"
    elif 300 <= status < 400:
        line = f"{host} redirects to another address; if you trust it, name it by --base-url"
    elif status == 407:
        line = "the proxy wants a name and password; put them into HTTPS_PROXY"
    elif status == 429 and (seconds := retry_after(headers) or 0.0) > LONGEST_PAUSE:
        line = f"{host} is limiting the rate of requests; run it again in {_long(seconds)}"
    elif status == 429:
        line = f"{host} is limiting the rate of requests; wait a little, then run it again"
    elif status >= 500:
        line = f"{host} had an error of its own ({status}: {said}); run it again"
    elif not isinstance(error.body, dict):
        line = f"{host} has no Chat Completions at this address ({status}); check --base-url"
        line += " (it usually ends in /v1)"
    elif status == 404:
        line = f"{host} found nothing there (404: {said}); check --base-url and --model"
    else:
        line = f"{host} refused the request ({status}: {said}); change that, and run it again"
    return RequestRejected(line, status, request_id(headers), failure.code)


def _known(failure: ErrorBody, route: Endpoint, request: Request) -> str | None:
    """Word an error that the protocol has a code for, however it was sent."""
    code, said = failure.code, failure.message
    if code == "model_not_found" or (code in ("404", None) and _lacks(request.model, said)):
        return model_list.unknown(request.model, route)
    if code == "DeploymentNotFound":
        model = one_line(request.model, 60)
        return f"no deployment '{model}' at {route.host}; --model takes the name you gave it there"
    if failure.param == "audio.voice" and request.voice and code == "invalid_value":
        return suggestions.unknown("voice", request.voice, catalogue().voices)
    if failure.no_credit or code == "402":
        return "the account has no credit left; add some, or use --engine local"
    if code == FORGOTTEN:
        return f"{route.host} has forgotten an earlier spoken answer; it can be sent as text"
    if code == TOO_LONG:
        said = _said(failure).rstrip(".")
        return f"too long for {route.host}: {said}; shorten the text, or begin another chat"
    if code == "content_filter":
        return f"the content filter of {route.host} stopped this; word it differently"
    return None


def _coded(failure: ErrorBody, request: Request) -> ErrorBody:
    """Give it the code for a forgotten answer where a server says that in words of its own."""
    ids = (message.audio_id for message in request.messages)
    forgot = "not found" in failure.message and any(one and one in failure.message for one in ids)
    return replace(failure, code=FORGOTTEN) if forgot else failure


def _lacks(model: str, said: str) -> bool:
    """Whether a server says, in words of its own, that it has no such model."""
    return model in said and "does not exist" in said


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the server's own name for a call, where it gave it one."""
    name = headers.get("x-request-id") or headers.get("apim-request-id")
    return redaction.without_pieces(one_line(name, 64)) if name else None


def _cause(error: BaseException) -> BaseException:
    """Return the innermost cause that has words."""
    while error.__cause__ is not None and str(error.__cause__):
        error = error.__cause__
    return error


def _said(failure: ErrorBody) -> str:
    return redaction.without_pieces(one_line(failure.message))


def _long(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
