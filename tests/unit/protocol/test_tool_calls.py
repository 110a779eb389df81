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


def test_a_call_that_is_sent_twice_is_one() -> None:
    mail = {"name": "mail", "arguments": '{"to": "bob"}'}
    accumulator = ToolCallAccumulator()
    for function in (mail, mail, {"name": "mail", "arguments": '{"to": "eve"}'}):
        accumulator.add([{"index": 0, "id": "call_1", "function": function}])
    assert [call.arguments for call in accumulator.calls()] == ['{"to": "bob"}', '{"to": "eve"}']


def test_arguments_may_come_in_very_many_pieces() -> None:
    accumulator, piece = ToolCallAccumulator(), [{"index": 0, "function": {"arguments": "1"}}]
    for _ in range(200_000):  # to count them all for each would take minutes
        accumulator.add(piece)
    assert accumulator.calls() == (ToolCall("call_0", "", "1" * 200_000),)


def test_a_server_without_indices_or_ids_is_understood() -> None:
    calls = [{"function": {"name": n, "arguments": "{}"}} for n in ("a", "b")]
    assert accumulated({"tool_calls": calls}).tool_calls == (
        ToolCall("call_0", "a", "{}"),
        ToolCall("call_1", "b", "{}"),
    )


def call(name: str | None, arguments: Any, call_id: str | None = None, index: Any = 0) -> Any:
    wired = {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}
    return {"tool_calls": [wired]}


KÖLN, BONN = '{"city": "Köln"}', '{"city": "Bonn"}'


@pytest.mark.parametrize("index", [0, None, "0"])
@pytest.mark.parametrize(
    "deltas",
    [
        [call("weather", KÖLN, "a"), call("weather", BONN, "b")],
        [call("weather", KÖLN, ""), call("weather", BONN, "")],  # Gemini's, a piece each
        [call("weather", KÖLN), call("weather", BONN)],
        [call("weather", KÖLN, "same"), call("weather", BONN, "same")],
        [call("weather", "", "a"), call(None, KÖLN), call("weather", "", "b"), call(None, BONN)],
        [call("weather", KÖLN[:5], "a"), call(None, KÖLN[5:], "a"), call("weather", BONN, "b")],
        # name and id in every delta, or an id that is new in each
        [*(call("weather", piece, "a") for piece in KÖLN), call("weather", BONN, "b")],
        [call("weather", KÖLN[:5], 1), call("weather", KÖLN[5:], "y"), call("weather", BONN, "z")],
        [call("weather", "", "w"), call("weather", KÖLN[:5], "x"), call("weather", KÖLN[5:], "y"),
         call("weather", BONN, "z")],
        [call("weather", json.loads(KÖLN), "a"), call("weather", json.loads(BONN), "b")],
    ],
)  # fmt: skip
def test_calls_that_share_an_index_are_not_merged(deltas: list[Any], index: Any) -> None:
    for delta in deltas:
        delta["tool_calls"][0]["index"] = index
    calls = accumulated(*deltas).tool_calls
    assert [(each.name, each.arguments) for each in calls] == [("weather", KÖLN), ("weather", BONN)]
    assert len({each.id for each in calls}) == 2 and all(each.id for each in calls)


LONG = json.dumps({"notes": [{"text": "one, two {three}"}] * 20, "to": {"city": "Köln"}})


@pytest.mark.parametrize("size", [1, 3, 8, 50])
@pytest.mark.parametrize("arguments", [KÖLN, LONG])
@pytest.mark.parametrize("named", [False, True])
def test_arguments_that_each_delta_repeats_are_read_once(
    arguments: str, size: int, named: bool
) -> None:
    ends = [*range(size, len(arguments), size), len(arguments), len(arguments)]
    first, *more = (arguments[:end] for end in ends)
    name, call_id = ("weather", "a") if named else (None, None)
    accumulator = ToolCallAccumulator()
    added = accumulator.add(call("weather", first, "a")["tool_calls"])
    for part in more:
        added += accumulator.add(call(name, part, call_id)["tool_calls"])
    assert accumulator.calls() == (ToolCall("a", "weather", arguments),)
    assert added == arguments  # what is counted is what was made


@pytest.mark.parametrize("first", ["{}", " {}\n", {}, "", None, "null"])
@pytest.mark.parametrize("size", [1, 5, 100])
@pytest.mark.parametrize("name", [None, "weather"])
def test_a_placeholder_gives_way_to_the_arguments(first: Any, size: int, name: str | None) -> None:
    pieces = [KÖLN[at : at + size] for at in range(0, len(KÖLN), size)]
    rest = [call(name, piece, "a") for piece in pieces]
    answer = accumulated(call("weather", first, "a"), *rest)
    assert answer.tool_calls == (ToolCall("a", "weather", KÖLN),)
    assert accumulated(call("weather", first, "a")).tool_calls[0].arguments.strip() == "{}"


GROWING = [
    [{"city": "Köln"}, {"city": "Köln", "days": 2}],
    [{}, {"city": ""}, {"city": "Kö"}, {"city": "Köln"}],
    [{"at": {"x": 1}}, {"at": {"x": 1, "y": [2]}}, {"at": {"x": 1, "y": [2, 3]}}],
]


@pytest.mark.parametrize("growing", GROWING)
@pytest.mark.parametrize("written", [None, json.dumps, lambda value: json.dumps(value, indent=1)])
@pytest.mark.parametrize("name", [None, "weather"])
def test_arguments_that_are_whole_each_time_are_those_of_one_call(
    growing: list[Any], written: Any, name: str | None
) -> None:
    first, *more = map(written, growing) if written else growing
    calls = accumulated(call("weather", first, "a"), *(call(name, one, "a") for one in more))
    (made,) = calls.tool_calls
    assert (made.id, made.name, json.loads(made.arguments)) == ("a", "weather", growing[-1])


@pytest.mark.parametrize("growing", GROWING[:1])
@pytest.mark.parametrize("ids", [("a", "b"), (None, None)])
def test_calls_that_only_say_more_than_another_are_kept(growing: list[Any], ids: Any) -> None:
    deltas = (call("weather", one, name) for one, name in zip(growing, ids, strict=True))
    calls = accumulated(*deltas).tool_calls
    assert [json.loads(each.arguments) for each in calls] == growing


@pytest.mark.parametrize("name", ["arguments", "parameters", "args", "input"])
@pytest.mark.parametrize("arguments", [KÖLN, json.loads(KÖLN)])
def test_arguments_under_another_name_are_read(name: str, arguments: Any) -> None:
    function = {"name": "weather", name: arguments}
    beside = {"function": {"name": "weather", "arguments": None}, name: arguments}
    for wired in ({"function": function}, {"type": "tool_use"} | function, beside):
        (made,) = accumulated({"tool_calls": [{"id": "a"} | wired]}).tool_calls
        assert made == ToolCall("a", "weather", KÖLN)
    called = accumulated({"function_call": function}).tool_calls
    assert called == (ToolCall("call_0", "weather", KÖLN),)


def test_arguments_that_hold_their_own_beginning_are_kept() -> None:
    arguments = '{"a": {"a": {"a": 1}}}'
    pieces = (
        call(None, piece, "a") for piece in ('{"', 'a": ', '{"', 'a": ', '{"a": 1}', "}", "}")
    )
    assert accumulated(call("f", "", "a"), *pieces).tool_calls == (ToolCall("a", "f", arguments),)


@pytest.mark.parametrize(
    "name", [" weather", "weather\n", "functions.weather", "default_api.weather",
             "functions.weather:0", " tools.weather ", "functions:weather"]
)  # fmt: skip
def test_a_name_is_read_without_what_a_prompt_has_beside_it(name: str) -> None:
    answer = accumulated(call(name, KÖLN[:5], "a"), call("weather", KÖLN[5:], "a"))
    assert answer.tool_calls == (ToolCall("a", "weather", KÖLN),)


@pytest.mark.parametrize("pieces", [["wea", "ther"], ["wea", "weather"], ["w", "e", "ather"]])
@pytest.mark.parametrize("call_id", ["a", None])
def test_a_name_in_pieces_is_one(pieces: list[str], call_id: str | None) -> None:
    first, *more = pieces
    deltas = call(first, "", "a"), *(call(name, "", call_id) for name in more)
    answer = accumulated(*deltas, call(None, KÖLN[:5]), call("weather", KÖLN[5:], "a"))
    assert answer.tool_calls == (ToolCall("a", "weather", KÖLN),)
    others = call("wea", "", "a"), call("ther", "", "b"), call("x", "{}", "c"), call("y", "", "c")
    assert [made.name for made in accumulated(*others).tool_calls] == ["wea", "ther", "x", "y"]


@pytest.mark.parametrize("text", ["```", "```json ", " ", "<|a|>", "[", "{}", '"', "\\"])
def test_arguments_of_any_length_are_read(text: str) -> None:
    for arguments in (text * 100_000, "{}" + text * 100_000 + "x"):
        assert accumulated(call("weather", arguments, "a")).tool_calls


@pytest.mark.parametrize("name", ["get.weather", "functions", "functions_weather", "mcp:weather"])
def test_any_other_name_is_what_it_is(name: str) -> None:
    assert accumulated(call(name, KÖLN, "a")).tool_calls == (ToolCall("a", name, KÖLN),)


@pytest.mark.parametrize("none", ["", "{}", "null"])
def test_calls_without_arguments_are_not_merged(none: str) -> None:
    deltas = [call("time", none, "a"), call("time", none, "b"), call("time", "{}", "c"),
              call("date", none, "d")]  # fmt: skip
    calls = accumulated(*deltas).tool_calls
    assert [(each.id, each.name) for each in calls] == [
        ("a", "time"), ("b", "time"), ("c", "time"), ("d", "date")]  # fmt: skip
    assert {each.arguments for each in calls} == {"{}"}


def test_what_follows_a_call_belongs_to_it() -> None:
    answer = accumulated(
        call("weather", "", "a"), call("time", "", "b"), call(None, KÖLN, "a"), call("", "{}", "b"),
        call("time", "", "b"), call(None, None), {"tool_calls": [{"index": 5}]},
    )  # fmt: skip
    assert answer.tool_calls == (ToolCall("a", "weather", KÖLN), ToolCall("b", "time", "{}"))


def test_a_call_of_the_former_protocol_is_one() -> None:
    pieces = ({"name": "weather"}, {"arguments": KÖLN[:4]}, {"arguments": KÖLN[4:]})
    calls = accumulated(*({"function_call": piece} for piece in pieces)).tool_calls
    assert calls == (ToolCall("call_0", "weather", KÖLN),)


@pytest.mark.parametrize(
    ("arguments", "read", "repeated"),
    [
        ({"city": "Köln"}, KÖLN, KÖLN),
        ("", "{}", "{}"),
        (None, "{}", "{}"),
        (" ", "{}", "{}"),
        ({}, "{}", "{}"),
        ([], "{}", "{}"),
        ("null", "{}", "{}"),
        ([1], "[1]", '{"INVALID_JSON": "[1]"}'),
        (7, "7", '{"INVALID_JSON": "7"}'),
        ('{"city": "Kö', '{"city": "Kö', '{"INVALID_JSON": "{\\"city\\": \\"Kö"}'),
        ('"Köln"', '"Köln"', '{"INVALID_JSON": "\\"Köln\\""}'),
        (
            f"{KÖLN} or so",
            f"{KÖLN} or so",
            json.dumps({"INVALID_JSON": f"{KÖLN} or so"}, ensure_ascii=False),
        ),
        ('"{}"', "{}", "{}"),
        (json.dumps(KÖLN), KÖLN, KÖLN),
        (f"```json\n{KÖLN}\n```", KÖLN, KÖLN),
        (f"```\n{KÖLN}```\n", KÖLN, KÖLN),
        (f"{KÖLN}<|im_end|>", KÖLN, KÖLN),
        (f"{json.dumps(KÖLN)}\n</tool_call> <|call|>", KÖLN, KÖLN),
    ],
)
def test_arguments_are_read_as_json_and_repeated_as_an_object(
    arguments: Any, read: str, repeated: str
) -> None:
    calls = accumulated(call("weather", arguments, "a")).tool_calls
    assert calls == (ToolCall("a", "weather", read),)
    (sent,) = Message("assistant", tool_calls=calls).wire()["tool_calls"]
    assert sent["function"]["arguments"] == repeated and isinstance(json.loads(repeated), dict)
    loaded = Message("assistant", tool_calls=(ToolCall("a", "weather", ""),))  # of an older chat
    assert loaded.wire()["tool_calls"][0]["function"]["arguments"] == "{}"


def test_a_call_without_an_id_gets_one_that_no_other_has() -> None:
    deltas = [call("a", "{}", "", 0), call("b", "{}", "call_0", 1), call("c", "{}", None, 2)]
    ids = [each.id for each in accumulated(*deltas).tool_calls]
    assert ids == ["call_1", "call_0", "call_2"]


@pytest.mark.parametrize(
    "calls",
    [
        {"0": {}},
        ["weather"],
        [{"index": i} for i in range(129)],
        [{"index": 0, "function": {"arguments": "x" * 4_000_001}}],
        [{"index": 0, "id": str(i), "function": {"name": str(i)}} for i in range(129)],
        [{"function": {"arguments": {"x": "x" * 4_000_000}}}],
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
