"""A conversation as a Realtime server holds it: items in their order, with the sound of each."""

import copy
import secrets
import string
from dataclasses import dataclass
from typing import Any

from .realtime_bill import Count, audio_tokens, text_tokens


def new_id(prefix: str) -> str:
    return f"{prefix}_" + "".join(secrets.choice(string.ascii_letters) for _ in range(21))


@dataclass
class Item:
    """A message, a function call or its output: as it is sent, and its sound, which is not."""

    wire: dict[str, Any]
    sound: bytes = b""  # 24 kHz pcm16
    reasoning: int = 0  # tokens, never shown
    truncated: bool = False  # its words are gone
    forgotten: bool = False  # no response reads it

    @property
    def id(self) -> str:
        return str(self.wire["id"])

    @property
    def of_model(self) -> bool:
        return self.wire.get("role") == "assistant"

    @property
    def ms(self) -> int:
        """The length of its sound."""
        return len(self.sound) // 48

    @property
    def count(self) -> Count:
        """The tokens of reading it."""
        texts = [self.wire.get(name, "") for name in ("name", "arguments", "output")]
        for content in self.wire.get("content", ()):
            texts.append(content.get("text") or "")
            if self.of_model and not self.truncated:  # what a user said is read as sound
                texts.append(content.get("transcript") or "")
        text = text_tokens("".join(texts)) + self.reasoning
        return Count(text, audio_tokens(len(self.sound), self.of_model))

    def shown(self) -> dict[str, Any]:
        """As it is sent now; it may change later."""
        shown = copy.deepcopy(self.wire)
        if self.truncated:
            for content in shown["content"]:
                content.pop("transcript", None)
        return shown

    def truncate(self, ms: int) -> None:
        """Keep so much of its sound, and none of its words."""
        self.sound = self.sound[: ms * 48]
        self.truncated = True


class Conversation:
    """Items in their order."""

    def __init__(self) -> None:
        self.id = new_id("conv")
        self.items: list[Item] = []

    def find(self, item_id: str) -> Item | None:
        return next((item for item in self.items if item.id == item_id), None)

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Add an item at the end, after another one, or ("root") first; return its predecessor."""
        place = 0 if after == "root" else len(self.items)
        for index, other in enumerate(self.items):
            if other.id == after:
                place = index + 1
        self.items.insert(place, item)
        return self.items[place - 1].id if place else None

    @property
    def count(self) -> Count:
        """The tokens of reading what is not forgotten."""
        return sum((item.count for item in self.items if not item.forgotten), Count())

    def forget(self, truncation: Any) -> None:
        """Forget the oldest items, as a session's `truncation` has it."""
        limits = truncation.get("token_limits") if isinstance(truncation, dict) else None
        if limits is None or self.count.total <= limits["post_instructions"]:
            return
        for item in self.items:
            if self.count.total > limits["post_instructions"] * truncation["retention_ratio"]:
                item.forgotten = True
