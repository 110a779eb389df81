"""A request's tools, their calls and their results, read and refused as the service does it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..protocol.tool_calls import MOST_CALLS, Tool, ToolCall
from .api_errors import APIError, check_type, missing, short

NAME = re.compile(r"[a-zA-Z0-9_-]+")
LONGEST_NAME = 64  # characters
CHOICES = ("none", "auto", "required")


def read_tools(body: Mapping[str, Any]) -> tuple[tuple[Tool, ...], str | None]:
    """Read the functions that may be called, and whether one must be. Raises APIError."""
    tools: tuple[Tool, ...] = ()
    if (listed := body.get("tools")) is not None:
        check_type(listed, list, "tools")
        if not 0 < len(listed) <= MOST_CALLS:
            raise APIError(
                f"Invalid 'tools': expected an array with 1 to {MOST_CALLS} elements, "
                f"but got {len(listed)} instead.",
                "tools",
            )
        tools = tuple(_tool(item, f"tools[{index}]") for index, item in enumerate(listed))
    if (parallel := body.get("parallel_tool_calls")) is not None:
        check_type(parallel, bool, "parallel_tool_calls")
    for param in ("tool_choice", "parallel_tool_calls"):
        if body.get(param) is not None and not tools:
            raise APIError(
                f"Invalid value for '{param}': '{param}' is only allowed when 'tools' "
                "are specified.",
                param,
                None,
            )
    return tools, _choice(body.get("tool_choice"), tools)


def _tool(item: object, where: str) -> Tool:
    function = item.get("function") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or item.get("type") != "function":
        got = item.get("type") if isinstance(item, Mapping) else item
        raise APIError(
            f"Invalid value: '{short(got)}'. Supported values are: 'function'.", f"{where}.type"
        )
    if not isinstance(function, Mapping):
        raise missing(f"{where}.function")
    name = _name(function.get("name"), f"{where}.function.name")
    description = function.get("description") or ""
    check_type(description, str, f"{where}.function.description")
    parameters = function.get("parameters")
    parameters = {"type": "object", "properties": {}} if parameters is None else parameters
    where = f"{where}.function.parameters"
    check_type(parameters, dict, where)
    properties = parameters.get("properties", {})
    if parameters.get("type") != "object" or not isinstance(properties, dict):
        raise APIError(
            f"Invalid schema for function '{name}': schema must be a JSON Schema of "
            f"'type: \"object\"', got 'type: \"{short(parameters.get('type'))}\"'.",
            where,
            "invalid_function_parameters",
        )
    return Tool(name, description, parameters)


def _name(name: object, where: str) -> str:
    if name is None:
        raise missing(where)
    check_type(name, str, where)
    assert isinstance(name, str)
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise APIError(
            f"Invalid '{where}': string does not match pattern. Expected a string that matches "
            f"the pattern '^{NAME.pattern}$', of {LONGEST_NAME} characters at most.",
            where,
        )
    return name


def _choice(choice: object, tools: Sequence[Tool]) -> str | None:
    if choice is None or (isinstance(choice, str) and choice in CHOICES):
        return choice
    if not isinstance(choice, Mapping):
        *most, last = (f"'{value}'" for value in CHOICES)
        raise APIError(
            f"Invalid value: '{short(choice)}'. Supported values are: {', '.join(most)}, "
            f"and {last}.",
            "tool_choice",
        )
    function = choice.get("function")
    if not isinstance(function, Mapping):
        raise missing("tool_choice.function")
    name = _name(function.get("name"), "tool_choice.function.name")
    if name not in [tool.name for tool in tools]:
        raise APIError(
            f"Invalid value for 'tool_choice': function '{short(name)}' not found in 'tools'.",
            "tool_choice",
            None,
        )
    return name


def read_calls(item: Mapping[str, Any], where: str) -> tuple[ToolCall, ...]:
    """Read the tool calls of an assistant's message. Raises APIError."""
    listed = item.get("tool_calls")
    if listed is None:
        return ()
    where = f"{where}.tool_calls"
    check_type(listed, list, where)
    return tuple(_call(call, f"{where}[{index}]") for index, call in enumerate(listed))


def _call(call: object, where: str) -> ToolCall:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(function, Mapping):
        raise missing(f"{where}.function")
    check_type(call.get("id"), str, f"{where}.id")
    name = _name(function.get("name"), f"{where}.function.name")
    check_type(function.get("arguments"), str, f"{where}.function.arguments")
    return ToolCall(call["id"], name, function["arguments"])


def read_call_id(item: Mapping[str, Any], where: str) -> str | None:
    """Read which call a message answers; None where it is no tool's. Raises APIError."""
    if item.get("role") != "tool":
        return None
    if item.get("tool_call_id") is None:
        raise missing(f"{where}.tool_call_id")
    check_type(item["tool_call_id"], str, f"{where}.tool_call_id")
    return str(item["tool_call_id"])


def check_answered(turns: Sequence[tuple[Sequence[ToolCall], str | None]]) -> None:
    """Refuse calls without results, and results without calls: (calls, call id) per message."""
    waiting: list[str] = []
    for index, (calls, answered) in enumerate((*turns, ((), None))):
        where = f"messages.[{index}].role"
        if answered in waiting:
            waiting.remove(str(answered))
        elif answered is not None:
            raise APIError(
                "Invalid parameter: messages with role 'tool' must be a response to a "
                "preceeding message with 'tool_calls'.",
                where,
                None,
            )
        elif waiting:
            raise APIError(
                "An assistant message with 'tool_calls' must be followed by tool messages "
                "responding to each 'tool_call_id'. The following tool_call_ids did not have "
                f"response messages: {', '.join(short(call) for call in waiting[:5])}",
                where,
                None,
            )
        waiting += [call.id for call in calls]
