"""Endpoint: the address of a server that speaks Chat Completions, its key, and why it is used."""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .. import redaction
from ..errors import OptionError, one_line

SERVICE = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
AZURE_KEY = "AZURE_OPENAI_API_KEY"
AZURE_URL = "AZURE_OPENAI_ENDPOINT"
AZURE_VERSION = "OPENAI_API_VERSION"


@dataclass(frozen=True)
class Endpoint:
    """A server, and `why` it is asked.

    Apart from OpenAI's own service, a server is recognised by the shape of its answers, never by
    its name.
    """

    why: str
    base_url: str = SERVICE
    key: str | None = field(default=None, repr=False)
    key_variable: str = KEY_VARIABLE  # the variable by which the key can be set
    azure_version: str | None = None  # API version of Azure's deployments; None elsewhere
    name: str = ""  # for messages, where that is not the address's host

    @property
    def host(self) -> str:
        """The server's name, for messages: without the user and password of its address."""
        if self.name:
            return self.name
        address = urlsplit(self.base_url)
        port = f":{address.port}" if address.port else ""
        return f"{address.hostname}{port}"

    @property
    def is_service(self) -> bool:
        """Whether this is OpenAI's own, with the models, dates and prices of the catalogue."""
        return f".{self.host}".endswith(".api.openai.com")

    @property
    def credentials(self) -> dict[str, str]:
        """The header by which it knows whose request it is."""
        if self.azure_version:
            return {"api-key": self.key or ""}
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def in_environment(self) -> bool:
        """Whether it is the server that the environment means: OPENAI_BASE_URL, else the service.

        Only there go the headers of OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS.
        """
        named = _environment(URL_VARIABLE)
        return self.base_url == named if named else self.is_service

    @classmethod
    def find(cls, base_url: str | None = None, key: str | None = None) -> "Endpoint | None":
        """Find the server to ask, by the rules of `resolve`; None where nothing names one.

        Raises OptionError for an address or a key that cannot be used.
        """
        given = _checked_key(key, KEY_VARIABLE)
        if named := base_url or _environment(URL_VARIABLE):
            why = f"{'--base-url' if base_url else URL_VARIABLE} is set"
            address, azure = _checked_address(named), urlsplit(_environment(AZURE_URL) or "")
            is_azure = azure.hostname == urlsplit(address).hostname and _environment(AZURE_KEY)
            variable = AZURE_KEY if is_azure else KEY_VARIABLE
            key = given or _checked_key(_environment(variable), variable) or "none"
            return cls(why, address, key, variable)
        if given:
            return cls("a key was given", key=given)
        if endpoint := cls._azure():
            return endpoint
        found = _checked_key(_environment(KEY_VARIABLE), KEY_VARIABLE)
        return cls("a key is set", key=found) if found else None

    @classmethod
    def _azure(cls) -> "Endpoint | None":
        url, key = _environment(AZURE_URL), _checked_key(_environment(AZURE_KEY), AZURE_KEY)
        if not url or not key:
            return None
        address, version = _checked_address(url, AZURE_URL).rstrip("/"), _environment(AZURE_VERSION)
        address += "/openai" if version else "/openai/v1"
        return cls(f"{AZURE_URL} is set", address, key, AZURE_KEY, version)


def _environment(variable: str) -> str | None:
    return os.environ.get(variable, "").strip() or None  # set but empty means unset


def _checked_key(key: str | None, variable: str) -> str | None:
    key = (key or "").strip() or None
    if key and not (key.isascii() and key.isprintable()):
        raise OptionError(f"the key contains characters that no key has; set {variable} again")
    if key:
        redaction.keep(key)
    return key


def bad_address(url: str, name: str = "--base-url") -> OptionError:
    example = "https://NAME.openai.azure.com" if name == AZURE_URL else "http://host:port/v1"
    return OptionError(f"{name} must be a URL like {example}, not '{one_line(url, 80)}'")


def _checked_address(url: str, name: str = "--base-url") -> str:
    try:
        address = urlsplit(url)
        host = (address.hostname or "").encode("idna")
        valid = address.scheme in ("http", "https") and host and address.port != 0
    except ValueError:  # a port that is not a number, an impossible host name
        valid = False
    complete = url.rstrip("/").endswith(("/completions", "/models"))
    if not valid or complete or set("?# ") & set(url) or not url.isprintable():
        raise bad_address(url, name)
    return url
