"""Worker: another process that carries out tasks, with a session of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any

from ..costs.ledger import Ledger
from ..errors import AudiomagicError, EngineError, OptionError
from .task import Outcome, Task, TaskSession

ROUTING = ("engine", "base_url", "llm", "stt")  # options that decide who answers

_making = Lock()


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
        options = {**session.options, **{k: v for k, v in options.items() if v is not None}}
        if options.get("tools"):
            raise OptionError("tools cannot cross to another process; drop executor, or tools")
        return cls(
            job,
            type(session),
            session.transport(**options).provider.host,
            session.options,
            session.notebook,
            str(session.ledger.path.absolute()),
            str(session.cassette.folder) if session.cassette else None,
            session.replaying,
        )


def work(setup: Setup, task: Task) -> Outcome:
    """Carry out a task in this process."""
    try:
        with _making:
            session = _session(setup)
        options = {name: value for name, value in task.options.items() if name in ROUTING}
        host = session.transport(**options).provider.host
        if host != setup.host:
            raise EngineError(
                f"a worker would ask {host}, not {setup.host}; set the key and address "
                "(OPENAI_API_KEY, OPENAI_BASE_URL) where the workers are started"
            )
    except AudiomagicError as error:
        return Outcome(error)
    return task.run(session)


@lru_cache(4)  # jobs at once
def _session(setup: Setup) -> TaskSession:
    session = setup.make(notebook=setup.notebook, **setup.options)
    session.budget.ledger = Ledger(setup.ledger)
    if setup.cassette and setup.replaying:
        session.replay(setup.cassette, pace=False)
    elif setup.cassette:
        session.record(setup.cassette)
    found: TaskSession = session
    return found
