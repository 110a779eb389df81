"""Conversation: the exchanges of one chat, and how the next request speaks of them."""

import time
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

from ..costs.receipt import Receipt
from ..protocol.request import Message
from ..protocol.usage import AUDIO_IN_PER_SECOND, AUDIO_OUT_PER_SECOND
from ..sound import Sound

CONTEXT = 128_000 - 16_384  # tokens of gpt-audio-1.5's context that its answer leaves
SMALL_CONTEXT = 1_800  # tokens that the embedded engine's model has room for
LETTERS_PER_TOKEN = 3  # a low guess, to stay inside
SPOKEN_PER_SECOND = 5  # tokens of the words in speech: people say three in a second at most
SOON = 60  # seconds of life that an answer's sound must have left, for the request to be read


class CellRun(NamedTuple):
    """A cell, and which of its runs: what is run again replaces what it said before."""

    cell: str
    run: int


class Speaker(NamedTuple):
    """Who answered: only the same one knows the sound of an answer by its id."""

    host: str
    model: str  # as it was asked for


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
    origin: CellRun | None = None
    receipt: Receipt | None = None  # None where it was read from a file

    def lives(self, speaker: Speaker | None, now: float) -> bool:
        """Say whether a speaker still knows the answer's sound by its id; None knows none."""
        alive = self.expires_at is not None and now + SOON < self.expires_at
        return self.audio_id is not None and alive and speaker == self.speaker

    def messages(self, speaker: Speaker | None, now: float) -> tuple[Message, ...]:
        """Return it as messages; the answer's sound by its id where that lives."""
        audio_id = self.audio_id if self.lives(speaker, now) else None
        words = (self.answer,) if self.answer else ()
        return (self.question, *self.between, Message("assistant", words, audio_id))

    @property
    def well_formed(self) -> bool:
        """Whether each message has a role that it may have."""
        roles = {message.role for message in self.between}
        return self.question.role == "user" and roles <= {"assistant", "tool"}

    def tokens(self, sounding: bool) -> int:
        """Guess, rather high, what it weighs; sound counts as such, or as its words."""
        messages = (self.question, *self.between)
        letters = len(self.answer) + sum(len(message.text) for message in messages)
        heard = sum(sound.seconds for message in messages for sound in message.sounds)
        said = self.sound.seconds if self.sound and sounding else 0.0
        heard_as = AUDIO_IN_PER_SECOND if sounding else SPOKEN_PER_SECOND
        return int(letters / LETTERS_PER_TOKEN + heard * heard_as + said * AUDIO_OUT_PER_SECOND)


class Conversation:
    """One chat; threads may add to it at once."""

    def __init__(self, name: str, exchanges: tuple[Exchange, ...] = ()):
        self.name = name
        self.exchanges = exchanges
        self._adding = Lock()

    def before(self, origin: CellRun | None) -> tuple[Exchange, ...]:
        """Return what was said before a cell's turn: what it said when it last ran is not."""
        for index, exchange in enumerate(self.exchanges):
            if _again(exchange.origin, origin):
                return self.exchanges[:index]
        return self.exchanges

    def add(self, exchange: Exchange) -> tuple[str, ...]:
        """Add an exchange in its cell's place; say what that began or dropped."""
        with self._adding:
            begins = not self.exchanges
            kept = self.before(exchange.origin)
            rest = self.exchanges[len(kept) :]
            self.exchanges = (*kept, exchange)
        dropped = sum(not _again(one.origin, exchange.origin) for one in rest)
        if not dropped:
            return (f"Chat {self.name} begins here.",) if begins else ()
        first, last = len(kept) + 2, len(kept) + 1 + dropped
        later = f"turn {first} was" if dropped == 1 else f"turns {first} to {last} were"
        return (f"This is turn {first - 1} of chat {self.name} again: {later} dropped.",)


@dataclass(frozen=True)
class History:
    """What a request says of the exchanges before it, and what is to be known about that."""

    messages: tuple[Message, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls, exchanges: tuple[Exchange, ...], speaker: Speaker | None, small: bool = False
    ) -> "History":
        """Word exchanges for a speaker, the latest that fit into its context.

        A speaker of None is told everything in text. `small`: the embedded engine's own model,
        which reads words alone.
        """
        now = time.time()
        kept = _latest(exchanges, small)
        notes = []
        if left := len(exchanges) - len(kept):
            turns = "turn was" if left == 1 else f"{left} turns were"
            notes.append(f"The oldest {turns} left out: the model's context is full.")
        if any(one.sound and not one.lives(speaker, now) for one in kept):
            notes.append("Some earlier answers were sent as text: their sound is no longer there.")
        return cls(tuple(m for one in kept for m in one.messages(speaker, now)), tuple(notes))


def _latest(exchanges: tuple[Exchange, ...], small: bool) -> tuple[Exchange, ...]:
    room = SMALL_CONTEXT if small else CONTEXT
    for index in range(len(exchanges), 0, -1):
        room -= exchanges[index - 1].tokens(not small)
        if room < 0:
            return exchanges[index:]
    return exchanges


def _again(then: CellRun | None, now: CellRun | None) -> bool:
    """Whether an exchange came of an earlier run of the cell that runs now."""
    return bool(then and now and then.cell == now.cell and then.run != now.run)
