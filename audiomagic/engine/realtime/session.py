"""One session: takes the client's events, hears whose turn it is, and answers with events."""

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import RLock
from typing import Any

from ...errors import one_line
from ...protocol.request import Request
from ...sound import SHORTEST, Sound, pcm16_seconds
from ..api.errors import APIError, api_error
from ..engine import MODEL, Engine
from . import client_events, items
from .conversation import Conversation
from .ids import new_id
from .input_audio import LONGEST, InputBuffer, Turn, TurnListener
from .items import GivenMessage, Item, Speech
from .recognition import Recognition
from .responder import Responder
from .response import Response
from .settings import ResponseSettings, Settings
from .turn_detection import Change

LIFETIME = 60 * 60  # seconds, as with the service
# Seconds of a turn that are recognised in each of its pauses: what Whisper reads at once.
MOST_EARLY = 30

Put = Callable[[Mapping[str, Any]], None]


def error_event(error: APIError, event_id: object = None) -> dict[str, Any]:
    """Return the event that tells an error, and which of the client's events it is about."""
    about = one_line(event_id, 512) if isinstance(event_id, str) else None
    wire = error.wire()["error"] | {"event_id": about}
    return {"type": "error", "event_id": new_id("event"), "error": wire}


class Session:
    """A session with the engine, whose models are open; `put` sends an event.

    `handle` is for one thread, which no model ever keeps waiting. What the models find is told by
    threads of their own, which `close` ends.
    """

    def __init__(self, engine: Engine, put: Put):
        self._id = new_id("sess")
        self._expires_at = int(time.time()) + LIFETIME
        self._engine, self._put = engine, put
        self._lock = RLock()  # of all below: what is sent tells how it is
        self._settings = Settings(type="realtime", model=MODEL)
        self._conversation = Conversation()
        self._recognition = Recognition(engine.stt)
        self._responder = Responder(engine, self._lock, self._tell_transcripts)
        self._buffer = InputBuffer()
        self._listener = self._new_listener()
        self._turn_id = new_id("item")  # of the item that the turn in progress becomes
        self._early: Future[str] | None = None  # the words up to a pause
        self._emit("session.created", session=self._wire())

    def handle(self, frame: str | bytes) -> None:
        """Take an event of the client's; what is wrong with it, it is told."""
        self._recognition.wait_for_room()
        given: dict[str, Any] = {}
        try:
            given = client_events.parsed(frame)
            event = client_events.read(given)
            self._take(event)
        except Exception as error:
            self._refuse(api_error(error), given.get("event_id"))

    def expire(self) -> None:
        """Tell the client that its time is over."""
        line = "Your session hit the maximum duration of 60 minutes."
        self._refuse(APIError(line, None, "session_expired"))

    def close(self) -> None:
        """End its threads, and whatever they do."""
        self._responder.close()
        self._recognition.close()

    # -- events -------------------------------------------------------------------------------
    def _emit(self, kind: str, **fields: Any) -> None:
        self._put({"type": kind, "event_id": new_id("event"), **fields})

    def _refuse(self, error: APIError, event_id: object = None) -> None:
        self._put(error_event(error, event_id))

    def _take(self, event: client_events.ClientEvent) -> None:
        match event:
            case client_events.SessionUpdate():
                self._update(event.session)
            case client_events.ResponseCreate():
                self._respond(event.response)
            case _:
                with self._lock:
                    self._change(event)

    def _change(self, event: client_events.ClientEvent) -> None:
        match event:
            case client_events.AudioAppend():
                self._append(event.pcm)
            case client_events.AudioCommit():
                self._commit_by_hand()
            case client_events.AudioClear():
                self._clear()
            case client_events.ItemCreate():
                item = items.read(event.item, "item", self._hear)
                self._add(item, event.previous_item_id)
            case client_events.ItemRetrieve(item_id=item_id):
                item = self._conversation.item(item_id)
                self._emit("conversation.item.retrieved", item=item.wire())
            case client_events.ItemDelete(item_id=item_id):
                self._conversation.delete(item_id)
                self._emit("conversation.item.deleted", item_id=item_id)
            case client_events.ItemTruncate(item_id=item_id, audio_end_ms=end_ms):
                self._conversation.truncate(item_id, end_ms)
                self._emit(
                    "conversation.item.truncated",
                    item_id=item_id,
                    content_index=event.content_index,
                    audio_end_ms=end_ms,
                )
            case client_events.ResponseCancel(response_id=response_id):
                self._responder.cancel(response_id)

    # -- settings -----------------------------------------------------------------------------
    def _update(self, update: Settings) -> None:
        settings = self._settings.updated(update)
        settings = settings.model_copy(update={"model": self._settings.model})
        self._check(settings, "session")  # may ask a model: not while others wait for the lock
        with self._lock:
            self._check_voice(settings, "session.audio.output.voice")
            before, self._settings = self._settings.detection, settings
            if settings.detection != before:
                self._drop_early()
                self._listener = self._new_listener()
            self._emit("session.updated", session=self._wire())

    def _check(self, settings: Settings, where: str) -> None:
        """Refuse tools that cannot be called."""
        tools, choice = settings.function_tools, settings.choice
        names = {tool.name for tool in tools}
        if choice not in (None, "none", "auto", "required", *names):
            param = f"{where}.tool_choice"
            raise APIError(f"Invalid '{param}': there is no such tool.", param)
        if tools and self._engine.llm:
            try:
                self._engine.llm.check(Request(MODEL, (), tools=tools))
            except APIError as error:
                param = f"{where}.{error.param}".replace(".function.", ".")
                raise APIError(str(error), param, error.code) from None

    def _check_voice(self, settings: Settings, where: str) -> None:
        if self._responder.has_spoken and (
            settings.audio.output.voice != self._settings.audio.output.voice
        ):
            line = "Cannot update a conversation's voice if assistant audio is present."
            raise APIError(line, where, "cannot_update_voice")

    def _wire(self) -> dict[str, Any]:
        own = {"object": "realtime.session", "id": self._id, "expires_at": self._expires_at}
        return self._settings.model_dump() | own

    # -- sound of the user's ------------------------------------------------------------------
    def _new_listener(self) -> TurnListener | None:
        detection = self._settings.detection
        if detection is None:
            return None
        return TurnListener(
            self._buffer.end_ms,
            detection.threshold,
            detection.silence_duration_ms,
            detection.prefix_padding_ms,
        )

    def _append(self, pcm: bytes) -> None:
        if self._buffer.seconds + pcm16_seconds(pcm) > LONGEST:
            line = f"Invalid 'audio': the buffer holds {LONGEST} seconds; commit or clear it."
            raise APIError(line, "audio")
        self._buffer.append(pcm)
        if self._listener:
            for turn in self._listener.hear(pcm):
                self._take_turn(turn)
            self._buffer.forget(self._listener.needed_ms)

    def _take_turn(self, turn: Turn) -> None:
        match turn.change:
            case Change.STARTED:
                self._turn_id = new_id("item")
                start = turn.start_ms
                kind = "input_audio_buffer.speech_started"
                self._emit(kind, audio_start_ms=start, item_id=self._turn_id)
                if self._settings.detection and self._settings.detection.interrupt_response:
                    self._responder.interrupt()
            case Change.PAUSED:
                if turn.at_ms - turn.start_ms <= MOST_EARLY * 1000:
                    self._early = self._hear(self._spoken(turn)).words
            case Change.RESUMED:
                self._drop_early()
            case Change.STOPPED:
                end = turn.at_ms
                kind = "input_audio_buffer.speech_stopped"
                self._emit(kind, audio_end_ms=end, item_id=self._turn_id)
                try:
                    self._end_turn(self._spoken(turn))
                except APIError as error:  # about no event of the client's, who appends on
                    self._refuse(error)

    def _spoken(self, turn: Turn) -> Sound:
        return Sound.from_pcm16(self._buffer.between(turn.start_ms, turn.at_ms))

    def _end_turn(self, sound: Sound) -> None:
        early, self._early = self._early, None
        speech = Speech(sound.seconds, early) if early else self._hear(sound)
        self._commit(self._turn_id, speech)
        if self._settings.detection and self._settings.detection.create_response:
            response = Response(self._emit, self._settings, self._conversation, unasked=True)
            self._responder.respond(response, self._conversation.items)

    def _commit_by_hand(self) -> None:
        if self._buffer.seconds < SHORTEST:
            line = (
                "Error committing input audio buffer: buffer too small. Expected at least 100ms "
                f"of audio, but buffer only has {self._buffer.seconds * 1000:.2f}ms of audio."
            )
            raise APIError(line, None, "input_audio_buffer_commit_empty")
        in_turn = self._listener is not None and self._listener.speaking
        item_id = self._turn_id if in_turn else new_id("item")
        self._leave_turn()
        self._commit(item_id, self._hear(Sound.from_pcm16(self._buffer.take())))

    def _commit(self, item_id: str, speech: Speech) -> None:
        before = self._conversation.last_id
        item = GivenMessage(id=item_id, content=[speech])
        self._conversation.check_room()
        self._emit("input_audio_buffer.committed", item_id=item_id, previous_item_id=before)
        self._add(item)

    def _clear(self) -> None:
        self._buffer.take()
        self._leave_turn()
        self._emit("input_audio_buffer.cleared")

    def _leave_turn(self) -> None:
        """End the turn in progress without its consequences."""
        self._drop_early()
        if self._listener:
            self._listener.reset()

    def _drop_early(self) -> None:
        if self._early:
            self._early.cancel()
        self._early = None

    def _hear(self, sound: Sound) -> Speech:
        return Speech(sound.seconds, self._recognition.begin(sound))

    # -- conversation -------------------------------------------------------------------------
    def _add(self, item: Item, after: str | None = None) -> None:
        self._conversation.add(item, after)
        before = self._conversation.before(item)
        for kind in ("conversation.item.added", "conversation.item.done"):
            self._emit(kind, previous_item_id=before, item=item.wire())
        if isinstance(item, GivenMessage) and self._settings.audio.input.transcription:
            for speech in item.speeches:
                speech.untold = True
                speech.words.add_done_callback(lambda _: self._tell_transcripts(item))

    def _tell_transcripts(self, item: GivenMessage) -> None:
        """Tell the words of an item that are known, each once."""
        with self._lock:
            for index, part in enumerate(item.content):
                if isinstance(part, Speech) and part.words.done() and part.untold:
                    part.untold = False
                    self._tell_transcript(part, item.id, index)

    def _tell_transcript(self, speech: Speech, item_id: str, index: int) -> None:
        where = {"item_id": item_id, "content_index": index}
        kind = "conversation.item.input_audio_transcription"
        if speech.words.cancelled():
            return
        if (error := speech.words.exception()) is not None:
            failed = api_error(error if isinstance(error, Exception) else Exception())
            self._emit(f"{kind}.failed", **where, error=failed.wire()["error"])
            return
        speech.transcript = speech.words.result()
        if speech.transcript:
            self._emit(f"{kind}.delta", **where, delta=speech.transcript)
        usage = {"type": "duration", "seconds": math.ceil(speech.seconds)}
        self._emit(f"{kind}.completed", **where, transcript=speech.transcript, usage=usage)

    def _respond(self, asked: ResponseSettings) -> None:
        settings = asked.over(self._settings)
        self._check(settings, "response")
        with self._lock:
            self._check_voice(settings, "response.audio.output.voice")
            context = self._conversation.items
            if asked.input is not None:
                context = tuple(
                    self._referred(value, f"response.input[{index}]")
                    for index, value in enumerate(asked.input)
                )
            conversation = self._conversation if asked.conversation == "auto" else None
            response = Response(self._emit, settings, conversation, asked.metadata)
            self._responder.respond(response, context)

    def _referred(self, value: dict[str, Any], where: str) -> Item:
        match value:
            case {"type": "item_reference", "id": str(item_id)}:
                return self._conversation.item(item_id, f"{where}.id")
        return items.read(value, where, self._hear)
