"""The tokens of one call, by kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AUDIO_IN_PER_SECOND = 10  # tokens; measured on gpt-audio-mini, 2026-09-10
AUDIO_OUT_PER_SECOND = 20  # tokens; measured on gpt-audio-mini, 2026-08-21
MOST = 1_000_000_000  # tokens of one call worth believing: a context holds 128,000


@dataclass(frozen=True)
class Usage:
    """Tokens billed for one call. Totals include every part; None means "not reported"."""

    tokens_in: int
    tokens_out: int
    audio_in: int | None = None
    audio_out: int | None = None
    cached_in: int = 0

    @property
    def text_in(self) -> int | None:
        """Text tokens sent, cached ones included."""
        return None if self.audio_in is None else self.tokens_in - self.audio_in

    @property
    def text_out(self) -> int | None:
        """Text tokens received; the transcript of a spoken answer is billed as text."""
        return None if self.audio_out is None else self.tokens_out - self.audio_out

    @property
    def consistent(self) -> bool:
        """Whether no part is negative or larger than its total."""
        return (
            0 <= (self.audio_in or 0) <= self.tokens_in
            and 0 <= (self.audio_out or 0) <= self.tokens_out
            and 0 <= self.cached_in <= self.tokens_in
        )

    def __add__(self, other: "Usage") -> "Usage":
        """Add two calls' tokens; what one did not report is not known of both."""
        return Usage(
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            _sum(self.audio_in, other.audio_in),
            _sum(self.audio_out, other.audio_out),
            self.cached_in + other.cached_in,
        )

    @classmethod
    def of(cls, value: object) -> "Usage | None":
        """Read a usage dict, or the client's usage object; None when there is none to read."""
        if isinstance(value, cls):
            return value
        if hasattr(value, "model_dump"):
            value = value.model_dump(warnings=False)
        if not isinstance(value, Mapping):
            return None
        tokens_in, tokens_out = (
            _count(value, key) for key in ("prompt_tokens", "completion_tokens")
        )
        if tokens_in is None or tokens_out is None:
            return None
        sent = _details(value, "prompt_tokens_details")
        received = _details(value, "completion_tokens_details")
        return cls(
            tokens_in,
            tokens_out,
            _count(sent, "audio_tokens"),
            _count(received, "audio_tokens"),
            _count(sent, "cached_tokens") or 0,
        )

    def wire(self) -> dict[str, Any]:
        """Spell it as the service does, every detail present; None where it is not known."""
        return {
            "prompt_tokens": self.tokens_in,
            "completion_tokens": self.tokens_out,
            "total_tokens": self.tokens_in + self.tokens_out,
            "prompt_tokens_details": {
                "cached_tokens": self.cached_in,
                "audio_tokens": self.audio_in,
                "text_tokens": self.text_in,
                "image_tokens": 0,
            },
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": self.audio_out,
                "text_tokens": self.text_out,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _details(usage: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    details = usage.get(key)
    return details if isinstance(details, Mapping) else {}


def _count(details: Mapping[str, Any], key: str) -> int | None:
    count = details.get(key)
    if not isinstance(count, int) or isinstance(count, bool):
        return None
    return count if 0 <= count <= MOST else None
