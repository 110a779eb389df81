"""A Realtime server on the loopback, scripted, that follows the contract.

It checks what the service checks and sends what it sends, in its order, for a client that uses the
official one. A test may script answers and faults, and have it speak another server's dialect.

    with RealtimeServer() as server:
        server.hears("How are you?")  # if the session has the user's sound transcribed
        server.say("Fine.", pcm)
        client = OpenAI(base_url=server.url, api_key=KEY, max_retries=0)
        with client.realtime.connect(model="gpt-realtime-2.1") as connection: ...
        server.received, server.bill

An answer is made on a thread of its own, and sent at once, unless it waits: with `pause` seconds
after each delta, or with `gate="response.cancel"` for that event of the client's. Whatever else a
server may do is for a script, which gets the `Response`: `server.then(lambda response: ...)`; its
`response.wire`, as each session's, sends any event, and ends the connection in any way.
"""

import json
import threading
from collections.abc import Callable
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.http11 import Response as HttpResponse
from websockets.sync.server import ServerConnection, serve

from .fake_server import KEY
from .realtime_dialects import OPENAI, Dialect, Event
from .realtime_response import COUNTED, Response
from .realtime_session import Script, Session, Transcript
from .realtime_wire import PATIENCE, Wire


class RealtimeServer:
    """The server: `url`, what it `received`, its `bill`, and queues of answers and transcripts."""

    def __init__(self, dialect: Dialect = OPENAI):
        self.dialect = dialect
        self.greets = True  # otherwise it says nothing at all
        self.sessions: list[Session] = []  # in order; each has `settings`, `conversation`, `wire`
        self.received: list[Event] = []  # the clients' events in order, of all connections
        self.refused: list[int] = []  # statuses of refused handshakes
        self.bills: list[Decimal] = []  # US dollars, of each response and each transcript
        self._scripts: list[Script] = []
        self._transcripts: list[Transcript] = []
        self._refusals: list[tuple[int, Any]] = []
        self._failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()

    def __enter__(self) -> "RealtimeServer":
        self._server = serve(
            self._serve, "127.0.0.1", 0, process_request=self._admit, compression=None,
            max_size=None, max_queue=None, close_timeout=1, ping_interval=None,
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{self._server.socket.getsockname()[1]}/v1"
        self._listener = threading.Thread(target=self._server.serve_forever)
        self._listener.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._server.shutdown()
        self._listener.join()
        for session in list(self.sessions):
            session.wire.close(1001, "The test has ended.")
        for thread in list(self._threads):
            thread.join()
        for failure in self._failures:
            if error is None:
                raise failure
            error.add_note(f"The server failed, too: {failure!r}")

    # -- what happened ------------------------------------------------------------------------
    @property
    def bill(self) -> Decimal:
        """US dollars for all that was made, whoever was there to hear it."""
        return sum(self.bills, Decimal(0))

    def of(self, kind: str) -> list[Event]:
        """The clients' events of a type, so far."""
        return [event for event in self.received if event.get("type") == kind]

    def wait_for(self, kind: str, count: int = 1) -> Event:
        """Wait until that many client events of a type have come, and return the last of them."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self.of(kind)) >= count, PATIENCE)
        assert came, f"{len(self.of(kind))} of {count} {kind} came within {PATIENCE} s."
        return self.of(kind)[count - 1]

    def wait_for_session(self) -> Session:
        """The first one, once there is one."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.sessions, PATIENCE), "nobody has connected"
        return self.sessions[0]

    # -- scripting ----------------------------------------------------------------------------
    def then(self, script: Script) -> None:
        """Answer the next response so; without a script, a response fails."""
        self._scripts.append(script)

    def say(
        self, words: str, pcm: bytes = b"", *, cached: int = 0, usage: Any = COUNTED,
        done_after: str | None = None, **how: Any,
    ) -> None:  # fmt: skip
        """Answer in speech, or in text where that is asked for; `how`: see `Response.say`.

        `cached` are tokens of those read; `usage` is told instead of what was counted. With
        `done_after`, a client event's type, the response is done after that, even if cancelled.
        """

        def script(response: Response) -> None:
            response.cached, response.usage = cached, usage
            try:
                response.say(words, pcm, **how)
            finally:
                if done_after:
                    response.wait_for(done_after, even_cancelled=True)

        self.then(script)

    def call(
        self, *calls: tuple[str, Any], saying: tuple[str, bytes] | None = None, **how: Any
    ) -> None:
        """Answer with function calls, (name, arguments), behind a spoken commentary if any.

        Arguments that are a str go as they are; `how`: see `Response.call`.
        """

        def script(response: Response) -> None:
            if saying:
                response.say(*saying, phase="commentary")
            for name, arguments in calls:
                wired = arguments if isinstance(arguments, str) else json.dumps(arguments)
                response.call(name, wired, **how)

        self.then(script)

    def fail(self, code: str, message: str, kind: str = "invalid_request_error") -> None:
        """Have the next response fail: `insufficient_quota` and its like."""
        error = {"type": kind, "code": code, "message": message}
        self.then(lambda response: response.end("failed", error=error))

    def hears(self, words: str, when: str = "early", item_id: str | None = None) -> None:
        """Recognise the next user's sound so; see `Transcript`."""
        self._transcripts.append(Transcript(words, when, item_id))

    def refuse(self, status: int, code: str, message: str) -> None:
        """Refuse the next handshake."""
        self._refusals.append((status, _error(code, message)))

    # -- serving ------------------------------------------------------------------------------
    def _admit(self, connection: ServerConnection, request: Request) -> HttpResponse | None:
        path = request.path.partition("?")[0]
        refusal: tuple[int, Any] | None = None
        if path != "/v1/realtime":
            refusal = (404, _error("not_found", f"Invalid URL (GET {path})"))
        elif request.headers.get("authorization") != f"Bearer {KEY}":
            words = (
                "Incorrect API key provided: sk-proj-****wxyz. You can find your API key at "
                "https://platform.openai.com/account/api-keys."
            )
            refusal = (401, _error("invalid_api_key", words))
        elif self._refusals:
            refusal = self._refusals.pop(0)
        if refusal is None:
            return None
        status, error = refusal
        self.refused.append(status)
        body = json.dumps(error).encode()
        headers = Headers({"content-type": "application/json", "content-length": str(len(body))})
        return HttpResponse(status, HTTPStatus(status).phrase, headers, body)

    def _serve(self, connection: ServerConnection) -> None:
        self._threads.append(threading.current_thread())
        wire = Wire(connection, self.dialect, self._log)
        session = Session(
            wire, self.dialect, self._next_script, self._next_transcript, self.bills.append,
            self._guard,
        )  # fmt: skip
        with self._changed:
            self.sessions.append(session)
            self._changed.notify_all()
        if self.greets:
            self._guard(wire, session.run)
        else:
            self._guard(wire, lambda: wire.receive(lambda event: None))

    def _log(self, event: Event) -> None:
        with self._changed:
            self.received.append(event)
            self._changed.notify_all()

    def _guard(self, wire: Wire, run: Callable[[], None]) -> None:
        """Keep what fails on a thread, for the test that would not see it, and hang up."""
        try:
            run()
        except Exception as failure:
            self._failures.append(failure)
            wire.abort()

    def _next_script(self) -> Script:
        return self._scripts.pop(0) if self._scripts else _unscripted

    def _next_transcript(self) -> Transcript:
        return self._transcripts.pop(0) if self._transcripts else Transcript("")


def _unscripted(response: Response) -> None:
    error = {"type": "server_error", "code": None, "message": "The test scripted no answer."}
    response.end("failed", error=error)


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None,
                      "code": code}}  # fmt: skip
