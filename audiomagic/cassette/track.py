"""Track: an answer as it was recorded, taken from the chunks of a stream and turned into them."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field

from ..wire.answer import LARGEST_ANSWER, LONGEST_TEXT, Fold, Piece
from ..wire.envelope import Envelope
from ..wire.tool import LONGEST_ARGUMENTS, MOST_CALLS, ToolCall
from ..wire.usage import Usage
from .question import ONE_FAULT

LONGEST_WAIT = 3600.0  # seconds: a replay keeps nobody waiting for longer

Seconds = Annotated[float, Field(ge=0, le=LONGEST_WAIT)]
Count = Annotated[int, Field(ge=0, le=LARGEST_ANSWER)]
Arrival = tuple[Seconds, Count, Count]


@dataclass(frozen=True)
class Track:
    """A recorded answer; its sound, 24 kHz mono pcm16, is kept apart."""

    model: str | None
    finish: Annotated[str, Field(min_length=1)]
    text: str
    calls: Annotated[tuple[ToolCall, ...], ONE_FAULT]
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
        arguments = max((len(call.arguments) for call in self.calls), default=0)
        if (
            len(self.text) > LONGEST_TEXT
            or len(self.calls) > MOST_CALLS
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
        letter = Envelope("replay", self.model or "", 0, audio_id="")
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
                yield from letter.spoken(Piece(pcm=sound))
                yield from letter.spoken(Piece(words))
            else:
                yield letter.text(words)
        wait(self.seconds)
        if self.calls:
            yield letter.calls(self.calls)
        yield letter.delta({}, self.finish)
        yield letter.chunk([], self.usage)


@dataclass
class Taping:
    """Follows a stream from its request on; `began` is on the clock of `time.perf_counter`."""

    began: float
    _fold: Fold = field(default_factory=Fold)
    _words: list[str] = field(default_factory=list)
    _arrivals: list[Arrival] = field(default_factory=list)

    def follow(self, chunks: Iterable[Any]) -> Iterator[Any]:
        """Pass chunks through. Raises BadAnswer where one is none."""
        for chunk in chunks:
            self._note(self._fold.add(chunk))
            yield chunk
        self._note(self._fold.end())

    def _note(self, piece: Piece) -> None:
        if piece.words or piece.pcm:
            self._words.append(piece.words)
            self._arrivals.append((self._now(), len(piece.words), len(piece.pcm) // 2))

    def track(self) -> tuple[Track, bytes] | None:
        """Return the answer and its pcm16; None where it was cut off."""
        answer = self._fold.answer()
        if answer.finish is None:
            return None
        track = Track(
            answer.model,
            answer.finish,
            "".join(self._words),
            answer.calls,
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
