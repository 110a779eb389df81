"""Which transport answers."""

import pytest

from audiomagic.errors import EngineError, OptionError
from audiomagic.transports.resolve import resolve


def test_the_engine_comes_first_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://us.openai.azure.com/")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure")
    monkeypatch.setenv("OPENAI_API_KEY", "ours")
    assert resolve("local").provider.why == "--engine is set"
    assert resolve(llm="a/b").provider.name == "local"
    assert resolve(llm="a/b", base_url="http://b/v1").provider.host == "b"


def test_an_endpoint_of_azure_that_is_not_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "my-resource")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure")
    with pytest.raises(OptionError, match="AZURE_OPENAI_ENDPOINT must be a URL like https://NAME"):
        resolve()


def test_an_engine_that_is_unknown_or_has_no_key() -> None:
    with pytest.raises(OptionError, match="no engine 'locl'; did you mean 'local'"):
        resolve("locl")
    with pytest.raises(EngineError, match="no API key is set; set OPENAI_API_KEY, or use"):
        resolve("openai")
