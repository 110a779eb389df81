"""OpenAITransport: sends requests to a server with the official `openai` client."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Lock
from traceback import clear_frames
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit
from urllib.request import getproxies

from ..catalogue import catalogue
from ..errors import ConnectionFailed, OptionError, RequestFailed
from ..protocol import sse
from ..protocol.request import Request
from . import error_messages, model_list
from .cancellation import Cancellation, cancellable, make_cancellable
from .endpoint import Endpoint, bad_address
from .model_list import Listing
from .realtime.connection import RealtimeConnection, connect
from .retry import RateLimitGate, Retries, rate_limit_gate, worth_another_try
from .transport import Provider, Report, Response, Transport

if TYPE_CHECKING:
    import openai

CONNECTING = 10.0  # seconds to wait for a connection
SILENCE = 180.0  # seconds to wait for more: some servers make all the sound before they answer


class ClientTransport(Transport):
    """Sends requests through an `openai` client, which is made at first use."""

    endpoint: Endpoint
    _opening: ClassVar[Lock]  # of each kind its own: the engine's models take long to load

    @abstractmethod
    def connect(self, report: Report) -> "openai.OpenAI":
        """Make the client."""

    def client(self, report: Report) -> "openai.OpenAI":
        """Return the client. Raises AudiomagicError where none can be made."""
        with self._opening:
            made: dict[str, openai.OpenAI] = self.__dict__
            if "_client" not in made:
                made["_client"] = self.connect(report)
            return made["_client"]

    def open(self, report: Report) -> None:
        self.client(report)

    def retries(self, report: Report) -> Retries:
        return Retries(self.endpoint.host, self._gate, report)

    @property
    def _gate(self) -> RateLimitGate:
        return rate_limit_gate(self.endpoint.base_url, self.endpoint.key)

    @contextmanager
    def stream(
        self, request: Request, cancellation: Cancellation, report: Report
    ) -> Iterator[Response]:
        with cancellation.bound(), self._stream(request, report) as response:
            yield response

    @contextmanager
    def _stream(self, request: Request, report: Report) -> Iterator[Response]:
        import httpx2
        import openai

        endpoint, client = self.endpoint, self.client(report)
        body = request.wire()  # a sound that cannot be sent is found before anything is opened
        send: Callable[..., openai.Stream[Any]] = client.chat.completions.create
        request_id, begun, failed, cause = None, False, None, None
        try:
            with send(**body) as sent:
                request_id, begun = error_messages.request_id(sent.response.headers), True
                self._gate.passed += 1
                parts = cancellable(sent.response.iter_bytes())
                yield Response(sse.chunks(parts), request_id)
        except UnicodeEncodeError:
            raise OptionError("a text contains half a character, which cannot be sent") from None
        except RequestFailed as error:  # from whoever reads the chunks, too
            error.request_id = error.request_id or request_id
            clear_frames(error.__traceback__)  # Python keeps the last error; its frames are large
            raise
        except (openai.OpenAIError, httpx2.HTTPError, sse.ErrorEvent) as error:
            if error_messages.blames_model(error):
                model_list.ask(endpoint, client)  # to say which models there are
            failed = error_messages.describe(error, endpoint, request, begun)
            failed.request_id = failed.request_id or request_id
            lasts = begun or failed.faulty  # the same request would be billed for the same error
            failed.retry_after = None if lasts else worth_another_try(error)
            cause = error if isinstance(failed, ConnectionFailed) else None
        # Out here, the error is not its context: a server's words may hold the key.
        if failed:
            raise failed from cause


@dataclass(frozen=True)
class OpenAITransport(ClientTransport):
    """A server that speaks Chat Completions: OpenAI's service, or any other."""

    endpoint: Endpoint
    _opening: ClassVar = Lock()

    @property
    def provider(self) -> Provider:
        endpoint = self.endpoint
        has_key = endpoint.key not in (None, "none")
        return Provider("openai", endpoint.host, endpoint.why, paid=True, has_key=has_key)

    def connect(self, report: Report) -> "openai.OpenAI":
        """Make the official client, with the proxies and certificates that the environment names.

        Raises ConnectionFailed, OptionError.
        """
        import httpx2
        import openai

        from ..protocol import http

        endpoint = self.endpoint
        try:
            httpx2.URL(endpoint.base_url)
        except httpx2.InvalidURL as error:
            raise bad_address(endpoint.base_url) from error
        try:
            for proxy in getproxies().values():  # httpx would look too late
                (urlsplit(proxy).hostname or "").encode("idna")
            request_hooks: list[Callable[[httpx2.Request], None]] = [make_cancellable]
            if not endpoint.in_environment:
                request_hooks.append(partial(http.own_headers, endpoint.credentials))
            http_client = openai.DefaultHttpxClient(
                headers=http.IDENTITY,
                # What is sent goes to the server that was named, and is not handed on to another.
                follow_redirects=False,
                # A cancellation knows connections that it saw opened. Few would be kept anyway: a
                # stream is left at its last event, before its end.
                limits=httpx2.Limits(max_keepalive_connections=0),
                event_hooks={
                    "request": request_hooks,
                    "response": [partial(http.bound, http.LARGEST_STREAM)],
                },
            )
        except (OSError, ImportError, ValueError, httpx2.InvalidURL) as error:
            raise error_messages.unusable_network(error, endpoint) from error
        timeout = httpx2.Timeout(SILENCE, connect=CONNECTING)
        options: dict[str, Any] = {"http_client": http_client, "timeout": timeout, "max_retries": 0}
        options |= {"api_key": endpoint.key, "base_url": endpoint.base_url}
        if endpoint.azure_version:
            return openai.AzureOpenAI(api_version=endpoint.azure_version, **options)
        return openai.OpenAI(**options)

    def check(self, model: str, voice: str | None) -> None:
        model_list.refuse_shut_down(model, self.endpoint)

    def check_realtime(self, model: str, voice: str | None) -> None:
        model_list.refuse_shut_down(model, self.endpoint, realtime=True)
        if not self.endpoint.is_service:
            return
        if model in catalogue().models:
            raise OptionError(model_list.unknown(model, self.endpoint, realtime=True))
        if voice in set(catalogue().voices) - set(catalogue().realtime_voices):
            known = ", ".join(catalogue().realtime_voices)
            raise OptionError(f"the voice '{voice}' holds no conversations; use one of {known}")

    def connect_realtime(self, request: Request, report: Report) -> RealtimeConnection:
        return connect(self.endpoint, request)

    def notes(self, model: str, *, realtime: bool = False) -> list[str]:
        warning = model_list.warning(model, self.endpoint, realtime=realtime)
        return [warning] if warning else []

    def models(self) -> Listing | None:
        return model_list.ask(self.endpoint, self.client(lambda line: None))
