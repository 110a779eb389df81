"""The events of a response: their order, their numbers, and what the last one holds."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from audiomagic.engine.api.errors import APIError
from audiomagic.engine.api.response_events import ResponseWriter
from audiomagic.engine.api.response_requests import read
from audiomagic.protocol.tool_calls import ToolCall
from audiomagic.protocol.usage import Usage

from ....support.api_description import check

USAGE = Usage(3, 5, 0, 0)
CALLS = (ToolCall("call_1", "rain", '{"city": "Paris"}'), ToolCall("call_2", "wind", "{}"))


def writer(**fields: Any) -> ResponseWriter:
    return ResponseWriter(read(json.dumps({"model": "m", "input": "Hello."} | fields).encode()))


def written(texts: Iterable[str], calls: Iterable[ToolCall] = (), status: str = "completed") -> Any:
    """All events of a response."""
    response = writer()
    events = [*response.opening(), *response.message(texts, lambda: status)]
    for call in calls:
        events += response.call(call)
    return [*events, response.end(status, USAGE)]


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_each_event_is_as_it_is_described(status: str) -> None:
    for each in written(["It is ", "raining."], CALLS, status):
        check(each, "ResponseStreamEvent")


def test_the_last_event_holds_what_the_others_told() -> None:
    events = written(["It is ", "raining."], CALLS)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    done = [e["item"] for e in events if e["type"] == "response.output_item.done"]
    last = events[-1]["response"]
    assert last["output"] == done and len(done) == 3
    assert done[0]["content"][0]["text"] == "It is raining."
    assert [item["call_id"] for item in done[1:]] == ["call_1", "call_2"]
    assert [e["output_index"] for e in events if e["type"].endswith("item.added")] == [0, 1, 2]
    assert (last["status"], last["usage"]["total_tokens"]) == ("completed", 8)


def test_what_was_said_earlier_does_not_change_later() -> None:
    events = written(["Yes."])
    assert events[0]["response"]["output"] == [] == events[1]["response"]["output"]
    assert events[2]["item"]["content"] == []


def test_a_text_begins_with_a_word() -> None:
    events = written(["\n", "  It is", " so.", ""])
    deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
    assert "".join(deltas) == "It is so."


def test_a_response_names_the_settings_that_were_asked_for() -> None:
    form = {"type": "json_schema", "name": "weather", "schema": {"type": "object"}}
    tool = {"type": "function", "name": "rain", "parameters": {"type": "object", "properties": {}}}
    asked = {"temperature": 0.5, "tools": [tool], "text": {"format": form}, "store": False,
             "instructions": "Be brief.", "metadata": {"a": "b"}, "user": "me"}  # fmt: skip
    response = writer(**asked).end("completed", USAGE)["response"]
    check(response, "Response")
    assert response["text"]["format"] == form and response["tools"][0]["name"] == "rain"
    for name in ("temperature", "store", "instructions", "metadata", "user"):
        assert response[name] == asked[name]


def test_an_answer_that_breaks_off_says_why() -> None:
    response = writer()
    events = [*response.opening(), *response.failure(APIError("No model.", None, None, 502))]
    for each in events:
        check(each, "ResponseStreamEvent")
    error, failed = events[2:]
    assert error["message"] == error["error"]["message"] == "No model."
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"]["message"] == "No model."
