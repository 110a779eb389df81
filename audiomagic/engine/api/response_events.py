"""Writes an answer of the Responses API as the events of its stream; the last holds it all."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ...protocol.tool_calls import ToolCall
from ...protocol.usage import Usage
from ..engine import MODEL
from .errors import APIError
from .response_requests import Body

Event = dict[str, Any]


@dataclass
class ResponseWriter:
    """Writes one response to a request, in the order of the service's own streams."""

    body: Body
    id: str = field(default_factory=lambda: "resp_" + secrets.token_hex(24))
    created_at: int = field(default_factory=lambda: int(time.time()))
    output: list[Event] = field(default_factory=list)  # the items that are complete
    _numbers: Iterator[int] = field(default_factory=count)

    def opening(self) -> Iterator[Event]:
        yield self._event("response.created", response=self.response("in_progress"))
        yield self._event("response.in_progress", response=self.response("in_progress"))

    def message(self, texts: Iterable[str], status: Callable[[], str]) -> Iterator[Event]:
        """Write a message while its text comes; `status` is asked how it ended."""
        item = {"id": "msg_" + secrets.token_hex(24), "type": "message", "role": "assistant"}
        empty = item | {"status": "in_progress", "content": []}
        at = {"item_id": item["id"], "output_index": len(self.output), "content_index": 0}
        yield self._event("response.output_item.added", output_index=at["output_index"], item=empty)
        yield self._event("response.content_part.added", **at, part=_part(""))
        text = ""
        for more in texts:
            more = more if text else more.lstrip()
            text += more
            yield self._event("response.output_text.delta", **at, delta=more, logprobs=[])
        yield self._event("response.output_text.done", **at, text=text, logprobs=[])
        yield self._event("response.content_part.done", **at, part=_part(text))
        yield self._done(item | {"status": status(), "content": [_part(text)]})

    def call(self, call: ToolCall) -> Iterator[Event]:
        """Write a tool call."""
        item = {"id": "fc_" + secrets.token_hex(24), "type": "function_call", "call_id": call.id}
        item |= {"name": call.name}
        empty = item | {"status": "in_progress", "arguments": ""}
        at = {"item_id": item["id"], "output_index": len(self.output)}
        yield self._event("response.output_item.added", output_index=at["output_index"], item=empty)
        kind = "response.function_call_arguments"
        yield self._event(f"{kind}.delta", **at, delta=call.arguments)
        yield self._event(f"{kind}.done", **at, name=call.name, arguments=call.arguments)
        yield self._done(item | {"status": "completed", "arguments": call.arguments})

    def end(self, status: str, usage: Usage) -> Event:
        """Write the last event, with the whole response."""
        return self._event(f"response.{status}", response=self.response(status, usage))

    def failure(self, error: APIError) -> Iterator[Event]:
        """Write that the answer broke off."""
        said = error.wire()["error"]
        flat = {name: said[name] for name in ("code", "message", "param")}
        yield self._event("error", **flat, error=said)  # the service's own has both forms
        failed = {"code": "server_error", "message": str(error)}
        response = self.response("failed") | {"error": failed}
        yield self._event("response.failed", response=response)

    def response(self, status: str, usage: Usage | None = None) -> dict[str, Any]:
        """Return the response as it is now, with the request's own settings."""
        body = self.body
        asked = body.model_dump(exclude_none=True, by_alias=True)
        reason = {"reason": "max_output_tokens"} if status == "incomplete" else None
        response = {
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "completed_at": int(time.time()) if status == "completed" else None,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": reason,
            "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens,
            "metadata": body.metadata or {},
            "model": MODEL,
            "output": list(self.output),
            "parallel_tool_calls": body.parallel_tool_calls is not False,
            "previous_response_id": body.previous_response_id,
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "default",
            "store": body.store is not False,
            "temperature": 1.0 if body.temperature is None else body.temperature,
            "text": {"format": {"type": "text"}} | asked.get("text", {}),
            "tool_choice": asked.get("tool_choice", "auto"),
            "tools": [_tool(tool) for tool in asked.get("tools", ())],
            "top_p": 1.0 if body.top_p is None else body.top_p,
            "truncation": "auto",
        }
        known = {"usage": _usage(usage) if usage else None, "user": body.user}
        return response | {name: value for name, value in known.items() if value is not None}

    def _done(self, item: Event) -> Event:
        self.output.append(item)
        index = len(self.output) - 1
        return self._event("response.output_item.done", output_index=index, item=item)

    def _event(self, kind: str, **fields: Any) -> Event:
        return {"type": kind, "sequence_number": next(self._numbers)} | fields


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    return {"description": None, "parameters": {}, "strict": False} | tool


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
