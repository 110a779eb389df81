"""A request in text alone, as models and servers of text want it."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import BadAnswer, one_line
from .answer import Fold
from .request import Request
from .tool import ToolCall


@dataclass(frozen=True)
class Thought:
    """A piece of an answer in text: words; at its end the tools to call, and why it ended."""

    words: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: str | None = None


def plain(request: Request) -> dict[str, Any]:
    """Spell a request for a stream, in the names that every text server knows."""
    body = request.wire() | {"stream": True}
    for unknown in ("modalities", "stream_options"):
        body.pop(unknown, None)
    if cap := body.pop("max_completion_tokens", None):
        body["max_tokens"] = cap
    return body


def thoughts(chunks: Iterable[Mapping[str, Any]]) -> Generator[Thought, None, None]:
    """Read the chunks of a streamed answer. Raises BadAnswer where they break off."""
    fold = Fold()
    for chunk in chunks:
        words = fold.add(chunk).words  # which also looks whether it is a chunk at all
        if chunk.get("error"):
            raise BadAnswer(one_line(refusal_words(chunk) or "the model failed"))
        if words:
            yield Thought(words)
    answer = fold.answer()
    if answer.finish is None:
        raise BadAnswer("the model broke off in the middle of its answer")
    yield Thought(calls=answer.calls, finish=answer.finish)


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
    """Read the answer of `/audio/transcriptions`. Raises BadAnswer where it holds no words."""
    words = answer.get("text") if isinstance(answer, Mapping) else None
    if not isinstance(words, str):
        raise BadAnswer("the server that hears sent no text; is it one for transcriptions?")
    return words
