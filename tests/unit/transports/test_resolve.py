"""Which transport answers."""

import pytest

from audiomagic.errors import EngineError, OptionError
from audiomagic.transports.resolve import merged, resolve


def test_the_engine_comes_first_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://us.openai.azure.com/")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure")
    monkeypatch.setenv("OPENAI_API_KEY", "ours")
    assert resolve("local").provider.why == "--engine is set"
    assert resolve(llm="a/b").provider.name == "local"


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


LLM, URL = {"llm": "a/b"}, {"base_url": "http://b/v1"}


@pytest.mark.parametrize(
    ("defaults", "call", "engine", "base_url", "llm"),
    [
        (LLM, URL, "auto", "http://b/v1", ""),
        (URL, LLM, "auto", "", "a/b"),
        (URL | {"engine": "openai"}, LLM, "auto", "", "a/b"),
        (LLM | {"engine": "local"}, URL, "auto", "http://b/v1", ""),
        (LLM | URL, {"engine": "local"}, "local", "", "a/b"),
        (LLM | URL, {"engine": "openai"}, "openai", "http://b/v1", ""),
        (LLM | URL | {"engine": "local"}, {}, "local", "", "a/b"),
        (LLM | URL | {"engine": "openai"}, {"style": "calm"}, "openai", "http://b/v1", ""),
        (LLM, {"engine": "local"}, "local", "", "a/b"),
    ],
)
def test_what_a_call_names_replaces_what_would_send_it_elsewhere(
    defaults: dict[str, str], call: dict[str, str], engine: str, base_url: str, llm: str
) -> None:
    found = merged(defaults, call)
    assert found["engine"] == engine
    assert (found.get("base_url", ""), found.get("llm", "")) == (base_url, llm)


@pytest.mark.parametrize(
    ("call", "pair"),
    [
        (LLM | URL, "--llm and --base-url"),
        ({"stt": "c"} | URL | {"engine": "auto"}, "--stt and --base-url"),
        ({"engine": "local"} | URL, "--engine local and --base-url"),
        ({"engine": "openai"} | LLM, "--llm and --engine openai"),
    ],
)
def test_a_call_that_names_both_is_refused(call: dict[str, str], pair: str) -> None:
    with pytest.raises(OptionError, match=f"^{pair} exclude each other; drop one of them$"):
        merged({}, call)
    if call.get("engine", "auto") == "auto":  # settings that leave it open
        with pytest.raises(OptionError, match=f"^{pair} exclude each other"):
            merged(call, {"style": "calm"})
