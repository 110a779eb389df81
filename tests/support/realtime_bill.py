"""The tokens of a Realtime conversation, counted anew, and their cost by gpt-realtime-2.1's rates.

Text is a token for four bytes; the user's sound is 10 a second, the model's 20; all rounded up.
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MILLION = 1_000_000
TEXT_IN, TEXT_OUT = Decimal(4), Decimal(24)  # $ per million tokens
AUDIO_IN, AUDIO_OUT, CACHED = Decimal(32), Decimal(64), Decimal("0.40")
OTHERS = Decimal("0.006")
TRANSCRIPTION = {  # $ per minute
    "gpt-live-transcribe": Decimal("0.017"),
    "gpt-realtime-whisper": Decimal("0.017"),
    "gpt-transcribe": Decimal("0.0045"),
}
HEARD, SPOKEN = 4_800, 2_400  # bytes of 24 kHz pcm16 for a token: the user's, the model's


def text_tokens(text: str) -> int:
    return -(-len(text.encode()) // 4)


def audio_tokens(size: int, of_model: bool) -> int:
    """The tokens of so many bytes of sound."""
    return -(-size // (SPOKEN if of_model else HEARD))


@dataclass(frozen=True)
class Count:
    """Tokens."""

    text: int = 0
    audio: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.text + other.text, self.audio + other.audio)

    @property
    def total(self) -> int:
        return self.text + self.audio


def instructions(session: dict[str, Any]) -> Count:
    """What is read before the conversation, each time."""
    tools = session.get("tools")
    return Count(
        text_tokens(session.get("instructions") or "")
        + (text_tokens(json.dumps(tools)) if tools else 0)
    )


@dataclass(frozen=True)
class Usage:
    """What a response read and made; of what it read, `cached` were cached: sound first."""

    read: Count
    made: Count
    cached: int = 0
    reasoning: int = 0  # of the text made

    @property
    def cached_count(self) -> Count:
        audio = min(self.cached, self.read.audio)
        return Count(min(self.cached - audio, self.read.text), audio)

    @property
    def dollars(self) -> Decimal:
        cached = self.cached_count
        return (
            (self.read.text - cached.text) * TEXT_IN
            + (self.read.audio - cached.audio) * AUDIO_IN
            + cached.total * CACHED
            + self.made.text * TEXT_OUT
            + self.made.audio * AUDIO_OUT
        ) / MILLION

    @property
    def wire(self) -> dict[str, Any]:
        """As `response.done` tells it."""
        cached = self.cached_count
        # Recorded of gpt-realtime-2.1-mini; older models have no such field, nor the SDK's types.
        reasoning = {"reasoning_tokens": self.reasoning} if self.reasoning else {}
        return {
            "total_tokens": self.read.total + self.made.total,
            "input_tokens": self.read.total,
            "output_tokens": self.made.total,
            "output_token_details": {
                "text_tokens": self.made.text,
                "audio_tokens": self.made.audio,
            }
            | reasoning,
            "input_token_details": {
                "text_tokens": self.read.text,
                "audio_tokens": self.read.audio,
                "image_tokens": 0,
                "cached_tokens": cached.total,
                "cached_tokens_details": {
                    "text_tokens": cached.text,
                    "audio_tokens": cached.audio,
                    "image_tokens": 0,
                },
            },
        }


def transcription(model: str, seconds: int) -> Decimal:
    """The dollars of recognising so much sound."""
    return TRANSCRIPTION.get(model, OTHERS) * seconds / 60
