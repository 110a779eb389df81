"""The tokens of one response, as Realtime servers report them."""

from collections.abc import Mapping
from dataclasses import replace

from ..usage import Usage
from .events import Event, part, text


def usage_of(done: Event) -> Usage | None:
    """Read the usage in a `response.done`; None where there is none, or too little of it.

    xAI sends it beside the response, and an empty one in it.
    """
    return _read(part(part(done, "response"), "usage")) or _read(part(done, "usage"))


def transcription_seconds(completed: Event) -> float | None:
    """Return the seconds that a transcription is billed for; None where it is billed otherwise."""
    usage = part(completed, "usage")
    seconds = usage.get("seconds")
    if text(usage.get("type")) != "duration" or isinstance(seconds, bool):
        return None
    return float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e6 else None


def _read(usage: Event) -> Usage | None:
    sent, received = _details(usage, "input"), _details(usage, "output")
    found = Usage.of(
        {
            "prompt_tokens": usage.get("input_tokens"),
            "completion_tokens": usage.get("output_tokens"),
            "total_tokens": usage.get("total_tokens"),
            "prompt_tokens_details": sent,
            "completion_tokens_details": received,
        }
    )
    cached = part(sent, "cached_tokens_details").get("audio_tokens")
    if found is None or type(cached) is not int or not 0 <= cached <= found.cached_tokens:
        return found
    return replace(found, cached_audio_tokens=cached)


def _details(usage: Event, side: str) -> Mapping[str, object]:
    return part(usage, f"{side}_token_details") or part(usage, f"{side}_tokens_details")
