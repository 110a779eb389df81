"""Responses that are kept for later ones: found again, forgotten, and bounded."""

from typing import Any

import pytest

from audiomagic.engine.api import response_store
from audiomagic.engine.api.errors import APIError
from audiomagic.engine.api.response_store import ResponseStore


def kept(store: ResponseStore, number: int, previous: str | None = None, text: str = "") -> str:
    """Keep a response to "question N"; return its id."""
    answer = {"type": "message", "id": f"msg_{number}", "content": f"answer {number}{text}"}
    response = {"id": f"resp_{number}", "previous_response_id": previous, "output": [answer]}
    store.add(response, [question(number)])
    return str(response["id"])


def question(number: int) -> dict[str, Any]:
    return {"role": "user", "content": f"question {number}"}


def said(store: ResponseStore, response_id: str | None) -> list[str]:
    return [item["content"] for item in store.history(response_id)]


def test_a_conversation_is_told_from_its_beginning() -> None:
    store, last = ResponseStore(), None
    for number in range(3):
        last = kept(store, number, last)
    assert said(store, last) == [f"{who} {n}" for n in range(3) for who in ("question", "answer")]
    assert said(store, "resp_0") == ["question 0", "answer 0"]
    assert said(store, None) == []


def test_a_conversation_may_part_in_two() -> None:
    store = ResponseStore()
    first = kept(store, 0)
    one, other = kept(store, 1, first), kept(store, 2, first)
    assert said(store, one)[-1] == "answer 1" and said(store, other)[2:] == [
        "question 2",
        "answer 2",
    ]


def test_a_long_conversation_is_told_without_recursion() -> None:
    store, last = ResponseStore(), None
    for number in range(5_000):
        last = kept(store, number, last)
    assert len(said(store, last)) == 10_000


def test_what_is_forgotten_is_gone_with_its_items() -> None:
    store = ResponseStore()
    kept(store, 0)
    assert store.item("msg_0") is not None
    store.forget("resp_0")
    assert store.item("msg_0") is None
    for ask in (store.response, store.forget):
        with pytest.raises(APIError, match=r"'resp_0' not found") as refused:
            ask("resp_0")
        assert refused.value.status == 404


def test_a_conversation_whose_beginning_is_gone_is_refused() -> None:
    store = ResponseStore()
    last = kept(store, 1, kept(store, 0))
    store.forget("resp_0")
    with pytest.raises(APIError, match=r"'resp_0' not found") as refused:
        store.history(last)
    assert refused.value.code == "previous_response_not_found"


def test_the_oldest_are_forgotten_where_there_is_no_more_room() -> None:
    store, tenth = ResponseStore(), "x" * (response_store.MOST_BYTES // 10)
    for number in range(30):
        kept(store, number, text=tenth)
    there = [n for n in range(30) if store.item(f"msg_{n}")]
    assert there == list(range(30 - len(there), 30)) and 8 <= len(there) <= 10


def test_one_that_is_larger_than_the_room_is_not_kept() -> None:
    store = ResponseStore()
    kept(store, 0)
    kept(store, 1, text="x" * response_store.MOST_BYTES)
    assert store.item("msg_1") is None
    assert said(store, kept(store, 2)) == ["question 2", "answer 2"]
