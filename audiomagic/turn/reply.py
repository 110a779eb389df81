"""Reply: what a call gives back."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..costs.receipt import Receipt
from ..errors import SoundError, one_line
from ..files import check_writable, file_path, reason
from ..protocol.request import Request
from ..protocol.usage import Usage
from ..render import card
from ..render.html import visible
from ..sound import FORMATS, Sound
from ..speech import word_timing
from ..speech.word_timing import Mark

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..speech.transcript_diff import TranscriptDiff
    from ..tools.result import ToolResult

STOPPED = "stopped"  # the finish reason of a reply that the listener cut short
ENDINGS = (*FORMATS, "html")


@dataclass(frozen=True, eq=False)
class Reply:
    """One answer: its text, its sound, and its receipt.

    >>> reply = Session().speak("Tell me a joke")
    >>> reply.text, reply.cost
    >>> reply.save("joke.mp3")
    """

    __module__ = "audiomagic"  # where users have it from

    text: str
    sound: Sound | None  # None for a written answer
    receipt: Receipt
    request: Request = field(repr=False)
    # "stop"; "length": a cap was reached; "stopped": by you; None: cut off
    finish_reason: str | None = "stop"
    notes: tuple[str, ...] = ()  # what the reader should know, a sentence each
    _marks: tuple[Mark, ...] = field(default=(), repr=False)  # how words and sound arrived
    audio_id: str | None = None  # how a later message may refer to it,
    expires_at: int | None = None  # until then (Unix seconds)
    tool_results: "tuple[ToolResult, ...]" = ()  # what the model had called on the way
    # What was said, against what was to be said.
    transcript_diff: "TranscriptDiff | None" = field(default=None, repr=False)

    @cached_property
    def word_starts(self) -> tuple[float, ...]:
        """The second at which each word is said; empty where that is unknown.

        Raises SoundError when the file of its sound is gone.
        """
        if not self.sound or not self._marks:
            return ()
        shown = visible(self.text)  # the page cuts into words what it shows
        return word_timing.word_starts(shown, self.sound, self._marks)

    @property
    def usage(self) -> Usage | None:
        """The tokens of the call, or None when they were not reported."""
        return self.receipt.usage

    @property
    def cost(self) -> Decimal | None:
        """What was paid, in US dollars; None when unknown."""
        return self.receipt.cost

    @property
    def seconds(self) -> float:
        """Length of its sound in seconds."""
        return self.receipt.seconds_out

    def noted(self, *notes: str) -> "Reply":
        """Return a copy with more notes on its card."""
        return replace(self, notes=(*self.notes, *notes))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write its sound (.wav, .mp3, .flac, .ogg), or a page that plays anywhere (.html).

        Raises SoundError for another ending, or when there is no sound to write.
        """
        target = savable(path)
        if target.suffix.lower() != ".html":
            if self.sound is None:
                raise SoundError(f"this reply has no sound for {target.name}; save it as .html")
            return self.sound.save(target)
        return write_page(target, card.page(self))

    def __await__(self) -> "Generator[Any, None, Reply]":
        """Return itself at once: it may stand where the reply to a recording is awaited."""
        return self
        yield  # a generator, though it never yields

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {
            "text/html": card.html(self),
            "text/markdown": card.markdown(self),
            "text/plain": card.plain(self),
        }

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(card.plain(self))


def savable(path: str | os.PathLike[str], endings: Sequence[str] = ENDINGS) -> Path:
    """Check that a reply can be written there, before anything is paid for; return the path.

    Raises SoundError for an ending that names no format, and where no file can be made.
    """
    target = file_path(path)
    if target.suffix.lstrip(".").lower() not in endings:
        known = ", ".join("." + ending for ending in endings)
        raise SoundError(
            f"cannot save as '{one_line(target.name, 60)}'; its name must end in {known}"
        )
    if not target.parent.is_dir():
        raise SoundError(f"there is no folder {one_line(target.parent, 120)}; make it first")
    try:
        check_writable(target)
    except OSError as error:
        raise SoundError(f"cannot write {one_line(target, 120)}: {reason(error)}") from error
    return target


def write_page(target: Path, page: str) -> Path:
    """Write a page of HTML. Raises SoundError."""
    try:
        target.write_text(page, "utf-8")
    except OSError as error:
        name = one_line(target.name, 120)
        raise SoundError(f"cannot write {name}: {reason(error)}") from error
    return target
