"""Answers `/v1/chat/completions`: reads a request; writes its answer, streamed or in one piece."""

import secrets
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain, islice
from typing import Any

from werkzeug.wrappers import Response

from ...protocol import notes
from ...protocol.chunk_writer import ChunkWriter
from ...protocol.response import Completion, Delta
from ..engine import MODEL, Engine
from ..pipeline import Pipeline
from ..tts import voices
from .audio_files import audio_file
from .chat_requests import read
from .errors import api_error
from .models import check_chat
from .replies import KEEP_ALIVE, event, events_reply, json_reply


class ChatCompletions:
    """Answers requests with an engine, and knows its spoken answers again for an hour."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._transcripts: dict[str, tuple[int, str]] = {}  # audio id -> (expires at, transcript)

    def create(self, data: bytes) -> Response:
        """Answer a request.

        What fails before the first word of an answer is raised, also where a stream was asked for,
        so that it gets its HTTP status. Raises APIError, AudiomagicError.
        """
        now = int(time.time())
        request = read(data, self._known_transcripts(now), tuple(voices()))
        check_chat(request.model)
        ids = "chatcmpl-" + secrets.token_hex(12), "audio_" + secrets.token_hex(16)
        writer = ChunkWriter(ids[0], MODEL, now, ids[1])
        pipeline = Pipeline(self._engine, request)
        deltas = pipeline.run()
        if not request.stream:
            whole = self._whole(pipeline, deltas, writer)
            return json_reply(whole | notes.written(pipeline.notes))
        first = list(islice(deltas, 1))
        chunks = self._chunks(pipeline, chain(first, deltas), writer)
        return events_reply(_events(deltas, chunks))

    def _known_transcripts(self, now: int) -> dict[str, str]:
        for key, (expires_at, _) in list(self._transcripts.items()):
            if expires_at <= now:
                self._transcripts.pop(key, None)
        return {key: words for key, (_, words) in list(self._transcripts.items())}

    def _chunks(
        self, pipeline: Pipeline, deltas: Iterable[Delta], writer: ChunkWriter
    ) -> Iterator[dict[str, Any] | None]:
        """Write the chunks of one answer, in the order of the service's own streams; None while
        there is nothing yet.
        """
        request = pipeline.request
        yield writer.opening()
        for delta in deltas:
            if delta == Delta():  # the model thinks
                yield None
            else:
                yield from writer.spoken(delta) if request.voice else [writer.text(delta.text)]
        if pipeline.calls:
            yield writer.calls(pipeline.calls)
        *before, last = self._ending(pipeline, writer)
        yield from before
        yield last | notes.written(pipeline.notes)

    def _ending(self, pipeline: Pipeline, writer: ChunkWriter) -> Iterator[dict[str, Any]]:
        request = pipeline.request
        if request.voice is None or pipeline.finish_reason != "stop" or not pipeline.text:
            yield writer.delta({}, pipeline.finish_reason)
        if request.usage:
            yield writer.chunk([], pipeline.usage)
        if request.voice and pipeline.text:
            self._keep(pipeline, writer)
            yield writer.expiry()

    def _whole(
        self, pipeline: Pipeline, deltas: Iterable[Delta], writer: ChunkWriter
    ) -> dict[str, Any]:
        request = pipeline.request
        pcm = b"".join(delta.pcm for delta in deltas)
        answer = Completion(
            pipeline.text,
            pcm,
            pipeline.finish_reason,
            usage=pipeline.usage,
            tool_calls=pipeline.calls,
        )
        if request.voice is None or pipeline.calls:
            return writer.whole(answer, None)
        self._keep(pipeline, writer)
        if request.format != "pcm16":
            # A cap may leave no room for a single word; but no file is without a sample.
            pcm = audio_file(pcm or b"\0\0", request.format)
        return writer.whole(answer, pcm)

    def _keep(self, pipeline: Pipeline, writer: ChunkWriter) -> None:
        self._transcripts[writer.audio_id] = (writer.expires_at, pipeline.text)


def _events(
    deltas: Generator[Delta, None, None], chunks: Iterable[dict[str, Any] | None]
) -> Iterator[bytes]:
    """Write a stream; close `deltas`, which stops the models, when its reader hangs up."""
    with closing(deltas):
        try:
            for chunk in chunks:
                yield KEEP_ALIVE if chunk is None else event(chunk)
        except Exception as error:  # too late for a status: the service sends it as an event
            yield event(api_error(error).wire())
        else:
            yield b"data: [DONE]\n\n"
