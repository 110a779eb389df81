"""The tokens of a response, as the service counts them: text by a tokenizer, sound by its time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .items import Item
from .settings import Settings

Count = Callable[[str], int]


@dataclass
class Usage:
    """Tokens of text and of sound, read and made; nothing is cached."""

    text_in: int = 0
    audio_in: int = 0
    text_out: int = 0
    audio_out: int = 0

    @classmethod
    def of(cls, items: Iterable[Item], settings: Settings, count: Count) -> "Usage":
        """Count what a response reads: the whole conversation, each time anew."""
        tools = (f"{t.name} {t.description or ''} {t.parameters or ''}" for t in settings.tools)
        texts, audio = [settings.instructions, *tools], 0
        for item in items:
            texts.append(item.text)
            audio += item.audio_tokens
        text = "\n".join(filter(None, texts))
        return cls(count(text) if text else 0, audio)

    def wire(self) -> dict[str, Any]:
        none = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
        input_tokens, output_tokens = self.text_in + self.audio_in, self.text_out + self.audio_out
        return {
            "total_tokens": input_tokens + output_tokens,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "input_token_details": {
                "text_tokens": self.text_in,
                "audio_tokens": self.audio_in,
                "image_tokens": 0,
                "cached_tokens": 0,
                "cached_tokens_details": none,
            },
            "output_token_details": {
                "text_tokens": self.text_out,
                "audio_tokens": self.audio_out,
            },
        }
