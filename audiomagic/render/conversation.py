"""Chat page: a conversation as a page of cards, the way it was spoken."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

from ..costs.amounts import dollars
from ..errors import one_line
from ..protocol.request import Message
from ..sound import Sound
from ..tools.result import called, fold, words
from . import card

if TYPE_CHECKING:
    from ..turn.conversation import Conversation, Exchange

PAGE = "max-width:640px"
ASKED = f"{card.CARD};margin-left:40px;background:#e9eef6"
WHO = f"color:{card.FAINT};font-size:12px;font-weight:600"


class ConversationPage:
    """Shows a conversation in a notebook, or as text in a terminal."""

    def __init__(self, chat: "Conversation"):
        self._chat = chat

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        turns = "".join(map(_turn, count(1), self._chat.exchanges))
        title = f'<div style="{card.TITLE}">{card.as_html(_title(self._chat))}</div>'
        return {
            "text/html": f'<div style="{PAGE}">{title}{turns}</div>',
            "text/plain": repr(self),
        }

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def __repr__(self) -> str:
        lines = [_title(self._chat)]
        for one in self._chat.exchanges:
            lines += [f"you: {card.visible(_said(one.question))}", card.visible(one.answer)]
        return "\n".join(lines)


def _title(chat: "Conversation") -> str:
    turns = len(chat.exchanges)
    receipts = [one.receipt for one in chat.exchanges if one.receipt]
    paid = sum((receipt.cost or Decimal(0) for receipt in receipts), Decimal(0))
    return f"Chat {chat.name} · {turns} turn{'' if turns == 1 else 's'} · {dollars(paid)}"


def _said(question: Message) -> str:
    parts = (p if isinstance(p, str) else f"[{p.seconds:.1f} s of sound]" for p in question.parts)
    return " ".join(parts)


def _turn(number: int, exchange: "Exchange") -> str:
    asked = "".join(map(_part, exchange.question.parts))
    sound = card.player(exchange.sound) if exchange.sound else ""
    calls = "".join(_calls(exchange.between))
    answer = f'<div dir="auto" style="{card.WORDS}">{card.as_html(exchange.answer)}</div>'
    badge = _note(card.summary(exchange.receipt)) if exchange.receipt else ""
    return (
        f'<div style="{ASKED}"><div style="{WHO}">You · turn {number}</div>{asked}</div>'
        f'<div style="{card.CARD}">{sound}{calls}{answer}{badge}</div>'
    )


def _part(part: str | Sound) -> str:
    if isinstance(part, Sound):
        return card.player(part)
    return f'<div dir="auto" style="{card.WORDS}">{card.as_html(part)}</div>'


def _calls(messages: Sequence[Message]) -> Iterator[str]:
    """Give each call of a tool with its result, as the card shows them."""
    results = {message.tool_call_id: message.text for message in messages if message.role == "tool"}
    for call in (call for message in messages for call in message.tool_calls):
        result = results.get(call.id, "")
        yield fold(f"{called(call)} → {one_line(result, 120)}", call, words(result))


def _note(line: str) -> str:
    return f'<div style="{card.NOTE}">{card.as_html(line)}</div>'
