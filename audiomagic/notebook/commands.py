"""The commands of `%audiomagic`, and the tables that they show."""

import re
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from getpass import getpass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from IPython.core.error import StdinNotImplementedError

from .. import redaction, suggestions
from ..catalogue import Model, catalogue
from ..costs import budget
from ..costs.ledger import PERIODS
from ..costs.pricing import dollars, listed
from ..errors import AudiomagicError, LedgerError, OptionError, one_line
from ..render.conversation import ConversationPage
from ..render.cost_report import CostReport, spent
from ..render.html import counted, visible
from ..render.table import Table
from ..session import Session
from ..transports.model_list import Listing, audio_models
from ..transports.resolve import ROUTING, merged
from ..transports.transport import Transport
from ..turn.conversation import Conversation
from ..turn.options import Options
from .arguments import FLAG, MagicOptions
from .strip_audio import strip

if TYPE_CHECKING:
    from ..transports.cassette import Cassette

QUOTES = "\"'"
QUOTED = r""""[^"]*"|'[^']*'"""  # not as shells do: a path of Windows keeps its backslashes
UNPRICED = ("unknown", "unknown", "", "", "")
WORD = re.compile(rf"""(?:{QUOTED}|[^\s"']|["'])+""")


def run(line: str, session: Session, settings: MagicOptions) -> Any:
    """Run a command, `status` unless named; return what is to be shown. Raises OptionError."""
    name, *rest = WORD.findall(line) or ["status"]
    if set(QUOTES).intersection(re.sub(QUOTED, "", line)):
        raise OptionError(f"a quote is not closed: {one_line(line, 60)}")
    if name not in COMMANDS:
        raise OptionError(suggestions.unknown("%audiomagic command", name, COMMANDS))
    command, arguments = COMMANDS[name]
    return command(session, settings, _parse(name, arguments, rest))


@dataclass(frozen=True)
class Argument:
    """An argument of a command, or what follows one of its flags."""

    value: str = ""  # what it takes, as in FILE; "": it is a switch
    choices: tuple[str, ...] = ()
    needed: bool = False
    rest: bool = False  # takes all words that are left


def _parse(name: str, arguments: dict[str, Argument], words: list[str]) -> SimpleNamespace:
    """Return the values of a command's arguments, None or False where they are not given."""
    flags = {flag: one for flag, one in arguments.items() if flag.startswith("--")}
    places = [place for place in arguments if place not in flags]
    given: dict[str, Any] = {one: None if arguments[one].value else False for one in arguments}
    while words:
        word, *words = words
        if places and arguments[places[0]].rest:
            given[places[0]], words = " ".join([word, *words]), []
        elif FLAG.match(word):
            flag, equals, value = word.partition("=")
            if flag not in flags:
                raise OptionError(suggestions.unknown(f"%audiomagic {name} option", flag, flags))
            if flags[flag].value and not equals:
                if not words or FLAG.match(words[0]):
                    raise OptionError(f"{flag} needs a value: {flag} {flags[flag].value}")
                value, *words = words
            elif equals and not flags[flag].value:
                raise OptionError(f"{flag} takes no value")
            given[flag] = _chosen(flag, flags[flag], value) if flags[flag].value else True
        elif places:
            given[places.pop(0)] = word.strip(QUOTES)
        else:
            shown = one_line(word, 60)
            raise OptionError(f"'{shown}' is one word too many for %audiomagic {name}; drop it")
    if places and arguments[places[0]].needed:
        wanted = arguments[places[0]].value
        raise OptionError(f"%audiomagic {name} needs a {places[0]}: %audiomagic {name} {wanted}")
    return SimpleNamespace(**{one.strip("-").replace("-", "_"): v for one, v in given.items()})


def _chosen(flag: str, argument: Argument, value: str) -> str:
    value = value.strip(QUOTES)
    if argument.choices and value not in argument.choices:
        raise OptionError(suggestions.unknown(flag, value, argument.choices))
    return value


# -- the tables -------------------------------------------------------------------------------
def status(session: Session, settings: MagicOptions, given: object = None) -> Table:
    """Show where calls go and why, and what they have cost so far; never a key."""
    try:
        provider = _transport(session, settings).provider
        engine, address = f"{provider.name}: {provider.why}", provider.host
        key = "set" if provider.has_key else "not set"
    except AudiomagicError as error:
        engine, address, key = f"none: {error}", "", "not set"
    chats = ", ".join(chat.name for chat in session.chats)
    verb = "answers from" if session.replaying else "records in"
    cassette = f"{verb} {session.cassette.name}" if session.cassette else "none"
    rows = [("engine", engine), ("address", address)]
    rows += [(name, value) for name in ("llm", "stt") if (value := getattr(settings, name))]
    rows += [("model", settings.model), ("live model", catalogue().default_realtime_model)]
    rows += [("voice", settings.voice), ("key", key)]
    rows += [("chats", chats or "none"), ("cassette", cassette)]
    try:
        calls = session.ledger.rows(notebook=session.notebook)
        caps = [f"{cap} ({_left(cap)} left)" for cap in session.budget.caps(session.notebook)]
        rows += [("calls", str(len(calls))), ("spent", spent(calls))]
        rows += [("cap", ", ".join(caps) or "none")]
    except LedgerError as error:
        rows += [("ledger", str(error))]
    return Table(("setting", "value"), rows)


def _transport(session: Session, settings: MagicOptions) -> Transport:
    """Return what answers a cell without options of its own."""
    where = {name: getattr(settings, name) for name in ROUTING}
    return session.transport(**cast(Options, merged(where, {})))


def models(session: Session, settings: MagicOptions, given: object = None) -> Table:
    """List the models of our table, then those that only the server knows: for each purpose."""
    heading = (
        "model", "for", "state", "use instead", "text in / out", "sound in / out",
        "cached text / sound", "a minute in / out", "checked",
    )  # fmt: skip
    listing, note = None, "Prices in US dollars per million tokens, and per minute of sound."
    with suppress(AudiomagicError):
        transport = _transport(session, settings)
        listing = transport.models()
        if transport.provider.paid and not listing:
            note += f" {transport.provider.host} does not list the models that your key may use."
    rows = []
    for realtime, purpose in ((False, "%%speak, %%listen"), (True, "%%converse")):
        table = catalogue().table(realtime)
        speaking = audio_models(listing or {}, realtime=realtime)
        rows += [_model(model, purpose, listing) for model in table.values()]
        more = [name for name in speaking if name not in table]
        rows += [(name, purpose, "no known price", "", *UNPRICED) for name in more]
    return Table(heading, rows, note)


def _model(model: Model, purpose: str, listing: Listing | None) -> tuple[str, ...]:
    day = (listing or {}).get(model.id) or model.shutdown
    state = f"{'shut down' if day <= date.today() else 'until'} {day}" if day else "current"
    if listing and model.id not in listing:
        state += ", not for your key"
    head = (model.id, purpose, state, model.successor or "")
    price = listed().find(model.id)
    if price is None:
        return (*head, *UNPRICED)
    rate = price.rates
    cached = [rate.cached_in, rate.cached_audio_in]
    return (
        *head,
        f"{rate.text_in:.2f} / {rate.text_out:.2f}",
        f"{rate.audio_in:.2f} / {rate.audio_out:.2f}",
        "" if cached == [None, None] else " / ".join(map(_rate, cached)),
        " / ".join(map(dollars, rate.minute)),
        price.day(),
    )


def _rate(rate: Decimal | None) -> str:
    return "-" if rate is None else f"{rate:.2f}"


def voices(session: Session, settings: MagicOptions, given: object = None) -> Table:
    from ..engine import synthesize, weights

    names = catalogue().voices
    missing = [name for name in names if name not in catalogue().realtime_voices]
    live = f"The service has no {', '.join(missing[:-1])} or {missing[-1]} in %%converse."
    if not weights.installed():
        hint = "Samples need the local engine: pip install 'audiomagic[local]'"
        return Table(("voice",), [(name,) for name in names], f"{hint}. {live}")
    from ..engine.tts import voices as local_voices

    local = local_voices()
    rows = [(name, local[name].like, synthesize(f"Hello, I am {name}.", name)) for name in names]
    note = "The samples are the local engine's voices of these names, not the service's own."
    return Table(("voice", "the local one is", "sample"), rows, f"{note} {live}")


def chats(chats: Iterable[Conversation]) -> Table:
    rows = [
        (chat.name, str(len(chat.exchanges)), one_line(chat.exchanges[-1].answer, 60))
        for chat in chats
        if chat.exchanges
    ]
    note = "" if rows else "No chat yet; begin one: %%speak --chat NAME"
    return Table(("chat", "turns", "its last answer"), rows, note)


# -- the commands -----------------------------------------------------------------------------
def _costs(session: Session, settings: MagicOptions, given: Any) -> CostReport | None:
    rows = session.ledger.rows(notebook=None if given.all else session.notebook)
    report = CostReport(rows, given.all)
    if given.csv is None:
        return report
    saved = report.save(given.csv)
    print(f"saved {counted(len(rows), 'call')} to {visible(str(saved))}")
    return None


def _budget(session: Session, settings: MagicOptions, given: Any) -> Table:
    if given.amount:
        cap = None if given.amount == "off" else budget.amount(given.amount)
        session.budget.set_cap(cap, given.per or "notebook", session.notebook)
    rows = [
        (str(cap), dollars(cap.spent), dollars(cap.reserved), _left(cap))
        for cap in session.budget.caps(session.notebook)
    ]
    note = "Reserved: the worst case of calls in flight, and of calls whose cost is unknown."
    none = "There is no cap; set one: %audiomagic budget 0.50 [--per day|month]"
    return Table(("cap", "spent", "reserved", "left"), rows, note if rows else none)


def _left(cap: budget.Cap) -> str:
    return dollars(max(cap.room, Decimal(0)))


def _key(session: Session, settings: MagicOptions, given: Any) -> None:
    if given.typed:
        raise OptionError(
            "do not type a key into a cell, which keeps it; run %audiomagic key, which asks for it"
        )
    try:
        session.set_api_key(getpass("OpenAI API key (kept in this kernel only): "))
    except (StdinNotImplementedError, EOFError) as error:
        raise OptionError("no key can be typed here; set OPENAI_API_KEY instead") from error
    print("The key is set, until this kernel ends.")


def _chat(session: Session, settings: MagicOptions, given: Any) -> Table | ConversationPage | None:
    if given.name is None and not (given.forget or given.save or given.load):
        return chats(session.chats)
    name = given.name or "main"
    if given.load:
        session.chats.load(name, given.load)
    chat = session.chats.get(name)
    if given.save:
        session.chats.save(name, given.save)
        print(f"saved chat {chat.name} to {visible(given.save)}")
    if given.forget:
        session.chats.forget(name)
        print(f"forgot chat {chat.name} ({counted(len(chat.exchanges), 'turn')})")
    return None if given.save or given.forget else ConversationPage(chat.name, chat.exchanges)


def _record(session: Session, settings: MagicOptions, given: Any) -> None:
    cassette = session.record(given.folder)
    print(f"recording in {cassette.name} {_content(cassette)}; stop with %audiomagic live")


def _replay(session: Session, settings: MagicOptions, given: Any) -> None:
    cassette = session.replay(given.folder, pace=not given.at_once)
    print(f"answering from {cassette.name} {_content(cassette)}; stop with %audiomagic live")


def _content(cassette: "Cassette") -> str:
    refused = "".join(f"; refused {line}" for line in cassette.refused.values())
    return f"({counted(len(cassette.exchanges()), 'exchange')}{refused})"


def _live(session: Session, settings: MagicOptions, given: Any) -> None:
    session.live()
    print("calls are sent; nothing is recorded or replayed")


def _strip(session: Session, settings: MagicOptions, given: Any) -> None:
    print(strip(given.notebook))


def _traceback(session: Session, settings: MagicOptions, given: Any) -> None:
    error = getattr(sys, "last_value", None)
    if error is None:
        raise OptionError("there has been no error yet")
    print(visible(redaction.without_pieces("".join(traceback.format_exception(error)))))


ON, FILE, FOLDER = Argument(), Argument("FILE"), Argument("FOLDER", needed=True)
PER = Argument("|".join(PERIODS), PERIODS)
# By name: what it does, and its arguments.
COMMANDS: dict[str, tuple[Callable[[Session, MagicOptions, Any], Any], dict[str, Argument]]] = {
    "status": (status, {}),
    "models": (models, {}),
    "voices": (voices, {}),
    "costs": (_costs, {"--all": ON, "--csv": FILE}),
    "budget": (_budget, {"amount": Argument("AMOUNT"), "--per": PER}),
    "key": (_key, {"typed": Argument("KEY", rest=True)}),
    "chat": (_chat, {"name": Argument("NAME"), "--forget": ON, "--save": FILE, "--load": FILE}),
    "record": (_record, {"folder": FOLDER}),
    "replay": (_replay, {"folder": FOLDER, "--at-once": ON}),
    "live": (_live, {}),
    "strip": (_strip, {"notebook": Argument("NOTEBOOK", needed=True)}),
    "traceback": (_traceback, {}),
}
