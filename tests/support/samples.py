"""A request, a tool, its call, a sound and a recording that several tests share."""

from collections import Counter
from dataclasses import replace
from typing import Any

from audiomagic.protocol.request import Message, Request
from audiomagic.protocol.response import Completion, ResponseAccumulator
from audiomagic.protocol.tool_calls import Tool, ToolCall
from audiomagic.sound import Sound
from audiomagic.transports.cassette import Cassette

from .fake_server import chunk

PCM = bytes(range(256)) * 180  # 46,080 bytes; -32,768 is among its samples
WEATHER = Tool("weather", "The weather of a city.", {"type": "object", "properties": {}})
CALL = ToolCall("call_x7", "weather", '{"city": "Köln"}')


def asked(*parts: str | Sound, **more: Any) -> Request:
    """A request for a spoken answer to one message."""
    return replace(Request("gpt-audio-1.5", (Message("user", parts),), "coral"), **more)


JOKE = asked("Tell me a joke!")


def conversation(call_id: str = "call_x7", audio_id: str | None = None) -> Request:
    """A chat in which the model called a tool."""
    call = replace(CALL, id=call_id)
    messages = (
        Message("user", ("Hi",)),
        Message("assistant", ("Hello, Ada.",), audio_id),
        Message("user", ("The weather?",)),
        Message("assistant", (), tool_calls=(call,)),
        Message("tool", ("rain",), tool_call_id=call_id),
    )
    return Request("gpt-audio-1.5", messages, "coral", tools=(WEATHER,))


def called(index: int, arguments: str) -> Any:
    """The chunk of a tool call."""
    wire = ToolCall(f"call_{index}", "f", arguments).wire()
    return chunk({"tool_calls": [wire | {"index": index}]})


def accumulated(chunks: Any) -> Completion:
    accumulator = ResponseAccumulator()
    for item in chunks:
        accumulator.add(item)
    return accumulator.completion()


def record(
    cassette: Cassette, request: Request, chunks: Any, claimed: Counter[str] | None = None
) -> Completion:
    return accumulated(cassette.keep(request, iter(chunks), claimed=claimed))


def recording() -> dict[str, Any]:
    """The JSON of a recording without sound."""
    return {
        "format": 1,
        "recorded": "2026-11-22T22:11:17Z",
        "request": {
            "model": "gpt-audio-1.5",
            "voice": "coral",
            "messages": [{"role": "user", "parts": ["Tell me a joke!"]}],
        },
        "answer": {
            "model": None,
            "finish_reason": "stop",
            "text": "Ha ha",
            "tool_calls": [{"id": "a", "name": "b", "arguments": "{}"}],
            "usage": {
                "input_tokens": 1,
                "output_tokens": 2,
                "input_audio_tokens": 0,
                "output_audio_tokens": 1,
            },
            "sound": None,
            "seconds": 0.5,
            "arrivals": [[0.1, 3, 0], [0.2, 2, 0]],
        },
    }
