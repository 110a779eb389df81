"""An answer on the wire, as the embedded engine writes it: in chunks, or in one piece."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .response import Completion, Delta
from .tool_calls import ToolCall
from .usage import Usage


@dataclass(frozen=True)
class ChunkWriter:
    """Write the chunks of one answer, or the whole of it, under one id."""

    id: str
    model: str
    created: int  # Unix seconds
    audio_id: str

    @property
    def expires_at(self) -> int:
        """When the service would forget the answer: an hour after it was made."""
        return self.created + 3600

    def chunk(self, choices: list[dict[str, Any]], usage: Usage | None = None) -> dict[str, Any]:
        """Wrap choices."""
        return self._head("chat.completion.chunk") | {
            "choices": choices,
            "usage": usage.wire() if usage else None,
        }

    def delta(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        """Wrap a change of the only choice."""
        return self.chunk([{"index": 0, "delta": delta, "finish_reason": finish}])

    def opening(self) -> dict[str, Any]:
        """The first chunk of every stream."""
        return self.delta({"role": "assistant", "refusal": None})

    def text(self, words: str) -> dict[str, Any]:
        """A piece of an answer in text."""
        return self.delta({"content": words})

    def calls(self, calls: tuple[ToolCall, ...]) -> dict[str, Any]:
        """The tools to call, at once."""
        wired = [{"index": index} | call.wire() for index, call in enumerate(calls)]
        return self.delta({"tool_calls": wired})

    def spoken(self, piece: Delta) -> Iterator[dict[str, Any]]:
        """A piece of a spoken answer: a chunk holds either words or sound."""
        if piece.text:
            yield self.delta({"audio": {"id": self.audio_id, "transcript": piece.text}})
        if piece.pcm:
            data = base64.b64encode(piece.pcm).decode("ascii")
            yield self.delta({"audio": {"id": self.audio_id, "data": data}})

    @staticmethod
    def failure(message: str) -> dict[str, Any]:
        """What ends a stream in which something broke."""
        return {"error": {"message": message, "type": "server_error", "param": None, "code": None}}

    def expiry(self) -> dict[str, Any]:
        """The last chunk of a spoken answer."""
        return self.chunk([{"index": 0, "delta": {"audio": {"expires_at": self.expires_at}}}])

    def whole(self, answer: Completion, file: bytes | None) -> dict[str, Any]:
        """The answer in one piece; `file` is its sound in the format asked for, or None."""
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
        if answer.tool_calls:
            message["tool_calls"] = [call.wire() for call in answer.tool_calls]
        elif file is None:
            message["content"] = answer.text
        else:
            message["audio"] = {
                "id": self.audio_id,
                "data": base64.b64encode(file).decode("ascii"),
                "expires_at": self.expires_at,
                "transcript": answer.text,
            }
        choice = {
            "index": 0,
            "message": message,
            "finish_reason": answer.finish_reason,
            "logprobs": None,
        }
        return self._head("chat.completion") | {
            "choices": [choice],
            "usage": answer.usage.wire() if answer.usage else None,
        }

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}
