"""The engine's door: a WSGI app that speaks Chat Completions, in this process or over HTTP."""

import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..sound import Sound
from ..wire.answer import Answer, Envelope, Piece
from ..wire.reading import Refused, read
from ..wire.request import Request
from .engine import MODEL, Engine
from .mouth import voices
from .turn import End, Turn

LARGEST_BODY = 100_000_000  # bytes: an hour of mp3 in base64
REMEMBERED = 3600  # seconds that an answer may be referred to by its id, as at the service
Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class App:
    """Answer `/v1/chat/completions` and `/v1/models`; over HTTP only with `token`."""

    def __init__(self, engine: Engine, token: str | None = None):
        self._engine = engine
        self._token = token
        self._spoken: dict[str, tuple[int, str]] = {}  # audio id -> (expires at, transcript)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        try:
            self._admit(environ)
            status, kind, body = self._route(environ)
        except Refused as refused:
            status, kind, body = refused.status, "application/json", _json(refused.wire())
        start_response(
            f"{status} {'OK' if status == 200 else 'Refused'}",
            [("content-type", kind), ("x-request-id", "req_" + secrets.token_hex(16))],
        )
        return body

    def _admit(self, environ: Environ) -> None:
        if self._token is None:
            return
        host = environ.get("HTTP_HOST", "").rsplit(":", 1)[0]
        if host not in ("127.0.0.1", "localhost") or environ.get("HTTP_ORIGIN"):
            raise Refused("This server answers programs on this machine only.", None, None, 403)
        sent = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        if not hmac.compare_digest(sent.encode(), self._token.encode()):
            raise Refused("Incorrect API key provided.", None, "invalid_api_key", 401)

    def _route(self, environ: Environ) -> tuple[int, str, Iterable[bytes]]:
        match environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""):
            case "GET", "/v1/models":
                listed = {"object": "list", "data": [_model()]}
                return 200, "application/json", _json(listed)
            case "GET", path if path == f"/v1/models/{MODEL}":
                return 200, "application/json", _json(_model())
            case "POST", "/v1/chat/completions":
                return self._complete(_body(environ))
        raise Refused(
            f"Unknown request URL: {environ['REQUEST_METHOD']} "
            f"{environ.get('PATH_INFO', '')[:80]}.",
            None,
            "unknown_url",
            404,
        )

    def _complete(self, body: object) -> tuple[int, str, Iterable[bytes]]:
        now = int(time.time())
        self._spoken = {k: kept for k, kept in self._spoken.items() if kept[0] > now}
        spoken = {audio_id: transcript for audio_id, (_, transcript) in self._spoken.items()}
        request = read(body, spoken, tuple(voices()))
        letter = Envelope(
            "chatcmpl-" + secrets.token_hex(12), MODEL, now, "audio_" + secrets.token_hex(16)
        )
        if request.stream:
            return 200, "text/event-stream; charset=utf-8", self._stream(request, letter)
        return 200, "application/json", _json(self._whole(request, letter))

    def _stream(self, request: Request, letter: Envelope) -> Iterator[bytes]:
        """Write the events of one answer, in the order of the service's own streams."""
        words, end = "", None
        yield _event(letter.opening())
        for piece in Turn(self._engine, request).run():
            if isinstance(piece, End):
                end = piece
                break
            words += piece.words
            for chunk in letter.spoken(piece) if request.voice else [letter.text(piece.words)]:
                yield _event(chunk)
        assert end is not None
        if request.voice is None or end.finish != "stop":
            yield _event(letter.delta({}, end.finish))
        yield _event(letter.chunk([], end.usage))
        if request.voice:
            self._spoken[letter.audio_id] = (letter.expires_at, words)
            yield _event(letter.expiry())
        yield b"data: [DONE]\n\n"

    def _whole(self, request: Request, letter: Envelope) -> dict[str, Any]:
        words, pcm, end = "", b"", None
        for piece in Turn(self._engine, request).run():
            if isinstance(piece, Piece):
                words += piece.words
                pcm += piece.pcm
            else:
                end = piece
        assert end is not None
        answer = Answer(words, pcm, end.finish, usage=end.usage)
        if request.voice is None:
            return letter.whole(answer, None)
        self._spoken[letter.audio_id] = (letter.expires_at, words)
        file = pcm
        if request.format != "pcm16":
            ending = "ogg" if request.format == "opus" else request.format
            file = Sound.from_pcm16(pcm).encode(ending)
        return letter.whole(answer, file)


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
        raise Refused(f"A body of 1 to {LARGEST_BODY} bytes is expected.", None, None, 413)
    try:
        return json.loads(environ["wsgi.input"].read(size))
    except (ValueError, RecursionError) as error:
        raise Refused("We could not parse the JSON body of your request.", None, None) from error


def _json(value: object) -> list[bytes]:
    return [json.dumps(value).encode()]


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def serve(engine: Engine, port: int) -> None:
    """Serve on the loopback until interrupted; print the address and a fresh token."""
    import waitress

    token = "am-" + secrets.token_urlsafe(24)
    server = waitress.create_server(
        App(engine, token),
        host="127.0.0.1",
        port=port,
        threads=4,
        max_request_body_size=LARGEST_BODY,
        ident=None,
    )
    address = f"http://127.0.0.1:{server.effective_port}/v1"
    print(f"The local engine answers at {address} until Ctrl-C. For any OpenAI client:")
    print(f"  export OPENAI_BASE_URL={address}\n  export OPENAI_API_KEY={token}", flush=True)
    try:
        server.run()
    finally:
        server.close()
