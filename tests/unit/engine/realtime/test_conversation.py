"""A conversation: its order, its bounds, and what of it a model is asked."""

from concurrent.futures import Future

import pytest

from audiomagic.engine.api.errors import APIError
from audiomagic.engine.realtime.conversation import (
    MOST_CHARACTERS,
    MOST_ITEMS,
    ROOT,
    Conversation,
    request_messages,
)
from audiomagic.engine.realtime.items import (
    AssistantMessage,
    FunctionCall,
    FunctionCallOutput,
    GivenMessage,
    Item,
    Piece,
    Speech,
)
from audiomagic.protocol.request import Message
from audiomagic.protocol.tool_calls import ToolCall


def said(text: str, item_id: str) -> GivenMessage:
    return GivenMessage(id=item_id, content=[text])


def heard(words: str) -> GivenMessage:
    known: Future[str] = Future()
    known.set_result(words)
    return GivenMessage(content=[Speech(1.0, known)])


def answer(words: str, seconds: float = 1) -> AssistantMessage:
    return AssistantMessage(spoken=True, pieces=[Piece(words, round(seconds * 48_000))])


def call(call_id: str) -> FunctionCall:
    return FunctionCall(call_id=call_id, name="add", arguments='{"a": 1}')


def result(call_id: str, output: str = "3") -> FunctionCallOutput:
    return FunctionCallOutput(call_id=call_id, output=output)


def of(*items: Item) -> Conversation:
    conversation = Conversation()
    for item in items:
        conversation.add(item)
    return conversation


def test_items_stand_where_they_were_put() -> None:
    conversation = of(said("one", "a"), said("two", "b"))
    conversation.add(said("between", "c"), "a")
    conversation.add(said("first", "d"), ROOT)
    assert [item.id for item in conversation.items] == ["d", "a", "c", "b"]
    assert [conversation.before(item) for item in conversation.items] == [None, "d", "a", "c"]
    assert conversation.last_id == "b"
    conversation.delete("a")
    assert conversation.before(conversation.item("c")) == "d"


@pytest.mark.parametrize(
    ("item", "after", "param"),
    [
        (said("again", "a"), None, "item.id"),
        (said("new", "b"), "gone", "previous_item_id"),
        (result("call_of_nobody"), None, "item.call_id"),
    ],
)
def test_what_has_no_place_is_refused(item: Item, after: str | None, param: str) -> None:
    conversation = of(said("one", "a"))
    with pytest.raises(APIError) as caught:
        conversation.add(item, after)
    assert caught.value.param == param and len(conversation.items) == 1


def test_what_is_gone_cannot_be_deleted_or_shown() -> None:
    for action in (Conversation().delete, Conversation().item):
        with pytest.raises(APIError, match="no item") as caught:
            action("item_1")
        assert caught.value.param == "item_id"


def test_it_is_bounded() -> None:
    conversation = of(said("x" * (MOST_CHARACTERS - 1), "a"))
    with pytest.raises(APIError, match="full"):
        conversation.add(said("xx", "b"))
    conversation.add(said("x", "b"))
    conversation = of(*(said("x", str(number)) for number in range(MOST_ITEMS)))
    with pytest.raises(APIError, match="full"):
        conversation.check_room()


@pytest.mark.parametrize(
    ("item", "end_ms", "param", "code"),
    [
        (answer("One two."), 0, "item_id", "unsupported_content_type"),
        (answer("One two."), 1_001, "audio_end_ms", "invalid_value"),
        (AssistantMessage(spoken=True), 1, "item_id", "unsupported_content_type"),
        (AssistantMessage(spoken=False, pieces=[Piece("Hi")]), 1, "item_id",
         "unsupported_content_type"),
        (heard("Hello."), 1, "item_id", "unsupported_content_type"),
    ],
)  # fmt: skip
def test_only_sound_that_was_generated_is_truncated(
    item: Item, end_ms: int, param: str, code: str
) -> None:
    conversation = of(item)
    with pytest.raises(APIError) as caught:
        conversation.truncate(item.id, end_ms)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert not getattr(item, "truncated", False)


def test_a_model_is_asked_what_was_said_and_heard() -> None:
    first = answer("One two three four.")
    conversation = of(said("Hi", "a"), first, heard("And then?"))
    conversation.truncate(first.id, 500)
    messages, spoken = request_messages(conversation.items, "Be brief.")
    assert messages == (
        Message("system", ("Be brief.",)),
        Message("user", ("Hi",)),
        Message("assistant", ("One two",)),
        Message("user", ()),
    )
    assert spoken == (None, None, None, "And then?")


def test_results_stand_behind_their_calls_and_calls_without_one_are_left_out() -> None:
    items = (call("1"), call("2"), call("3"), heard("Well?"), result("2", "two"), result("1"))
    messages, spoken = request_messages(items, "")
    assert messages == (
        Message("assistant", tool_calls=(
            ToolCall("1", "add", '{"a": 1}'), ToolCall("2", "add", '{"a": 1}'))),
        Message("tool", ("3",), tool_call_id="1"),
        Message("tool", ("two",), tool_call_id="2"),
        Message("user", ()),
    )  # fmt: skip
    assert spoken == (None, None, None, "Well?")


def test_where_nobody_spoke_only_the_end_matters() -> None:
    items = (heard(""), heard("Hello."), answer("Hello."), heard(""))
    messages, spoken = request_messages(items, "")
    assert [message.role for message in messages] == ["user", "assistant", "user"]
    assert spoken == ("Hello.", None, "")
