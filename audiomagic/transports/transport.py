"""Transport: the interface between a request and whoever answers it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ..errors import OptionError
from ..protocol.request import Request
from ..protocol.usage import NOTHING, Usage
from .cancellation import Cancellation
from .model_list import Listing
from .realtime.connection import RealtimeConnection
from .retry import RateLimitGate, Retries

Chunk = Mapping[str, Any]  # one event of a streamed completion, as the server sent it
Report = Callable[[str], None] | None  # receives a line about what takes time


@dataclass(frozen=True)
class Provider:
    """Describes who answers, so that nobody needs to check a transport's type."""

    name: str  # in the ledger: "openai" (any server of that protocol), "local" or "replay"
    host: str  # for messages and badges
    why: str  # why requests go there
    paid: bool = False  # whether an answer costs money
    has_key: bool = False  # whether an API key is sent
    label: str = ""  # what the badge of a free answer says
    language: str | None = None  # of every answer (BCP 47); None where it may be any
    # Input tokens: gpt-audio-1.5's context less its longest answer.
    max_context: int = 128_000 - 16_384
    text_history: bool = False  # whether earlier turns count as their words, not as sound
    reads_words: bool = False  # whether it answers the words of speech, which it tells beforehand


@dataclass(frozen=True)
class Response:
    """A completion that is arriving."""

    chunks: Iterator[Chunk]
    request_id: str | None = None  # the server's own name for the request
    already_recorded: bool = False  # whether the cassette had an answer before
    # Whether the chunks go on to the usage of what was made, once the request is cancelled.
    settles_when_cancelled: bool = False


class Transport(ABC):
    """Answers requests; several threads may use it at once."""

    @property
    @abstractmethod
    def provider(self) -> Provider: ...

    records = False  # whether it keeps answers on a cassette
    replays = False  # whether it gives answers that were kept before

    @abstractmethod
    def stream(
        self, request: Request, cancellation: Cancellation, report: Report
    ) -> AbstractContextManager[Response]:
        """Send a request, once, and yield its response, which is closed when the block exits.

        Raises RequestFailed, one line that says what to do, for whatever goes wrong; Cancelled when
        `cancellation` is cancelled.
        """

    def retries(self, report: Report) -> Retries:
        """Return what tries one request again where that may help."""
        return Retries(self.provider.host, RateLimitGate(), report)

    def open(self, report: Report) -> None:  # noqa: B027
        """Connect, or load models, ahead of the first request."""

    def check(self, model: str, voice: str | None) -> None:  # noqa: B027
        """Raise OptionError for a model or voice that is known not to be there."""

    def check_realtime(self, model: str, voice: str | None) -> None:
        """Do the same for a conversation; raise OptionError, too, where none can be held."""
        raise OptionError(f"{self.provider.host} does not hold conversations")

    def connect_realtime(self, request: Request, report: Report) -> RealtimeConnection:
        """Open a connection for a session with the request's model.

        Raises RequestFailed; OptionError where no conversation can be held.
        """
        raise OptionError(f"{self.provider.host} does not hold conversations")

    def prepare(self, request: Request, report: Report) -> None:  # noqa: B027
        """Do what must be done before a request is sent, and costs nothing. Raises as `stream`."""

    def kept(self, request: Request, response: Response, began: float) -> Response:
        """Return a response that is kept once it is complete, if this transport records.

        `began`: when the request was sent, on the clock of `time.perf_counter`.
        """
        return response

    def reread(self, request: Request) -> Usage:
        """Return the tokens that an answer re-reads besides what the request holds."""
        return NOTHING

    def notes(self, model: str, *, realtime: bool = False) -> list[str]:
        """Return what the reader of an answer should know about who gave it; `realtime`: in a
        conversation.
        """
        return []

    def models(self) -> Listing | None:
        """Return the models that the key may use; None where that is not known."""
        return None

    def for_request(self, request: Request) -> "Transport":
        """Return the transport that answers this request: itself, unless a recording has it."""
        return self
