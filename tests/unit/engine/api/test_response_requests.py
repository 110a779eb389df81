"""Requests of the Responses API, put as Chat Completions: what is meant, and what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.engine.api import chat_requests
from audiomagic.engine.api.errors import APIError
from audiomagic.engine.api.response_requests import chat_messages, read, renamed

ASKED = {"role": "user", "content": "Is it raining?"}
CALL = {"type": "function_call", "call_id": "call_1", "name": "rain", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "no"}


def chat(**fields: Any) -> dict[str, Any]:
    """The Chat Completions request that asks the same."""
    body = read(json.dumps({"model": "m", "input": "Hello."} | fields).encode())
    return body.chat(chat_messages(body.input, {"fc_1": CALL}.get))


def text(words: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": words}]


def test_a_text_is_a_users_message() -> None:
    assert chat()["messages"] == [{"role": "user", "content": text("Hello.")}]


def test_instructions_come_first() -> None:
    found = chat(instructions="Be brief.", input=[ASKED])["messages"]
    assert [message["role"] for message in found] == ["system", "user"]


def test_what_the_assistant_says_and_calls_in_a_row_is_one_message() -> None:
    part = {"type": "output_text", "text": "Let me see.", "annotations": []}
    said = {"type": "message", "role": "assistant", "id": "msg_1", "content": [part]}
    second = CALL | {"call_id": "call_2", "name": "wind"}
    results = [RESULT, RESULT | {"call_id": "call_2"}]
    found = chat(input=[ASKED, said, CALL, second, *results])["messages"]
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "tool"]
    assert found[1]["content"] == text("Let me see.")
    assert [call["id"] for call in found[1]["tool_calls"]] == ["call_1", "call_2"]
    assert chat_requests.read(json.dumps({"model": "m", "messages": found}).encode(), {}, ())


def test_calls_in_several_turns_stay_apart() -> None:
    again = [CALL | {"call_id": "call_2"}, RESULT | {"call_id": "call_2"}]
    found = chat(input=[ASKED, CALL, RESULT, *again])["messages"]
    roles = [message["role"] for message in found]
    assert roles == ["user", "assistant", "tool", "assistant", "tool"]
    assert chat_requests.read(json.dumps({"model": "m", "messages": found}).encode(), {}, ())


def test_an_earlier_item_may_be_referred_to() -> None:
    reference = {"type": "item_reference", "id": "fc_1"}
    found = chat(input=[ASKED, reference, RESULT])["messages"]
    assert found == chat(input=[ASKED, CALL, RESULT])["messages"]


def test_settings_have_their_other_names() -> None:
    schema = {"type": "object", "properties": {}}
    tool = {"type": "function", "name": "rain", "parameters": schema, "strict": True}
    form = {"type": "json_schema", "name": "weather", "schema": schema, "strict": True}
    found = chat(
        tools=[tool],
        tool_choice={"type": "function", "name": "rain"},
        text={"format": form},
        max_output_tokens=20,
        temperature=0.5,
    )
    function = {"name": "rain", "parameters": schema, "strict": True}
    assert found["tools"] == [{"type": "function", "function": function}]
    assert found["tool_choice"] == {"type": "function", "function": {"name": "rain"}}
    named = {"name": "weather", "schema": schema, "strict": True}
    assert found["response_format"] == {"type": "json_schema", "json_schema": named}
    assert (found["max_completion_tokens"], found["temperature"]) == (20, 0.5)


def test_what_asks_for_nothing_is_left_out() -> None:
    nothing = dict.fromkeys(("conversation", "prompt", "tools", "store", "background"))
    idle = {
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "text": {"format": {"type": "text"}},
        "background": False,
        "include": [],
        "reasoning": {"effort": None},
    }
    assert chat(**nothing) == chat(**idle) == chat()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": [{"type": "function_call", "name": "rain"}]}, "input[0].call_id"),
        ({"input": [ASKED, {"type": "reasoning", "summary": []}]}, "input[1].type"),
        ({"input": [{"role": "tool", "content": ""}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]},
         "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]},
         "input[0].content[0].type"),
        ({"input": [{"type": "item_reference", "id": "fc_2"}]}, "input[0].id"),
        ({"input": [{"type": ["message"]}]}, "input[0].type"),
        ({"input": ["Hello."]}, "input[0]"),
        ({"input": {"role": "user"}}, "input"),
        ({"tools": [{"type": "custom", "name": "f"}]}, "tools[0].type"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"background": True}, "background"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"metadata": {str(i): "" for i in range(17)}}, "metadata"),
        ({"stop": ["."]}, "stop"),
    ],
)  # fmt: skip
def test_what_the_engine_does_not_do_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(APIError) as refused:
        chat(**fields)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("named", "here"),
    [
        ("messages[3].role", "input"),
        ("messages", "input"),
        ("tools[2].function.parameters", "tools[2].parameters"),
        ("response_format.json_schema.schema", "text.format.schema"),
        ("max_completion_tokens", "max_output_tokens"),
        ("tool_choice", "tool_choice"),
        (None, None),
    ],
)
def test_an_error_names_the_field_of_this_api(named: str | None, here: str | None) -> None:
    error = renamed(APIError(f"Invalid '{named}': no.", named, "code", 404))
    assert (error.param, error.code, error.status) == (here, "code", 404)
    assert str(error) == f"Invalid '{here}': no."


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
FIELD = st.sampled_from(["input", "tools", "tool_choice", "text", "reasoning", "metadata", "x"])
KIND = st.sampled_from(["message", "function_call", "function_call_output", "item_reference"])


@given(st.dictionaries(FIELD, JSON, max_size=3))
def test_any_request_is_read_or_refused(fields: dict[str, Any]) -> None:
    try:
        chat(**fields)
    except APIError as error:
        assert error.status in (400, 404)


@given(KIND, st.dictionaries(st.sampled_from(["role", "content", "call_id", "id"]), JSON))
def test_any_item_is_read_or_refused(kind: str, fields: dict[str, Any]) -> None:
    try:
        chat(input=[{"type": kind} | fields])
    except APIError as error:
        assert str(error.param).startswith("input[0]")


@pytest.mark.parametrize("data", [b"", b"{oops", b"[]", b"3", b'"x"', b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(APIError) as refused:
        read(data)
    assert refused.value.status == 400
