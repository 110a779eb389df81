"""A completion on the wire, as the local engine writes it: in chunks, or in one piece."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .response import Completion, Delta
from .tool_calls import ToolCall
from .usage import Usage


@dataclass(frozen=True)
class ChunkWriter:
    """Writes the chunks of one completion, or the whole of it, under one id."""

    id: str
    model: str
    created: int  # Unix seconds
    audio_id: str
    _named: set[str] = field(default_factory=set, init=False)  # what the id was sent with

    @property
    def expires_at(self) -> int:
        return self.created + 3600  # the service forgets the sound an hour after it was made

    def chunk(self, choices: list[dict[str, Any]], usage: Usage | None = None) -> dict[str, Any]:
        counted = usage.wire() if usage else None
        return self._head("chat.completion.chunk") | {"choices": choices, "usage": counted}

    def delta(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return self.chunk([{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    def opening(self) -> dict[str, Any]:
        return self.delta({"role": "assistant", "refusal": None})

    def calls(self, calls: tuple[ToolCall, ...]) -> dict[str, Any]:
        return self.delta({"tool_calls": [{"index": i} | c.wire() for i, c in enumerate(calls)]})

    def text(self, text: str) -> dict[str, Any]:
        return self.delta({"content": text})

    def spoken(self, delta: Delta) -> Iterator[dict[str, Any]]:
        """Spoken words: a chunk holds either text or sound, and the first of each the id."""
        if delta.text:
            yield self._audio({"transcript": delta.text})
        if delta.pcm:
            yield self._audio({"data": _base64(delta.pcm)})

    def _audio(self, part: dict[str, Any]) -> dict[str, Any]:
        first = not self._named.issuperset(part)
        self._named.update(part)
        return self.delta({"audio": {"id": self.audio_id} | part if first else part})

    def expiry(self) -> dict[str, Any]:
        return self.delta({"audio": {"expires_at": self.expires_at}})

    def whole(self, completion: Completion, file: bytes | None) -> dict[str, Any]:
        """The completion in one piece; `file` is its sound in the format asked for, or None."""
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
        if completion.tool_calls:
            message["tool_calls"] = [call.wire() for call in completion.tool_calls]
        elif file is None:
            message["content"] = completion.text
        else:
            message["audio"] = {
                "id": self.audio_id,
                "data": _base64(file),
                "expires_at": self.expires_at,
                "transcript": completion.text,
            }
        choice = {"index": 0, "message": message, "logprobs": None}
        return self._head("chat.completion") | {
            "choices": [choice | {"finish_reason": completion.finish_reason}],
            "usage": completion.usage.wire() if completion.usage else None,
        }

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
