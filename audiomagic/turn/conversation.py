"""Conversation: the exchanges of one chat, and how the next request speaks of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, NamedTuple

from ..costs.receipt import Receipt
from ..protocol.request import AUDIO_ID, Message
from ..protocol.usage import AUDIO_IN_PER_SECOND, AUDIO_OUT_PER_SECOND
from ..sound import Sound

CHARACTERS_PER_TOKEN = 3  # a low guess, to stay inside
SPOKEN_PER_SECOND = 5  # tokens of the words in speech: people say three in a second at most
IN_WORDS = "Some earlier answers were sent as text: {}."
SOON = 60  # seconds of life that an answer's sound must have left, for the request to be read


class CellRun(NamedTuple):
    """A cell, and which of its runs: what is run again replaces what it said before."""

    cell: str
    run: int


class Speaker(NamedTuple):
    """Who answered: only the same one knows the sound of an answer by its id."""

    host: str
    model: str  # as it was requested


@dataclass(frozen=True)
class Exchange:
    """A question, what tools were called for it, and the answer."""

    question: Message
    answer: str
    speaker: Speaker
    between: tuple[Message, ...] = ()  # the tools' calls and results
    sound: Sound | None = None
    audio_id: str | None = None
    expires_at: int | None = None  # Unix seconds
    cell: CellRun | None = None
    receipt: Receipt | None = None  # None where it was read from a file
    # What was recorded of a question whose words alone are kept as such.
    recording: Sound | None = None
    notes: tuple[str, ...] = ()  # what the reader of the answer should know
    heard: float | None = None  # seconds of the answer, where the user interrupted it
    talk: str = ""  # the id of the live conversation that it was part of, if any

    @property
    def remembered(self) -> bool:
        """Whether who gave the answer keeps its sound, for some time."""
        return self.expires_at is not None and AUDIO_ID.fullmatch(self.audio_id or "") is not None

    def lives(self, speaker: Speaker, now: float) -> bool:
        """Whether a speaker still knows the answer's sound by its id."""
        return self.remembered and now + SOON < (self.expires_at or 0) and speaker == self.speaker

    def messages(self, speaker: Speaker, now: float) -> tuple[Message, ...]:
        """Return it as messages; the answer's sound by its id where that lives."""
        audio_id = self.audio_id if self.lives(speaker, now) else None
        if not (self.answer or audio_id):  # it was stopped before its first word
            return (self.question, *self.between)
        words = (self.answer,) if self.answer else ()
        return (self.question, *self.between, Message("assistant", words, audio_id))

    @property
    def well_formed(self) -> bool:
        roles = {message.role for message in self.between}
        return self.question.role == "user" and roles <= {"assistant", "tool"}

    def tokens(self, sounding: bool) -> int:
        """Estimate its length, rather high; sound counts as such, or as its words."""
        messages = (self.question, *self.between)
        letters = len(self.answer) + sum(len(message.text) for message in messages)
        heard = sum(sound.seconds for message in messages for sound in message.sounds)
        said = self.sound.seconds if self.sound and sounding else 0.0
        heard_as = AUDIO_IN_PER_SECOND if sounding else SPOKEN_PER_SECOND
        return int(letters / CHARACTERS_PER_TOKEN + heard * heard_as + said * AUDIO_OUT_PER_SECOND)


class Conversation:
    """One chat; threads may add to it at once."""

    def __init__(self, name: str, exchanges: tuple[Exchange, ...] = ()):
        self.name = name
        self.exchanges = exchanges
        self._adding = Lock()

    def before(self, cell: CellRun | None) -> tuple[Exchange, ...]:
        """Return what was said before a cell's turn: what it said when it last ran is not."""
        for index, exchange in enumerate(self.exchanges):
            if _again(exchange.cell, cell):
                return self.exchanges[:index]
        return self.exchanges

    def forget_sound(self) -> None:
        """Speak of all answers so far in words: the server knows none by its id."""
        with self._adding:
            self.exchanges = tuple(replace(one, audio_id=None) for one in self.exchanges)

    def transcribe(self, spoken: Message, words: str, recording: Sound | None = None) -> None:
        """Put the words of a spoken question in place of its sound, which may be kept beside."""
        self._change(
            lambda one: one.question is spoken,
            question=Message(spoken.role, (words,)),
            recording=recording,
        )

    def cut(self, receipt: Receipt, words: str, seconds: float) -> None:
        """Keep of the answer with this receipt what was heard of it."""
        before = next((one.sound for one in self.exchanges if one.receipt is receipt), None)
        sound = before and Sound(before.samples[: round(seconds * before.rate)], before.rate)
        self._change(
            lambda one: one.receipt is receipt,
            answer=words,
            sound=sound if seconds else None,
            heard=seconds,
        )

    def _change(self, is_meant: Callable[[Exchange], bool], **changes: Any) -> None:
        with self._adding:
            self.exchanges = tuple(
                replace(one, **changes) if is_meant(one) else one for one in self.exchanges
            )

    def add(self, exchange: Exchange) -> tuple[str, ...]:
        """Add an exchange in its cell's place; say what that began or dropped."""
        with self._adding:
            begins = not self.exchanges
            kept = self.before(exchange.cell)
            rest = self.exchanges[len(kept) :]
            self.exchanges = (*kept, exchange)
        dropped = sum(not _again(one.cell, exchange.cell) for one in rest)
        if not dropped:
            return (f"Chat {self.name} begins here.",) if begins and self.name else ()
        first, last = len(kept) + 2, len(kept) + 1 + dropped
        later = f"turn {first} was" if dropped == 1 else f"turns {first} to {last} were"
        return (f"Re-ran turn {first - 1} of chat {self.name}: {later} removed.",)


@dataclass(frozen=True)
class History:
    """What a request repeats of the exchanges before it, and what is to be known about that.

    `spoken` holds seconds and words of the replies that are referred to by their audio id.
    """

    messages: tuple[Message, ...]
    notes: tuple[str, ...] = ()
    spoken: Mapping[str, tuple[float, str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        exchanges: tuple[Exchange, ...],
        speaker: Speaker,
        max_context: int,
        text_only: bool = False,
    ) -> "History":
        """Write exchanges as messages for a speaker: the latest that fit into `max_context` tokens.

        `text_only`: sound counts as its words.
        """
        now = time.time()
        kept = exchanges
        for index in range(len(exchanges), 0, -1):
            max_context -= exchanges[index - 1].tokens(not text_only)
            if max_context < 0:
                kept = exchanges[index:]
                break
        notes = []
        if left := len(exchanges) - len(kept):
            turns = "turn was" if left == 1 else f"{left} turns were"
            notes.append(f"The oldest {turns} left out: the model's context is full.")
        silent = [one for one in kept if one.remembered and not one.lives(speaker, now)]
        if text_only:  # who reads words alone has lost nothing
            silent = []
        if any(one.speaker == speaker for one in silent):
            notes.append(IN_WORDS.format("their sound has expired"))
        elif silent:
            notes.append(IN_WORDS.format("another model gave them"))
        spoken = {
            one.audio_id: (one.sound.seconds if one.sound else 0.0, one.answer)
            for one in kept
            if one.audio_id and one.lives(speaker, now)
        }
        messages = tuple(m for one in kept for m in one.messages(speaker, now))
        return cls(messages, tuple(notes), spoken)


def _again(then: CellRun | None, now: CellRun | None) -> bool:
    """Whether an exchange came of an earlier run of the cell that runs now."""
    return bool(then and now and then.cell == now.cell and then.run != now.run)
