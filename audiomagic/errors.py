"""Everything that audiomagic raises on purpose.

AudiomagicError
├── OptionError        a misspelled option, setting, voice, model or value
├── SoundError         a sound that cannot be read, sent or written
├── RequestFailed         a call that the server did not answer as it should
│   ├── ConnectionFailed   it was never reached, or went away
│   ├── RequestRejected     it answered with an error
│   └── InvalidResponse          it answered with something that is not an answer
├── CassetteError      a recorded exchange, or its folder, that is damaged or cannot be written
├── NotRecorded        a request that a cassette holds no answer to
├── EngineError        the embedded engine is missing, incomplete or damaged
├── BudgetExceeded        a call that might cost more than a cap allows
├── LedgerError        the ledger of calls cannot be read or written
├── WorkerLost         an item of a batch whose worker died
├── NoMicrophone       a recording was asked for where nobody can record
└── ReplyPending             the reply to a recording that was not made yet, or to an item not asked yet

Each message is one line: what happened, then what to type. In IPython that line is all that is
shown; the exception still stops Run All and can be caught.
"""

import unicodedata
from typing import TYPE_CHECKING

from . import redaction

if TYPE_CHECKING:
    from decimal import Decimal

    from .batch.batch import Batch
    from .notebook.invocation import Result

MESSAGE_LIMIT = 300  # characters of foreign text (a server's, a file's) worth repeating


class AudiomagicError(Exception):
    """The root: catch this to catch all of them; `reply` is what was answered by then."""

    reply: "Result | Batch | None" = None

    def __init__(self, message: str = ""):
        super().__init__(redaction.without(message))  # it may repeat what was typed

    def _render_traceback_(self) -> list[str]:
        """Give IPython the one line to show instead of a traceback."""
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]


class OptionError(AudiomagicError, ValueError):
    """A misspelled or impossible option, setting, voice, model or value."""


class SoundError(AudiomagicError, ValueError):
    """A sound that is unreadable, empty, too short, too long, or cannot be written."""


class RequestFailed(AudiomagicError):
    """A call that failed at the far end.

    `status` is the HTTP status, `code` the protocol's word for what is wrong ("audio_not_found"),
    `request_id` the server's own name of the call; each is None where there is none. `sent` is
    False where no request ever left, so that nothing can have been paid for.
    """

    sent = True

    def __init__(
        self,
        message: str,
        status: int | None = None,
        request_id: str | None = None,
        code: str | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.request_id = request_id
        self.code = code

    def __str__(self) -> str:
        return super().__str__() + (f" (request {self.request_id})" if self.request_id else "")


class ConnectionFailed(RequestFailed):
    """No connection to the server, or a connection lost."""


class RequestRejected(RequestFailed):
    """An error answer of the server."""


class InvalidResponse(RequestFailed):
    """An answer that does not follow the Chat Completions protocol."""


class CassetteError(AudiomagicError):
    """A recorded exchange that is damaged, too new or hostile, or a folder that takes none."""


class NotRecorded(AudiomagicError, LookupError):
    """A request that a cassette holds no answer to."""


class EngineError(AudiomagicError):
    """The embedded engine, or one of its models, is missing or damaged."""


class BudgetExceeded(AudiomagicError):
    """A call refused before anything was sent: it might cost more than a cap allows.

    `enough` is a cap, in US dollars, under which it would be let through.
    """

    enough: "Decimal | None" = None


class LedgerError(AudiomagicError):
    """A ledger of calls that is locked (`busy`), damaged, read-only, or not a ledger."""

    busy = False


class WorkerLost(AudiomagicError):
    """An item of a batch whose worker died, or could not run it."""


class NoMicrophone(AudiomagicError):
    """A recording asked for without a front end, or a person, to make it."""


class ReplyPending(AudiomagicError):
    """A reply read before its recording, or its item of a batch, was answered."""


class Interrupted(KeyboardInterrupt):
    """The stop button, pressed during a call or a recording; `reply` is what came by then."""

    def __init__(self, line: str, reply: "Result | Batch | None" = None):
        super().__init__(line)
        self.reply = reply

    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[31mKeyboardInterrupt\x1b[0m: {self}"]


def one_line(text: object, limit: int = MESSAGE_LIMIT) -> str:
    """Flatten foreign text to one bounded line: no control, bidi or broken characters, no key."""
    visible = "".join(
        " " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c
        for c in str(text)[: 4 * limit]
    )
    line = redaction.without(" ".join(visible.split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"
