"""Tools on the wire: told to a model, called by it, answered."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk

from audiomagic.errors import InvalidResponse
from audiomagic.protocol.chunk_writer import ChunkWriter
from audiomagic.protocol.request import Message, Request
from audiomagic.protocol.response import Completion, ResponseAccumulator
from audiomagic.protocol.tool_calls import Tool, ToolCall, ToolCallAccumulator

from ...support.fake_server import chunk

WEATHER = ToolCall("call_1", "weather", '{"city": "Köln"}')
TIME = ToolCall("call_2", "time", "{}")


def accumulated(*deltas: dict[str, Any]) -> Completion:
    accumulator = ResponseAccumulator()
    for delta in deltas:
        accumulator.add(ChatCompletionChunk.construct(**chunk(delta)).to_dict(warnings=False))
    return accumulator.completion()


def test_calls_come_in_pieces_each_by_its_index() -> None:
    first = {"index": 0, "id": "call_1", "type": "function",
             "function": {"name": "weather", "arguments": ""}}  # fmt: skip
    second = {"index": 1, "id": "call_2", "function": {"name": "time", "arguments": "{}"}}
    answer = accumulated(
        {"role": "assistant", "content": None, "tool_calls": [first]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]},
        {"tool_calls": [second]},
        {"tool_calls": [{"index": 0, "id": None, "function": {"arguments": '"Köln"}'}}]},
    )
    assert answer.tool_calls == (WEATHER, TIME)


def test_arguments_may_come_in_very_many_pieces() -> None:
    accumulator, piece = ToolCallAccumulator(), [{"index": 0, "function": {"arguments": " "}}]
    for _ in range(200_000):  # to count them all for each would take minutes
        accumulator.add(piece)
    assert accumulator.calls() == (ToolCall("call_0", "", " " * 200_000),)


def test_a_server_without_indices_or_ids_is_understood() -> None:
    calls = [{"function": {"name": n, "arguments": "{}"}} for n in ("a", "b")]
    assert accumulated({"tool_calls": calls}).tool_calls == (
        ToolCall("call_0", "a", "{}"),
        ToolCall("call_1", "b", "{}"),
    )


@pytest.mark.parametrize(
    "calls",
    [
        {"0": {}},
        ["weather"],
        [{"index": i} for i in range(129)],
        [{"index": 0, "function": {"arguments": "x" * 4_000_001}}],
    ],
)
def test_what_is_not_a_call_is_refused(calls: Any) -> None:
    with pytest.raises(InvalidResponse):
        accumulated({"tool_calls": calls})


def test_what_the_engine_writes_the_client_reads() -> None:
    writer = ChunkWriter("chatcmpl-1", "m", 0, "audio_1")
    accumulator = ResponseAccumulator()
    accumulator.add(json.loads(json.dumps(writer.calls((WEATHER, TIME)))))
    assert accumulator.completion().tool_calls == (WEATHER, TIME)
    whole = writer.whole(Completion("", b"", "tool_calls", tool_calls=(WEATHER,)), None)
    message = whole["choices"][0]["message"]
    assert message["content"] is None and message["tool_calls"][0]["function"]["name"] == "weather"


def test_tools_their_calls_and_results_are_spelled_as_the_service_wants_them() -> None:
    tool = Tool("weather", "Say the weather.", {"type": "object", "properties": {}})
    messages = (
        Message("user", ("Is it raining?",)),
        Message("assistant", tool_calls=(WEATHER,)),
        Message("tool", ("It rains.",), tool_call_id="call_1"),
        Message("assistant", ("It does.",), audio_id="audio_1"),
    )
    body = Request("m", messages, "alloy", tools=(tool,), tool_choice="weather").wire()
    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "Say the weather.",
                "parameters": {"type": "object", "properties": {}},
            },
        }
    ]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city": "Köln"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "It rains."},
        {"role": "assistant", "audio": {"id": "audio_1"}},
    ]
    assert Request("m", messages[:1], tool_choice="none").wire()["tool_choice"] == "none"
