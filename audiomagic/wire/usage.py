"""The tokens of one call, by kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

AUDIO_IN_PER_SECOND = 10  # tokens; measured on gpt-audio-mini, 2026-09-10
AUDIO_OUT_PER_SECOND = 20  # tokens; measured on gpt-audio-mini, 2026-08-21
Number = TypeVar("Number", int, Decimal)
MOST = 1_000_000_000  # tokens of one call worth believing: a context holds 128,000
MOST_DOLLARS = 1_000_000  # of one call, likewise


@dataclass(frozen=True)
class Usage:
    """Tokens billed for one call. Totals include every part; None means "not reported".

    `paid` is what the server itself says it charged, in US dollars. `agreed` is False where the
    server's totals are not the sums of its parts: then neither is to be trusted.
    """

    tokens_in: int
    tokens_out: int
    audio_in: int | None = None
    audio_out: int | None = None
    cached_in: int = 0
    paid: Decimal | None = None
    agreed: bool = True

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
        """Whether no part is negative or larger than its total, and all of them add up."""
        return (
            self.agreed
            and 0 <= (self.audio_in or 0) <= self.tokens_in
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
            _sum(self.paid, other.paid),
            self.agreed and other.agreed,
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
        audio_in, sent_agrees = _sound(sent, tokens_in)
        audio_out, received_agrees = _sound(received, tokens_out)
        total_agrees = _count(value, "total_tokens") in (None, tokens_in + tokens_out)
        return cls(
            tokens_in,
            tokens_out,
            audio_in,
            audio_out,
            _count(sent, "cached_tokens") or 0,
            _paid(value),
            sent_agrees and received_agrees and total_agrees,
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


def _sum(one: Number | None, other: Number | None) -> Number | None:
    return None if one is None or other is None else one + other


def _details(usage: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    details = usage.get(key)
    return details if isinstance(details, Mapping) else {}


def _sound(details: Mapping[str, Any], total: int) -> tuple[int | None, bool]:
    """Return the audio tokens among a total, and whether the parts that are told add up to it."""
    text, audio = _count(details, "text_tokens"), _count(details, "audio_tokens")
    if audio is None and text is not None and details.get("audio_tokens") is None:
        audio = max(total - text, 0)  # whatever is not text, where sound is left out
    parts = total if text is None else text + (audio or 0)
    return audio, parts == total and not _count(details, "image_tokens")  # those have no price


def _paid(usage: Mapping[str, Any]) -> Decimal | None:
    """Read the dollars that a server says it charged (OpenRouter does)."""
    own = _dollars(usage.get("cost"))
    if own is None or usage.get("is_byok") is not True:
        return own
    # The user's own key at the model's maker, who charges apart: `cost` is the relay's fee alone.
    makers = _dollars(_details(usage, "cost_details").get("upstream_inference_cost"))
    return None if makers is None else own + makers


def _dollars(amount: object) -> Decimal | None:
    if not isinstance(amount, int | float) or isinstance(amount, bool):
        return None
    return Decimal(str(amount)) if 0 <= amount <= MOST_DOLLARS else None


def _count(details: Mapping[str, Any], key: str) -> int | None:
    count = details.get(key)
    if not isinstance(count, int) or isinstance(count, bool):
        return None
    return count if 0 <= count <= MOST else None
