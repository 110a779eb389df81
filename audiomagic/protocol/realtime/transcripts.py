"""What the user said, as another model of the server writes it down.

It is a guess, and may come before the answer, after it, or never; even before the item that it is
about is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .events import Event, item_id, text
from .usage import transcription_seconds

COMMITTED = "input_audio_buffer.committed"
TRANSCRIPTION = "conversation.item.input_audio_transcription."
WORDS = "input_audio_transcription"
LONGEST = 100_000  # characters


@dataclass
class Transcript:
    """The words of one spoken item. `seconds`: those billed for it; None where it is not told."""

    words: str = ""
    complete: bool = False  # whether no more comes
    failed: bool = False
    seconds: float | None = None

    def chunk(self) -> dict[str, Any]:
        """Return it as a chunk among those of the answer, which a cassette keeps."""
        return {"choices": [], WORDS: self.words}

    @classmethod
    def of_chunk(cls, chunk: Mapping[str, Any]) -> "Transcript | None":
        """Return what such a chunk holds; None for any other."""
        words = text(chunk.get(WORDS))
        return cls(words, complete=True) if words else None


class Transcripts:
    """Transcripts by item, in the order in which items are first named."""

    def __init__(self) -> None:
        self._by_item: dict[str, Transcript] = {}

    def add(self, event: Event) -> None:
        """Take an event; one that is about no spoken item changes nothing."""
        kind = event["type"]
        if kind != COMMITTED and not kind.startswith(TRANSCRIPTION):
            return
        transcript = self._by_item.setdefault(item_id(event), Transcript())
        step = kind.removeprefix(TRANSCRIPTION)
        if step == "delta":
            transcript.words = (transcript.words + text(event.get("delta")))[:LONGEST]
        elif step in ("updated", "completed"):
            transcript.words = text(event.get("transcript"))[:LONGEST] or transcript.words
            # xAI completes it several times while it goes on.
            if step == "completed" and event.get("status") != "in_progress":
                transcript.complete, transcript.seconds = True, transcription_seconds(event)
        elif step == "failed":
            transcript.complete = transcript.failed = True

    def of(self, item: str) -> Transcript:
        """Return the transcript of an item, an empty one if nothing is known of it."""
        return self._by_item.get(item) or Transcript()

    def item(self, number: int) -> str:
        """Return the item that was named after `number` others; "" while there is none."""
        return next(islice(self._by_item, number, None), "")
