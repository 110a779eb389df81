"""A request in text alone, as models and servers of text want it."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidResponse, one_line
from ..protocol.request import Request
from ..protocol.response import ResponseAccumulator
from ..protocol.tool_calls import ToolCall


@dataclass(frozen=True)
class TextDelta:
    """A piece of an answer in text: words; at its end the tools to call, and why it ended."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None


def plain(request: Request) -> dict[str, Any]:
    """Spell a request for a stream, in the names that every text server knows."""
    body = request.wire() | {"stream": True}
    for unknown in ("modalities", "stream_options"):
        body.pop(unknown, None)
    if cap := body.pop("max_completion_tokens", None):
        body["max_tokens"] = cap
    return body


def text_deltas(chunks: Iterable[Mapping[str, Any]]) -> Generator[TextDelta, None, None]:
    """Read the chunks of a streamed answer. Raises InvalidResponse where they break off."""
    fold = ResponseAccumulator()
    for chunk in chunks:
        words = fold.add(chunk).text  # which also looks whether it is a chunk at all
        if chunk.get("error"):
            raise InvalidResponse(one_line(refusal_words(chunk) or "the model failed"))
        if words:
            yield TextDelta(words)
    answer = fold.answer()
    if answer.finish_reason is None:
        raise InvalidResponse("the model broke off in the middle of its answer")
    yield TextDelta(tool_calls=answer.tool_calls, finish_reason=answer.finish_reason)


def model_names(listed: object) -> list[str]:
    """Read the answer of `/models`: the ids, in order; none where it is no such list."""
    data = listed.get("data") if isinstance(listed, Mapping) else None
    models = [model for model in data or () if isinstance(model, Mapping)]
    return [str(model["id"]) for model in models if model.get("id")]


def refusal_words(answer: object) -> str | None:
    """Read what a refusal says, in the service's shape or a bare one, if anything."""
    error = answer.get("error", answer) if isinstance(answer, Mapping) else None
    said = error.get("message", error.get("detail")) if isinstance(error, Mapping) else error
    return said if isinstance(said, str) else None


def heard_words(answer: object) -> str:
    """Read the answer of `/audio/transcriptions`. Raises InvalidResponse where it holds no words."""
    words = answer.get("text") if isinstance(answer, Mapping) else None
    if not isinstance(words, str):
        raise InvalidResponse("the server that hears sent no text; is it one for transcriptions?")
    return words
