"""ConversationProtocol: the kernel's half of a live conversation's panel, as a state machine.

Sound goes both ways while people speak, so nothing is sent twice: what came too late is dropped.
Sound of the model belongs to an item of the conversation, and what was heard is counted by item.
Messages from a page are not trusted: any that is not as described here is ignored.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Literal, Protocol

from ..errors import one_line
from ..sound import pcm16_seconds

LARGEST_FRAME = 9_600  # bytes: 0.2 s, of silence; of speech a page sends 0.05 s
LONGEST_LINE = 4_000  # characters of a typed turn
ACKNOWLEDGED = 5  # every so many frames
CHARACTERS_PER_SECOND = 15.0  # of speech: a guess until all of an item's sound is there
GONE = 3.0  # seconds without a message, after which another page may take over
PATIENCE = 12.0  # seconds without one, after which the page counts as lost: time for a reload
RESUMABLE = 60.0  # the same, once a page has shown the panel that was left

Message = dict[str, Any]
Call = Callable[[], object]


class ConversationListener(Protocol):
    """What a panel reports. All but `on_page_lost` are called in the thread that gets the page's
    messages, in their order: they must return at once, and display and print nothing (front ends
    drop it there). What takes longer belongs into a queue.
    """

    def on_start(self) -> None:
        """The user pressed Start, for the first time."""

    def on_audio(self, pcm: bytes) -> None:
        """A frame of the microphone (24 kHz mono pcm16, 0.2 s at most): silence while it is muted,
        nothing while a button to talk is not held. There is none before the state "listening".
        """

    def on_text(self, text: str) -> None:
        """A typed turn, of one line. What sounded has been flushed."""

    def on_talk(self, down: bool) -> None:
        """The button to talk was pressed, or let go. What sounded when it was has been flushed."""

    def on_interrupt(self) -> None:
        """The user wants the model to stop. What sounded has been flushed."""

    def on_played(self, item: str, ms: int, done: bool) -> None:
        """So much of an item's sound has been heard; `done`: all of it, and no more will come."""

    def on_flushed(self, positions: Mapping[str, int]) -> None:
        """The page fell silent: of each item that was not heard to its end, the milliseconds that
        were (0: none of it). Follows each `flush()` while a page converses, also where nothing
        sounded, and precedes `on_interrupt`, `on_text` and `on_talk(True)`.
        """

    def on_end(self) -> None:
        """The user pressed End."""

    def on_page_lost(self) -> None:
        """The page has been closed, or is cut off, and no other one took over."""


class Kind(StrEnum):
    """Kinds of messages, and their fields: from a page (each with its random id `page`), then to
    pages (with `page`, if it is for that one alone).
    """

    SHOWN = "shown"  # mountable: whether it can mount the panel in plain HTML
    START = "start"  # attempt: a number; sent again until it is answered
    AUDIO = "audio"  # number, and a buffer
    ALIVE = "alive"  # nothing else was to be said for a second
    TEXT = "text"  # text
    TALK = "talk"  # down
    INTERRUPT = "interrupt"
    PLAYED = "played"  # item, ms, done
    FLUSHED = "flushed"  # number: of the flush, 0 if it was the page's own; positions: {item: ms}
    END = "end"

    READY = "ready"  # page, rows: the words so far, seconds: since the start
    STARTED = "started"  # page, or
    REFUSED = "refused"  # page, line
    ACK = "ack"  # page, number: of the last frame that was received
    ROW = "row"  # side, item, text, final, cut: all words of an item, in place of those before
    WORDS = "words"  # item, text: more words of the model
    PCM = "pcm"  # page, item, and a buffer
    DONE = "done"  # item: all of its words and its sound were sent
    FLUSH = "flush"  # page, number: fall silent, and answer "flushed"
    CARD = "card"  # html: what stays


@dataclass
class Row:
    """The words of one item, as far as they were heard."""

    side: Literal["user", "model"]
    item: str
    text: str = ""
    final: bool = False  # no more words will come
    cut: bool = False  # the rest was not heard


@dataclass
class Voice:
    """The sound of an item that has not been heard to its end."""

    seconds: float = 0.0  # that were sent to the page
    ms: int = 0  # that were heard
    complete: bool = False  # no more will be sent

    def share(self, characters: int) -> float:
        """How much of an item of so many characters was heard, 0 to 1."""
        seconds = self.seconds
        if not self.complete:  # words come before their sound
            seconds = max(seconds, characters / CHARACTERS_PER_SECOND)
        return min(1.0, self.ms / 1000 / seconds) if seconds else 0.0


class ConversationProtocol:
    """Knows the words, what sounds, and which page converses; tells the listener what happens.

    `send` gets the messages to pages, in their order. Methods may be called from any thread.
    """

    def __init__(
        self,
        listener: ConversationListener,
        send: Callable[[Message, list[bytes] | None], object],
        clock: Callable[[], float] = time.monotonic,
    ):
        self.rows: dict[str, Row] = {}
        self._listener, self._send, self._clock = listener, send, clock
        self._lock = threading.RLock()  # never held while the listener is called
        self._voices: dict[str, Voice] = {}
        self._flushes: dict[int, dict[str, Voice]] = {}  # those that the page has yet to answer
        self._flush = 0  # number of the last one
        self._over: set[str] = set()  # items whose words and sound are not wanted any more
        self._page = ""  # the id of the page that converses
        self._attempt = 0  # number of its start
        self._frame = -1  # number of its last frame
        self._touched = 0.0  # when it last sent something
        self._patience = PATIENCE
        self._started: float | None = None

    # -- what pages send --
    def handle(self, message: Any, buffers: Sequence[Any] = ()) -> None:
        with self._lock:
            calls = self._handle(message, buffers)
        for call in calls:
            call()

    def _handle(self, message: Any, buffers: Sequence[Any]) -> list[Call]:
        match message:
            case {"kind": Kind.SHOWN, "page": str(page)}:
                return self._on_shown(one_line(page, 40))
            case {"kind": Kind.START, "page": str(page), "attempt": int(attempt)} if page:
                return self._on_start(one_line(page, 40), attempt)
            case {"kind": Kind.END} if self._started is not None:
                return [self._listener.on_end]
            case {"page": self._page} if self._page:
                self._touched, self._patience = self._clock(), PATIENCE
                return self._on_conversing(message, buffers)
        return []

    def _on_conversing(self, message: Any, buffers: Sequence[Any]) -> list[Call]:
        listener = self._listener
        match message:
            case {"kind": Kind.AUDIO, "number": int(number)} if buffers and number > self._frame:
                self._frame = number
                if number % ACKNOWLEDGED == 0:
                    self._to_page(Kind.ACK, number=number)
                frame = bytes(buffers[0])
                fits = 0 < len(frame) <= LARGEST_FRAME and len(frame) % 2 == 0
                return [partial(listener.on_audio, frame)] if fits else []
            case {"kind": Kind.TEXT, "text": str(text)}:
                line = one_line(text, LONGEST_LINE)
                return [partial(listener.on_text, line)] if line else []
            case {"kind": Kind.TALK, "down": bool(down)}:
                return [partial(listener.on_talk, down)]
            case {"kind": Kind.INTERRUPT}:
                return [listener.on_interrupt]
            case {"kind": Kind.PLAYED, "item": str(item), "ms": int(ms), "done": bool(done)}:
                return self._on_played(item, ms, done)
            case {"kind": Kind.FLUSHED, "number": int(number), "positions": dict(positions)}:
                return self._on_flushed(number, positions)
        return []

    def _on_shown(self, page: str) -> list[Call]:
        if self._started is not None and page != self._page and self._silence > GONE:
            self._patience = RESUMABLE  # it was reloaded: somebody is there
        seconds = 0.0 if self._started is None else self._clock() - self._started
        rows = [asdict(row) for row in self.rows.values()]
        self._send({"kind": Kind.READY, "page": page, "rows": rows, "seconds": seconds}, None)
        return []

    def _on_start(self, page: str, attempt: int) -> list[Call]:
        if (page, attempt) == (self._page, self._attempt):
            self._to_page(Kind.STARTED)  # again: the first answer was late
            return []
        if self._page not in ("", page) and self._silence <= GONE:
            line = "This conversation is going on in another tab; end it there first."
            self._send({"kind": Kind.REFUSED, "page": page, "line": line}, None)
            return []
        first = self._started is None
        self._page, self._attempt, self._frame = page, attempt, -1
        self._touched, self._patience = self._clock(), PATIENCE
        calls = [] if first else self._silenced()  # what sounded in the page before
        if first:
            self._started = self._touched
            calls = [self._listener.on_start]
        self._to_page(Kind.STARTED)
        self._on_shown(page)
        return calls

    def _on_played(self, item: str, ms: int, done: bool) -> list[Call]:
        if not (voice := self._voices.get(item)):
            return []
        done = done and voice.complete
        self._hear(voice, ms)
        if done:
            voice.ms = round(1000 * voice.seconds)
            self._close(item)
        return [partial(self._listener.on_played, item, voice.ms, done)]

    def _on_flushed(self, number: int, positions: Mapping[Any, Any]) -> list[Call]:
        for voices in (self._voices, *self._flushes.values()):  # its own may cross one of ours
            for item, voice in voices.items():
                if isinstance(ms := positions.get(item), int):
                    self._hear(voice, ms)
        if number not in (0, *self._flushes):
            return []
        flushed = self._flushes.pop(number) if number else self._voices
        heard = {item: voice.ms for item, voice in flushed.items()}
        for item, voice in list(flushed.items()):
            self._cut(item, voice)
            self._close(item)
        return [partial(self._listener.on_flushed, heard)]

    def _silenced(self) -> list[Call]:
        """As if the page had fallen silent, which cannot say so any more."""
        numbers = [*self._flushes, 0]
        return [call for number in numbers for call in self._on_flushed(number, {})]

    def _hear(self, voice: Voice, ms: int) -> None:
        voice.ms = max(voice.ms, min(ms, int(1000 * voice.seconds)))

    def _cut(self, item: str, voice: Voice) -> None:
        row = self.rows[item]
        row.text = _beginning(row.text, voice.share(len(row.text)))
        row.final = row.cut = True
        self._send({"kind": Kind.ROW, **asdict(row)}, None)  # pages drop the rest of its sound

    def _close(self, item: str) -> None:
        self._voices.pop(item, None)
        self._over.add(item)

    # -- what the conversation shows and plays --
    def user_words(self, item: str, text: str, final: bool) -> None:
        with self._lock:
            row = self.rows.setdefault(item, Row("user", item))
            row.text, row.final = text, final
            self._send({"kind": Kind.ROW, **asdict(row)}, None)

    def model_words(self, item: str, text: str) -> None:
        with self._lock:
            if item in self._over:
                return
            self._voice(item)
            self.rows[item].text += text
            self._send({"kind": Kind.WORDS, "item": item, "text": text}, None)

    def pcm(self, item: str, data: bytes) -> None:
        with self._lock:
            if item in self._over or not self._page:
                return
            self._voice(item).seconds += pcm16_seconds(data)
            self._to_page(Kind.PCM, [data], item=item)

    def item_done(self, item: str) -> None:
        with self._lock:
            if not (voice := self._voices.get(item)):
                return
            voice.complete = self.rows[item].final = True
            if not voice.seconds:  # words alone
                self._close(item)
            self._send({"kind": Kind.DONE, "item": item}, None)

    def flush(self) -> None:
        with self._lock:
            if self._page:  # otherwise nothing sounds, and nobody would answer
                self._flush += 1
                self._flushes[self._flush], self._voices = self._voices, {}
                self._over.update(self._flushes[self._flush])
                self._to_page(Kind.FLUSH, number=self._flush)

    def card(self, html: str) -> None:
        with self._lock:
            self._send({"kind": Kind.CARD, "html": html}, None)

    def _voice(self, item: str) -> Voice:
        self.rows.setdefault(item, Row("model", item))
        return self._voices.setdefault(item, Voice())

    # -- the page that converses --
    @property
    def _silence(self) -> float:
        return self._clock() - self._touched

    def check_page(self) -> bool:
        """Return whether a page converses; if it was lost, tell the listener."""
        with self._lock:
            if not self._page or self._silence <= self._patience:
                return True
            self._page = ""
            calls = [*self._silenced(), self._listener.on_page_lost]
        for call in calls:
            call()
        return False

    def _to_page(self, kind: Kind, buffers: list[bytes] | None = None, **fields: Any) -> None:
        self._send({"kind": kind, "page": self._page, **fields}, buffers)


def _beginning(text: str, share: float) -> str:
    """A share of a text, without the word that it breaks off in."""
    end = int(len(text) * share)
    head, rest = text[:end], text[end:]
    broken = head[-1:].strip() and rest[:1].strip()
    return head.rsplit(maxsplit=1)[0] if broken and len(head.split()) > 1 else head.rstrip()
