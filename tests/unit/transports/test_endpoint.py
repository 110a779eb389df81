"""Endpoints: which server is asked, with which key, and addresses that cannot be called."""

import pytest

from audiomagic.errors import OptionError
from audiomagic.transports.endpoint import SERVICE, Endpoint

AZURE = {"AZURE_OPENAI_ENDPOINT": "https://us.openai.azure.com/", "AZURE_OPENAI_API_KEY": "azure"}
BOTH = AZURE | {"OPENAI_API_KEY": "ours"}


@pytest.mark.parametrize(
    ("variables", "asked", "base_url", "key", "why"),
    [
        (BOTH, {}, "https://us.openai.azure.com/openai/v1", "azure", "AZURE_OPENAI_ENDPOINT is"),
        (BOTH, {"key": "given"}, SERVICE, "given", "a key was given"),
        (BOTH | {"OPENAI_BASE_URL": "http://a/v1"}, {}, "http://a/v1", "ours", "OPENAI_BASE_URL"),
        (BOTH, {"base_url": "http://b/v1"}, "http://b/v1", "ours", "--base-url is set"),
        (BOTH, {"base_url": "https://us.openai.azure.com/openai/v1/"},
         "https://us.openai.azure.com/openai/v1/", "azure", "--base-url is set"),
        (AZURE | {"AZURE_OPENAI_API_KEY": " ", "OPENAI_API_KEY": "ours"}, {}, SERVICE, "ours",
         "a key is set"),
        ({"OPENAI_BASE_URL": "http://a/v1"}, {"base_url": "http://b/v1", "key": "given"},
         "http://b/v1", "given", "--base-url is set"),
        ({"OPENAI_BASE_URL": " "}, {"key": "given"}, SERVICE, "given", "a key was given"),
    ],
)  # fmt: skip
def test_who_comes_first(
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    asked: dict[str, str],
    base_url: str,
    key: str | None,
    why: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    endpoint = Endpoint.find(**asked)
    assert endpoint and (endpoint.base_url, endpoint.key) == (base_url, key)
    assert why in endpoint.why


@pytest.mark.parametrize(
    "address",
    ["localhost", "ftp://a/v1", "http://", "http://a:0/v1", "http://a:x/v1", "http://a b/v1",
     "http://[::1/v1", "http://ü..x/v1", f"http://{'a' * 300}/v1", "http://a\n/v1"],
)  # fmt: skip
def test_an_address_that_cannot_be_called(address: str) -> None:
    with pytest.raises(OptionError, match="--base-url must be a URL like http://host:port/v1"):
        Endpoint.find(address)


@pytest.mark.parametrize(
    ("address", "host", "is_service"),
    [
        (SERVICE, "api.openai.com", True),
        ("https://eu.api.openai.com/v1", "eu.api.openai.com", True),
        ("https://api.openai.com.evil.org/v1", "api.openai.com.evil.org", False),
        ("https://notapi.openai.com/v1", "notapi.openai.com", False),
        ("http://ada:secret@localhost:8000/v1", "localhost:8000", False),
    ],
)
def test_a_host_is_shown_without_its_login(address: str, host: str, is_service: bool) -> None:
    endpoint = Endpoint("", address)
    assert (endpoint.host, endpoint.is_service) == (host, is_service)


@pytest.mark.parametrize("key", ["schlüssel", "two\nlines", "a\0b"])
def test_a_key_of_impossible_characters_is_refused_unshown(key: str) -> None:
    with pytest.raises(OptionError, match="set OPENAI_API_KEY again") as caught:
        Endpoint.find(key=key)
    assert key not in str(caught.value)
