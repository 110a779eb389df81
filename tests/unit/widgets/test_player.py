"""The player's half in the kernel; no browser."""

from typing import Any

import pytest

from audiomagic.protocol.response import Delta
from audiomagic.widgets.player import Player


class SentPlayer(Player):
    """Keeps what it sends."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        super().__init__()

    def send(self, content: Any, buffers: Any = None) -> None:
        self.sent.append(content | ({"buffers": buffers} if buffers else {}))


class Comm:
    def __init__(self) -> None:
        self.answers = 0

    def send(self, content: Any) -> None:
        self.answers += 1


def test_text_starts_when_what_came_before_is_over() -> None:
    player, second = SentPlayer(), bytes(2 * 24_000)
    player.on_progress("Loading …")
    player.on_delta(Delta("x" * 15, second + second))
    player.on_delta(Delta("", second))
    player.on_delta(Delta("y" * 30))
    player.on_delta(Delta("z" * 15))
    player.end()
    assert player.sent == [
        {"kind": "progress", "line": "Loading …"},
        {"kind": "text", "text": "x" * 15, "seconds": [0, 1]},
        {"kind": "pcm", "buffers": [second + second]},
        {"kind": "pcm", "buffers": [second]},
        {"kind": "text", "text": "y" * 30, "seconds": [3, 5]},
        {"kind": "text", "text": "z" * 15, "seconds": [5, 6]},
        {"kind": "end"},
    ]
    assert set(player.get_state()) >= {"mount_class"} and "x" * 15 not in str(player.get_state())


@pytest.mark.parametrize("known", [True, False])
def test_a_request_to_stop_cancels_the_call(known: bool) -> None:
    player, other, comm = SentPlayer(), SentPlayer(), Comm()
    if not known:
        player.end("halt")
    for request in ("stop", "other", None):
        data = {"mount": player.mount_class, "request": request}
        Player._on_request(comm, {"content": {"data": data}})
    Player._on_request(comm, {"content": {"data": {}}})
    assert player.cancellation.cancelled is known and not other.cancellation.cancelled
    assert comm.answers == 4  # otherwise the page would interrupt the kernel
