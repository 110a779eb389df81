"""A socket that never keeps its sender waiting."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from audiomagic.engine.realtime.queued_socket import MOST_WAITING, QueuedSocket

MUCH = bytes(range(256)) * 8_000  # more than any system buffers


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, QueuedSocket]]:
    theirs, ours = socket.socketpair()
    theirs.settimeout(20)
    with theirs, ours, QueuedSocket(ours) as queued:
        yield theirs, queued


def received(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


def test_what_is_sent_arrives_in_its_order(ends: tuple[socket.socket, QueuedSocket]) -> None:
    theirs, queued = ends
    for data in (b"one ", MUCH, b" two"):
        queued.sendall(data)  # nobody reads yet
    assert received(theirs, len(MUCH) + 8) == b"one " + MUCH + b" two"


def test_both_sides_may_send_much_before_they_read(
    ends: tuple[socket.socket, QueuedSocket],
) -> None:
    theirs, queued = ends
    queued.sendall(MUCH)
    sender = threading.Thread(target=theirs.sendall, args=(MUCH,))
    sender.start()
    assert received(queued, len(MUCH)) == MUCH
    sender.join(20)
    assert received(theirs, len(MUCH)) == MUCH


def test_the_end_comes_after_all_that_was_sent(ends: tuple[socket.socket, QueuedSocket]) -> None:
    theirs, queued = ends
    queued.sendall(MUCH)
    queued.shutdown(socket.SHUT_WR)
    assert received(theirs, len(MUCH) + 1) == MUCH
    theirs.sendall(b"still read")
    assert received(queued, 10) == b"still read"


def test_whoever_sends_much_can_wait_for_room(ends: tuple[socket.socket, QueuedSocket]) -> None:
    theirs, queued = ends
    assert queued.wait_for_room(0)
    queued.sendall(bytes(2 * MOST_WAITING))
    queued.sendall(bytes(MOST_WAITING))
    assert not queued.wait_for_room(0.1)
    received(theirs, 3 * MOST_WAITING)
    assert queued.wait_for_room(20)


def test_when_nobody_listens_nobody_waits(ends: tuple[socket.socket, QueuedSocket]) -> None:
    theirs, queued = ends
    queued.sendall(bytes(2 * MOST_WAITING))
    queued.sendall(bytes(2 * MOST_WAITING))
    theirs.close()
    assert queued.wait_for_room(20)
    with pytest.raises(BrokenPipeError):
        queued.sendall(b"more")
    with suppress(ConnectionResetError):  # which the system tells once: to its sender, or here
        assert queued.recv(1) == b""


def test_it_closes_with_much_in_its_queue(ends: tuple[socket.socket, QueuedSocket]) -> None:
    theirs, queued = ends
    queued.sendall(MUCH)
    queued.close()
    assert queued.fileno() == -1 and len(received(theirs, len(MUCH))) < len(MUCH)
