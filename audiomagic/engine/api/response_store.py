"""Responses that the engine keeps in memory, so that later requests may refer to them."""

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from ...errors import one_line
from .errors import APIError

MOST_BYTES = 50_000_000  # of JSON; the oldest are forgotten
Item = dict[str, Any]


@dataclass(frozen=True)
class _Kept:
    response: dict[str, Any]
    items: tuple[Item, ...]  # what it answered, and what it said
    size: int  # bytes


@dataclass
class ResponseStore:
    """Keeps responses until there is no more room; threads may use it at once."""

    _kept: OrderedDict[str, _Kept] = field(default_factory=OrderedDict)
    _items: dict[str, Item] = field(default_factory=dict)  # of all answers, by their own ids
    _size: int = 0
    _lock: Lock = field(default_factory=Lock)

    def add(self, response: dict[str, Any], asked: Sequence[Item]) -> None:
        """Keep a response, and the items of its request."""
        output = response["output"]
        size = len(json.dumps([response, list(asked)]))
        with self._lock:
            self._kept[response["id"]] = _Kept(response, (*asked, *output), size)
            self._items |= {item["id"]: item for item in output}
            self._size += size
            while self._size > MOST_BYTES:
                self._drop(next(iter(self._kept)))

    def response(self, response_id: str) -> dict[str, Any]:
        """Return a response. Raises APIError."""
        with self._lock:
            return self._found(response_id).response

    def forget(self, response_id: str) -> None:
        """Forget a response. Raises APIError."""
        with self._lock:
            self._found(response_id)
            self._drop(response_id)

    def item(self, item_id: str) -> Item | None:
        """Return an item of an earlier answer."""
        with self._lock:
            return self._items.get(item_id)

    def history(self, response_id: str | None) -> list[Item]:
        """Return what was said up to the end of a response. Raises APIError."""
        turns: list[tuple[Item, ...]] = []
        with self._lock:
            while response_id is not None:
                kept = self._found(response_id, "previous_response_id")
                turns.append(kept.items)
                response_id = kept.response["previous_response_id"]
        return [item for turn in reversed(turns) for item in turn]

    def _found(self, response_id: str, param: str | None = None) -> _Kept:
        if kept := self._kept.get(response_id):
            return kept
        name = one_line(response_id, 80)
        if param:
            line = f"Previous response with id '{name}' not found."
            raise APIError(line, param, "previous_response_not_found", 400)
        raise APIError(f"Response with id '{name}' not found.", None, None, 404)

    def _drop(self, response_id: str) -> None:
        kept = self._kept.pop(response_id)
        self._size -= kept.size
        for item in kept.response["output"]:
            self._items.pop(item["id"], None)
