"""What can go wrong with a server, each in one line: what happened, then what to do."""

import os
import re
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
)  # fmt: skip
from ..protocol.error import EXPLAINED, NO_MODEL, TOO_LONG, ErrorBody
from ..protocol.request import Request
from ..protocol.sse import ErrorEvent
from . import model_list
from .endpoint import Endpoint
from .retry import LASTING, LONGEST_PAUSE, find_cause, retry_after

if TYPE_CHECKING:
    import openai

WRONG_KEY = "invalid_api_key"  # the code for a key that is none
AUDIO_GONE = "audio_not_found"  # the code for an earlier spoken reply that has expired
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
LATER = (408, 409, 425, 499)  # statuses of a request that may be accepted as it is, later
# What a 500 names that is about an earlier answer: its sound (not a model's), text, or place.
ABOUT_EARLIER = re.compile(
    r"(?<![-\w])(audio|content)(?![-a-z])|\bmessages?\W{0,3}\d", re.IGNORECASE
)
NOT_FAULTY = (401, 402, 403, 407, 429, *LATER)  # of one that was refused for what is not in it
# Of one that was refused before anything was made for it. Behind any other, an answer may have been
# made: by a server with a fault, or one that a proxy did not wait for (408, 409, 499, 504).
REFUSED = (*range(300, 400), 400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 413, 414, 415, 417,
           421, 422, 425, 426, 428, 429, 431, 451, *LASTING)  # fmt: skip
FAULTS = range(500, 600)  # what a 400 may say of itself, where a gateway hides another's status
# What else a 400 says that came after an answer, or in the midst of one.
AFTERWARDS = re.compile(
    r"\bmodel(?:'s)? (output|response)\b(?! (limit of|format|type|length|modal))"
    r"|\boutput data\b|limit was reached|\bresponse\b.{0,30}\bblocked\b|request was cancelled"
    r"|\b(could not|failed to) (finish|generate)|(generated|produced) (an )?invalid"
    r"|failed to parse (the )?(tool|function|model)|call arguments could not be parsed"
    r"|data_inspection_failed|failed_generation|tool_use_failed|json_validate_failed"
    r"|\btimed ?out\b|gateway time|deadline exceeded|litellm\.(timeout|internal|serviceunavail)"
    r"|\binternal (server )?error|provider returned error|upstream (server|request|connect|error)",
    re.IGNORECASE,
)
FILTERED = re.compile(
    r"content_?filter|content management policy|contentpolicyviolation|responsibleaipolicy",
    re.IGNORECASE,
)
WRONG = (None, 400, 404, 422)  # of one whose model may be unknown; None: an error in a stream
LONGEST_WORDS = 1_000  # characters of a text that may be a server's words
# What servers say that have no code for it.
LACKS_ROOM = re.compile(r"\bcontext (length|window|size)\b|prompt is too long", re.IGNORECASE)


def describe(
    error: Exception, endpoint: Endpoint, request: Request, begun: bool = False
) -> RequestFailed:
    """Turn a failure of the client into one of ours; `begun`: whether an answer had begun."""
    import httpx2
    import openai

    if isinstance(error, openai.APIStatusError | ErrorEvent):
        return _rejected(error, endpoint, request)
    host = endpoint.host
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        how = "fell silent in the middle of its answer" if begun else "did not answer in time"
        line = f"{host} {how}; run it again"
    elif begun:
        line = f"the connection to {host} was lost in the middle of its answer; run it again"
    else:
        line = _unreached(error, endpoint)
    failed = ConnectionFailed(line)
    unsent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
    failed.may_be_billed = not any(find_cause(error, kind) for kind in unsent)
    return failed


def _rejected(
    error: "openai.APIStatusError | ErrorEvent", endpoint: Endpoint, request: Request
) -> RequestRejected:
    body = error.body if isinstance(error, ErrorEvent) else ErrorBody.read(error.response.text)
    ids = (message.audio_id for message in request.messages)
    if "not found" in body.message and any(one and one in body.message for one in ids):
        body = replace(body, code=AUDIO_GONE)  # some servers say that in words alone
    if isinstance(error, ErrorEvent):
        status = body.status
        failed = RequestRejected(_broken_off(body, endpoint, request), code=body.code)
    else:
        status, headers = error.status_code, error.response.headers
        line = _by_code(body, status, endpoint, request)
        line = line or _by_status(error.response.text, body, status, endpoint, headers)
        failed = RequestRejected(line, status, request_id(headers), body.code)
    failed.faulty = _blames_request(body, status, request)
    failed.may_be_billed = _may_be_billed(body, status, endpoint)
    return failed


def _blames_request(body: ErrorBody, status: int | None, request: Request) -> bool:
    """Whether the server objects to what is in a request, so that another may be answered."""
    if body.no_credit or body.code in (NO_MODEL, EXPLAINED) or _is_filtered(body):
        return False
    if status == 500:  # some servers fail at what they do not know
        return request.has_audio_ids and ABOUT_EARLIER.search(body.message) is not None
    return status in (None, 501) or (400 <= status < 500 and status not in NOT_FAULTY)


def _may_be_billed(body: ErrorBody, status: int | None, endpoint: Endpoint) -> bool:
    """Whether an answer may have been made for a request that failed, or begun.

    Azure bills the prompt of what its filter stops, or what its model has no room for, also behind
    a relay: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/manage-costs
    """
    if body.code in (WRONG_KEY, NO_MODEL):
        return False
    if status not in REFUSED or body.status in FAULTS or _is_filtered(body):
        return True
    if status in (400, 422) and AFTERWARDS.search(_said(body)):
        return True
    return _is_too_long(body, status) and not endpoint.is_service


def _is_filtered(body: ErrorBody) -> bool:
    return FILTERED.search(_said(body)) is not None


def _said(body: ErrorBody) -> str:
    return f"{body.code} {body.kind} {body.message[:LONGEST_WORDS]}"


def _is_too_long(body: ErrorBody, status: int | None) -> bool:
    said = one_line(body.message)
    return body.code == TOO_LONG or (status in (None, 400) and bool(LACKS_ROOM.search(said)))


def _broken_off(body: ErrorBody, endpoint: Endpoint, request: Request) -> str:
    said, status = one_line(body.message), body.status
    if line := _by_code(body, status, endpoint, request):
        return line
    if status and status not in LATER and (400 <= status < 500 or status in LASTING):
        return _by_status(said, body, status, endpoint, {})
    return f"{endpoint.host} broke off with an error: {said}; run it again"


def blames_model(error: Exception) -> bool:
    """Whether a server says that there is no such model, so that its list would help."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return error.status_code == 404 or ErrorBody.read(error.response.text).blames_model
    return isinstance(error, ErrorEvent) and error.body.blames_model


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
    failed.may_be_billed = False
    return failed


def _by_status(
    sent: str, body: ErrorBody, status: int, endpoint: Endpoint, headers: Mapping[str, str]
) -> str:
    """Describe an error by its HTTP status; `sent` is the whole of the answer."""
    first = sent.lstrip()[:1]
    is_page = body.message[:1] in ("", "<") or (first not in "{[<" and len(sent) > LONGEST_WORDS)
    host, said = endpoint.host, "" if is_page else one_line(body.message)
    reason = f"{status}: {said}" if said else str(status)
    if status == 401 and said and body.code != WRONG_KEY:
        key = f"check the key in {endpoint.key_variable}, and what it may do"
        return f"{host} does not allow this ({reason}); {key}"
    if status == 401:
        return f"{host} rejected the API key; set {endpoint.key_variable} to a valid one"
    if 300 <= status < 400:
        return f"{host} redirects to another address; if you trust it, set it with --base-url"
    if status == 407:
        return "the proxy requires a user name and password; put them in HTTPS_PROXY"
    if status == 429:
        seconds = retry_after(headers) or 0.0
        when = "wait a little, then run it again"
        if seconds > LONGEST_PAUSE:
            hours = seconds >= 7200
            duration = f"{seconds / 3600:.0f} hours" if hours else f"{seconds / 60:.0f} minutes"
            when = f"run it again in {duration}"
        return f"{host} is limiting the rate of requests; {when}"
    if status == 413:
        step = "shorten the text or the sound, or begin another chat"
        return f"too long for {host} ({reason}); {step}"
    if status in LASTING:
        return f"{host} cannot do this ({reason}); use another model or server"
    if status >= 500:
        return f"{host} had an internal error ({reason}); run it again"
    if is_page and status not in LATER:
        line = f"{host} does not serve Chat Completions at this address ({status})"
        return f"{line}; check --base-url (it usually ends in /v1)"
    if status == 403:
        return f"{host} does not allow this ({reason}); check what your key may do"
    if status == 404 and model_list.listed(endpoint):  # which was at this address
        return f"{host} cannot do this with the model ({reason}); --model names another"
    if status == 404:
        return f"{host} has nothing at this address ({reason}); check --base-url and --model"
    step = "run it again" if status in LATER else "correct it, and run it again"
    return f"{host} rejected the request ({reason}); {step}"


def _by_code(
    body: ErrorBody, status: int | None, endpoint: Endpoint, request: Request
) -> str | None:
    """Describe an error that the protocol has a code for, however it was sent."""
    code, host, said = body.code, endpoint.host, one_line(body.message)
    if endpoint.name and code == EXPLAINED:
        return one_line(body.message, LONGEST_MESSAGE)  # a whole line of the engine's own
    if code == "DeploymentNotFound":
        model = one_line(request.model, 60)
        return f"no deployment '{model}' at {host}; --model takes the name you gave it there"
    if line := _by_model(body, status, endpoint, request):
        return line
    if body.param == "audio.voice" and request.voice and code == "invalid_value":
        return suggestions.unknown("voice", request.voice, catalogue().voices)
    if body.no_credit or status == 402:
        return "the account has no credit left; add some, or use --engine local"
    if code == AUDIO_GONE:
        return f"an earlier audio reply has expired on {host}; send it as text"
    if _is_too_long(body, status):
        return f"too long for {host}: {said.rstrip('.')}; shorten the text, or begin another chat"
    if _is_filtered(body):
        return f"the content filter of {host} stopped this; rephrase it"
    return None


def _by_model(
    body: ErrorBody, status: int | None, endpoint: Endpoint, request: Request
) -> str | None:
    """Describe an error about a model: by the server's own list, where it has told its models."""
    model, said = request.model, one_line(body.message)
    if body.code != NO_MODEL:
        if status not in WRONG or not body.blames_model:
            return None
        listed = model_list.listed(endpoint)
        named = model in body.message or body.param == "model"
        if model in listed if listed else not named:
            return None
    ours = endpoint.is_service or suggestions.nearest(model, catalogue().models)
    if ours or model_list.listed(endpoint):
        return model_list.unknown(model, endpoint)
    return f"{endpoint.host} has no model '{one_line(model, 60)}' ({said}); --model names another"


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the server's own name for a request, if it has one."""
    name = headers.get("x-request-id") or headers.get("apim-request-id")
    return redaction.without_pieces(one_line(name, 64)) if name else None
