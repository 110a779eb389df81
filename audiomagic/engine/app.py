"""The engine as a WSGI app that speaks Chat Completions, in this process or over HTTP."""

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

from ..errors import LONGEST_MESSAGE, AudiomagicError, one_line
from ..protocol.chunk_writer import ChunkWriter
from ..protocol.error import EXPLAINED
from ..protocol.request import Request
from ..protocol.response import Completion, Delta
from ..sound import Sound
from .api_errors import APIError
from .api_requests import read
from .engine import MODEL, Engine
from .pipeline import Pipeline
from .tts import voices

JSON = "application/json"
Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class App:
    """Answers `/v1/chat/completions` and `/v1/models`."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._transcripts: dict[str, tuple[int, str]] = {}  # audio id -> (expires at, transcript)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            kind, body = self._answer(environ)
        except (APIError, AudiomagicError) as error:
            return respond(error, start_response)
        _start(start_response, 200, kind)
        return body

    def _answer(self, environ: Environ) -> tuple[str, Iterable[bytes]]:
        match environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""):
            case "GET", "/v1/models":
                model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "audiomagic"}
                return JSON, _json({"object": "list", "data": [model]})
            case "POST", "/v1/chat/completions":
                return self._complete(environ["wsgi.input"].read())
            case method, path:
                url = one_line(f"{method} {path}", 80)
                raise APIError(f"Unknown request URL: {url}.", None, "unknown_url", 404)

    def _complete(self, body: bytes) -> tuple[str, Iterable[bytes]]:
        now = int(time.time())
        for key, (expires_at, _) in list(self._transcripts.items()):
            if expires_at <= now:
                self._transcripts.pop(key, None)
        transcripts = {key: words for key, (_, words) in list(self._transcripts.items())}
        request = read(body, transcripts, tuple(voices()))
        ids = "chatcmpl-" + secrets.token_hex(12), "audio_" + secrets.token_hex(16)
        writer = ChunkWriter(ids[0], MODEL, now, ids[1])
        pipeline = Pipeline(self._engine, request)
        if request.stream:
            return "text/event-stream; charset=utf-8", self._stream(pipeline, request, writer)
        return JSON, _json(self._whole(pipeline, request, writer))

    def _stream(self, pipeline: Pipeline, request: Request, writer: ChunkWriter) -> Iterator[bytes]:
        """Write the events of one answer, in the order of the service's own streams."""
        yield _event(writer.opening())
        try:
            for delta in pipeline.run():
                chunks = writer.spoken(delta) if request.voice else [writer.text(delta.text)]
                for chunk in chunks if delta != Delta() else [writer.chunk([])]:
                    yield _event(chunk)
        except Exception as error:  # too late for a status: the service sends it as an event
            yield _event(_api_error(error).wire())
            return
        if pipeline.calls:
            yield _event(writer.calls(pipeline.calls))
        if request.voice is None or pipeline.finish_reason != "stop" or not pipeline.text:
            yield _event(writer.delta({}, pipeline.finish_reason))
        if request.usage:
            yield _event(writer.chunk([], pipeline.usage))
        if request.voice and pipeline.text:
            self._transcripts[writer.audio_id] = (writer.expires_at, pipeline.text)
            yield _event(writer.expiry())
        yield b"data: [DONE]\n\n"

    def _whole(self, pipeline: Pipeline, request: Request, writer: ChunkWriter) -> dict[str, Any]:
        pcm = b"".join(delta.pcm for delta in pipeline.run())
        answer = Completion(
            pipeline.text,
            pcm,
            pipeline.finish_reason,
            usage=pipeline.usage,
            tool_calls=pipeline.calls,
        )
        if request.voice is None or pipeline.calls:
            return writer.whole(answer, None)
        self._transcripts[writer.audio_id] = (writer.expires_at, pipeline.text)
        ending = {"opus": "ogg"}.get(request.format, request.format)
        file = pcm if ending == "pcm16" else Sound.from_pcm16(pcm).encode(ending)
        return writer.whole(answer, file)


def respond(error: Exception, start_response: StartResponse) -> list[bytes]:
    """Answer a request with an error."""
    failed = _api_error(error)
    _start(start_response, failed.status, JSON)
    return _json(failed.wire())


def _api_error(error: Exception) -> APIError:
    if isinstance(error, APIError):
        return error
    code = EXPLAINED if isinstance(error, AudiomagicError) else None
    return APIError(one_line(error, LONGEST_MESSAGE), None, code, 500)


def _start(start_response: StartResponse, status: int, kind: str) -> None:
    headers = [("content-type", kind), ("x-request-id", "req_" + secrets.token_hex(16))]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)


def _json(value: object) -> list[bytes]:
    return [json.dumps(value).encode()]


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"
