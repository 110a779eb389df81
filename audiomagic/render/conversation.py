"""A conversation as a page of cards, the way it was spoken."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, count, repeat
from types import MappingProxyType
from typing import Any, Protocol

from ..costs.pricing import dollars, total
from ..costs.receipt import Receipt
from ..errors import one_line
from ..protocol.request import Message
from ..protocol.tool_calls import ToolCall
from ..sound import Sound
from ..tools.result import called
from . import card, html, tool_call

PAGE = "max-width:640px"
QUESTION = f"{html.CARD};margin-left:40px;background:#e9eef6"
YOU, MODEL = "you", "model"  # who speaks, in plain text
WHO = f"color:{html.FAINT};font-size:12px;font-weight:600"


class Exchange(Protocol):
    """A question, the calls of tools and their results, and the answer."""

    @property
    def question(self) -> Message: ...
    @property
    def between(self) -> Sequence[Message]: ...
    @property
    def answer(self) -> str: ...
    @property
    def sound(self) -> Sound | None: ...
    @property
    def recording(self) -> Sound | None: ...
    @property
    def receipt(self) -> Receipt | None: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def heard(self) -> float | None: ...


class ConversationPage:
    """The exchanges of a chat, or of a conversation without a name.

    `besides`: what was paid for other things, in US dollars; None where that is not known.
    `places`: of each answer, the element in which a player still plays it, or "" for none.
    `notes`: what is to be known of the whole.
    """

    def __init__(
        self,
        name: str,
        exchanges: Sequence[Exchange],
        besides: Mapping[str, Decimal | None] = MappingProxyType({}),
        places: Sequence[str] = (),
        notes: Sequence[str] = (),
    ):
        self._exchanges, self._places = exchanges, places
        paid_besides = [f"{what}: {_paid([cost])}" for what, cost in besides.items()]
        self._notes = [*notes, *paid_besides]
        self._shared = _shared_notes(exchanges)
        receipts = [one.receipt for one in exchanges if one.receipt]
        paid = _paid([*(receipt.cost for receipt in receipts), *besides.values()])
        if receipts and not any(receipt.paid for receipt in receipts):
            paid = "free"
        turns = html.counted(len(exchanges), "turn")
        title = f"Chat {name}" if name else "Conversation"
        self._title = html.visible(f"{title} · {turns} · {paid}")

    @property
    def html(self) -> str:
        places = chain(self._places, repeat(""))
        turns = "".join(map(_turn, count(1), self._exchanges, places, repeat(self._shared)))
        notes = "".join(map(html.note, (*self._shared, *self._notes)))
        return f'<div style="{PAGE}">{html.title(self._title)}{turns}{notes}</div>'

    @property
    def markdown(self) -> str:
        blocks = [f"**{html.unmarked(self._title)}**"]
        for one in self._exchanges:
            blocks.append(f"**You:** {html.unmarked(_question(one.question))}")
            texts = (*_called(one.between), one.answer, *_notes(one, self._shared))
            blocks += [html.unmarked(text) for text in texts if text]
            if one.receipt:
                blocks.append(f"*{html.unmarked(card.summary(one.receipt))}*")
        last = map(html.unmarked, (*self._shared, *self._notes))
        return "\n\n".join((*blocks, *last))

    @property
    def summary(self) -> list[str]:
        """How many turns it has and what was paid, and for what besides: a line each."""
        return list(map(html.visible, (self._title, *self._notes)))

    def document(self) -> str:
        """Return a page of its own."""
        return html.document(self._title, self.html)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/markdown": self.markdown, "text/plain": repr(self)}

    def __repr__(self) -> str:
        lines = [self._title]
        for one in self._exchanges:
            badge = [f"[{card.summary(one.receipt)}]"] if one.receipt else []
            lines += [
                f"{YOU}: {_question(one.question)}", *_called(one.between),
                f"{MODEL}: {one.answer}", *_notes(one, self._shared), *badge,
            ]  # fmt: skip
        return "\n".join(map(html.visible, (*lines, *self._shared, *self._notes)))


def _paid(costs: Sequence[Decimal | None]) -> str:
    """Return the sum of what is known, in words."""
    known = [cost for cost in costs if cost is not None]
    if costs and not known:
        return "price unknown"
    return dollars(total(known)) + (" and more" if len(known) < len(costs) else "")


def _question(message: Message) -> str:
    parts = (p if isinstance(p, str) else f"[{p.seconds:.1f} s of sound]" for p in message.parts)
    return " ".join(parts)


def _turn(number: int, exchange: Exchange, place: str, shared: Sequence[str]) -> str:
    recording = [exchange.recording] if exchange.recording else []
    parts = (*recording, *exchange.question.parts)
    asked = "".join(html.player(p) if isinstance(p, Sound) else html.words(p) for p in parts)
    receipt, sound = exchange.receipt, exchange.sound
    language = f' lang="{receipt.language}"' if receipt and receipt.language else ""
    answer = (
        f'<div class="{place}">{html.player(sound)}</div>' if sound else "",
        *(tool_call.folded(*one) for one in _calls(exchange.between)),
        html.words(exchange.answer, language),
        *map(html.note, _notes(exchange, shared)),
        card.badge(receipt) if receipt else "",
    )
    return (
        f'<div style="{QUESTION}"><div style="{WHO}">You · turn {number}</div>{asked}</div>'
        f'<div class="audiomagic-card" style="{html.CARD}">{"".join(answer)}</div>'
    )


def _shared_notes(exchanges: Sequence[Exchange]) -> list[str]:
    """Return what is noted of each of several answers: it is said once, below them."""
    if len(exchanges) < 2:
        return []
    return [note for note in exchanges[0].notes if all(note in one.notes for one in exchanges)]


def _notes(exchange: Exchange, shared: Sequence[str]) -> list[str]:
    seconds = exchange.heard
    cut = [] if seconds is None else [f"You interrupted it after {seconds:.1f} s."]
    return [note for note in exchange.notes if note not in shared] + cut


def _calls(messages: Sequence[Message]) -> Iterator[tuple[str, ToolCall, str]]:
    """Yield of each call a line, the call, and the HTML of its result."""
    results = {message.tool_call_id: message.text for message in messages if message.role == "tool"}
    for call in (call for message in messages for call in message.tool_calls):
        result = results.get(call.id, "")
        yield f"{called(call)} → {one_line(result, 120)}", call, tool_call.text(result)


def _called(messages: Sequence[Message]) -> list[str]:
    return [line for line, *_ in _calls(messages)]
