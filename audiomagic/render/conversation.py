"""A conversation as a page of cards, the way it was spoken."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import count
from types import MappingProxyType
from typing import Any, Protocol

from ..costs.pricing import dollars, total
from ..costs.receipt import Receipt
from ..errors import one_line
from ..protocol.request import Message
from ..sound import Sound
from ..tools.result import called
from . import card, html, tool_call

PAGE = "max-width:640px"
QUESTION = f"{html.CARD};margin-left:40px;background:#e9eef6"
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


class ConversationPage:
    """The exchanges of a chat, or of a conversation without a name.

    `besides`: what was paid for other things, in US dollars; None where that is not known.
    """

    def __init__(
        self,
        name: str,
        exchanges: Sequence[Exchange],
        besides: Mapping[str, Decimal | None] = MappingProxyType({}),
    ):
        self._exchanges = exchanges
        self._notes = [f"{what}: {_paid([cost])}" for what, cost in besides.items()]
        receipts = [one.receipt for one in exchanges if one.receipt]
        paid = _paid([*(receipt.cost for receipt in receipts), *besides.values()])
        turns = html.counted(len(exchanges), "turn")
        title = f"Chat {name}" if name else "Conversation"
        self._title = html.visible(f"{title} · {turns} · {paid}")

    @property
    def html(self) -> str:
        turns = "".join(map(_turn, count(1), self._exchanges))
        notes = "".join(map(html.note, self._notes))
        return f'<div style="{PAGE}">{html.title(self._title)}{turns}{notes}</div>'

    def document(self) -> str:
        """Return a page of its own."""
        return html.document(self._title, self.html)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": repr(self)}

    def __repr__(self) -> str:
        lines = [self._title]
        for one in self._exchanges:
            lines += [f"you: {html.visible(_question(one.question))}", html.visible(one.answer)]
        return "\n".join((*lines, *self._notes))


def _paid(costs: Sequence[Decimal | None]) -> str:
    """Return the sum of what is known, in words."""
    known = [cost for cost in costs if cost is not None]
    return dollars(total(known)) + (" and more" if len(known) < len(costs) else "")


def _question(message: Message) -> str:
    parts = (p if isinstance(p, str) else f"[{p.seconds:.1f} s of sound]" for p in message.parts)
    return " ".join(parts)


def _turn(number: int, exchange: Exchange) -> str:
    recording = [exchange.recording] if exchange.recording else []
    parts = (*recording, *exchange.question.parts)
    asked = "".join(html.player(p) if isinstance(p, Sound) else html.words(p) for p in parts)
    sound = html.player(exchange.sound) if exchange.sound else ""
    badge = html.note(card.summary(exchange.receipt)) if exchange.receipt else ""
    return (
        f'<div style="{QUESTION}"><div style="{WHO}">You · turn {number}</div>{asked}</div>'
        f'<div style="{html.CARD}">{sound}{"".join(_calls(exchange.between))}'
        f"{html.words(exchange.answer)}{badge}</div>"
    )


def _calls(messages: Sequence[Message]) -> Iterator[str]:
    results = {message.tool_call_id: message.text for message in messages if message.role == "tool"}
    for call in (call for message in messages for call in message.tool_calls):
        result = results.get(call.id, "")
        line = f"{called(call)} → {one_line(result, 120)}"
        yield tool_call.folded(line, call, tool_call.text(result))
