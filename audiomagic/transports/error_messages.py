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
from ..errors import (
    LONGEST_MESSAGE,
    ConnectionFailed,
    RequestFailed,
    RequestRejected,
    one_line,
)
from ..protocol.error import EXPLAINED, TOO_LONG, ErrorBody
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
    if isinstance(error, openai.APIStatusError | ErrorEvent):
        body = error.body if isinstance(error, ErrorEvent) else ErrorBody.of(error.body)
        ids = (message.audio_id for message in request.messages)
        if "not found" in body.message and any(one and one in body.message for one in ids):
            body = replace(body, code=AUDIO_GONE)  # some servers say that in words alone
        said = one_line(body.message)
        line = _by_code(body, said, endpoint, request)
        if isinstance(error, ErrorEvent):
            line = line or f"{host} broke off with an error: {said}; run it again"
            return RequestRejected(line, code=body.code)
        line, response = line or _by_status(error, said, endpoint), error.response
        return RequestRejected(line, response.status_code, request_id(response.headers), body.code)
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        how = "fell silent in the middle of its answer" if begun else "did not answer in time"
        line = f"{host} {how}; run it again"
    elif begun:
        line = f"the connection to {host} was lost in the middle of its answer; run it again"
    else:
        line = _unreached(error, endpoint)
    failed = ConnectionFailed(line)
    unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
    failed.sent = not any(find_cause(error, kind) for kind in unsent)
    return failed


def _unreached(error: Exception, endpoint: Endpoint) -> str:
    import httpx2

    host, innermost = endpoint.host, error
    while isinstance(innermost.__cause__, Exception) and str(innermost.__cause__):
        innermost = innermost.__cause__
    reason = redaction.without_pieces(one_line(innermost, 100))
    check = "check the network" if endpoint.is_service else "check the network and --base-url"
    check += ", or use --engine local"
    if find_cause(error, socket.gaierror):
        return f"no address is known for {host} ({reason}); {check}"
    if tls := find_cause(error, ssl.SSLError):
        if isinstance(tls, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {host} is not trusted ({tls.verify_message}); if your network "
                "replaces certificates, set SSL_CERT_FILE to its own"
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
    """Return the name of the variable that names the proxy of requests, if any does."""
    proxies = getproxies()
    scheme = endpoint.base_url.partition(":")[0].lower()
    found = next((name for name in (scheme, "all") if name in proxies), None)
    bypassed = proxy_bypass(endpoint.host.partition(":")[0])
    return f"{found.upper()}_PROXY" if found and not bypassed else None


def unusable_network(error: Exception, endpoint: Endpoint) -> ConnectionFailed:
    """Describe why no client can be made in this environment: a proxy or certificates are wrong."""
    if isinstance(error, OSError):
        named = next((name for name in CERTIFICATES if name in os.environ), CERTIFICATES[0])
        what = f"the certificates named by {named}"
        step = "set it to a file of certificates, or unset it"
    else:
        what = f"the proxy named by {_proxy(endpoint) or 'ALL_PROXY'}"
        step = "write it as http://HOST:PORT"
        if isinstance(error, ImportError):
            step = "SOCKS needs: pip install socksio"
    reason = redaction.without_pieces(one_line(getattr(error, "strerror", None) or error, 60))
    failed = ConnectionFailed(f"{what} cannot be used ({reason}); {step}")
    failed.sent = False
    return failed


def _by_status(error: "openai.APIStatusError", said: str, endpoint: Endpoint) -> str:
    status, host = error.status_code, endpoint.host
    if status == 401:
        return f"{host} rejected the API key; set {endpoint.key_variable} to a valid one"
    if 300 <= status < 400:
        return f"{host} redirects to another address; if you trust it, set it with --base-url"
    if status == 407:
        return "the proxy requires a user name and password; put them in HTTPS_PROXY"
    if status == 429:
        seconds = retry_after(error.response.headers) or 0.0
        when = "wait a little, then run it again"
        if seconds > LONGEST_PAUSE:
            hours = seconds >= 7200
            duration = f"{seconds / 3600:.0f} hours" if hours else f"{seconds / 60:.0f} minutes"
            when = f"run it again in {duration}"
        return f"{host} is limiting the rate of requests; {when}"
    if status >= 500:
        return f"{host} had an internal error ({status}: {said}); run it again"
    if not isinstance(error.body, dict):
        line = f"{host} does not serve Chat Completions at this address ({status})"
        return f"{line}; check --base-url (it usually ends in /v1)"
    if status == 404:
        return f"{host} has nothing at this address (404: {said}); check --base-url and --model"
    return f"{host} rejected the request ({status}: {said}); correct it, and run it again"


def _by_code(body: ErrorBody, said: str, endpoint: Endpoint, request: Request) -> str | None:
    """Describe an error that the protocol has a code for, however it was sent."""
    code, host = body.code, endpoint.host
    if endpoint.name and code == EXPLAINED:
        return one_line(body.message, LONGEST_MESSAGE)  # a whole line of the engine's own
    lacks_model = request.model in body.message and "does not exist" in body.message
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
        return f"too long for {host}: {said.rstrip('.')}; shorten the text, or begin another chat"
    if code == "content_filter":
        return f"the content filter of {host} stopped this; rephrase it"
    return None


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the server's own name for a request, if it has one."""
    name = headers.get("x-request-id") or headers.get("apim-request-id")
    return redaction.without_pieces(one_line(name, 64)) if name else None
