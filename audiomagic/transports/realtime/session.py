"""RealtimeSession: one session with a server, which remembers what it is told.

There is one response at a time, and only this module asks for any. One thread at a time uses it;
sound may be appended from any.
"""

import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress

from ...errors import ConnectionFailed, RequestFailed
from ...protocol.realtime import events
from ...protocol.realtime.events import Event, item_id, part, text
from ...protocol.realtime.response import CREATED, DONE, ResponseReader, response_id, sound_bytes
from ...protocol.realtime.session import SessionConfig
from ...protocol.realtime.speech import MILLISECOND, SpeechClock, SpokenItem
from ...protocol.realtime.transcripts import Transcript, Transcripts
from ...protocol.request import Message, Request
from ..cancellation import Cancellation, Cancelled
from ..transport import Chunk
from .connection import AGAIN, RealtimeConnection
from .inbox import Inbox, Observer

OPENING = 20.0  # seconds in which a session must be there
UPDATING = 5.0  # seconds in which a server says that it is as it was asked to be, if it does
SILENCE = 180.0  # seconds to wait for more of an answer
AFTER_ERROR = 10.0  # seconds to wait for more of one after an error that may be about it
DRAINING = 3.0  # seconds in which a response that was cancelled must end
GLANCE = 0.1  # seconds between two looks at whether to stop
MOST_TRIES = 3  # of asking for a response while another one is in the way
CUT = ("conversation.item.truncated", "conversation.item.deleted")
BUSY = "conversation_already_has_active_response"
# Of errors that need no answer. The end of a session follows the last one of these.
HARMLESS = (
    "response_cancel_not_active", "input_audio_buffer_commit_empty", "session_expired",
)  # fmt: skip


class RealtimeSession:
    """An open session; `coherent` is False after a question that it has, but not its answer."""

    def __init__(
        self,
        connection: RealtimeConnection,
        config: SessionConfig,
        host: str,
        observer: Observer | None = None,
    ):
        """Send the configuration, and wait until it holds. Raises RequestFailed."""
        self.coherent = True
        self.model = ""  # that answers, as the server names it
        self.item = ""  # id of the item whose words or sound were read last
        self.questions: deque[SpokenItem] = deque()  # spoken into the microphone, to be answered
        self._connection, self._host = connection, host
        self._inbox = Inbox(connection, observer)
        self._transcripts, self._speech = Transcripts(), SpeechClock()
        self._told: list[Message] = []  # with sound, an item each
        self._unconfirmed = 0  # of these
        self._lengths: dict[str, int] = {}  # bytes of sound of each item of the model's
        self._uncertain = 0  # cuts of which nothing is known yet
        self._active = ""  # id of the response that is being made
        self._sent: set[str] = set()  # ids of the events that the next response depends on
        try:
            if not self._has_come("session.created", OPENING):
                raise ConnectionFailed(f"{host} did not open a session in time; run it again")
            # A refused update leaves a stranger, polite and with another voice. Some servers tell
            # nothing but a refusal.
            self._send(events.update(config.wire()))
            self._has_come("session.updated", UPDATING)
        except BaseException:
            self.close()
            raise

    @property
    def ended(self) -> bool:
        """Whether the server has ended it, or the connection is lost."""
        return self._inbox.ended

    def close(self) -> None:
        self._inbox.close()

    def tell(self, messages: Sequence[Message]) -> None:
        """Add messages to the conversation; the server does not answer them yet.

        Raises ConnectionFailed.
        """
        self.coherent = False
        try:
            while self._next(0):
                pass  # what has come by now is not about these
            for message in messages:
                for sound in message.sounds:
                    for event in events.spoken(sound.pcm16()):
                        self._send(event)
                    self._told.append(message)
                    self._unconfirmed += 1
                for event in events.items(message):
                    self._send(event)
        except ConnectionFailed as failed:
            failed.may_be_billed = False  # nothing was asked for yet
            raise

    def respond(
        self, request: Request, cancellation: Cancellation
    ) -> tuple[str, Generator[Chunk, None, None]]:
        """Ask for a response to what was told; return its id and its chunks once it has begun.

        Once `cancellation` is cancelled, the chunks end with the usage of what was made by then.
        Raises RequestFailed.
        """
        for _ in range(MOST_TRIES):
            self._drain(SILENCE)
            self._send(events.create(request.most_tokens, request.tool_choice))
            if self._has_begun(cancellation):
                self._sent.clear()
                return self._active, self._chunks(self._active, cancellation)
        raise ConnectionFailed(f"{self._host} is busy with another answer; {AGAIN}")

    def transcript(self, spoken: Message | SpokenItem, seconds: float) -> Transcript | None:
        """Return what is known of the words of what was said, once all is, or time is up.

        None for a message that was not sent.
        """
        number = next((at for at, one in enumerate(self._told) if one is spoken), None)
        if number is None and isinstance(spoken, Message):
            return None

        def found() -> Transcript:
            told = self._transcripts.item(number) if number is not None else ""
            return self._transcripts.of(spoken.item if isinstance(spoken, SpokenItem) else told)

        end = time.monotonic() + seconds
        with suppress(RequestFailed):  # after the end, what came before it counts
            while not found().complete and time.monotonic() < end:
                self._next()
        return found()

    # -- the microphone -----------------------------------------------------------------------
    def append(self, pcm: bytes) -> None:
        """Send 24 kHz pcm16 of the microphone. Raises ConnectionFailed."""
        self._speech.append(pcm)
        self._connection.send(events.append(pcm))

    def commit(self) -> None:
        """Make a question of what was appended. Raises ConnectionFailed."""
        self._connection.send(events.commit())

    def wake(self) -> None:
        """End a `wait` in another thread."""
        self._inbox.wake()

    def wait(self, seconds: float) -> None:
        """Take what comes in some seconds, at most one event.

        An error is about nothing that is waited for. Raises ConnectionFailed.
        """
        self._next(seconds)

    def cut(self, heard: Mapping[str, int]) -> None:
        """Have the model know how many milliseconds of its items were heard, of which it was more.

        An item of which nothing was heard is deleted: a server refuses to truncate it. Raises
        ConnectionFailed.
        """
        for item, ms in heard.items():
            length = self._lengths.get(item, 0) // MILLISECOND
            if ms <= 0:
                self._connection.send(events.delete(item))
            elif ms < length:
                self._connection.send(events.truncate(item, ms))
            else:
                continue
            self._uncertain += 1

    # -- events -------------------------------------------------------------------------------
    def _send(self, event: Event) -> None:
        if event_id := text(event.get("event_id")):
            self._sent.add(event_id)
        self._connection.send(event)

    def _next(self, seconds: float = GLANCE) -> Event | None:
        """Return the next event, having noted what it says of the session; None: none came."""
        event = self._inbox.get(seconds)
        if event is None:
            return None
        self._transcripts.add(event)
        if spoken := self._speech.add(event):
            if self._unconfirmed:
                self._unconfirmed -= 1
            else:
                self.questions.append(spoken)
        if event["type"].startswith("session."):
            self.model = text(part(event, "session").get("model")) or self.model
        elif event["type"] == CREATED:
            self._active = response_id(event)
        elif event["type"] == DONE and response_id(event) == self._active:
            self._active = ""
        elif event["type"] in CUT:
            self._uncertain = max(0, self._uncertain - 1)
        return event

    def _has_come(self, kind: str, seconds: float) -> bool:
        """Take events until one of a kind comes, or time is up. Raises the first error."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            event = self._next()
            if event and event["type"] == kind:
                return True
            if event and event["type"] == "error":
                raise self._connection.failure(event.get("error"))
        return False

    def _drain(self, seconds: float) -> None:
        """Take events until no response is being made."""
        end = time.monotonic() + seconds
        while self._active and time.monotonic() < end:
            self._next()

    def _has_begun(self, cancellation: Cancellation) -> bool:
        """Wait until a response has begun; return False where another one was in its way.

        A server may answer what was said by itself: then that is the response.
        """
        end = time.monotonic() + SILENCE
        while time.monotonic() < end:
            event = self._next()
            if self._active and event and event["type"] == CREATED:
                return True
            if event and event["type"] == "error" and not self._is_harmless(event):
                if part(event, "error").get("code") == BUSY:
                    return False
                raise self._connection.failure(event.get("error"))
            if cancellation.cancelled:  # it must have an id before it can be cancelled
                end = min(end, time.monotonic() + DRAINING)
        cancellation.raise_if_cancelled()
        raise ConnectionFailed(f"{self._host} did not answer in time; {AGAIN}")

    def _is_harmless(self, event: Event) -> bool:
        """Whether an error is about nothing that the response depends on; one that does not say
        what it is about may be, unless it is about a cut.
        """
        error = part(event, "error")
        about = text(error.get("event_id"))
        if not about and self._uncertain:
            self._uncertain -= 1
            return True
        return error.get("code") in HARMLESS or (about != "" and about not in self._sent)

    def _chunks(self, name: str, cancellation: Cancellation) -> Generator[Chunk, None, None]:
        reader = ResponseReader()
        try:
            yield from self._read(name, reader, cancellation)
        except ConnectionFailed as failed:
            failed.may_be_billed = True
            raise
        finally:
            if not reader.status:  # whoever read it has stopped
                self._cancel(name, reader)
        if reader.error:
            raise self._connection.failure(reader.error)

    def _read(
        self, name: str, reader: ResponseReader, cancellation: Cancellation
    ) -> Iterator[Chunk]:
        complaint: object = None
        end = time.monotonic() + SILENCE
        while not reader.status:
            try:
                event = None if cancellation.cancelled else self._next()
            except KeyboardInterrupt:
                yield self._cancel(name, reader)
                raise
            if cancellation.cancelled:
                yield self._cancel(name, reader)
                raise Cancelled
            if event and event["type"] == "error" and not self._is_harmless(event):
                complaint = event.get("error")
            if event:
                end = time.monotonic() + (AFTER_ERROR if complaint else SILENCE)
            elif time.monotonic() > end and complaint:
                raise self._connection.failure(complaint)
            elif time.monotonic() > end:
                line = f"{self._host} fell silent in the middle of its answer; {AGAIN}"
                raise ConnectionFailed(line)
            if event and response_id(event) == name:
                self.item = item_id(event) or self.item
                self._lengths[self.item] = self._lengths.get(self.item, 0) + sound_bytes(event)
                yield from reader.read(event)
                self._end(reader)

    def _cancel(self, name: str, reader: ResponseReader) -> Chunk:
        """Have the server stop, and return the end of what it made; the rest is dropped."""
        with suppress(RequestFailed):  # the connection may be gone, which ends it, too
            self._connection.send(events.cancel(name))
            end = time.monotonic() + DRAINING
            while not reader.status and time.monotonic() < end:
                event = self._next()
                if event and response_id(event) == name:
                    for _ in reader.read(event):
                        pass
                    self._end(reader)
        return reader.stopped()

    def _end(self, reader: ResponseReader) -> None:
        if reader.status and not reader.error:
            self.coherent = True
