"""The engine as a WSGI app that speaks OpenAI's API, in this process or over HTTP."""

import secrets
import time
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request as HTTPRequest
from werkzeug.wrappers import Response

from ..errors import one_line
from ..protocol.chunk_writer import ChunkWriter
from ..protocol.request import Request
from ..protocol.response import Completion, Delta
from ..sound import Sound
from .api_errors import APIError, api_error
from .api_models import CARD, card
from .api_replies import error_reply, event, events_reply, json_reply
from .api_requests import read
from .api_responses import Responses
from .api_speech import speech
from .api_transcriptions import transcription
from .engine import MODEL, Engine
from .pipeline import Pipeline
from .tts import voices

ROUTES = Map(
    [
        Rule("/v1/models", methods=["GET"], endpoint="models"),
        Rule("/v1/models/<path:model>", methods=["GET"], endpoint="model"),
        Rule("/v1/chat/completions", methods=["POST"], endpoint="chat"),
        Rule("/v1/audio/speech", methods=["POST"], endpoint="speech"),
        Rule("/v1/audio/transcriptions", methods=["POST"], endpoint="transcription"),
        Rule("/v1/responses", methods=["POST"], endpoint="respond"),
        Rule("/v1/responses/<response_id>", methods=["GET"], endpoint="response"),
        Rule("/v1/responses/<response_id>", methods=["DELETE"], endpoint="forget"),
    ],
    merge_slashes=False,
)


class App:
    """Answers OpenAI's API: chat completions, responses, speech, transcriptions and models."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._responses = Responses(engine)
        self._transcripts: dict[str, tuple[int, str]] = {}  # audio id -> (expires at, transcript)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            response = self._answer(HTTPRequest(environ))
        except Exception as error:  # whatever it is, the client is told in the protocol's shape
            response = error_reply(error)
        return response(environ, start_response)

    def _answer(self, request: HTTPRequest) -> Response:
        try:
            endpoint, named = ROUTES.bind("engine").match(request.path, request.method)
        except NotFound:
            url = one_line(f"{request.method} {request.path}", 80)
            line = f"Unknown request URL: {url}."
            raise APIError(line, None, "unknown_url", 404) from None
        match endpoint:
            case "models":
                return json_reply({"object": "list", "data": [CARD]})
            case "model":
                return json_reply(card(**named))
            case "chat":
                return self._complete(request.get_data())
            case "speech":
                return speech(self._engine, request.get_data())
            case "transcription":
                return transcription(self._engine, request)
            case "respond":
                return self._responses.create(request.get_data())
            case "response":
                return self._responses.retrieve(**named)
            case _:
                return self._responses.forget(**named)

    def _complete(self, body: bytes) -> Response:
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
            return events_reply(self._stream(pipeline, request, writer))
        return json_reply(self._whole(pipeline, request, writer))

    def _stream(self, pipeline: Pipeline, request: Request, writer: ChunkWriter) -> Iterator[bytes]:
        """Write the events of one answer, in the order of the service's own streams."""
        yield event(writer.opening())
        try:
            for delta in pipeline.run():
                chunks = writer.spoken(delta) if request.voice else [writer.text(delta.text)]
                for chunk in chunks if delta != Delta() else [writer.chunk([])]:
                    yield event(chunk)
        except Exception as error:  # too late for a status: the service sends it as an event
            yield event(api_error(error).wire())
            return
        if pipeline.calls:
            yield event(writer.calls(pipeline.calls))
        if request.voice is None or pipeline.finish_reason != "stop" or not pipeline.text:
            yield event(writer.delta({}, pipeline.finish_reason))
        if request.usage:
            yield event(writer.chunk([], pipeline.usage))
        if request.voice and pipeline.text:
            self._transcripts[writer.audio_id] = (writer.expires_at, pipeline.text)
            yield event(writer.expiry())
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
