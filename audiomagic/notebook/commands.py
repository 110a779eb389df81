"""The commands of `%audiomagic`."""

import shlex
import sys
import traceback
from argparse import ArgumentError, ArgumentParser
from collections.abc import Callable
from getpass import getpass
from typing import TYPE_CHECKING, Any

from IPython.core.error import StdinNotImplementedError

from .. import redaction, suggestions
from ..costs import caps
from ..errors import OptionError, one_line
from ..render.conversation import ConversationPage
from ..render.cost_report import CostReport
from ..session import Session
from . import reports
from .arguments import Settings

if TYPE_CHECKING:
    from ..transports.cassette import Cassette

Command = Callable[[Session, Settings, list[str]], Any]


def run(line: str, session: Session, settings: Settings) -> Any:
    """Run one, `status` unless named; return what is to be shown. Raises OptionError."""
    try:
        # Not in the way of POSIX, where a path of Windows would lose its backslashes.
        words = [word.strip("\"'") for word in shlex.split(line, posix=False)]
        name, *rest = words or ["status"]
    except ValueError as error:
        raise OptionError(f"a quote is not closed: {one_line(line, 60)}") from error
    if name not in COMMANDS:
        raise OptionError(suggestions.unknown("%audiomagic command", name, COMMANDS))
    return COMMANDS[name](session, settings, rest)


def _status(session: Session, settings: Settings, rest: list[str]) -> Any:
    _read("status", rest)
    chosen = {name: getattr(settings, name) for name in ("model", "voice")}
    return reports.status(session, **chosen, **_where(settings))


def _models(session: Session, settings: Settings, rest: list[str]) -> Any:
    _read("models", rest)
    return reports.models(session, **_where(settings))


def _where(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in ("engine", "base_url")}


def _voices(session: Session, settings: Settings, rest: list[str]) -> Any:
    _read("voices", rest)
    return reports.voices()


def _costs(session: Session, settings: Settings, rest: list[str]) -> Any:
    """Show what calls cost."""
    given = _read("costs", rest, {"--all": {"action": "store_true"}, "--csv": {}})
    rows = session.ledger.rows(notebook=None if given.all else session.notebook)
    statement = CostReport(rows, given.all)
    if given.csv is None:
        return statement
    print(f"saved {len(rows)} calls: {statement.save(given.csv)}")
    return None


def _budget(session: Session, settings: Settings, rest: list[str]) -> Any:
    """Set a cap, lift it, or show what holds."""
    per = {"choices": ("notebook", "day", "month")}
    given = _read("budget", rest, {"amount": {"nargs": "?"}, "--per": per})
    if given.amount:
        cap = None if given.amount == "off" else caps.amount(given.amount)
        session.budget.set_cap(cap, given.per or "notebook", session.notebook)
    return reports.caps(session.budget.caps(session.notebook))


def _key(session: Session, settings: Settings, rest: list[str]) -> Any:
    """Ask for the key, unseen; it stays in this process."""
    if rest:
        raise OptionError("type no key in a cell, which keeps it: %audiomagic key asks for it")
    try:
        session.set_api_key(getpass("OpenAI API key (kept in this kernel only): "))
    except (StdinNotImplementedError, EOFError) as error:
        raise OptionError("nobody is there to type a key; set OPENAI_API_KEY instead") from error
    print("The key is set, until this kernel ends.")


def _chat(session: Session, settings: Settings, rest: list[str]) -> Any:
    """Show the chats, or one; forget it, save it, load it."""
    flags = {"--forget": {"action": "store_true"}, "--save": {}, "--load": {}}
    given = _read("chat", rest, {"name": {"nargs": "?"}, **flags})
    if given.name is None and not (given.forget or given.save or given.load):
        return reports.chats(session.chats)
    name = given.name or "main"
    if given.load:
        session.chats.load(name, given.load)
    chat = session.chats.get(name)
    if given.save:
        session.chats.save(name, given.save)
        print(f"saved chat {name}: {given.save}")
    if given.forget:
        session.chats.forget(name)
        print(f"forgot chat {name}: {len(chat.exchanges)} turns")
    return None if given.save or given.forget else ConversationPage(chat)


def _record(session: Session, settings: Settings, rest: list[str]) -> Any:
    """Keep every exchange in a folder."""
    folder = _read("record", rest, {"folder": {}}).folder
    cassette = session.record(folder)
    # As it was typed: a whole path would tell whose machine this is to all who see the notebook.
    print(f"recording in {folder} {_holding(cassette)}; stop with %audiomagic live")


def _replay(session: Session, settings: Settings, rest: list[str]) -> Any:
    """Answer from a folder."""
    arguments = {"folder": {}, "--at-once": {"action": "store_true"}}
    given = _read("replay", rest, arguments)
    cassette = session.replay(given.folder, pace=not given.at_once)
    print(f"answering from {given.folder} {_holding(cassette)}; stop with %audiomagic live")


def _holding(cassette: "Cassette") -> str:
    count = len(cassette.exchanges())
    refused = "".join(f"; refused {line}" for line in cassette.refused.values())
    return f"({count} exchange{'' if count == 1 else 's'}{refused})"


def _live(session: Session, settings: Settings, rest: list[str]) -> Any:
    """Go back to far ends."""
    _read("live", rest)
    session.live()
    print("calls go to the far end again; nothing is recorded")


def _strip(session: Session, settings: Settings, rest: list[str]) -> Any:
    from .strip_audio import strip

    print(strip(_read("strip", rest, {"notebook": {}}).notebook))


def _traceback(session: Session, settings: Settings, rest: list[str]) -> Any:
    """Print all of the last error, of which its cell shows one line; no key."""
    _read("traceback", rest)
    error = getattr(sys, "last_value", None)
    if error is None:
        raise OptionError("there was no error yet")
    print(redaction.without_pieces("".join(traceback.format_exception(error))))


COMMANDS: dict[str, Command] = {
    "status": _status,
    "models": _models,
    "voices": _voices,
    "costs": _costs,
    "budget": _budget,
    "key": _key,
    "chat": _chat,
    "record": _record,
    "replay": _replay,
    "live": _live,
    "strip": _strip,
    "traceback": _traceback,
}


class _Parser(ArgumentParser):
    def error(self, message: str) -> Any:
        """Complain as the magics do."""
        raise OptionError(f"%audiomagic {self.prog}: {one_line(message, 120)}")


def _read(command: str, rest: list[str], arguments: dict[str, Any] | None = None) -> Any:
    """Read the rest of a command's line. Raises OptionError."""
    parser = _Parser(prog=command, add_help=False, exit_on_error=False)
    for name, how in (arguments or {}).items():
        parser.add_argument(name, **how)
    try:
        return parser.parse_args(rest)
    except ArgumentError as error:
        return parser.error(str(error))
