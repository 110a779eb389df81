"""What can go wrong with a server, each in one line: what happened, then what to do."""

import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

from .. import redaction, suggestions
from ..catalogue import catalogue
from ..errors import ConnectionFailed, RequestFailed, RequestRejected, one_line
from ..protocol.error import TOO_LONG, ErrorBody
from ..protocol.request import Request
from ..protocol.sse import ErrorEvent
from . import model_list
from .endpoint import Endpoint
from .retry import LONGEST_PAUSE, find_cause, retry_after

if TYPE_CHECKING:
    import openai

AUDIO_GONE = "audio_not_found"  # the code for an earlier spoken reply that has expired
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def describe(
    error: Exception, endpoint: Endpoint, request: Request, begun: bool = False
) -> RequestFailed:
    """Turn a failure of the client into one of ours; `begun`: whether an answer had begun."""
    import httpx2
    import openai

    host = endpoint.host
    if isinstance(error, openai.APIStatusError):
        return _rejected(error, endpoint, request)
    if isinstance(error, ErrorEvent):
        body = _coded(error.body, request)
        line = _by_code(body, endpoint, request) or (
            f"{host} broke off with an error: {_message(body)}; run it again"
        )
        return RequestRejected(line, code=body.code)
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        how = "fell silent in the middle of its answer" if begun else "did not answer in time"
        failed = ConnectionFailed(f"{host} {how}; run it again")
    elif begun:
        line = f"the connection to {host} was lost in the middle of its answer; run it again"
        failed = ConnectionFailed(line)
    else:
        failed = ConnectionFailed(_unreached(error, endpoint))
    unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
    failed.sent = not any(find_cause(error, kind) for kind in unsent)
    return failed


def _unreached(error: Exception, endpoint: Endpoint) -> str:
    """Say why a server was never reached."""
    import httpx2

    host, reason = endpoint.host, redaction.without_pieces(one_line(_innermost(error), 100))
    check = "check the network" if endpoint.is_service else "check the network and --base-url"
    check += ", or use --engine local"
    if find_cause(error, socket.gaierror):
        return f"no address is known for {host} ({reason}); {check}"
    if tls := find_cause(error, ssl.SSLError):
        if isinstance(tls, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {host} is not trusted ({tls.verify_message}); if your network "
                "replaces certificates, name its own by SSL_CERT_FILE"
            )
        why = one_line(tls.reason or tls, 60).lower().replace("_", " ")
        return f"{host} does not speak TLS ({why}); is its address http://, not https://?"
    if proxy := _proxy(endpoint):
        return (
            f"the proxy named by {proxy} did not let the request through ({reason}); check {proxy}"
        )
    if isinstance(error.__cause__, httpx2.ProxyError):
        return f"the proxy did not let the request through ({reason}); check the proxy's settings"
    return f"no connection to {host} ({reason}); {check}"


def _proxy(endpoint: Endpoint) -> str | None:
    """Return the name of the variable by which requests go through a proxy."""
    proxies = getproxies()
    scheme = endpoint.base_url.partition(":")[0].lower()
    found = next((name for name in (scheme, "all") if name in proxies), None)
    bypassed = proxy_bypass(endpoint.host.partition(":")[0])
    return f"{found.upper()}_PROXY" if found and not bypassed else None


def unusable_network(error: Exception, endpoint: Endpoint) -> ConnectionFailed:
    """Say why no client can be made in this environment: a proxy or a certificate is wrong."""
    if isinstance(error, OSError):
        named = next((name for name in CERTIFICATES if name in os.environ), CERTIFICATES[0])
        what, step = f"the certificates named by {named}", "name a file of them, or unset it"
    else:
        what = f"the proxy named by {_proxy(endpoint) or 'ALL_PROXY'}"
        step = "write it as http://HOST:PORT"
        if isinstance(error, ImportError):
            step = "SOCKS needs: pip install socksio"
    reason = redaction.without_pieces(one_line(getattr(error, "strerror", None) or error, 60))
    failed = ConnectionFailed(f"{what} cannot be used ({reason}); {step}")
    failed.sent = False
    return failed


def _rejected(
    error: "openai.APIStatusError", endpoint: Endpoint, request: Request
) -> RequestRejected:
    """Describe an error answer."""
    status, headers, host = error.status_code, error.response.headers, endpoint.host
    body = _coded(ErrorBody.of(error.body), request)
    said = _message(body)
    if line := _by_code(body, endpoint, request):
        pass
    elif status == 401:
        line = f"{host} rejected the API key; set {endpoint.key_variable} to a valid one"
    elif 300 <= status < 400:
        line = f"{host} redirects to another address; if you trust it, name it by --base-url"
    elif status == 407:
        line = "the proxy wants a name and password; put them into HTTPS_PROXY"
    elif status == 429 and (seconds := retry_after(headers) or 0.0) > LONGEST_PAUSE:
        line = f"{host} is limiting the rate of requests; run it again in {_duration(seconds)}"
    elif status == 429:
        line = f"{host} is limiting the rate of requests; wait a little, then run it again"
    elif status >= 500:
        line = f"{host} had an internal error ({status}: {said}); run it again"
    elif not isinstance(error.body, dict):
        line = (
            f"{host} does not serve Chat Completions at this address ({status}); check --base-url"
        )
        line += " (it usually ends in /v1)"
    elif status == 404:
        line = f"{host} found nothing there (404: {said}); check --base-url and --model"
    else:
        line = f"{host} rejected the request ({status}: {said}); change that, and run it again"
    return RequestRejected(line, status, request_id(headers), body.code)


def _by_code(body: ErrorBody, endpoint: Endpoint, request: Request) -> str | None:
    """Describe an error that the protocol has a code for, however it was sent."""
    code, said, host = body.code, body.message, endpoint.host
    lacks_model = request.model in said and "does not exist" in said
    if code == "model_not_found" or (code in ("404", None) and lacks_model):
        return model_list.unknown(request.model, endpoint)
    if code == "DeploymentNotFound":
        model = one_line(request.model, 60)
        return f"no deployment '{model}' at {host}; --model takes the name you gave it there"
    if body.param == "audio.voice" and request.voice and code == "invalid_value":
        return suggestions.unknown("voice", request.voice, catalogue().voices)
    if body.no_credit or code == "402":
        return "the account has no credit left; add some, or use --engine local"
    if code == AUDIO_GONE:
        return f"an earlier audio reply has expired on {host}; send it as text"
    if code == TOO_LONG:
        said = _message(body).rstrip(".")
        return f"too long for {host}: {said}; shorten the text, or begin another chat"
    if code == "content_filter":
        return f"the content filter of {host} stopped this; rephrase it"
    return None


def _coded(body: ErrorBody, request: Request) -> ErrorBody:
    """Give it the code for an expired reply where a server says that in words of its own."""
    ids = (message.audio_id for message in request.messages)
    gone = "not found" in body.message and any(one and one in body.message for one in ids)
    return replace(body, code=AUDIO_GONE) if gone else body


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the server's own name for a request, if it gave one."""
    name = headers.get("x-request-id") or headers.get("apim-request-id")
    return redaction.without_pieces(one_line(name, 64)) if name else None


def _innermost(error: BaseException) -> BaseException:
    """Return the innermost cause that has a message."""
    while error.__cause__ is not None and str(error.__cause__):
        error = error.__cause__
    return error


def _message(body: ErrorBody) -> str:
    return redaction.without_pieces(one_line(body.message))


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
