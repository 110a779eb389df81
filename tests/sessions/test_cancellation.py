"""Stopped while the server is silent: the connection is closed at once, what came is kept."""

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from audiomagic import Session, Sound
from audiomagic.transports.cancellation import Cancellation

from ..support.fake_server import KEY, FakeServer, spoken
from ..support.kernel import Kernel
from ..support.listener import Listener

SOON = 20.0  # seconds: more than the slowest machine takes, and less than any patience of ours


@pytest.fixture
def session(fake_server: FakeServer) -> Session:
    return Session(api_key=KEY, base_url=fake_server.url)


def stop_when_silent(fake_server: FakeServer, cancellation: Cancellation) -> None:
    """Cancel a call once the server is silent."""

    def stop() -> None:
        assert fake_server.silent.wait(60)
        time.sleep(0.2)  # by now the call is reading
        cancellation.cancel()

    threading.Thread(target=stop).start()


@pytest.mark.parametrize("said", [None, 0, 4], ids=["no headers", "no chunk", "in mid-stream"])
def test_a_silent_server_is_hung_up_on(
    fake_server: FakeServer, session: Session, tone: Sound, said: int | None
) -> None:
    whole = spoken(["Once ", "upon ", "a ", "time"], tone.pcm16())
    fake_server.stall(None if said is None else whole[:said])
    listener = Listener()
    stop_when_silent(fake_server, listener.cancellation)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(session.bound(listener=listener).speak, "Tell a story")
        reply = call.result(SOON)  # long before it would give the silent server up
    assert fake_server.hung_up.wait(SOON)
    assert reply.text == ("Once upon a" if said else "")
    assert reply.finish_reason == "stopped" and reply.notes[0].startswith("Stopped here")
    assert len(fake_server.requests) == 1  # and is not asked again
    fake_server.say("Hello.", tone.pcm16())
    assert session.speak("Hi").text == "Hello."


def test_stopped_before_anything_is_sent_nothing_is(
    fake_server: FakeServer, session: Session
) -> None:
    listener = Listener()
    listener.cancellation.cancel()
    assert session.bound(listener=listener).speak("Hi").finish_reason == "stopped"
    assert fake_server.requests == []


def test_stopped_while_a_refused_request_is_tried_again(
    fake_server: FakeServer, session: Session
) -> None:
    listener = Listener()

    def refuse(handler: Any, body: Any) -> None:
        listener.cancellation.cancel()
        handler.refuse(500, "Sorry about that!")

    fake_server.then(refuse)
    assert session.bound(listener=listener).speak("Hi").finish_reason == "stopped"
    assert len(fake_server.requests) == 1


def test_a_replay_is_stopped_in_its_pause(
    fake_server: FakeServer, session: Session, tone: Sound, tmp_path: Path
) -> None:
    fake_server.say("Once upon a time", tone.pcm16())
    session.record(tmp_path / "tape")
    session.speak("Tell a story")
    (file,) = (tmp_path / "tape").glob("*.json")
    recorded = json.loads(file.read_text("utf-8"))
    recorded["answer"]["seconds"] = 600.0
    recorded["answer"]["arrivals"][1:] = []
    file.write_text(json.dumps(recorded), "utf-8")
    session.replay(tmp_path / "tape")
    listener = Listener()
    threading.Timer(0.3, listener.cancellation.cancel).start()
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(session.bound(listener=listener).speak, "Tell a story").result(SOON)
    assert reply.finish_reason == "stopped" and reply.text == "Once"


def test_one_call_is_stopped_and_the_other_goes_on(
    fake_server: FakeServer, session: Session, tone: Sound
) -> None:
    fake_server.stall(None)
    listener = Listener()
    replies: list[Any] = []
    call = threading.Thread(
        target=lambda: replies.append(session.bound(listener=listener).speak("One"))
    )
    call.start()
    assert fake_server.silent.wait(60)
    fake_server.say("Two.", tone.pcm16())
    threading.Timer(0.3, listener.cancellation.cancel).start()
    assert session.bound(listener=Listener()).speak("Two").text == "Two."
    call.join(5)
    assert replies[0].finish_reason == "stopped"


def test_the_kernels_interrupt_hangs_up_too(fake_server: FakeServer, listening: str) -> None:
    fake_server.stall(spoken(["Once ", "upon "], b"\1\0" * 9600)[:3])
    with Kernel(dict(os.environ)) as kernel:
        kernel.run(listening)
        threading.Thread(
            target=lambda: fake_server.silent.wait(20) and kernel.interrupt_after(0.3)
        ).start()
        outputs = kernel.run("%%speak\nTell a story")
        assert fake_server.hung_up.wait(SOON)
    assert outputs[-1]["ename"] == "Interrupted"
    shown = outputs[0]["data"]["text/plain"]
    assert shown.startswith("Once upon\nStopped here") and "tokens not reported · ~$0.00" in shown
