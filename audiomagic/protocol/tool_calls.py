"""Tools on the wire: the functions a model may call, and the calls it makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidResponse
from .text import whole

MOST_CALLS = 128  # of one answer, in parallel
LONGEST_ARGUMENTS = 1_000_000  # characters of one call
CUT = "\n[cut here: there is more]"


@dataclass(frozen=True)
class Tool:
    """A function as the model is told of it; `parameters` is the JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(hash=False)

    def wire(self) -> dict[str, Any]:
        """Spell it."""
        function = {"name": self.name, "description": self.description}
        return {"type": "function", "function": function | {"parameters": dict(self.parameters)}}


@dataclass(frozen=True)
class ToolCall:
    """A model's wish to call a tool; `arguments` is JSON as the model wrote it, unchecked."""

    id: str
    name: str
    arguments: str

    def wire(self) -> dict[str, Any]:
        """Spell it."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


class ToolCallAccumulator:
    """Fold the pieces of an answer's tool calls: each names its call by an index."""

    def __init__(self) -> None:
        self._parts: dict[int, tuple[list[str], list[str], list[str]]] = {}

    def add(self, pieces: object) -> None:
        """Take the `tool_calls` of one delta. Raises InvalidResponse where they are none."""
        if not isinstance(pieces, list):
            raise InvalidResponse("the server sent tool calls that are no list; try another model")
        for position, piece in enumerate(pieces):
            if not isinstance(piece, Mapping):
                raise InvalidResponse(
                    "the server sent a tool call that is no object; try another model"
                )
            index = piece.get("index")
            self._add(index if type(index) is int else position, piece)

    def _add(self, index: int, piece: Mapping[str, Any]) -> None:
        function = piece.get("function")
        function = function if isinstance(function, Mapping) else {}
        part = self._parts.setdefault(index, ([], [], []))
        found = (piece.get("id"), function.get("name"), function.get("arguments"))
        for collected, value in zip(part, found, strict=True):
            if isinstance(value, str):
                collected.append(value)
        if len(self._parts) > MOST_CALLS or sum(map(len, part[2])) > LONGEST_ARGUMENTS:
            raise InvalidResponse(
                "the server sent more tool calls than any model makes; stopped reading"
            )

    def calls(self) -> tuple[ToolCall, ...]:
        """Return the calls in the order of their indices."""
        # Names and ids come once; a server that repeats them must not see them doubled.
        return tuple(
            ToolCall(
                whole((ids or [f"call_{index}"])[0]),
                whole((names or [""])[0]),
                whole("".join(arguments)),
            )
            for index, (ids, names, arguments) in sorted(self._parts.items())
        )


def cut(text: str, room: int) -> str:
    """Bound what a tool gave to `room` characters; where there was more, its end says so."""
    return text if len(text) <= room else text[: room - len(CUT)] + CUT
