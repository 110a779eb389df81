"""Everything that audiomagic raises on purpose, and how foreign text is made fit to be shown.

AudiomagicError
├── OptionError        a misspelled option, setting, voice, model or value
├── SoundError         a sound that cannot be read, sent or written
├── RequestFailed      a call that the server did not answer as it should
│   ├── ConnectionFailed   it was never reached, or went away
│   ├── RequestRejected    it answered with an error
│   └── InvalidResponse    it answered with something that is not an answer
├── CassetteError      a recording, or its folder, that is damaged or cannot be written
├── NotRecorded        a request that a cassette has no answer to
├── EngineError        the local engine is missing, incomplete or damaged
├── BudgetExceeded     a call that might cost more than a cap allows
├── LedgerError        the ledger of calls cannot be read or written
├── WorkerLost         an item of a batch whose worker died
├── NoMicrophone       a recording was requested where nobody can record
└── ReplyPending       the reply to a recording that was not made yet, or to an item not asked yet

`...Error`: something is wrong with a thing (an option, a sound, a file, the engine, the ledger).
Every other name is an event, and says what happened. Each message is one line: what happened, then
what to type next. In IPython that line is all that is shown; the exception still stops Run All.
"""

import unicodedata
from typing import TYPE_CHECKING

from . import redaction

if TYPE_CHECKING:
    from decimal import Decimal

LONGEST_MESSAGE = 1_000  # characters
LONGEST_QUOTE = 300  # characters of foreign text (a server's, a file's) worth repeating


class AudiomagicError(Exception):
    """Catch this to catch all of them; `reply` is what had been answered by then.

    The message becomes one line of bounded length, without keys.
    """

    __module__ = "audiomagic"  # where users have it from

    reply: object | None = None

    def __init__(self, message: object = ""):
        super().__init__(one_line(message, LONGEST_MESSAGE))

    def _render_traceback_(self) -> list[str]:
        """Give IPython the line to show instead of a traceback."""
        return [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]


class OptionError(AudiomagicError, ValueError):
    """A misspelled or impossible option, setting, voice, model or value."""


class SoundError(AudiomagicError, ValueError):
    """A sound that is unreadable, empty, too short, too long, or cannot be written."""


class RequestFailed(AudiomagicError):
    """A call that the server did not answer as it should.

    `status` is the HTTP status, `code` the protocol's code of the error ("audio_not_found"),
    `request_id` the server's own name for the call; each is None where it is unknown.
    `may_be_billed` is False where nothing can have been made for the request: it never left, or was
    refused. `faulty` is True where it was the request that the server objected to, so that another
    may be answered. `retry_after` is the seconds after which another try may succeed, 0 where the
    server named none; None where it is no use.
    """

    may_be_billed = True
    faulty = False
    retry_after: float | None = None

    def __init__(
        self,
        message: object,
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
    """No connection to the server, or a connection that was lost."""


class RequestRejected(RequestFailed):
    """An error that the server answered with."""


class InvalidResponse(RequestFailed):
    """An answer that does not follow the Chat Completions protocol."""


class CassetteError(AudiomagicError):
    """A recording that is damaged, too new or hostile, or a folder that cannot hold any."""


class NotRecorded(AudiomagicError, LookupError):
    """A request that a cassette has no answer to."""


class EngineError(AudiomagicError):
    """The local engine, or one of its models, is missing or damaged."""


class BudgetExceeded(AudiomagicError):
    """A call that was refused before anything was sent: it might cost more than a cap allows.

    `enough` is a cap, in US dollars, that would allow it.
    """

    enough: "Decimal | None" = None


class LedgerError(AudiomagicError):
    """A ledger of calls that is locked (`busy`), damaged, read-only, or not a ledger."""

    busy = False


class WorkerLost(AudiomagicError):
    """An item of a batch whose worker died, or could not run it."""


class NoMicrophone(AudiomagicError):
    """A recording was asked for without a front end, or a person, to make it."""


class ReplyPending(AudiomagicError):
    """A reply that was read before its recording, or its item of a batch, was answered."""


class Interrupted(KeyboardInterrupt):
    """The stop button was pressed during a call or a recording; `reply` is what came by then."""

    def __init__(self, line: str, reply: object | None = None):
        super().__init__(line)
        self.reply = reply

    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[31mKeyboardInterrupt\x1b[0m: {self}"]


def one_line(text: object, limit: int = LONGEST_QUOTE) -> str:
    """Flatten foreign text to one bounded line: no control, bidi or broken characters, no key."""
    try:
        words = str(text)
    except ValueError:  # that of a whole number, which Python writes up to 4300 digits
        words = "a number of too many digits"
    visible = "".join(
        " " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c
        for c in words[: 4 * limit]
    )
    line = redaction.without(" ".join(visible.split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def clean(text: str) -> str:
    """Join surrogates that were sent apart (half an emoji each); replace lone ones, which cannot
    be encoded. Text is cleaned where it enters.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
