"""Tools on the wire: read by the engine, and refused in the service's words."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomagic.engine.api_errors import APIError
from audiomagic.engine.api_requests import read
from audiomagic.protocol.request import Message, Request
from audiomagic.protocol.tool_calls import Tool, ToolCall

from ...support.fake_server import VOICES
from ..protocol.test_response import JSON

WEATHER = Tool("weather", "Say the weather.", {"type": "object", "properties": {"city": {}}})
TIME = Tool("time", "", {"type": "object", "properties": {}})
CALL = ToolCall("call_1", "weather", '{"city": "Köln"}')
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL.wire()]}
ANSWERED = {"role": "tool", "tool_call_id": "call_1", "content": "It rains."}


def asked(*messages: Any, **more: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": "Is it raining?"}, *messages]
    return {"model": "m", "messages": said} | more


def tool(**function: Any) -> dict[str, Any]:
    return asked(tools=[{"type": "function", "function": function}])


def refusal(body: object) -> tuple[str, str | None, str | None]:
    with pytest.raises(APIError) as caught:
        read(body, {}, VOICES)
    error = caught.value.wire()["error"]
    return error["message"], error["param"], error["code"]


@pytest.mark.parametrize("choice", [None, "none", "auto", "required", "weather"])
def test_what_is_written_is_read(choice: str | None) -> None:
    messages = (
        Message("user", ("Is it raining?",)),
        Message("assistant", tool_calls=(CALL,)),
        Message("tool", ("It rains.",), tool_call_id="call_1"),
    )
    sent = Request("m", messages, "coral", tools=(WEATHER, TIME), tool_choice=choice)
    assert read(json.loads(json.dumps(sent.wire())), {}, VOICES) == sent


def test_a_tool_without_parameters_takes_none() -> None:
    assert read(tool(name="time"), {}, VOICES).tools == (TIME,)


NAMES = "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$', of 64 characters at most."
UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'. The following tool_call_ids did not have response messages: call_1"
)
UNASKED = (
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
    "with 'tool_calls'."
)
WIRED = [WEATHER.wire()]
REFUSALS: list[tuple[Any, tuple[str, str | None, str | None]]] = [
    (asked(tools={}), ("Invalid type for 'tools': expected an array, but got an object instead.",
        "tools", "invalid_type")),
    (asked(tools=[]), ("Invalid 'tools': expected an array with 1 to 128 elements, but got 0 "
        "instead.", "tools", "invalid_value")),
    (asked(tools=[{"type": "web_search"}]), ("Invalid value: 'web_search'. Supported values are: "
        "'function'.", "tools[0].type", "invalid_value")),
    (tool(), ("Missing required parameter: 'tools[0].function.name'.", "tools[0].function.name",
        "missing_required_parameter")),
    (tool(name="my tool"), (f"Invalid 'tools[0].function.name': string does not match pattern. "
        f"{NAMES}", "tools[0].function.name", "invalid_value")),
    (tool(name="t" * 65), (f"Invalid 'tools[0].function.name': string does not match pattern. "
        f"{NAMES}", "tools[0].function.name", "invalid_value")),
    (tool(name="t", parameters={"type": "array"}), ("Invalid schema for function 't': schema must "
        "be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'.",
        "tools[0].function.parameters", "invalid_function_parameters")),
    (asked(tool_choice="auto"), ("Invalid value for 'tool_choice': 'tool_choice' is only allowed "
        "when 'tools' are specified.", "tool_choice", None)),
    (asked(parallel_tool_calls=True), ("Invalid value for 'parallel_tool_calls': "
        "'parallel_tool_calls' is only allowed when 'tools' are specified.",
        "parallel_tool_calls", None)),
    (asked(tools=WIRED, parallel_tool_calls="no"), ("Invalid type for 'parallel_tool_calls': "
        "expected a boolean, but got a string instead.", "parallel_tool_calls", "invalid_type")),
    (asked(tools=WIRED, tool_choice="weather"), ("Invalid value: 'weather'. Supported values are: "
        "'none', 'auto', and 'required'.", "tool_choice", "invalid_value")),
    (asked(tools=WIRED, tool_choice={"type": "function", "function": {"name": "time"}}),
        ("Invalid value for 'tool_choice': function 'time' not found in 'tools'.",
        "tool_choice", None)),
    (asked(CALLED), (UNANSWERED, "messages.[2].role", None)),
    (asked(CALLED, {"role": "user", "content": "?"}, ANSWERED), (UNANSWERED,
        "messages.[2].role", None)),
    (asked(ANSWERED), (UNASKED, "messages.[1].role", None)),
    (asked(CALLED, ANSWERED, ANSWERED), (UNASKED, "messages.[3].role", None)),
    (asked({"role": "tool", "content": "It rains."}), ("Missing required parameter: "
        "'messages[1].tool_call_id'.", "messages[1].tool_call_id", "missing_required_parameter")),
    (asked(n=2), ("Invalid 'n': integer above maximum value. Expected a value <= 1, but got 2 "
        "instead.", "n", "integer_above_max_value")),
    (asked(n=0), ("Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 "
        "instead.", "n", "integer_below_min_value")),
    (asked(temperature=2.5), ("Invalid 'temperature': decimal above maximum value. Expected a "
        "value <= 2, but got 2.5 instead.", "temperature", "decimal_above_max_value")),
    (asked(temperature="hot"), ("Invalid type for 'temperature': expected a decimal, but got a "
        "string instead.", "temperature", "invalid_type")),
    (asked(top_p=-0.1), ("Invalid 'top_p': decimal below minimum value. Expected a value >= 0, "
        "but got -0.1 instead.", "top_p", "decimal_below_min_value")),
    (asked(max_tokens=-1), ("Invalid 'max_tokens': integer below minimum value. Expected a value "
        ">= 1, but got -1 instead.", "max_tokens", "integer_below_min_value")),
]  # fmt: skip


@pytest.mark.parametrize(("body", "error"), REFUSALS)
def test_it_refuses_in_the_services_words(body: Any, error: Any) -> None:
    assert refusal(body) == error


def test_what_the_service_accepts_is_accepted() -> None:
    body = asked(n=1, temperature=0, top_p=1.0, frequency_penalty=-2, max_completion_tokens=5)
    assert read(body, {}, VOICES).max_tokens == 5


PLACES = ["tools", "tool_choice", "parallel_tool_calls", "n", "temperature", "tool", "function",
          "name", "parameters", "properties", "calls", "call", "arguments", "call_id"]  # fmt: skip


@given(JSON, st.sampled_from(PLACES))
@settings(max_examples=200, deadline=None)
def test_anything_else_is_refused_and_nothing_worse(value: Any, where: str) -> None:
    body = json.loads(json.dumps(asked(CALLED, ANSWERED, tools=WIRED)))
    function, called = body["tools"][0]["function"], body["messages"][1]
    match where:
        case "tool" | "function":
            body["tools"][0] = {"tool": value, "function": {"type": "function", "function": value}}[
                where
            ]
        case "name" | "parameters":
            function[where] = value
        case "properties":
            function["parameters"]["properties"] = value
        case "calls":
            called["tool_calls"] = value
        case "call":
            called["tool_calls"] = [value]
        case "arguments":
            called["tool_calls"][0]["function"]["arguments"] = value
        case "call_id":
            body["messages"][2]["tool_call_id"] = value
        case _:
            body[where] = value
    try:
        request = read(body, {}, VOICES)
    except APIError as refused:
        assert json.dumps(refused.wire()) and len(str(refused)) < 400
    else:
        assert all(isinstance(tool.parameters, dict) for tool in request.tools)
