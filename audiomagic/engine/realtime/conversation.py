"""The items of a session in order, and what of them a model is asked."""

from collections.abc import Iterable, Sequence

from ...errors import one_line
from ...protocol.request import Message
from ...protocol.tool_calls import ToolCall
from ..api.errors import APIError
from .ids import new_id
from .items import AssistantMessage, FunctionCall, FunctionCallOutput, GivenMessage, Item

MOST_ITEMS = 2_000
MOST_CHARACTERS = 4_000_000  # of all items
ROOT = "root"  # what stands before the first item


class Conversation:
    """The items, each known by its id."""

    def __init__(self) -> None:
        self.id = new_id("conv")
        self._items: list[Item] = []

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(self._items)

    @property
    def last_id(self) -> str | None:
        return self._items[-1].id if self._items else None

    def add(self, item: Item, after: str | None = None) -> None:
        """Put an item behind another, `ROOT`, or the last. Raises APIError."""
        if any(item.id == other.id for other in self._items):
            line = f"Invalid 'item.id': there is an item {one_line(item.id, 60)} already."
            raise APIError(line, "item.id")
        if isinstance(item, FunctionCallOutput) and item.call_id not in self._calls():
            call_id = one_line(item.call_id, 60)
            line = f"Invalid 'item.call_id': there is no call {call_id} in this conversation."
            raise APIError(line, "item.call_id")
        if after is None:
            index = len(self._items)
        else:
            index = 0 if after == ROOT else self._index(after, "previous_item_id") + 1
        self.check_room(len(item.text))
        self._items.insert(index, item)

    def check_room(self, characters: int = 0) -> None:
        """Raise APIError where one more item, of so many characters, is too much."""
        if len(self._items) < MOST_ITEMS:
            characters += sum(len(item.text) for item in self._items)
            if characters <= MOST_CHARACTERS:
                return
        line = "The conversation is full; delete items, or begin a new session."
        raise APIError(line, "item", "context_length_exceeded")

    def item(self, item_id: str, where: str = "item_id") -> Item:
        """Return an item. Raises APIError where there is none of this id."""
        return self._items[self._index(item_id, where)]

    def before(self, item: Item) -> str | None:
        """Return the id of what stands before an item, None for the first, or one that is gone."""
        index = next((i for i, other in enumerate(self._items) if other is item), 0)
        return self._items[index - 1].id if index else None

    def delete(self, item_id: str) -> None:
        """Delete an item. Raises APIError where there is none of this id."""
        del self._items[self._index(item_id, "item_id")]

    def truncate(self, item_id: str, end_ms: int) -> None:
        """Cut the sound of an answer, and the words that were not heard. Raises APIError."""
        item = self.item(item_id)
        if not isinstance(item, AssistantMessage) or not item.milliseconds or end_ms == 0:
            line = "Only model output audio messages can be truncated"
            raise APIError(line, "item_id", "unsupported_content_type")
        if end_ms > item.milliseconds:
            line = f"Audio content of {item.milliseconds}ms is already shorter than {end_ms}ms"
            raise APIError(line, "audio_end_ms")
        item.truncate(end_ms)

    def _index(self, item_id: str, where: str) -> int:
        for index, item in enumerate(self._items):
            if item.id == item_id:
                return index
        line = f"Invalid '{where}': there is no item {one_line(item_id, 60)}."
        raise APIError(line, where)

    def _calls(self) -> set[str]:
        return {item.call_id for item in self._items if isinstance(item, FunctionCall)}


def request_messages(
    items: Sequence[Item], instructions: str
) -> tuple[tuple[Message, ...], tuple[str | None, ...]]:
    """Return the messages that a model is asked, and what is spoken in each, None where nobody is.

    All speech must have been recognised; where nobody spoke after all, that is told only of the
    last message. The results of calls stand right behind these, as models expect; a call without
    one is left out.
    """
    given = [item for item in items if isinstance(item, GivenMessage) and item.role == "user"]
    results = {item.call_id: item for item in items if isinstance(item, FunctionCallOutput)}
    messages = [Message("system", (instructions,))] if instructions else []
    spoken: list[str | None] = [None] * len(messages)
    for group in _grouped(items):
        item = group[0]
        if isinstance(item, FunctionCall):
            calls = [call for call in group if isinstance(call, FunctionCall)]
            new = _called([call for call in calls if call.call_id in results], results)
        elif isinstance(item, AssistantMessage):
            new = [Message("assistant", (item.words.strip(),))] if item.words.strip() else []
        elif isinstance(item, GivenMessage):
            says_something = item.text or _words(item) or item in given[-1:]
            new = [Message(item.role, (item.text,) if item.text else ())] if says_something else []
        else:
            continue
        messages += new
        spoken += [_words(item) for _ in new]
    return tuple(messages), tuple(spoken)


def _grouped(items: Iterable[Item]) -> list[list[Item]]:
    """Return calls in a row together, every other item alone."""
    groups: list[list[Item]] = []
    for item in items:
        last = groups[-1][0] if groups else None
        if isinstance(item, FunctionCall) and isinstance(last, FunctionCall):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def _called(calls: Sequence[FunctionCall], results: dict[str, FunctionCallOutput]) -> list[Message]:
    if not calls:
        return []
    made = tuple(ToolCall(call.call_id, call.name, call.arguments) for call in calls)
    answers = [
        Message("tool", (results[call.call_id].output,), tool_call_id=call.call_id)
        for call in calls
    ]
    return [Message("assistant", tool_calls=made), *answers]


def _words(item: Item) -> str | None:
    if not isinstance(item, GivenMessage) or not item.speeches:
        return None
    return " ".join(speech.words.result() for speech in item.speeches).strip()
