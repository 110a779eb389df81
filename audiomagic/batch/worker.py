"""Worker: another process that carries out tasks, with a session of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..costs.ledger import Ledger
from ..errors import AudiomagicError, EngineError, OptionError
from .task import Outcome, Task

if TYPE_CHECKING:
    from ..session import Session

_making = Lock()


@dataclass(frozen=True)
class Setup:
    """What makes a worker's session like that of the notebook; no key is in it.

    The worker's own environment tells its key. Where that leads to another far end, it refuses.
    """

    job: str  # by which a worker knows its session again
    make: "type[Session]" = field(compare=False)
    engine: str = field(compare=False)
    host: str = field(compare=False)
    options: Mapping[str, Any] = field(compare=False)
    notebook: str = field(compare=False)
    ledger: str = field(compare=False)  # its path
    cassette: str | None = field(default=None, compare=False)  # its folder
    plays: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, session: "Session", job: str, options: Mapping[str, Any]) -> "Setup":
        """Take it from a session. Raises OptionError for what cannot cross to another process."""
        options = {**session.options, **{k: v for k, v in options.items() if v is not None}}
        if options.get("tools"):
            raise OptionError("tools cannot cross to another process; drop executor, or tools")
        route, tape = session.endpoint(**options), session.tape
        return cls(
            job,
            type(session),
            route.engine,
            route.host,
            session.options,
            session.notebook,
            str(session.ledger.path.absolute()),
            str(tape.cassette.folder) if tape else None,
            bool(tape and tape.plays),
        )


def work(setup: Setup, task: Task) -> Outcome:
    """Carry out a task in this process."""
    try:
        with _making:
            session = _session(setup)
        route = session.endpoint(**{k: v for k, v in task.options.items() if k in ROUTING})
        if (route.engine, route.host) != (setup.engine, setup.host):
            raise EngineError(
                f"a worker would ask {route.host}, not {setup.host}; set the key and address "
                "(OPENAI_API_KEY, OPENAI_BASE_URL) where the workers are started"
            )
    except AudiomagicError as error:
        return Outcome(error)
    return task.run(session)


ROUTING = ("engine", "base_url", "llm", "stt")


@lru_cache(4)  # jobs at once
def _session(setup: Setup) -> "Session":
    session = setup.make(notebook=setup.notebook, **setup.options)
    session.budget.ledger = Ledger(setup.ledger)
    if setup.cassette and setup.plays:
        session.replay(setup.cassette, pace=False)
    elif setup.cassette:
        session.record(setup.cassette)
    return session.resuming()
