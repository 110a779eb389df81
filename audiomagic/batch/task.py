"""Task: one item of a batch, as plain data that any process can carry out."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, Unpack

from ..costs.budget import Budget
from ..costs.ledger import Ledger
from ..costs.ledger_entries import CallEnd
from ..errors import AudiomagicError, ReplyPending
from ..sound import FileSound, Sound
from ..transports.cancellation import Cancellation
from ..transports.transport import Transport
from ..turn.notes import STOPPED
from ..turn.options import Options
from ..turn.reply import Reply

if TYPE_CHECKING:
    from ..transports.cassette import Cassette


class TaskSession(Protocol):
    """What a batch needs of a Session."""

    options: dict[str, Any]
    budget: Budget
    notebook: str

    @property
    def ledger(self) -> Ledger: ...
    @property
    def cassette(self) -> "Cassette | None": ...
    @property
    def replaying(self) -> bool: ...
    def transport(self, **options: Unpack[Options]) -> Transport: ...
    def bound(self, *, sharing: int = 1, reuse: bool = False) -> Self: ...
    def speak(self, text: str, *, verbatim: bool = False, **options: Unpack[Options]) -> Reply: ...
    def listen(
        self,
        sound: object,
        instruction: str = "",
        *,
        text: bool = False,
        expect: str = "",
        **options: Unpack[Options],
    ) -> Reply: ...


@dataclass(frozen=True)
class Outcome:
    """What came of a task; `paid` in US dollars, None where that is not known."""

    result: Reply | AudiomagicError
    paid: Decimal | None = None


@dataclass(frozen=True)
class Task:
    """A text to speak, or a `sound` to listen to, with a text or none."""

    text: str
    sound: Path | Sound | None = None
    save: Path | None = None  # where the reply's sound goes; None: it stays in memory
    options: dict[str, Any] = field(default_factory=dict)  # of `Session.speak` or `listen`
    sharing: int = 1  # calls made at once, which share what the caps leave

    def run(self, session: TaskSession, cancellation: Cancellation | None = None) -> Outcome:
        """Carry it out. What goes wrong is its result, an AudiomagicError."""
        try:
            with (cancellation or Cancellation.current()).bound():
                reply = self._ask(session.bound(sharing=self.sharing, reuse=True))
                if reply.finish_reason in (STOPPED, None):
                    error = ReplyPending("the answer to this item was cut off; map again")
                    error.reply = reply
                    raise error
                return Outcome(self._stored(reply), reply.receipt.estimate)
        except AudiomagicError as error:
            if isinstance(part := error.reply, Reply):
                paid = None
                error.reply = replace(part, sound=None) if self.save else part
            else:
                end = CallEnd.failed(error)
                paid = end.dollars if end.settled else None
            # Parted from the frames and errors that led to it: they hold all that was received.
            error.__cause__ = error.__context__ = None
            return Outcome(error.with_traceback(None), paid)

    def _ask(self, session: TaskSession) -> Reply:
        if self.sound is None:
            return session.speak(self.text, **self.options)
        sound = Sound.of(self.sound)
        reply = session.listen(sound, self.text, **self.options)
        if not isinstance(self.sound, Path):
            return reply
        # What was sent stays in its file, too.
        stored = FileSound(self.sound, sound.rate, sound.seconds)
        messages = tuple(
            replace(said, parts=tuple(stored if part is sound else part for part in said.parts))
            for said in reply.request.messages
        )
        return replace(reply, request=replace(reply.request, messages=messages))

    def _stored(self, reply: Reply) -> Reply:
        if self.save is None or reply.sound is None:
            return reply
        reply.save(self.save)
        if self.save.suffix == ".html":
            return reply
        stored = FileSound(self.save, reply.sound.rate, reply.sound.seconds)
        return replace(reply, sound=stored)
