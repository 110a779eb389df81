"""Tools on the wire: the functions a model may call, and the calls it makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidResponse

MOST_CALLS = 128  # of one completion, in parallel
LONGEST = 4_000_000  # characters of all calls, with the ids that some servers repeat
CUT = "\n[cut here: there is more]"


@dataclass(frozen=True)
class Tool:
    """A function as it is described to the model; `parameters` is the JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(hash=False)

    def wire(self) -> dict[str, Any]:
        function = {"name": self.name, "description": self.description}
        return {"type": "function", "function": function | {"parameters": dict(self.parameters)}}


@dataclass(frozen=True)
class ToolCall:
    """A model's call of a tool; `arguments` is JSON as the model wrote it, unchecked."""

    id: str
    name: str
    arguments: str

    def wire(self) -> dict[str, Any]:
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


class ToolCallAccumulator:
    """Accumulates the tool calls of a stream: each delta names its call by an index."""

    def __init__(self) -> None:
        self._parts: dict[int, tuple[list[str], list[str], list[str]]] = {}
        self._length = 0  # characters

    def add(self, deltas: object) -> None:
        """Take the `tool_calls` of one chunk. Raises InvalidResponse for anything else."""
        if not isinstance(deltas, list) or not all(isinstance(item, Mapping) for item in deltas):
            raise InvalidResponse(
                "the server sent tool calls that are not a list of objects; try another model"
            )
        for position, delta in enumerate(deltas):
            index, function = delta.get("index"), delta.get("function")
            function = function if isinstance(function, Mapping) else {}
            values = (delta.get("id"), function.get("name"), function.get("arguments"))
            parts = self._parts.setdefault(index if type(index) is int else position, ([], [], []))
            for part, value in zip(parts, values, strict=True):
                if isinstance(value, str):
                    part.append(value)
                    self._length += len(value)
            if len(self._parts) > MOST_CALLS or self._length > LONGEST:
                raise InvalidResponse("the server sent more tool calls than any model would")

    def calls(self) -> tuple[ToolCall, ...]:
        # Only the first id and name: some servers repeat them in every delta.
        return tuple(
            ToolCall((ids or [f"call_{index}"])[0], (names or [""])[0], "".join(arguments))
            for index, (ids, names, arguments) in sorted(self._parts.items())
        )


def cut(text: str, limit: int) -> str:
    """Bound a tool's result to `limit` characters; the end says so where there was more."""
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT
