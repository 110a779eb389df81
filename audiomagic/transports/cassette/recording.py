"""Recording: an answer as it was recorded, taken from the chunks of a stream and turned into them."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field

from ...protocol.chunks import ChunkWriter
from ...protocol.response import LARGEST_ANSWER, LONGEST_TEXT, Delta, ResponseAccumulator
from ...protocol.tool_calls import LONGEST_ARGUMENTS, MOST_CALLS, ToolCall
from ...protocol.usage import Usage
from .fingerprint import ONE_FAULT

LONGEST_WAIT = 3600.0  # seconds: a replay keeps nobody waiting for longer

Seconds = Annotated[float, Field(ge=0, le=LONGEST_WAIT)]
Count = Annotated[int, Field(ge=0, le=LARGEST_ANSWER)]
Arrival = tuple[Seconds, Count, Count]


@dataclass(frozen=True)
class Recording:
    """A recorded answer; its sound, 24 kHz mono pcm16, is kept apart."""

    model: str | None
    finish_reason: Annotated[str, Field(min_length=1)]
    text: str
    tool_calls: Annotated[tuple[ToolCall, ...], ONE_FAULT]
    usage: Usage | None
    sound: str | None  # SHA-256 of the pcm16
    seconds: Seconds  # from the request to the end
    # Seconds since the request, and how many characters and samples came then.
    arrivals: Annotated[tuple[Arrival, ...], ONE_FAULT]

    def __post_init__(self) -> None:
        characters = sum(arrival[1] for arrival in self.arrivals)
        if characters != len(self.text):
            raise ValueError(f"{len(self.text)} characters of text, of which {characters} arrive")
        if bool(self.samples) != bool(self.sound) or 2 * self.samples > LARGEST_ANSWER:
            raise ValueError(f"{self.samples} samples of sound arrive")
        arguments = max((len(call.arguments) for call in self.tool_calls), default=0)
        if (
            len(self.text) > LONGEST_TEXT
            or len(self.tool_calls) > MOST_CALLS
            or arguments > LONGEST_ARGUMENTS
        ):
            raise ValueError("more than any model writes")
        if self.usage and Usage.of(self.usage.wire()) != self.usage:
            raise ValueError("a usage that no service reports")

    @cached_property
    def samples(self) -> int:
        """Samples of its sound."""
        return sum(arrival[2] for arrival in self.arrivals)

    def holds(self, pcm: bytes) -> bool:
        """Whether this is its sound, to the bit."""
        return checksum(pcm) == self.sound

    def chunks(self, pcm: bytes, pace: bool) -> Iterator[dict[str, Any]]:
        """Give the chunks of a stream, at the recorded pace or at once.

        They carry no audio id: the service forgot it an hour after it was made.
        """
        letter = ChunkWriter("replay", self.model or "", 0, audio_id="")
        began = time.perf_counter()

        def wait(seconds: float) -> None:
            if pace:
                time.sleep(max(0.0, began + seconds - time.perf_counter()))

        yield letter.opening()
        said = heard = 0
        for seconds, characters, samples in self.arrivals:
            wait(seconds)
            words = self.text[said : said + characters]
            sound = pcm[2 * heard : 2 * (heard + samples)]
            said, heard = said + characters, heard + samples
            if self.sound:  # sound first: words are marked by the sound that was there before
                yield from letter.spoken(Delta(pcm=sound))
                yield from letter.spoken(Delta(words))
            else:
                yield letter.text(words)
        wait(self.seconds)
        if self.tool_calls:
            yield letter.calls(self.tool_calls)
        yield letter.delta({}, self.finish_reason)
        yield letter.chunk([], self.usage)


@dataclass
class Recorder:
    """Follows a stream from its request on; `began` is on the clock of `time.perf_counter`."""

    began: float
    _fold: ResponseAccumulator = field(default_factory=ResponseAccumulator)
    _words: list[str] = field(default_factory=list)
    _arrivals: list[Arrival] = field(default_factory=list)

    def follow(self, chunks: Iterable[Any]) -> Iterator[Any]:
        """Pass chunks through. Raises InvalidResponse where one is none."""
        for chunk in chunks:
            self._note(self._fold.add(chunk))
            yield chunk
        self._note(self._fold.end())

    def _note(self, piece: Delta) -> None:
        if piece.text or piece.pcm:
            self._words.append(piece.text)
            self._arrivals.append((self._now(), len(piece.text), len(piece.pcm) // 2))

    def track(self) -> tuple[Recording, bytes] | None:
        """Return the answer and its pcm16; None where it was cut off."""
        answer = self._fold.answer()
        if answer.finish_reason is None:
            return None
        track = Recording(
            answer.model,
            answer.finish_reason,
            "".join(self._words),
            answer.tool_calls,
            answer.usage,
            checksum(answer.pcm) if answer.pcm else None,
            self._now(),
            tuple(self._arrivals),
        )
        return track, answer.pcm

    def _now(self) -> float:
        return round(time.perf_counter() - self.began, 3)


def checksum(pcm: bytes) -> str:
    """Return the SHA-256 of samples."""
    return hashlib.sha256(pcm).hexdigest()
