"""Answers `POST /v1/audio/speech`: a text, read aloud.

Its `instructions` are a style, and followed as far as the engine's voices can.
"""

import base64
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from werkzeug.wrappers import Response

from ...errors import one_line
from ...protocol.usage import AUDIO_OUT_PER_SECOND
from ...sound import pcm16_seconds
from ..engine import Engine
from ..style import Style
from ..text_normalization import speakable
from ..tts import voices
from .audio_files import audio_file
from .errors import APIError, api_error
from .models import check_speech
from .replies import event, events_reply, reply

LONGEST_INPUT = 4096  # characters, as the service takes
BLOCK = 48_000  # bytes of sound in one event: a second of pcm
MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    model: Annotated[str, Field(min_length=1)]
    input: Annotated[str, Field(min_length=1, max_length=LONGEST_INPUT)]
    voice: str
    instructions: str | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = None
    speed: Annotated[float, Field(ge=0.25, le=2)] | None = None  # what the model can do
    stream_format: Literal["audio", "sse"] | None = None

    @property
    def form(self) -> str:
        return self.response_format or "mp3"

    @field_validator("voice", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        return value.get("id") if isinstance(value, dict) else value


def speech(engine: Engine, data: bytes) -> Response:
    """Speak the text of a request: `pcm` sentence by sentence, files whole. Raises APIError."""
    try:
        body = _Body.model_validate_json(data)
    except ValidationError as error:
        raise APIError.of(error) from None
    check_speech(body.model)
    if body.voice not in voices():
        known = f"'{one_line(body.voice, 60)}' is not one of {', '.join(voices())}."
        raise APIError(f"Invalid 'voice': {known}", "voice")
    text = speakable(body.input)
    if not text:
        raise APIError("Invalid 'input': there is nothing to pronounce.", "input")
    engine.load("tts", "llm")  # the language model counts the tokens
    spoken = _Speech(engine, text, body)
    if body.stream_format == "sse":
        return events_reply(spoken.events())
    sound = spoken.data()
    return reply(sound if body.form == "pcm" else b"".join(sound), MEDIA_TYPES[body.form])


class _Speech:
    """A text that is spoken once, as `data` or as `events`."""

    def __init__(self, engine: Engine, text: str, body: _Body):
        self._engine = engine
        self._text = text
        self._body = body
        self._seconds = 0.0

    def events(self) -> Iterator[bytes]:
        """Yield the events of the service's own streams."""
        try:
            for data in self.data():
                for start in range(0, len(data), BLOCK):
                    block = base64.b64encode(data[start : start + BLOCK]).decode()
                    yield _event("speech.audio.delta", audio=block)
        except Exception as error:  # too late for a status
            yield event(api_error(error).wire())
            return
        read, made = self._engine.count(self._text), round(self._seconds * AUDIO_OUT_PER_SECOND)
        usage = {"input_tokens": read, "output_tokens": made, "total_tokens": read + made}
        yield _event("speech.audio.done", usage=usage)

    def data(self) -> Iterator[bytes]:
        """Yield the sound in the format asked for: each sentence of `pcm`, or a whole file."""
        if self._body.form == "pcm":
            yield from self._pcm()
        else:
            yield audio_file(b"".join(self._pcm()), self._body.form)

    def _pcm(self) -> Iterator[bytes]:
        tts, body = self._engine.tts, self._body
        prosody = Style.of(body.instructions or "").prosody.paced(body.speed or 1)
        for sentence in tts.sentences(self._text):
            pcm = tts.synthesize(sentence.strip(), body.voice, prosody).pcm16()
            self._seconds += pcm16_seconds(pcm)
            yield pcm


def _event(kind: str, **fields: object) -> bytes:
    return event({"type": kind} | fields, kind)
