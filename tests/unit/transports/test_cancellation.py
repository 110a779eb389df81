"""Cancellation: bound to a thread, seen by its requests and pauses, whatever closes it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from socket import socketpair
from threading import Event

import pytest

from audiomagic.transports import cancellation
from audiomagic.transports.cancellation import Cancellation, Cancelled


def test_a_thread_is_bound_to_the_innermost() -> None:
    outer, inner = Cancellation(), Cancellation()
    with outer.bound():
        with inner.bound():
            assert Cancellation.current() is inner
        assert Cancellation.current() is outer
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(Cancellation.current).result() is not outer
    assert Cancellation.current() is not outer


def test_a_pause_ends_when_it_is_cancelled() -> None:
    stopped, begun = Cancellation(), Event()

    def pause() -> None:
        with stopped.bound():
            begun.set()
            cancellation.sleep(600)

    with ThreadPoolExecutor(1) as pool:
        pausing = pool.submit(pause)
        assert begun.wait(60)
        stopped.cancel()
        with pytest.raises(Cancelled):
            pausing.result(60)


class Stream:
    """What httpcore reports of a connection."""

    def __init__(self, opened: object):
        self.opened = opened

    def get_extra_info(self, name: str) -> object:
        return self.opened


def test_the_socket_that_was_reported_is_shut_down() -> None:
    ours, theirs = socketpair()
    with ours, theirs:
        stopped = Cancellation()
        stopped.trace("connection.connect_tcp.complete", {"return_value": Stream(ours)})
        stopped.cancel()
        assert theirs.recv(1) == b""
        stopped.cancel()  # a second time does no harm
        with pytest.raises(Cancelled):
            stopped.trace("http11.receive_response_body.complete", {})
        stopped.trace("http11.send_request_body.complete", {})


@pytest.mark.parametrize(("failure", "raised"), [(OSError(), True), (GeneratorExit(), False)])
def test_a_response_that_is_put_down_after_a_stop_does_not_complain(
    failure: BaseException, raised: bool
) -> None:
    stopped = Cancellation()
    stopped.cancel()
    with pytest.raises(Cancelled) if raised else nullcontext():
        stopped.trace("http11.receive_response_body.failed", {"exception": failure})
