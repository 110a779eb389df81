"""One response of a Realtime server: what a script has it say, in the service's order of events."""

import base64
import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from .realtime_bill import SPOKEN, Count, Usage, audio_tokens
from .realtime_items import Conversation, Item, new_id
from .realtime_wire import Wire

PIECE = 12_000  # bytes of sound in a delta: 0.25 s, as recorded
RUNAHEAD = 3  # words before the first sound, as recorded
COUNTED = "as counted"
OBFUSCATION = "x9Kq2"


class Stopped(Exception):
    """The response ends here, with this status."""

    def __init__(self, status: str, reason: str):
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Response:
    """A response in progress, by its script: each method raises Stopped where it is cut."""

    def __init__(
        self, wire: Wire, conversation: Conversation, settings: dict[str, Any], read: Count,
        bill: Callable[[Decimal], None], ended: Callable[[], None], late_deltas: int = 0,
    ):  # fmt: skip
        """Take its `settings`: the session's with those of `response.create` over them."""
        self.id = new_id("resp")
        self.wire = wire
        self.settings = settings
        self.output: list[Item] = []
        self.cached = 0  # tokens, of those read
        self.usage: Any = COUNTED  # or what is told instead; the bill is as counted
        self.stop: Stopped | None = None
        self.spoke = False
        self._conversation = conversation
        self._read = read
        self._bill: Callable[[Decimal], None] | None = bill
        self._ended = ended
        self._late_deltas = late_deltas
        self._status = "in_progress"
        self._details: dict[str, Any] | None = None
        self._words = self._sound = 0  # bytes made
        self._reasoning = 0  # tokens made
        self._seen = len(wire.received)

    # -- for scripts --------------------------------------------------------------------------
    def say(
        self, words: str, pcm: bytes = b"", *, phase: str = "final_answer", cut: str | None = None,
        gate: str | None = None, gate_after: int = 1, pause: float = 0.0, reasoning: int = 0,
    ) -> None:  # fmt: skip
        """Add a message of words and sound, or of words alone where text is asked for.

        After `gate_after` deltas of sound (of words, in text) it waits for the client's event of
        type `gate`; `pause` seconds follow each. With `cut`, a reason, the message is left
        incomplete. `reasoning` are tokens that are made, and read again, and never shown.
        """
        spoken = self.settings["output_modalities"] == ["audio"]
        kind = "audio" if spoken else "text"
        message = {"type": "message", "role": "assistant", "content": []}
        item = self._begin(message | self._phase(phase))
        at = {"item_id": item.id, "content_index": 0}
        part = {"type": "audio", "transcript": ""} if spoken else {"type": "text", "text": ""}
        said: list[str] = []
        count = 0
        status = "incomplete"
        try:
            self._send(item, "response.content_part.added", **at, part=part)
            item.reasoning = reasoning
            self._make(reasoning=reasoning)
            for piece in _mixed(_split(words), pcm if spoken else b""):
                if isinstance(piece, bytes):
                    self._sound_delta(item, at, piece)
                else:
                    self._word_delta(item, at, piece, spoken)
                    said.append(piece)
                if isinstance(piece, bytes) or not spoken:
                    count += 1
                    self.wire.pause(pause, lambda: self.stop is not None)
                    if gate and count == gate_after:
                        self.wait_for(gate)
            if cut:
                raise Stopped("incomplete", cut)
            self.check()
            status = "completed"
        finally:
            self._end_message(item, at, kind, "".join(said), status)

    def call(self, name: str, arguments: str, *, cut: str | None = None) -> None:
        """Add a function call; with `cut`, its arguments end halfway and it is incomplete."""
        call_id = new_id("call")
        call = {"type": "function_call", "name": name, "call_id": call_id, "arguments": ""}
        item = self._begin(call)
        at = {"item_id": item.id, "call_id": call_id}
        shown = arguments[: len(arguments) // 2] if cut else arguments
        status = "incomplete"
        try:
            for start in range(0, len(shown), 8):
                piece = shown[start : start + 8]
                with self.wire.changed:
                    self._make(text=len(piece.encode()))
                    item.wire["arguments"] += piece
                    self._send(
                        item, "response.function_call_arguments.delta", **at, delta=piece,
                        obfuscation=OBFUSCATION,
                    )  # fmt: skip
            if cut:
                raise Stopped("incomplete", cut)
            status = "completed"
        finally:
            with self.wire.changed:
                item.wire["status"] = status
                made = item.wire["arguments"]
                self._close(item, "response.function_call_arguments.done", **at, name=name,
                            arguments=made)  # fmt: skip
                self._end_item(item)

    def wait_for(self, kind: str, even_cancelled: bool = False) -> None:
        """Wait for the client's next event of this type, or until the response is cancelled."""

        def cut() -> bool:
            return self.stop is not None and not even_cancelled

        self._seen = self.wire.wait_for(kind, self._seen, cut)
        if cut():
            self.check()

    def end(self, status: str = "completed", **details: Any) -> None:
        """End it; `reason=` or `error=` are its details."""
        with self.wire.changed:
            if self._status != "in_progress":
                return
            if status == "completed":
                self.check()
            self._status = status
            self._details = {"type": status} | details if details else None
            if status == "failed" and not self.output:
                self._bill, self.usage = None, None  # what made nothing is free
            self.account()
            self.wire.send({"type": "response.done", "response": self.shown()})
            limit = {"name": "tokens", "limit": 40_000, "remaining": 39_000, "reset_seconds": 1.5}
            self.wire.send({"type": "rate_limits.updated", "rate_limits": [limit]})
            if status == "cancelled" and self.output:
                last, delta = self.output[-1], base64.b64encode(bytes(PIECE)).decode()
                at = {"item_id": last.id, "content_index": 0}
                for _ in range(self._late_deltas):
                    self._close(last, "response.output_audio.delta", **at, delta=delta)
            self._ended()

    # -- for the session ----------------------------------------------------------------------
    @property
    def out_of_band(self) -> bool:
        """Whether it stays out of the conversation."""
        return self.settings.get("conversation") == "none"

    def shown(self) -> dict[str, Any]:
        """The response as it is sent."""
        usage = None
        if self._status != "in_progress":
            usage = self.counted.wire if self.usage is COUNTED else self.usage
        output = self.settings["audio"]["output"]
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self._status,
            "status_details": self._details,
            "output": [item.shown() for item in self.output],
            "conversation_id": None if self.out_of_band else self._conversation.id,
            "output_modalities": self.settings["output_modalities"],
            "max_output_tokens": self.settings["max_output_tokens"],
            "audio": {"output": {"format": output["format"], "voice": output["voice"]}},
            "usage": usage,
            "metadata": self.settings.get("metadata"),
        }

    @property
    def counted(self) -> Usage:
        """What it has read and made so far."""
        text = self._reasoning - (-self._words // 4)
        made = Count(text, audio_tokens(self._sound, of_model=True))
        return Usage(self._read, made, self.cached, self._reasoning)

    def account(self) -> None:
        """Bill what was made, once."""
        bill, self._bill = self._bill, None
        if bill:
            bill(self.counted.dollars)

    def check(self) -> None:
        if self.stop:
            raise self.stop

    # -- items --------------------------------------------------------------------------------
    def _phase(self, phase: str) -> dict[str, str]:
        return {"phase": phase} if self.settings["model"].startswith("gpt-realtime-2") else {}

    def _begin(self, wire: dict[str, Any]) -> Item:
        with self.wire.changed:
            self.check()
            item = Item({"id": new_id("item"), "status": "in_progress"} | wire)
            self.output.append(item)
            self._send(item, "response.output_item.added", item=item.shown())
            if not self.out_of_band:
                before = self._conversation.add(item)
                self.wire.send(
                    {
                        "type": "conversation.item.added",
                        "previous_item_id": before,
                        "item": item.shown(),
                    }
                )
            return item

    def _word_delta(self, item: Item, at: dict[str, Any], piece: str, spoken: bool) -> None:
        kind = "output_audio_transcript" if spoken else "output_text"
        with self.wire.changed:
            self._make(text=len(piece.encode()))
            self._send(item, f"response.{kind}.delta", **at, delta=piece, obfuscation=OBFUSCATION)

    def _sound_delta(self, item: Item, at: dict[str, Any], pcm: bytes) -> None:
        with self.wire.changed:
            room = self._room() * SPOKEN
            if room <= 0:
                raise Stopped("incomplete", "max_output_tokens")
            pcm = pcm[: int(min(room, len(pcm)))]
            self._make(sound=len(pcm))
            item.sound += pcm
            self.spoke = True
            encoded = base64.b64encode(pcm).decode()
            self._send(item, "response.output_audio.delta", **at, delta=encoded)

    def _end_message(
        self, item: Item, at: dict[str, Any], kind: str, said: str, status: str
    ) -> None:
        with self.wire.changed:
            words = {"transcript" if kind == "audio" else "text": said}
            item.wire["content"] = [{"type": f"output_{kind}"} | words]
            item.wire["status"] = status
            if kind == "audio":
                self._close(item, "response.output_audio.done", **at)
                self._close(item, "response.output_audio_transcript.done", **at, **words)
            else:
                self._close(item, "response.output_text.done", **at, **words)
            self._close(item, "response.content_part.done", **at, part={"type": kind} | words)
            self._end_item(item)

    def _end_item(self, item: Item) -> None:
        if not self.out_of_band:
            items = self._conversation.items
            place = items.index(item) if item in items else 0
            answers = [other for other in items[:place] if other.of_model]
            # Recorded: null for the first answer.
            before = items[place - 1].id if answers else None
            self.wire.send(
                {
                    "type": "conversation.item.done",
                    "previous_item_id": before,
                    "item": item.shown(),
                }
            )
        self._close(item, "response.output_item.done", item=item.shown())

    def _send(self, of: Item, kind: str, /, **fields: Any) -> None:
        with self.wire.changed:
            self.check()
            self._close(of, kind, **fields)

    def _close(self, of: Item, kind: str, /, **fields: Any) -> None:
        """Send an event of an item, though the response may be cut."""
        place = {"response_id": self.id, "output_index": self.output.index(of)}
        self.wire.send({"type": kind} | place | fields)

    # -- the longest answer -------------------------------------------------------------------
    def _room(self) -> float:
        """The tokens that it may still make."""
        longest = self.settings["max_output_tokens"]
        return math.inf if longest in ("inf", None) else longest - self.counted.made.total

    def _make(self, text: int = 0, sound: int = 0, reasoning: int = 0) -> None:
        """Count what is made next, unless it is cut before."""
        self.check()
        before = self._words, self._sound, self._reasoning
        self._words += text
        self._sound += sound
        self._reasoning += reasoning
        if self._room() < 0:
            self._words, self._sound, self._reasoning = before
            raise Stopped("incomplete", "max_output_tokens")


def _split(words: str) -> list[str]:
    """Words, each with the space before it."""
    return re.findall(r"\s*\S+|\s+$", words)


def _mixed(words: list[str], pcm: bytes) -> Iterator[str | bytes]:
    """Words ahead of sound: the last comes with half of the sound to come."""
    pieces = [pcm[start : start + PIECE] for start in range(0, len(pcm), PIECE)]
    ahead, rest = words[:RUNAHEAD], words[RUNAHEAD:]
    at_once = -(-len(rest) // max(1, len(pieces) // 2))
    yield from ahead
    for piece in pieces:
        yield piece
        now, rest = rest[:at_once], rest[at_once:]
        yield from now
    yield from rest
