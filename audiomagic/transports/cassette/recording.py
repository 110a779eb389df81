"""Recording: one exchange, built from the chunks of a stream and turned into them again."""

import hashlib
import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from ... import redaction
from ...errors import LONGEST_QUOTE, CassetteError, one_line
from ...protocol import notes
from ...protocol.chunk_writer import ChunkWriter
from ...protocol.realtime.transcripts import Transcript
from ...protocol.request import Request
from ...protocol.response import LONGEST_TEXT, Delta, ResponseAccumulator
from ...protocol.tool_calls import MOST_CALLS, ToolCall
from ...protocol.usage import Usage
from ..cancellation import sleep
from .fingerprint import ONE_FAULT, Fingerprint

FORMAT = 1  # the newest that is understood
LARGEST = 4_000_000  # bytes of JSON: the longest conversation that a model takes is some 600,000
LONGEST_WAIT = 3600.0  # seconds that a replay may keep anybody waiting
NUMBERS = re.compile(r"\[\n[\s\d.,]+\]")  # an array of numbers, a line each

Seconds = Annotated[float, Field(ge=0, le=LONGEST_WAIT)]
Note = Annotated[str, Field(max_length=LONGEST_QUOTE)]
Notes = Annotated[tuple[Note, ...], ONE_FAULT, Field(max_length=notes.MOST)]
Arrival = tuple[Seconds, NonNegativeInt, NonNegativeInt]


@dataclass(frozen=True)
class RecordedAnswer:
    """An answer; its sound, 24 kHz mono pcm16, is kept apart."""

    model: str | None
    finish_reason: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    tool_calls: Annotated[tuple[ToolCall, ...], ONE_FAULT, Field(max_length=MOST_CALLS)]
    usage: Usage | None
    sound: str | None  # SHA-256 of the pcm16
    seconds: Seconds  # from the request to the end
    # What was understood of a spoken question, where another model writes it down.
    question: Annotated[str, Field(max_length=LONGEST_TEXT)] | None = field(
        default=None, kw_only=True
    )
    notes: Notes = field(default=(), kw_only=True)  # of the engine that answered
    # Seconds since the request, and how many characters and samples came then.
    arrivals: Annotated[tuple[Arrival, ...], ONE_FAULT]

    def chunks(self, pcm: bytes, pace: bool) -> Iterator[dict[str, Any]]:
        # Without an audio id: the service forgot it an hour after it was made.
        writer = ChunkWriter("replay", self.model or "", 0, audio_id="")
        began, text = time.perf_counter(), self.text
        yield writer.opening()
        # Whatever no arrival accounts for, as in a text that was edited, comes at the end.
        for seconds, characters, samples in (*self.arrivals, (self.seconds, len(text), len(pcm))):
            if pace:
                sleep(began + seconds - time.perf_counter())
            if self.sound:  # sound first: text is marked by the sound that was there before
                yield from writer.spoken(Delta(pcm=pcm[: 2 * samples]))
                yield from writer.spoken(Delta(text[:characters]))
            else:
                yield writer.text(text[:characters])
            text, pcm = text[characters:], pcm[2 * samples :]
        if self.tool_calls:
            yield writer.calls(self.tool_calls)
        yield writer.delta({}, self.finish_reason)
        yield writer.chunk([], self.usage) | notes.written(self.notes)
        if self.question:
            yield Transcript(self.question).chunk()


class Recording(BaseModel):
    """One exchange; see the package for its JSON."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)

    format: Annotated[int, Field(ge=1, le=FORMAT)]
    recorded: AwareDatetime
    request: Fingerprint
    answer: RecordedAnswer

    @classmethod
    def decode(cls, data: bytes, name: str) -> "Recording":
        """Read and check JSON; `name` is for messages. Raises CassetteError."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
        place = one_line(".".join(map(str, fault["loc"])) or "the whole", 80)
        if place == "format" and fault["type"] == "less_than_equal":
            raise CassetteError(f"{name} is of a newer audiomagic; pip install -U audiomagic")
        raise CassetteError(f"{name} is damaged: {place}: {one_line(fault['msg'], 80)}")

    def encode(self) -> bytes:
        """Write JSON for people to read. Raises CassetteError where it could not be read again."""
        plain = self.model_dump(mode="json", exclude_defaults=True, warnings=False)
        text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
        text = NUMBERS.sub(lambda array: f"[{' '.join(array[0][1:-1].split())}]", text)
        if redaction.has_key(text):
            raise CassetteError("this exchange holds an API key; not kept")
        data = text.encode("utf-8", "replace")
        if len(data) > LARGEST:
            raise CassetteError(f"this exchange is larger than {LARGEST // 1_000_000} MB; not kept")
        self.decode(data, "this exchange")
        return data


@dataclass
class RecordingBuilder:
    """Follows a stream from its request on; `began` is on the clock of `time.perf_counter`."""

    began: float
    _accumulator: ResponseAccumulator = field(default_factory=ResponseAccumulator)
    _text: list[str] = field(default_factory=list)
    _arrivals: list[Arrival] = field(default_factory=list)
    _question: str | None = None

    def follow(self, chunks: Iterable[Any]) -> Iterator[Any]:
        for chunk in chunks:
            self._note(self._accumulator.add(chunk))
            if transcript := Transcript.of_chunk(chunk):
                self._question = transcript.words
            yield chunk
        self._note(self._accumulator.end())

    def _note(self, delta: Delta) -> None:
        if delta.text or delta.pcm:
            self._text.append(delta.text)
            self._arrivals.append((self._now(), len(delta.text), len(delta.pcm) // 2))

    def build(self, request: Request) -> tuple[Recording, bytes] | None:
        """Return the recording and its pcm16; None where the answer was cut off, if only by a
        budget, which is no part of what was asked.
        """
        completion = self._accumulator.completion()
        cut = completion.finish_reason == "length" and request.capped_by_budget
        if completion.finish_reason is None or cut:
            return None
        answer = RecordedAnswer(
            completion.model,
            completion.finish_reason,
            "".join(self._text),
            completion.tool_calls,
            completion.usage,
            checksum(completion.pcm) if completion.pcm else None,
            self._now(),
            tuple(self._arrivals),
            question=self._question,
            notes=completion.notes,
        )
        now = datetime.now(UTC).replace(microsecond=0)
        recording = Recording.model_construct(
            format=FORMAT, recorded=now, request=Fingerprint.of(request), answer=answer
        )
        return recording, completion.pcm

    def _now(self) -> float:
        return round(time.perf_counter() - self.began, 3)


def checksum(pcm: bytes) -> str:
    return hashlib.sha256(pcm).hexdigest()
