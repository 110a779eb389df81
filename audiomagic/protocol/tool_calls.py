"""Tools on the wire: the functions a model may call, and the calls it makes."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ..errors import InvalidResponse

MOST_CALLS = 128  # of one completion, in parallel
LONGEST = 4_000_000  # characters of all calls, with the ids that some servers repeat
CUT = "\n[cut here: there is more]"
# What models write before and after the name of a tool, as their prompt has it.
BESIDE_NAME = re.compile(r"^(?:functions|tools|default_api)[.:]|:\d+$")
# What servers, and models whose words they pass on, call the arguments of a call.
ARGUMENTS = ("arguments", "parameters", "args", "input", "params", "kwargs")
CLOSING = '"}] \t\r\n'  # how JSON ends that may be gone on with
# What models write around arguments: a fence of code, and the special tokens of their prompt.
FENCE = re.compile(r"\s*+(?:```(?:json)?+\s*+)?+")
BEHIND = re.compile(r"(?:\s|```|<\|\w{1,40}\|>|</tool_call>)*+")
INVALID = "INVALID_JSON"  # the only argument of a call that is repeated, whose own are no object


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
        function = {"name": self.name, "arguments": _without_blanks(self.arguments)}
        return {"id": self.id, "type": "function", "function": function}

    def echo(self) -> dict[str, Any]:
        """Return it as a later request repeats it: servers refuse arguments that are no object."""
        if isinstance(_json(_without_blanks(self.arguments)), dict):
            return self.wire()
        arguments = json.dumps({INVALID: self.arguments}, ensure_ascii=False)
        return ToolCall(self.id, self.name, arguments).wire()


@dataclass
class _PartialCall:
    """A call, or one delta of it."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)  # pieces of JSON, none of them empty
    length: int = 0  # characters of arguments

    @property
    def whole(self) -> bool:
        ends = bool(self.arguments) and self.arguments[-1].rstrip().endswith("}")
        return ends or self._has_none

    @property
    def _has_none(self) -> bool:
        return len(self.arguments) == 1 and self.arguments[0].strip() in ("{}", "null")

    def continued_by(self, delta: "_PartialCall") -> bool:
        """Whether a delta at the same index is more of this call.

        Some servers repeat the name in every delta, and the id, or make up a new one; others send
        each of several calls in one piece, all at index 0.
        """
        if not (self.name and delta.name):
            return True
        if self.name != delta.name:  # a name in pieces, if the call is the same
            return bool(self.id) and delta.id in ("", self.id) and not self.arguments
        if self.id and self.id == delta.id and self.superseded_by(delta):
            return True
        if self.id and delta.id and self.id != delta.id:
            latest = self if self.arguments else delta
            return bool(latest.arguments) and not latest.whole  # its arguments go on
        begins = bool(delta.arguments) and delta.arguments[0].lstrip().startswith("{")
        return not (self.whole and begins)

    def repeated_by(self, delta: "_PartialCall") -> bool:
        """Whether a delta is this very call, whole, once more: it is not to be made twice."""
        same = bool(self.id) and (self.id, self.name) == (delta.id, delta.name)
        return (
            same
            and self.whole
            and self.length == delta.length
            and ("".join(self.arguments) == "".join(delta.arguments))
        )

    def superseded_by(self, delta: "_PartialCall") -> bool:
        """Whether a delta has all arguments so far once more.

        Some servers repeat them in every delta, as far as they are there or as JSON that is whole
        each time; others send "{}" or "null" before there are any.
        """
        if len(self.arguments) != 1 or not delta.arguments:
            return False
        begun, (after,) = self._begun, delta.arguments
        return begun.startswith("{") and after.lstrip().startswith(begun)

    @property
    def _begun(self) -> str:
        """The arguments, less what ends them, so that more may follow."""
        if self._has_none:
            return "{"
        return self.arguments[0].strip(CLOSING) if self.whole else self.arguments[0]

    def add(self, delta: "_PartialCall") -> str:
        """Take a delta; return what it adds to the arguments."""
        added = "".join(delta.arguments)
        self.id = self.id or delta.id
        if self.name != delta.name:
            self.name += delta.name.removeprefix(self.name)
        if self.superseded_by(delta):
            before, begun = self.arguments[0], self._begun
            again = before if added.startswith(before) else begun
            added = added[added.index(again) + len(again) :]
            self.arguments.clear()
            self.length = 0
        self.arguments += delta.arguments
        self.length += delta.length
        return added


class ToolCallAccumulator:
    """Accumulates the tool calls of a stream: each delta names its call by an index, most times."""

    def __init__(self) -> None:
        self._calls: dict[int, list[_PartialCall]] = {}  # by index, those that share it in order
        self._begun = 0
        self._length = 0  # characters

    def add(self, deltas: object) -> str:
        """Take the `tool_calls` of one chunk; return all that they add to arguments.

        Raises InvalidResponse for anything else.
        """
        if not isinstance(deltas, list) or not all(isinstance(item, Mapping) for item in deltas):
            raise InvalidResponse(
                "the server sent tool calls that are not a list of objects; try another model"
            )
        added = list[str]()
        for position, item in enumerate(deltas):
            index, delta = item.get("index"), _read(item)
            there = self._calls.setdefault(index if type(index) is int else position, [])
            same = [call for call in there if delta.id and call.id == delta.id] or there
            if any(call.repeated_by(delta) for call in same):
                continue
            if not same or not same[-1].continued_by(delta):
                self._begin(there)
                same = there
            added.append(same[-1].add(delta))
            self._length += len(delta.id) + len(delta.name) + len(added[-1])
            if self._length > LONGEST:
                raise _too_much()
        return "".join(added)

    def _begin(self, there: list[_PartialCall]) -> None:
        there.append(_PartialCall())
        self._begun += 1
        if self._begun > MOST_CALLS:
            raise _too_much()

    def calls(self) -> tuple[ToolCall, ...]:
        calls = [call for _, there in sorted(self._calls.items()) for call in there]
        calls = [call for call in calls if call.name or call.length]
        free = _unused({call.id for call in calls})
        ids = dict[str, None]()  # in order; a result names its call by an id of its own
        for call in calls:
            ids[next(free) if not call.id or call.id in ids else call.id] = None
        return tuple(
            ToolCall(call_id, call.name, _without_blanks(_bare("".join(call.arguments))))
            for call_id, call in zip(ids, calls, strict=True)
        )


def _read(delta: Mapping[str, Any]) -> _PartialCall:
    function = delta.get("function")
    function = function if isinstance(function, Mapping) else delta
    given = (part.get(name) for part in (function, delta) for name in ARGUMENTS)
    arguments = next(filter(None, given), "")
    if not isinstance(arguments, str):  # the JSON itself, not a text of it
        try:
            arguments = json.dumps(arguments, ensure_ascii=False)
        except RecursionError:
            raise _too_much() from None
    pieces = [arguments] if arguments else []
    name = BESIDE_NAME.sub("", _text(function.get("name")).strip())
    return _PartialCall(_text(delta.get("id")), name, pieces, len(arguments))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _too_much() -> InvalidResponse:
    return InvalidResponse("the server sent more tool calls than any model would")


def _unused(ids: set[str]) -> Iterator[str]:
    return (name for number in count() if (name := f"call_{number}") not in ids)


def _without_blanks(arguments: str) -> str:
    """Return arguments as they are, or "{}" for what servers write where there are none."""
    return "{}" if arguments.strip() in ("", "null", "[]") else arguments


def _bare(arguments: str) -> str:
    """Return arguments without what models write around them, or as they are if they are none.

    Some are a text of JSON in which the arguments are written as JSON, once more.
    """
    text = FENCE.sub("", arguments, count=1)
    with suppress(ValueError, RecursionError):
        value, end = json.JSONDecoder().raw_decode(text)
        if BEHIND.fullmatch(text, end):
            if isinstance(value, dict):
                return text[:end]
            if isinstance(value, str) and isinstance(_json(value), dict):
                return value
    return arguments


def _json(text: str) -> Any:
    """Return what a text says in JSON; None where it is none."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    return None


def cut(text: str, limit: int) -> str:
    """Bound a tool's result to `limit` characters; the end says so where there was more."""
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT
