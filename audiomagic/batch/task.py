"""Task: one item of a batch, as plain data; carried out here or by a worker, another process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, Self

from ..costs.budget import Budget
from ..costs.ledger import Ledger
from ..errors import AudiomagicError, EngineError, OptionError, ReplyPending
from ..sound import Sound, StoredSound
from ..speech.silence import trim_silence
from ..transports.cancellation import Cancellation
from ..transports.resolve import ROUTING
from ..transports.transport import Transport
from ..turn.listener import NullListener
from ..turn.reply import STOPPED, Reply

if TYPE_CHECKING:
    from ..transports.cassette import Cassette

_making = Lock()


class TaskSession(Protocol):
    """What a batch needs of a Session."""

    options: dict[str, Any]
    budget: Budget
    notebook: str

    @property
    def cassette(self) -> "Cassette | None": ...
    @property
    def replaying(self) -> bool: ...
    @property
    def transport(self) -> Callable[..., Transport]: ...
    @property
    def speak(self) -> Callable[..., Reply]: ...
    @property
    def listen(self) -> Callable[..., Reply]: ...
    def bound(self, *, listener: NullListener, sharing: int) -> Self: ...
    def resuming(self) -> Self: ...
    def charged(self) -> Decimal | None: ...


@dataclass(frozen=True)
class Outcome:
    """What came of a task; `charged`: US dollars that it may have cost, None where unknown."""

    result: Reply | AudiomagicError
    charged: Decimal | None = None


@dataclass(frozen=True)
class Task:
    """A text to speak, or a `sound` to listen to, with a text or none.

    `sound` is whatever holds one: a small file may unpack into gigabytes, so that it is decoded
    when it is sent, and no reply keeps what was decoded.
    """

    text: str
    sound: object = None
    save: Path | None = None  # where the reply's sound goes; None: it stays in memory
    options: dict[str, Any] = field(default_factory=dict)  # of `Session.speak` or `listen`
    sharing: int = 1  # calls made at once, which share what the caps leave

    def run(self, session: TaskSession, cancellation: Cancellation | None = None) -> Outcome:
        """Run the task. What goes wrong is its result, an AudiomagicError."""
        view = session.bound(listener=NullListener(), sharing=self.sharing)
        try:
            with (cancellation or Cancellation.current()).bound():
                result: Reply | AudiomagicError = self._answer(view)
        except AudiomagicError as error:
            if isinstance(part := error.reply, Reply):
                error.reply = replace(part, sound=None) if self.save else part
            # Parted from the frames and errors that led to it: they hold all that was received.
            error.__cause__ = error.__context__ = None
            result = error.with_traceback(None)
        return Outcome(result, view.charged())

    def _answer(self, session: TaskSession) -> Reply:
        """Ask, and save the reply. Raises AudiomagicError, also for an answer that was cut off."""
        reply = self._ask(session)
        if reply.finish_reason in (STOPPED, None):
            error = ReplyPending("the answer to this item was cut off; run it again")
            error.reply = reply
            raise error
        if self.save and reply.sound:
            reply.save(self.save)
            if self.save.suffix != ".html":
                stored = StoredSound(self.save, reply.sound.rate, reply.sound.seconds)
                return replace(reply, sound=stored)
        return reply

    def _ask(self, session: TaskSession) -> Reply:
        if self.sound is None:
            return session.speak(self.text, **self.options)
        sound = Sound.of(self.sound)
        reply = session.listen(sound, self.text, **self.options)
        messages = tuple(
            replace(said, parts=tuple(map(self._stored, said.parts)))
            for said in reply.request.messages
        )
        return replace(reply, request=replace(reply.request, messages=messages))

    def _stored(self, part: str | Sound) -> str | Sound:
        """Return a part of what was sent, its sound left in what holds it."""
        if isinstance(part, str):
            return part
        return StoredSound(self.sound, part.rate, part.seconds, trim_silence)

    def portable(self) -> Self:
        """Return a task that can cross to another process. Raises SoundError."""
        at_home = self.sound is None or isinstance(self.sound, Path | bytes)
        return self if at_home else replace(self, sound=Sound.of(self.sound))


@dataclass(frozen=True)
class Setup:
    """What makes a worker's session like that of the notebook; no key is in it.

    The worker takes its key from its own environment. Where that leads to another server, it
    refuses.
    """

    job: str  # by which a worker recognises its session
    make: type[Any] = field(compare=False)  # the session's class
    host: str = field(compare=False)
    options: Mapping[str, Any] = field(compare=False)
    notebook: str = field(compare=False)
    ledger: str = field(compare=False)  # its path
    cassette: str | None = field(default=None, compare=False)  # its folder
    replaying: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, session: TaskSession, job: str, options: Mapping[str, Any]) -> "Setup":
        """Take it from a session. Raises OptionError for what cannot cross to another process."""
        given = {name: value for name, value in options.items() if value is not None}
        if {**session.options, **given}.get("tools"):
            raise OptionError("tools cannot cross to another process; drop executor, or tools")
        return cls(
            job,
            type(session),
            session.transport(**given).provider.host,
            session.options,
            session.notebook,
            str(session.budget.ledger.path.absolute()),
            str(session.cassette.folder) if session.cassette else None,
            session.replaying,
        )


def work(setup: Setup, task: Task) -> Outcome:
    try:
        with _making:
            session = _session(setup)
        routing = {name: value for name, value in task.options.items() if name in ROUTING}
        host = session.transport(**routing).provider.host
        if host != setup.host:
            raise EngineError(
                f"a worker would ask {host}, not {setup.host}; set the key and address "
                "(OPENAI_API_KEY, OPENAI_BASE_URL) where the workers are started"
            )
    except AudiomagicError as error:
        return Outcome(error, Decimal(0))
    return task.run(session)


@lru_cache(4)  # jobs at once
def _session(setup: Setup) -> TaskSession:
    session = setup.make(notebook=setup.notebook, **setup.options)
    session.budget.ledger = Ledger(setup.ledger)
    if setup.cassette and setup.replaying:
        session.replay(setup.cassette, pace=False)
    elif setup.cassette:
        session.record(setup.cassette)
    found: TaskSession = session.resuming()
    return found
