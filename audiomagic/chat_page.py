"""Chat page: a conversation as a page of cards, the way it was spoken."""

from decimal import Decimal
from typing import Any

from . import card
from .conversation import Conversation, Exchange
from .sound import Sound
from .wire.request import Message

PAGE = "max-width:680px"
TITLE = f"{card.FONT};font-size:14px;font-weight:600;padding:2px 0"
ASKED = f"{card.CARD};margin-left:40px;background:#e9eef6"
WHO = f"color:{card.FAINT};font-size:12px;font-weight:600"


class ChatPage:
    """Shows a conversation in a notebook, or as text in a terminal."""

    def __init__(self, chat: Conversation):
        self._chat = chat

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        turns = "".join(map(_turn, self._chat.exchanges))
        title = f'<div style="{TITLE}">{card.as_html(_title(self._chat))}</div>'
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


def _title(chat: Conversation) -> str:
    count = len(chat.exchanges)
    receipts = [one.receipt for one in chat.exchanges if one.receipt]
    paid = sum((receipt.cost or Decimal(0) for receipt in receipts), Decimal(0))
    return f"Chat {chat.name} · {count} turn{'' if count == 1 else 's'} · {card.dollars(paid)}"


def _said(question: Message) -> str:
    parts = (p if isinstance(p, str) else f"[{p.seconds:.1f} s of sound]" for p in question.parts)
    return " ".join(parts)


def _turn(exchange: Exchange) -> str:
    asked = "".join(map(_part, exchange.question.parts))
    sound = card.player(exchange.sound) if exchange.sound else ""
    called = "".join(map(_called, exchange.between))
    words = f'<div dir="auto" style="{card.WORDS}">{card.as_html(exchange.answer)}</div>'
    badge = _note(card.summary(exchange.receipt)) if exchange.receipt else ""
    return (
        f'<div style="{ASKED}"><div style="{WHO}">You</div>{asked}</div>'
        f'<div style="{card.CARD}">{sound}{called}{words}{badge}</div>'
    )


def _part(part: str | Sound) -> str:
    if isinstance(part, Sound):
        return card.player(part)
    return f'<div dir="auto" style="{card.WORDS}">{card.as_html(part)}</div>'


def _called(message: Message) -> str:
    lines = [f"{call.name}({call.arguments})" for call in message.calls]
    lines += [f"→ {message.text}"] if message.role == "tool" else []
    return "".join(map(_note, lines))


def _note(line: str) -> str:
    return f'<div style="{card.NOTE}">{card.as_html(line)}</div>'
