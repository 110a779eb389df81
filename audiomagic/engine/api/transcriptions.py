"""Answers `POST /v1/audio/transcriptions`: what is said in an uploaded sound, and when."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request as HTTPRequest
from werkzeug.wrappers import Response

from ...errors import SoundError, one_line
from ...protocol.usage import AUDIO_IN_PER_SECOND
from ...sound import LONGEST, SHORTEST, Sound
from ..engine import Engine
from ..stt import Hints, Transcript
from .errors import APIError, missing
from .models import check_transcription
from .replies import event, events_reply, json_reply, reply

if TYPE_CHECKING:
    from faster_whisper.transcribe import Segment

LARGEST_UPLOAD = 25 * 2**20  # bytes, as the service takes
MOST_PARTS = 50  # of a form
LANGUAGES = {"en": "english"}  # which the service names so; others are named by their code
LISTS = ("timestamp_granularities",)  # fields that a form may hold several times


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: Annotated[str, Field(min_length=1)]
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] = "json"
    language: str | None = None
    prompt: Annotated[str, Field(max_length=10_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0
    timestamp_granularities: list[Literal["word", "segment"]] = []
    chunking_strategy: Literal["auto"] | None = None  # what the engine does with every sound
    stream: bool = False

    @property
    def hints(self) -> Hints:
        return Hints(self.language or None, self.prompt or None, self.temperature)

    @property
    def plain(self) -> bool:
        """Whether any recognizer can do it, a server's too."""
        written = self.response_format in ("json", "text") and not self.stream
        return written and self.hints == Hints()


def transcription(engine: Engine, request: HTTPRequest) -> Response:
    """Write down what is said in the `file` of a form. Raises APIError."""
    form, sound = _read(request)
    engine.load("stt", "llm")  # the language model counts the tokens
    _check(form, engine)
    if form.plain:
        return _plain(form, engine.stt.transcribe(sound), sound)
    by_word = "word" in form.timestamp_granularities
    found = engine.stt.transcript(sound, form.hints, by_word)
    if form.stream:
        return events_reply(_events(engine, found, sound))
    match form.response_format:
        case "srt":
            return reply(_srt(found).encode(), "application/x-subrip; charset=utf-8")
        case "vtt":
            return reply(_vtt(found).encode(), "text/vtt; charset=utf-8")
        case "verbose_json":
            return json_reply(_verbose(form, found, sound))
        case _:
            return _plain(form, found.text, sound)


def _read(request: HTTPRequest) -> tuple[_Form, Sound]:
    if request.mimetype != "multipart/form-data":
        line = "Content-Type must be 'multipart/form-data', with the sound as its 'file'."
        raise APIError(line, None, None, 400)
    request.max_content_length, request.max_form_parts = LARGEST_UPLOAD, MOST_PARTS
    fields: dict[str, Any] = {}
    try:
        sent = request.form
    except RequestEntityTooLarge:
        line = f"Maximum content size limit ({LARGEST_UPLOAD}) exceeded, or that of its fields."
        raise APIError(line, "file", None, 413) from None
    if "file" in sent:
        raise APIError("Invalid 'file': an upload has a file name.", "file", "invalid_type")
    for name, values in sent.lists():
        name = name.removesuffix("[]")
        fields[name] = values if name in LISTS else values[-1]
    try:
        form = _Form.model_validate(fields)
    except ValidationError as error:
        raise APIError.of(error) from None
    check_transcription(form.model)
    if (file := request.files.get("file")) is None:
        raise missing("file")
    try:
        sound = Sound.decode(file.read())
    except SoundError as error:
        raise APIError(f"Invalid 'file': {one_line(error)}.", "file") from error
    if sound.seconds < SHORTEST:
        line = "Audio file is too short. Minimum audio length is 0.1 seconds."
        raise APIError(line, "file", "audio_too_short")
    if sound.seconds > LONGEST:  # a small file may hold hours, which take gigabytes to recognise
        line = f"Audio file is too long. Maximum audio length is {LONGEST} seconds."
        raise APIError(line, "file", "audio_too_long", 413)
    return form, sound


def _check(form: _Form, engine: Engine) -> None:
    """Refuse what would be ignored."""
    languages = engine.stt.languages
    if form.timestamp_granularities and form.response_format != "verbose_json":
        name = "timestamp_granularities"
        raise APIError(f"'{name}' requires response_format 'verbose_json'.", name)
    if form.stream and form.response_format != "json":
        raise APIError("'stream' requires response_format 'json'.", "stream")
    if languages is None and not form.plain:
        line = "Speech recognition on a server tells no times, and takes no hints; leave them out."
        raise APIError(line, "response_format", "unsupported_value")
    if form.language and form.language not in (languages or ()):
        known = ", ".join(languages or ())
        line = f"'{one_line(form.language, 20)}' is not one of its languages: {known}."
        raise APIError(f"Invalid 'language': {line}", "language")


def _plain(form: _Form, text: str, sound: Sound) -> Response:
    if form.response_format == "text":
        return reply(text.encode() + b"\n", "text/plain; charset=utf-8")
    return json_reply({"text": text, "usage": _duration(sound)})


def _duration(sound: Sound) -> dict[str, Any]:
    return {"type": "duration", "seconds": math.ceil(sound.seconds)}


def _verbose(form: _Form, found: Transcript, sound: Sound) -> dict[str, Any]:
    answer = {
        "task": "transcribe",
        "language": LANGUAGES.get(found.language, found.language),
        "duration": round(sound.seconds, 2),
        "text": found.text,
        "usage": _duration(sound),
    }
    wanted = form.timestamp_granularities or ["segment"]
    if "segment" in wanted:
        answer["segments"] = [_segment(i, each) for i, each in enumerate(found.segments)]
    if "word" in wanted:
        answer["words"] = [
            {"word": word.word.strip(), "start": word.start, "end": word.end}
            for segment in found.segments
            for word in segment.words or ()
        ]
    return answer


def _segment(index: int, segment: "Segment") -> dict[str, Any]:
    fields = asdict(segment)
    del fields["words"]
    return fields | {"id": index}


def _events(engine: Engine, found: Transcript, sound: Sound) -> Iterator[bytes]:
    for index, segment in enumerate(found.segments):
        text = " " * (index > 0) + segment.text.strip()
        yield _event("transcript.text.delta", delta=text)
    heard, written = round(sound.seconds * AUDIO_IN_PER_SECOND), engine.count(found.text)
    usage = {
        "type": "tokens",
        "input_tokens": heard,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
        "output_tokens": written,
        "total_tokens": heard + written,
    }
    yield _event("transcript.text.done", text=found.text, usage=usage)


def _event(kind: str, **fields: Any) -> bytes:
    return event({"type": kind} | fields, kind)


def _srt(found: Transcript) -> str:
    return "".join(f"{i}\n{_cue(each, ',')}" for i, each in enumerate(found.segments, 1))


def _vtt(found: Transcript) -> str:
    return "WEBVTT\n\n" + "".join(_cue(each, ".") for each in found.segments)


def _cue(segment: "Segment", point: str) -> str:
    text = segment.text.strip().replace("-->", "->")
    return f"{_time(segment.start, point)} --> {_time(segment.end, point)}\n{text}\n\n"


def _time(seconds: float, point: str) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02}{point}{milliseconds:03}"
