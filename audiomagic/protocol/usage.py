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

    How much of the cache was sound, `cached_audio_tokens`, the Realtime protocol reports; Chat
    Completions never does. `server_cost` is what the server itself says it charged, in US dollars.
    `totals_match` is False where the server's totals are not the sums of its parts: then neither
    can be trusted.
    """

    input_tokens: int
    output_tokens: int
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    cached_tokens: int = 0
    cached_audio_tokens: int | None = None
    server_cost: Decimal | None = None
    totals_match: bool = True

    @property
    def input_text_tokens(self) -> int | None:
        audio = self.input_audio_tokens  # cached text is included
        return None if audio is None else self.input_tokens - audio

    @property
    def output_text_tokens(self) -> int | None:
        audio = self.output_audio_tokens  # the transcript of a spoken answer is billed as text
        return None if audio is None else self.output_tokens - audio

    @property
    def consistent(self) -> bool:
        return (
            self.totals_match
            and 0 <= (self.input_audio_tokens or 0) <= self.input_tokens
            and 0 <= (self.output_audio_tokens or 0) <= self.output_tokens
            and 0 <= self.cached_tokens <= self.input_tokens
            and 0 <= (self.cached_audio_tokens or 0) <= self.cached_tokens
            and self._cache_fits
        )

    @property
    def _cache_fits(self) -> bool:
        """Whether no more of a kind was cached than was sent, where the kinds are known."""
        audio, text = self.input_audio_tokens, self.input_text_tokens
        cached_audio = self.cached_audio_tokens
        if audio is None or text is None or cached_audio is None:
            return True
        return cached_audio <= audio and self.cached_tokens - cached_audio <= text

    @property
    def _cached_sound(self) -> int | None:
        """How much of the cache was sound: none where nothing was cached, whoever says so."""
        nothing = self.cached_audio_tokens is None and not self.cached_tokens
        return 0 if nothing else self.cached_audio_tokens

    def __add__(self, other: "Usage") -> "Usage":
        """Add two calls' tokens; what either did not report is unknown for both."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            _sum(self.input_audio_tokens, other.input_audio_tokens),
            _sum(self.output_audio_tokens, other.output_audio_tokens),
            self.cached_tokens + other.cached_tokens,
            _sum(self._cached_sound, other._cached_sound),
            _sum(self.server_cost, other.server_cost),
            self.totals_match and other.totals_match,
        )

    @classmethod
    def of(cls, value: object) -> "Usage | None":
        """Read a usage dict, or the client's usage object; None when it cannot be read."""
        if isinstance(value, cls):
            return value
        if hasattr(value, "model_dump"):
            value = value.model_dump(warnings=False)
        if not isinstance(value, Mapping):
            return None
        sent, received = (_count(value, f"{side}_tokens") for side in ("prompt", "completion"))
        if sent is None or received is None:
            return None
        details = _details(value, "prompt_tokens_details")
        audio_in, input_adds_up = _audio(details, sent)
        audio_out, output_adds_up = _audio(_details(value, "completion_tokens_details"), received)
        total_adds_up = _count(value, "total_tokens") in (None, sent + received)
        cached, cost = _count(details, "cached_tokens") or 0, _server_cost(value)
        totals_match = input_adds_up and output_adds_up and total_adds_up
        return cls(sent, received, audio_in, audio_out, cached, None, cost, totals_match)

    def wire(self) -> dict[str, Any]:
        """Return it as the service would, with every detail; None where it is unknown."""
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


NOTHING = Usage(0, 0, 0, 0)  # of a request that was never sent


def _sum(one: Number | None, other: Number | None) -> Number | None:
    return None if one is None or other is None else one + other


def _details(usage: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    details = usage.get(key)
    return details if isinstance(details, Mapping) else {}


def _audio(details: Mapping[str, Any], total: int) -> tuple[int | None, bool]:
    """Return the audio tokens of a total, and whether the reported parts add up to it."""
    text, audio = _count(details, "text_tokens"), _count(details, "audio_tokens")
    if audio is None and text is not None and details.get("audio_tokens") is None:
        audio = max(total - text, 0)  # what is not text, where audio is left out
    parts = total if text is None else text + (audio or 0)
    return audio, parts == total and not _count(details, "image_tokens")  # images have no price


def _server_cost(usage: Mapping[str, Any]) -> Decimal | None:
    cost = _dollars(usage.get("cost"))  # OpenRouter says what it charged
    if cost is None or usage.get("is_byok") is not True:
        return cost
    # The user's own key at the model's provider, who charges apart: `cost` is the relay's fee.
    return _sum(cost, _dollars(_details(usage, "cost_details").get("upstream_inference_cost")))


def _dollars(amount: object) -> Decimal | None:
    if not isinstance(amount, int | float) or isinstance(amount, bool):
        return None
    return Decimal(str(amount)) if 0 <= amount <= MOST_DOLLARS else None


def _count(details: Mapping[str, Any], key: str) -> int | None:
    count = details.get(key)
    return count if type(count) is int and 0 <= count <= MOST else None
