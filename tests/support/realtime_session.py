"""A session of a Realtime server: what it does at each of the client's events."""

import base64
import copy
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .realtime_bill import Count, instructions, transcription
from .realtime_dialects import Dialect, Event
from .realtime_input import SHORTEST, InputBuffer
from .realtime_items import Conversation, Item, new_id
from .realtime_refusals import Refusal, missing, refusals
from .realtime_response import Response, Stopped
from .realtime_wire import Gone, Wire

Script = Callable[[Response], None]
STREAMING = "gpt-realtime-whisper"  # it sends words while the user speaks
TRANSCRIPTION = "conversation.item.input_audio_transcription"
CONTENT = {  # of the items that a client may create, by role: no sound of the model's
    "user": ("input_text", "input_audio"),
    "assistant": ("output_text",),
    "system": ("input_text",),
}
BETA_FIELDS = {"modalities", "voice", "input_audio_format", "output_audio_format", "temperature"}


@dataclass(frozen=True)
class Transcript:
    """What is recognised of the next user's sound, and `when`: "early", before the response is
    created; "late", after it is done; "failed"; "never". `item_id` is an item that nobody knows.
    """

    words: str
    when: str = "early"
    item_id: str | None = None


class Session:
    """One session: its `settings`, its `conversation`, and the response in progress."""

    def __init__(
        self, wire: Wire, dialect: Dialect, script: Callable[[], Script],
        transcript: Callable[[], Transcript], bill: Callable[[Decimal], None],
        guard: Callable[[Wire, Callable[[], None]], None],
    ):  # fmt: skip
        self.wire = wire
        self.settings = defaults(wire.query.get("model", ""))
        self.conversation = Conversation()
        self._dialect = dialect
        self._script = script
        self._transcript = transcript
        self._bill = bill
        self._guard = guard  # runs a function, and keeps what it raises for the test
        self._input = InputBuffer()
        self._speech = ""  # the id of the item to be, while the user speaks
        self._heard: Transcript | None = None  # already, of speech that goes on
        self._active: Response | None = None
        self._out_of_band: list[Response] = []
        self._wanted = False  # a response, by voice detection, after the one in progress
        self._late: list[Callable[[], None]] = []
        self._spoke = False
        self._threads: list[threading.Thread] = []

    def run(self) -> None:
        """Serve the client until it leaves."""
        self.wire.send({"type": "session.created", "session": copy.deepcopy(self.settings)})
        if "openai-beta" in self.wire.headers:
            self.wire.refuse_beta()
        self.wire.receive(self._handle)
        for thread in self._threads:
            thread.join()

    def answer(self) -> None:
        """Begin a response that nobody asked for."""
        with self.wire.changed:
            self._respond({})

    # -- the client's events ------------------------------------------------------------------
    def _handle(self, event: Event) -> None:
        kind = str(event.get("type"))
        event_id = event.get("event_id")
        session = event.get("session")
        if isinstance(session, dict) and BETA_FIELDS & set(session):
            self.wire.refuse_beta(event_id)
            return
        refused = next(refusals(event), None)
        if refused is None and kind == "conversation.item.truncate" and not self._dialect.truncates:
            refused = Refusal("invalid_value", f"Invalid value: '{kind}'.", "type")
        if refused is None:
            refused = getattr(self, "_on_" + kind.replace(".", "_"))(event)
        if refused is not None:
            self.wire.refuse(refused.code, refused.message, refused.param, event_id)

    def _on_session_update(self, event: Event) -> Refusal | None:
        asked = event["session"]
        model = asked.get("model", self.settings["model"])
        if asked["type"] != "realtime" or model != self.settings["model"]:
            name = "model" if asked["type"] == "realtime" else "type"
            return Refusal(
                "invalid_value", f"Cannot update the session's {name}.", f"session.{name}"
            )
        settings = merged(self.settings, asked)
        for at in ("input", "output"):
            if (settings["audio"][at]["format"] or {}).get("type") != "audio/pcm":
                path = f"session.audio.{at}.format"
                return Refusal("invalid_value", "This test's server has audio/pcm alone.", path)
        voice = settings["audio"]["output"]["voice"]
        if self._spoke and voice != self.settings["audio"]["output"]["voice"]:
            return Refusal(
                "cannot_update_voice",
                "Cannot update a conversation's voice if assistant audio is present.",
                "session.audio.output.voice",
            )
        self.settings = settings
        if self._dialect.updates:
            self.wire.send({"type": "session.updated", "session": copy.deepcopy(settings)})
        return None

    def _on_conversation_item_create(self, event: Event) -> Refusal | None:
        asked, after = event["item"], event.get("previous_item_id")
        if after not in (None, "root") and not self.conversation.find(after):
            return _unknown("create", after, "previous_item_id")
        item = Item({"id": new_id("item"), "status": "completed"} | copy.deepcopy(asked))
        for index, content in enumerate(item.wire.get("content", ())):
            kind, path = content.get("type"), f"item.content[{index}]"
            if kind not in CONTENT[item.wire["role"]]:
                return Refusal("invalid_value", f"Invalid value: '{kind}'.", f"{path}.type")
            if kind == "input_audio":
                if "audio" not in content:
                    return missing(f"{path}.audio")
                item.sound += base64.b64decode(content.pop("audio"))
                content.setdefault("transcript", None)
        calls = [other.wire.get("call_id") for other in self.conversation.items]
        is_result = asked["type"] == "function_call_output" and self._dialect.checks_calls
        if is_result and asked["call_id"] not in calls:
            return Refusal(
                "invalid_tool_call_id",
                f"Tool call ID '{asked['call_id']}' not found in conversation.",
                "item.call_id",
            )
        self._add(item, after)
        return None

    def _on_conversation_item_retrieve(self, event: Event) -> Refusal | None:
        item = self.conversation.find(event["item_id"])
        if item is None:
            return _unknown("retrieve", event["item_id"])
        shown = item.shown()
        for content in shown.get("content", ()):
            if content["type"].endswith("audio"):
                content["audio"] = base64.b64encode(item.sound).decode()
        self.wire.send({"type": "conversation.item.retrieved", "item": shown})
        return None

    def _on_conversation_item_delete(self, event: Event) -> Refusal | None:
        item = self.conversation.find(event["item_id"])
        if item is None:
            return _unknown("delete", event["item_id"])
        self.conversation.items.remove(item)
        self.wire.send({"type": "conversation.item.deleted", "item_id": item.id})
        return None

    def _on_conversation_item_truncate(self, event: Event) -> Refusal | None:
        item, ms = self.conversation.find(event["item_id"]), event["audio_end_ms"]
        if item is None:
            return _unknown("truncate", event["item_id"])
        if not item.of_model or not item.sound or ms <= 0:
            return Refusal(
                "unsupported_content_type", "Only model output audio messages can be truncated."
            )
        if event["content_index"] != 0:
            return Refusal("invalid_value", "No such content part.", "content_index")
        if ms > item.ms:
            return Refusal(
                "invalid_value",
                f"Audio content of {item.ms}ms is already shorter than {ms}ms",
                "audio_end_ms",
            )
        item.truncate(ms)
        same = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
        self.wire.send({"type": "conversation.item.truncated"} | same)
        return None

    def _on_input_audio_buffer_append(self, event: Event) -> Refusal | None:
        try:
            pcm = base64.b64decode(event["audio"], validate=True)
        except ValueError:
            return Refusal(
                "invalid_value",
                "Invalid 'audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz).",
                "audio",
            )
        if len(pcm) > 15 << 20:
            return Refusal("invalid_value", "The audio is longer than 15 MiB.", "audio")
        detection = self.settings["audio"]["input"]["turn_detection"]
        for speech in self._input.append(pcm, detection):
            where = "input_audio_buffer.speech_"
            if speech.sound is None:
                self._speech = new_id("item")
                at = {"audio_start_ms": speech.ms, "item_id": self._speech}
                self.wire.send({"type": where + "started"} | at)
                self._hear_early()
                if detection.get("interrupt_response", True) and self._active:
                    self._active.stop = Stopped("cancelled", "turn_detected")
                    self.wire.changed.notify_all()
            else:
                at = {"audio_end_ms": speech.ms, "item_id": self._speech}
                self.wire.send({"type": where + "stopped"} | at)
                self._commit(speech.sound, self._speech)
                if detection.get("create_response", True):
                    self._wanted = True
                    self._respond_if_wanted()
        return None

    def _on_input_audio_buffer_commit(self, event: Event) -> Refusal | None:
        detected = self.settings["audio"]["input"]["turn_detection"] is not None
        kept = len(self._input.kept)
        if kept < SHORTEST or (detected and not self._input.speaking):
            return Refusal(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least 100ms "
                f"of audio, but buffer only has {0 if detected else kept / 48:.2f}ms of audio.",
            )
        named = self._speech if detected else new_id("item")
        self._commit(self._input.take(), named)
        if self._dialect.answers_commits:
            self._respond({})
        return None

    def _on_input_audio_buffer_clear(self, event: Event) -> None:
        self._input.take()
        self.wire.send({"type": "input_audio_buffer.cleared"})

    def _on_response_create(self, event: Event) -> Refusal | None:
        asked = event.get("response") or {}
        if self._active and asked.get("conversation") != "none":
            return Refusal(
                "conversation_already_has_active_response",
                f"Conversation already has an active response in progress: {self._active.id}. "
                "Wait until the response is finished before creating a new one.",
            )
        self._respond(asked)
        return None

    def _on_response_cancel(self, event: Event) -> Refusal | None:
        named = event.get("response_id")
        running = [one for one in (self._active, *self._out_of_band) if one]
        if named:
            running = [one for one in running if one.id == named]
        elif len(running) > 1:
            return None  # seen at the service: nothing happens
        if not running or running[0].stop:
            return Refusal(
                "response_cancel_not_active", "Cancellation failed: no active response found"
            )
        running[0].stop = Stopped("cancelled", "client_cancelled")
        return None

    # -- items --------------------------------------------------------------------------------
    def _add(self, item: Item, after: str | None = None) -> None:
        before = self.conversation.add(item, after)
        for kind in ("added", "done"):
            event = {"previous_item_id": before, "item": item.shown()}
            self.wire.send({"type": f"conversation.item.{kind}"} | event)

    def _commit(self, sound: bytes, item_id: str) -> None:
        items = self.conversation.items
        before = items[-1].id if items else None
        self.wire.send(
            {
                "type": "input_audio_buffer.committed",
                "item_id": item_id,
                "previous_item_id": before,
            }
        )
        wire = {
            "id": item_id,
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        item = Item(wire, sound)
        self._add(item)
        asked = self.settings["audio"]["input"]["transcription"]
        if asked:
            self._transcribe(item, asked["model"])

    def _hear_early(self) -> None:
        """Send the words of a transcriber that needs no end of speech, before their item is."""
        asked = self.settings["audio"]["input"]["transcription"]
        if asked and asked["model"] == STREAMING:
            self._heard = self._transcript()
            at = {"item_id": self._speech, "content_index": 0}
            delta = {"delta": self._heard.words, "obfuscation": "p4"}
            self.wire.send({"type": f"{TRANSCRIPTION}.delta"} | at | delta)

    def _transcribe(self, item: Item, model: str) -> None:
        streamed, self._heard = self._heard, None
        transcript = streamed or self._transcript()
        at = {"item_id": transcript.item_id or item.id, "content_index": 0}

        def tell() -> None:
            if transcript.when == "failed":
                error = {
                    "type": "transcription_error",
                    "code": "audio_unintelligible",
                    "message": "The audio could not be transcribed.",
                    "param": None,
                }
                self.wire.send({"type": f"{TRANSCRIPTION}.failed", "error": error} | at)
                return
            seconds = -(-len(item.sound) // 48_000)  # whole ones, as recorded
            self._bill(transcription(model, seconds))
            item.wire["content"][0]["transcript"] = transcript.words
            if not streamed:
                delta = {"delta": transcript.words, "obfuscation": "p4"}
                self.wire.send({"type": f"{TRANSCRIPTION}.delta"} | at | delta)
            self.wire.send(
                {
                    "type": f"{TRANSCRIPTION}.completed",
                    "transcript": transcript.words,
                    "usage": {"type": "duration", "seconds": seconds},
                }
                | at
            )

        if transcript.when == "late":
            self._late.append(tell)
        elif transcript.when != "never":
            tell()

    # -- responses ----------------------------------------------------------------------------
    def _respond(self, asked: dict[str, Any]) -> None:
        """Begin a response, on a thread of its own."""
        settings = merged(self.settings, asked)
        out_of_band = asked.get("conversation") == "none"
        conversation = Conversation() if out_of_band else self.conversation
        given = asked.get("input")
        if given is None:
            self.conversation.forget(settings["truncation"])
            read = self.conversation.count
        else:
            read = sum((self._given(item).count for item in given), Count())
        response = Response(
            self.wire, conversation, settings, read + instructions(settings), self._bill,
            lambda: self._ended(response), self._dialect.late_deltas,
        )  # fmt: skip
        if out_of_band:
            self._out_of_band.append(response)
        else:
            self._active = response
        self.wire.send({"type": "response.created", "response": response.shown()})
        script = self._script()
        play = (self.wire, lambda: _play(script, response))
        thread = threading.Thread(target=self._guard, args=play)
        self._threads.append(thread)
        thread.start()

    def _given(self, asked: dict[str, Any]) -> Item:
        """An item of a response's own input: one of the conversation, or a new one."""
        if asked.get("type") == "item_reference":
            known = self.conversation.find(asked["id"])
            return known or Item(asked)
        return Item(asked)

    def _ended(self, response: Response) -> None:
        self._spoke = self._spoke or response.spoke
        if response.out_of_band:
            self._out_of_band.remove(response)
            return
        self._active = None
        late, self._late = self._late, []
        for tell in late:
            tell()
        self._respond_if_wanted()

    def _respond_if_wanted(self) -> None:
        if self._wanted and not self._active:
            self._wanted = False
            self._respond({})


def _play(script: Script, response: Response) -> None:
    try:
        with suppress(Gone):
            try:
                script(response)
                response.end()
            except Stopped as stopped:
                response.end(stopped.status, reason=stopped.reason)
    finally:
        response.account()


def _unknown(verb: str, item_id: str, param: str = "item_id") -> Refusal:
    return Refusal(
        f"item_{verb}_invalid_item_id",
        f"Error: the item with id '{item_id}' does not exist.",
        param,
    )


def merged(settings: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The settings with those asked for over them; only what is named changes."""
    result = copy.deepcopy(settings)
    for name, value in asked.items():
        if name in ("audio", "input", "output") and isinstance(value, dict):
            result[name] = merged(result[name], value)
        elif name == "turn_detection" and value and value["type"] == "server_vad":
            result[name] = detection() | value
        elif name == "transcription" and value:
            result[name] = {"language": None, "prompt": None} | value
        else:
            result[name] = copy.deepcopy(value)
    return result


def detection(silence_duration_ms: int = 500) -> dict[str, Any]:
    """Voice detection as the service has it unless told."""
    return {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": silence_duration_ms,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }


def defaults(model: str) -> dict[str, Any]:
    """A new session."""
    newer = model != "gpt-realtime"  # recorded: that one has another voice, and less patience
    pcm = {"type": "audio/pcm", "rate": 24000}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": new_id("sess"),
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "Be helpful, witty and friendly.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": int(time.time()) + 3600,
        "audio": {
            "input": {
                "format": pcm,
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": detection(500 if newer else 200),
            },
            "output": {"format": pcm, "voice": "marin" if newer else "alloy", "speed": 1.0},
        },
        "include": None,
    }
