"""The far end: connect to it, send it a request, yield its chunks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

from ..errors import ConnectionFailed, EngineError, OptionError, RequestFailed
from ..protocol import sse
from ..protocol.request import Request
from . import error_messages, model_list, network
from .cancellation import watch
from .endpoint import Endpoint, no_address
from .retry import with_retries

if TYPE_CHECKING:
    import httpx2
    import openai

__all__ = ["Endpoint", "connect", "stream"]

CONNECTING = 10.0  # seconds to wait for a connection
SILENCE = 180.0  # seconds to wait for more: some servers make all the sound before they answer
LARGEST_ERROR = 100_000  # bytes, as sent


def connect(route: Endpoint, report: Callable[[str], None] | None = None) -> "openai.OpenAI":
    """Open the official client on a route; the embedded engine stands behind the same client."""
    import httpx2
    import openai

    if route.engine == "local":
        return _local(route, report)
    direct = _direct(route)
    timeout = httpx2.Timeout(SILENCE, connect=CONNECTING)
    options: dict[str, Any] = {"http_client": direct, "timeout": timeout, "max_retries": 0}
    if route.azure_version:
        return openai.AzureOpenAI(
            base_url=route.base_url, api_version=route.azure_version, api_key=route.key, **options
        )
    return openai.OpenAI(api_key=route.key, base_url=route.base_url, **options)


def _direct(route: Endpoint) -> "httpx2.Client":
    """Make what connects, through the proxy and by the certificates that the environment names."""
    import httpx2
    import openai

    try:
        httpx2.URL(route.base_url)
    except httpx2.InvalidURL as error:
        raise no_address(route.base_url) from error
    try:
        network.check_names()
        return openai.DefaultHttpxClient(
            # What is sent goes to the server that was named, and is not handed on to another.
            follow_redirects=False,
            # A line knows connections that it saw made. Few would be kept: a stream is left at its
            # last event, before its end.
            limits=httpx2.Limits(max_keepalive_connections=0),
            event_hooks={"request": [watch], "response": [_bound]},
        )
    except (OSError, ImportError, ValueError, httpx2.InvalidURL) as error:
        raise network.unusable(error, route) from error


def _bound(response: "httpx2.Response") -> None:
    """Have no more than a page or two of an error answer read: the client reads all there is."""
    import httpx2

    class Bounded(httpx2.SyncByteStream):
        def __init__(self, whole: httpx2.SyncByteStream):
            self.whole = whole

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for piece in self.whole:
                yield piece
                size += len(piece)
                if size > LARGEST_ERROR:
                    return

        def close(self) -> None:
            self.whole.close()

    if response.status_code >= 300 and isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = Bounded(response.stream)


def _local(route: Endpoint, report: Callable[[str], None] | None) -> "openai.OpenAI":
    import httpx2
    import openai

    from ..engine import weights

    if not weights.installed():
        raise EngineError("the local engine is not installed; pip install 'audiomagic[local]'")
    from ..engine.app import App
    from ..engine.engine import engine

    transport = httpx2.WSGITransport(App(engine(route.llm, route.stt).load(report=report)))
    client = httpx2.Client(transport=transport)
    return openai.OpenAI(
        api_key="local", base_url="http://local/v1", http_client=client, max_retries=0
    )


@dataclass(frozen=True)
class Incoming:
    """An answer on its way: its chunks, and the server's own name for the call."""

    chunks: Iterator[Mapping[str, Any]]
    request_id: str | None


@contextmanager
def stream(
    client: "openai.OpenAI",
    route: Endpoint,
    request: Request,
    body: dict[str, Any],
    report: Callable[[str], None] | None = None,
) -> Iterator[Incoming]:
    """Send a request's body; give its answer; close the connection however it ends.

    A server that is busy is asked again, a few times; `report` is told. Raises OptionError for a
    model that is shut down, before anything is sent, and RequestFailed, one line that says what to
    do, for whatever the far end does wrong.
    """
    import httpx2
    import openai

    model_list.refuse_shut_down(request.model, route)
    request_id, begun, failed, cause = None, False, None, None
    try:
        send: Callable[..., openai.Stream[Any]] = client.chat.completions.create
        with with_retries(partial(send, **body), route, report) as sent:
            request_id, begun = error_messages.request_id(sent.response.headers), True
            yield Incoming(sse.chunks(sent.response.iter_bytes()), request_id)
    except UnicodeEncodeError:
        raise OptionError("a text holds half a character, which cannot be sent") from None
    except RequestFailed as error:  # from whoever reads the chunks, too
        error.request_id = error.request_id or request_id
        clear_frames(error.__traceback__)  # Python keeps the last error; what it was about is large
        raise
    except (openai.OpenAIError, httpx2.HTTPError, sse.ErrorEvent) as error:
        if isinstance(error, openai.NotFoundError):
            model_list.ask(route, client)  # to say which it has
        failed = error_messages.describe(error, route, request, begun)
        failed.request_id = failed.request_id or request_id
        cause = error if isinstance(failed, ConnectionFailed) else None
    if failed:  # out here, where the error is no context: a server's words may hold the key
        raise failed from cause
