"""Task: one item of a batch, as plain data that any process can carry out."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..costs.ledger_entries import CallEnd
from ..errors import AudiomagicError, ReplyPending
from ..file_sound import FileSound
from ..sound import Sound
from ..turn.listener import StreamListener
from ..turn.notes import STOPPED
from ..turn.reply import Reply

if TYPE_CHECKING:
    from ..session import Session


@dataclass(frozen=True)
class Outcome:
    """What became of a task; `paid` in US dollars, None where that is not known."""

    result: Reply | AudiomagicError
    paid: Decimal | None = None


@dataclass(frozen=True)
class Task:
    """What is asked: a text to speak, or a `sound` to listen to, with a text or none."""

    text: str
    sound: Path | Sound | None = None
    save: Path | None = None  # where the answer's sound goes; None: it stays in memory
    options: dict[str, Any] = field(default_factory=dict)  # of `Session.speak` or `listen`

    def run(self, session: "Session", listener: StreamListener | None = None) -> Outcome:
        """Have it answered. What goes wrong is its result, an AudiomagicError."""
        try:
            reply = self._ask(session, listener)
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
            return Outcome(_alone(error), paid)

    def _ask(self, session: "Session", listener: StreamListener | None) -> Reply:
        if self.sound is None:
            return session.speak(self.text, listener=listener, **self.options)
        sound = Sound.of(self.sound)
        reply = session.listen(sound, self.text, listener=listener, **self.options)
        if not isinstance(self.sound, Path):
            return reply
        # What was sent stays in its file, too.
        stored = FileSound(self.sound, sound.rate, sound.seconds)
        messages = tuple(
            replace(said, parts=tuple(stored if one is sound else one for one in said.parts))
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


def _alone(error: AudiomagicError) -> AudiomagicError:
    """Part an error from the frames and errors that led to it: they hold all that was received."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
