"""Events on their way: in order, bounded, and given up once nobody listens."""

import json
import threading
from collections.abc import Iterator

import pytest

from audiomagic.engine.realtime import outbox
from audiomagic.engine.realtime.outbox import Outbox


class Wire:
    """Takes events once its gate is open; `fails` once nobody listens."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.sent: list[int] = []
        self.fails = False
        self.left = threading.Event()

    def send(self, text: str) -> None:
        assert self.gate.wait(20)
        if self.fails:
            raise ConnectionError
        self.sent.append(json.loads(text)["n"])


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.gate.set()


def test_events_are_sent_in_their_order_and_all_of_them(wire: Wire) -> None:
    box = Outbox(wire.send, wire.left.set)
    for number in range(100):
        box.put({"n": number})
    wire.gate.set()
    box.close()
    assert wire.sent == list(range(100)) and not wire.left.is_set()


def test_whoever_puts_more_than_there_is_room_for_waits(wire: Wire) -> None:
    box = Outbox(wire.send, wire.left.set)
    large = "x" * (outbox.MOST_WAITING // 2)
    done = threading.Event()

    def put() -> None:
        for number in range(10):
            box.put({"n": number, "text": large})
        done.set()

    thread = threading.Thread(target=put)
    thread.start()
    assert not done.wait(0.3)
    wire.gate.set()
    thread.join(20)
    box.close()
    assert wire.sent == list(range(10))


def test_once_nobody_listens_nothing_waits(wire: Wire) -> None:
    box = Outbox(wire.send, wire.left.set)
    wire.fails = True
    wire.gate.set()
    for number in range(100):
        box.put({"n": number, "text": "x" * (outbox.MOST_WAITING // 2)})
    box.close()
    box.put({"n": 0})
    assert wire.sent == []
