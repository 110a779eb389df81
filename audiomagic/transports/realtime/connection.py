"""RealtimeConnection: a WebSocket on which the events of a session go both ways.

It is the official client's (`client.realtime.connect`), which does not count errors of the
`websockets` package among its own, and sends every server the headers that the environment means
for OpenAI's service: both are put right here.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from ... import redaction
from ...errors import ConnectionFailed, RequestFailed, RequestRejected, one_line
from ...protocol.error import ErrorBody
from ...protocol.realtime.events import Event
from ...protocol.request import Request
from ...protocol.sse import ErrorEvent
from .. import error_messages, model_list
from ..endpoint import Endpoint
from ..retry import worth_another_try

if TYPE_CHECKING:
    from openai.resources.realtime.realtime import RealtimeConnection as Connection

LARGEST_EVENT = 20_000_000  # bytes; those of the service hold 16 kB of sound
CONNECTING = 10.0  # seconds to wait for a connection
CLOSING = 1.0  # seconds to wait for the server's own goodbye
ENDED = (1000, 1001)  # codes with which a server closes on purpose
AGAIN = "say it again to go on in a new session"


class RealtimeConnection:
    """An open connection: one thread receives, any thread may send and close."""

    def __init__(self, connection: "Connection", endpoint: Endpoint, request: Request):
        self._connection, self._endpoint, self._request = connection, endpoint, request
        self._closed = False

    def send(self, event: Event) -> None:
        """Raises ConnectionFailed once the connection is gone."""
        from websockets.exceptions import WebSocketException

        try:
            self._connection.send(cast(Any, event))
        except (WebSocketException, OSError) as error:
            raise self._lost(error) from None

    def receive(self) -> bytes | None:
        """Wait for the next message; None once `close` was called.

        Raises ConnectionFailed where the server ends the session, or the connection is lost.
        """
        from websockets.exceptions import WebSocketException

        try:
            return self._connection.recv_bytes()
        except (WebSocketException, OSError, EOFError) as error:
            if self._closed:
                return None
            raise self._lost(error) from None

    def failure(self, error: object) -> RequestFailed:
        """Describe an error that the server sent: that of an event, or of a failed response."""
        body = error if isinstance(error, ErrorBody) else ErrorBody.of(error)
        return _described(ErrorEvent(body), self._endpoint, self._request, begun=True)

    def close(self) -> None:
        self._closed = True
        with suppress(Exception):  # it may be gone already, in whichever way
            self._connection.close()

    def _lost(self, error: Exception) -> ConnectionFailed:
        from websockets.exceptions import ConnectionClosed

        host, why = self._endpoint.host, ""
        frame = error.rcvd if isinstance(error, ConnectionClosed) else None
        if frame and frame.reason:
            why = f" ({redaction.without_pieces(one_line(frame.reason, 120))})"
        if frame and frame.code in ENDED:
            ended = ConnectionFailed(f"{host} ended the session{why}; {AGAIN}")
            ended.may_be_billed = False  # what it had not begun to answer, it did not read
            return ended
        return ConnectionFailed(f"the connection to {host} was lost{why}; {AGAIN}")


def connect(endpoint: Endpoint, request: Request, **options: Any) -> RealtimeConnection:
    """Open a connection for a session with the request's model.

    `options` are further ones of `websockets.sync.client.connect`. Raises RequestFailed, whose
    `retry_after` says whether another try may succeed.
    """
    import openai
    from websockets.exceptions import WebSocketException

    from ...protocol.http import OWN_HEADERS

    base_url = endpoint.base_url
    if endpoint.azure_version:  # its dated versions have none that is current
        base_url = f"{base_url.rstrip('/')}/v1"
    failed: RequestFailed
    cause: Exception | None = None
    key = endpoint.key or "none"  # without one, the client would take the environment's
    with openai.OpenAI(api_key=key, base_url=base_url, max_retries=0) as client:
        withheld = () if endpoint.in_environment else client.default_headers
        headers = {name: openai.omit for name in withheld if name.lower() not in OWN_HEADERS}
        bounds = {"max_size": LARGEST_EVENT, "compression": None}
        waiting = {"open_timeout": CONNECTING, "close_timeout": CLOSING}
        try:
            connection = client.realtime.connect(
                model=request.model,
                extra_headers={**headers, **endpoint.credentials},
                websocket_connection_options=cast(Any, {**bounds, **waiting, **options}),
            ).enter()
            return RealtimeConnection(connection, endpoint, request)
        except (ImportError, ValueError) as error:  # of a proxy that cannot be used
            failed, cause = error_messages.unusable_network(error, endpoint), error
        except (WebSocketException, OSError, EOFError) as error:
            failed = _refused(error, endpoint, request)
            cause = error if isinstance(failed, ConnectionFailed) else None
    # Out here, the error is not its context: a server's words may hold the key.
    raise failed from cause


def _refused(error: Exception, endpoint: Endpoint, request: Request) -> RequestFailed:
    """Describe why no connection came about; whatever it was, nothing is billed for it."""
    import httpx2
    import openai
    from websockets.exceptions import InvalidHandshake, InvalidStatus

    asked, told = httpx2.Request("GET", endpoint.base_url), error
    if isinstance(error, TimeoutError):
        told = openai.APITimeoutError(asked)
    elif isinstance(error, InvalidStatus):
        sent = error.response
        headers = list(sent.headers.raw_items())
        answer = httpx2.Response(
            sent.status_code, headers=headers, content=bytes(sent.body or b""), request=asked
        )
        told = openai.APIStatusError(str(error), response=answer, body=None)
    failed = _described(told, endpoint, request)
    failed.retry_after = worth_another_try(told)
    status = failed.status if isinstance(failed, RequestRejected) else None
    other = isinstance(error, InvalidHandshake) and not isinstance(error, InvalidStatus)
    if other or (status in (200, 404, 405, 426, 501) and failed.code is None):
        shown = f" ({status})" if status else ""
        line = f"{endpoint.host} does not serve the Realtime protocol at this address{shown}"
        failed = RequestRejected(f"{line}; name a server that does with --base-url", status)
    failed.may_be_billed = False
    return failed


def _described(
    error: Exception, endpoint: Endpoint, request: Request, begun: bool = False
) -> RequestFailed:
    failed = error_messages.describe(error, endpoint, request, begun)
    if endpoint.is_service and error_messages.blames_model(error):
        line = model_list.unknown(request.model, endpoint, realtime=True)
        refused = RequestRejected(line, failed.status, code=failed.code)
        refused.may_be_billed = False
        return refused
    return failed
