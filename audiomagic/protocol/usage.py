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

    `server_cost` is what the server itself says it charged, in US dollars. `totals_match` is False where the
    server's totals are not the sums of its parts: then neither is to be trusted.
    """

    input_tokens: int
    output_tokens: int
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    cached_tokens: int = 0
    server_cost: Decimal | None = None
    totals_match: bool = True

    @property
    def input_text_tokens(self) -> int | None:
        """Text tokens sent, cached ones included."""
        return (
            None if self.input_audio_tokens is None else self.input_tokens - self.input_audio_tokens
        )

    @property
    def output_text_tokens(self) -> int | None:
        """Text tokens received; the transcript of a spoken answer is billed as text."""
        return (
            None
            if self.output_audio_tokens is None
            else self.output_tokens - self.output_audio_tokens
        )

    @property
    def consistent(self) -> bool:
        """Whether no part is negative or larger than its total, and all of them add up."""
        return (
            self.totals_match
            and 0 <= (self.input_audio_tokens or 0) <= self.input_tokens
            and 0 <= (self.output_audio_tokens or 0) <= self.output_tokens
            and 0 <= self.cached_tokens <= self.input_tokens
        )

    def __add__(self, other: "Usage") -> "Usage":
        """Add two calls' tokens; what one did not report is not known of both."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            _sum(self.input_audio_tokens, other.input_audio_tokens),
            _sum(self.output_audio_tokens, other.output_audio_tokens),
            self.cached_tokens + other.cached_tokens,
            _sum(self.server_cost, other.server_cost),
            self.totals_match and other.totals_match,
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
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "prompt_tokens_details": {
                "cached_tokens": self.cached_tokens,
                "audio_tokens": self.input_audio_tokens,
                "text_tokens": self.input_text_tokens,
                "image_tokens": 0,
            },
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": self.output_audio_tokens,
                "text_tokens": self.output_text_tokens,
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
