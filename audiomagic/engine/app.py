"""The engine as a server: a WSGI app that speaks Chat Completions, here or over HTTP (see door)."""

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import one_line
from ..protocol.chunks import ChunkWriter
from ..protocol.request import Request
from ..protocol.response import Completion
from ..sound import Sound
from .api_errors import APIError
from .api_requests import read
from .engine import MODEL, Engine
from .pipeline import Pipeline
from .tts import voices

LARGEST_BODY = 100_000_000  # bytes: an hour of mp3 in base64
Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class App:
    """Completion `/v1/chat/completions` and `/v1/models`."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._spoken: dict[str, tuple[int, str]] = {}  # audio id -> (expires at, transcript)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Completion one request (WSGI)."""
        try:
            status, kind, body = self._route(environ)
        except APIError as refused:
            status, kind, body = refused.status, "application/json", _json(refused.wire())
        start_response(
            f"{status} {'OK' if status == 200 else 'APIError'}",
            [("content-type", kind), ("x-request-id", "req_" + secrets.token_hex(16))],
        )
        return body

    def _route(self, environ: Environ) -> tuple[int, str, Iterable[bytes]]:
        match environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""):
            case "GET", "/v1/models":
                listed = {"object": "list", "data": [_model()]}
                return 200, "application/json", _json(listed)
            case "GET", path if path == f"/v1/models/{MODEL}":
                return 200, "application/json", _json(_model())
            case "POST", "/v1/chat/completions":
                return self._complete(_body(environ))
        raise APIError(
            f"Unknown request URL: {environ['REQUEST_METHOD']} "
            f"{environ.get('PATH_INFO', '')[:80]}.",
            None,
            "unknown_url",
            404,
        )

    def _complete(self, body: object) -> tuple[int, str, Iterable[bytes]]:
        now = int(time.time())
        spoken = {key: words for key, (until, words) in list(self._spoken.items()) if until > now}
        request = read(body, spoken, tuple(voices()))
        letter = ChunkWriter(
            "chatcmpl-" + secrets.token_hex(12), MODEL, now, "audio_" + secrets.token_hex(16)
        )
        turn = Pipeline(self._engine, request)
        if request.stream:
            return 200, "text/event-stream; charset=utf-8", self._stream(turn, request, letter)
        return 200, "application/json", _json(self._whole(turn, request, letter))

    def _stream(self, turn: Pipeline, request: Request, letter: ChunkWriter) -> Iterator[bytes]:
        """Write the events of one answer, in the order of the service's own streams."""
        yield _event(letter.opening())
        try:
            for piece in turn.run():
                for chunk in letter.spoken(piece) if request.voice else [letter.text(piece.text)]:
                    yield _event(chunk)
        except Exception as error:  # too late for a status: the service sends it as an event
            told = error.wire() if isinstance(error, APIError) else letter.failure(one_line(error))
            yield _event(told)
            return
        if turn.calls:
            yield _event(letter.calls(turn.calls))
        if request.voice is None or turn.finish != "stop":
            yield _event(letter.delta({}, turn.finish))
        if request.usage:
            yield _event(letter.chunk([], turn.usage))
        if request.voice and turn.text:
            self._remember(turn, letter)
            yield _event(letter.expiry())
        yield b"data: [DONE]\n\n"

    def _whole(self, turn: Pipeline, request: Request, letter: ChunkWriter) -> dict[str, Any]:
        pcm = b"".join(piece.pcm for piece in turn.run())
        answer = Completion(turn.text, pcm, turn.finish, usage=turn.usage, tool_calls=turn.calls)
        if request.voice is None or turn.calls:
            return letter.whole(answer, None)
        self._remember(turn, letter)
        ending = {"opus": "ogg"}.get(request.format, request.format)
        file = pcm if ending == "pcm16" else Sound.from_pcm16(pcm).encode(ending)
        return letter.whole(answer, file)

    def _remember(self, turn: Pipeline, letter: ChunkWriter) -> None:
        """Keep what was said under its id, and forget what has expired."""
        for key, (until, _) in list(self._spoken.items()):
            if until <= letter.created:
                self._spoken.pop(key, None)
        self._spoken[letter.audio_id] = (letter.expires_at, turn.text)


def _model() -> dict[str, Any]:
    return {
        "id": MODEL,
        "object": "model",
        "created": 0,
        "owned_by": "audiomagic",
        "shutdown_date": None,
    }


def _body(environ: Environ) -> object:
    try:
        size = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        size = -1
    if not 0 < size <= LARGEST_BODY:
        raise APIError(f"A body of 1 to {LARGEST_BODY} bytes is expected.", None, None, 413)
    sent = environ["wsgi.input"].read(size)
    try:
        body = json.loads(sent)
        if b"\\ud" in sent.lower():  # half a character, perhaps, which nothing behind here can take
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise APIError("We could not parse the JSON body of your request.", None, None) from error
    return body


def _json(value: object) -> list[bytes]:
    return [json.dumps(value).encode()]


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def serve(engine: Engine, port: int) -> None:
    """Serve on the loopback until interrupted; print the address and a fresh token."""
    from .http_server import create_server

    token = "am-" + secrets.token_urlsafe(24)
    server = create_server(App(engine), port, token, LARGEST_BODY)
    address = f"http://127.0.0.1:{server.effective_port}/v1"
    print(f"The local engine answers at {address} until Ctrl-C. For any OpenAI client:")
    print(f"  export OPENAI_BASE_URL={address}\n  export OPENAI_API_KEY={token}", flush=True)
    try:
        server.run()
    finally:
        server.close()
