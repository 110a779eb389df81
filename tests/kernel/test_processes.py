"""Threads, reloads and forks: two replies at once, code that is loaded again, a second process."""

import base64
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import audiomagic
from audiomagic import Session, Sound
from audiomagic.costs.ledger import Ledger
from audiomagic.protocol.request import Message
from audiomagic.turn.conversation import Conversation, Exchange, Speaker

from ..benchmarks.soak import Day, day
from ..support.fake_page import CHUNKS
from ..support.fake_server import KEY, FakeServer, Handler, spoken
from ..support.kernel import Kernel


def half(
    fake_server: FakeServer, words: list[str], sound: Sound
) -> tuple[threading.Event, threading.Event]:
    """Begin the next answer, and wait: give the events that it has begun, and that it may go on."""
    begun, go_on = threading.Event(), threading.Event()

    def script(handler: Handler, body: dict[str, Any]) -> None:
        def chunks() -> Iterator[Any]:
            first, *rest = spoken(words, sound.pcm16())
            yield first
            begun.set()
            go_on.wait(60)
            yield from rest

        handler.stream(chunks())

    fake_server.then(script)
    return begun, go_on


# -- threads ----------------------------------------------------------------------------------
def test_cells_of_one_chat_may_run_at_once(fake_server: FakeServer, tone: Sound, key: str) -> None:
    session = Session(chat="both")
    asked = [f"question {number}" for number in range(24)]
    for _ in asked:
        fake_server.say("Yes.", tone.pcm16())
    waiting = iter(asked)  # a list's iterator gives each item to one thread
    threads = [
        threading.Thread(target=lambda: [session.speak(one) for one in waiting]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turns = session.chats.get("both").exchanges
    assert sorted(turn.question.text for turn in turns) == sorted(asked)
    rows = session.ledger.rows()
    assert [row["outcome"] for row in rows] == ["answered"] * 24


def test_no_turn_is_lost_between_threads() -> None:
    chat, before = Conversation("busy"), sys.getswitchinterval()
    turn = Exchange(Message("user", ("Hi",)), "Yes.", Speaker("", ""))
    threads = [
        threading.Thread(target=lambda: [chat.add(turn) for _ in range(300)]) for _ in range(4)
    ]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert len(chat.exchanges) == 1200


@pytest.fixture
def reader(fake_server: FakeServer, tmp_path: Path) -> Iterator[Day]:
    """A kernel before which somebody sits."""
    with day(fake_server, tmp_path / "ledger.sqlite") as one:
        one.run("client.SILENCE = 60")  # an answer that waits for another cell is not given up
        yield one


def test_a_recording_is_answered_while_a_cell_runs(
    reader: Day, fake_server: FakeServer, tone: Sound, tmp_path: Path
) -> None:
    begun, go_on = half(fake_server, ["I ", "heard ", "you."], tone)
    fake_server.say("Good day.", tone.pcm16())
    shown = reader.messages("%listen --chat both --out heard")
    record(reader, next(one for one in shown if "sends" in opened(one))["content"]["comm_id"])
    assert begun.wait(60)
    cell = reader.messages("%speak --chat both --out said Hi")
    assert not reader.run("print(heard.reply)")  # an error: it still arrives
    go_on.set()
    assert reader.run("print(heard.wait(60).text, said.text)") == "I heard you. Good day.\n"
    assert "I heard you." not in "".join(
        str(one["content"]) for one in cell if one["msg_type"] == "display_data"
    )
    assert reader.run("%audiomagic chat both --forget") == "forgot chat both (2 turns)\n"
    rows = Ledger(tmp_path / "ledger.sqlite").rows()
    assert [row["outcome"] for row in rows] == ["answered"] * 2


def opened(message: dict[str, Any]) -> dict[str, Any]:
    data = message["content"].get("data", {}) if message["msg_type"] == "comm_open" else {}
    return dict(data.get("state", {}))


def record(reader: Day, comm: str) -> None:
    """Say what a page says of a recording that is to be sent."""
    pieces = [
        {"kind": "chunk", "take": "t", "number": i, "base64": base64.b64encode(one).decode()}
        for i, one in enumerate(CHUNKS)
    ]
    end = {"kind": "end", "take": "t", "count": len(CHUNKS), "cut": None, "send": True}
    start = {"kind": "start", "take": "t", "what": "sound"}
    for said in ({"kind": "shown", "mountable": False}, start, *pieces, end):
        content = {"comm_id": comm, "data": {"method": "custom", "content": said}}
        reader.client.shell_channel.send(reader.client.session.msg("comm_msg", content))


# -- loaded again -----------------------------------------------------------------------------
def test_a_reload_keeps_chats_key_and_cassette(
    kernel: Kernel, server: FakeServer, tmp_path: Path
) -> None:
    kernel.run("import os; del os.environ['OPENAI_API_KEY']")
    kernel.run("from audiomagic.notebook import commands as typed")
    kernel.run(f"asked, typed.getpass = typed.getpass, lambda _: {KEY!r}")
    kernel.run("%audiomagic key")
    kernel.run("typed.getpass = asked")
    server.say("One.", bytes(9_600))
    kernel.run("%speak --chat a Hi")
    kernel.run(f"%audiomagic record {tmp_path / 'tape'}")
    assert "already loaded" in kernel.run("%load_ext audiomagic")[0]["text"]
    assert kernel.run("%reload_ext audiomagic") == kernel.run("%reload_ext audiomagic") == []
    server.say("Two.", bytes(9_600))
    assert len(kernel.run("%speak --chat a Hi")) == 1  # shown once
    assert server.headers[1]["authorization"] == f"Bearer {KEY}"
    assert "Chat a · 2 turns" in str(kernel.run("%audiomagic chat a"))
    assert len(list((tmp_path / "tape").glob("*.json"))) == 1
    kernel.run("%unload_ext audiomagic\n%load_ext audiomagic")
    assert "Chat a · 2 turns" in str(kernel.run("%audiomagic chat a"))


def test_autoreload_changes_the_code_under_a_chat(tmp_path: Path, fake_server: FakeServer) -> None:
    copy = tmp_path / "audiomagic"
    shutil.copytree(Path(audiomagic.__file__).parent, copy)
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": fake_server.url, "PYTHONPATH": str(tmp_path)}
    with Kernel(os.environ | env) as kernel:
        kernel.run("%load_ext autoreload\n%autoreload 2\n%load_ext audiomagic")
        fake_server.say("One.", bytes(9_600))
        kernel.run("%speak --chat a Hi")
        for module in copy.glob("*.py"):
            module.write_text(module.read_text("utf-8") + "\nCHANGED = True\n", "utf-8")
            os.utime(module, (time.time() + 5,) * 2)
        fake_server.say("Two.", bytes(9_600))
        assert len(kernel.run("%speak --chat a Hi")) == 1  # shown once
        assert kernel.value("__import__('audiomagic.session').session.CHANGED") == "True"
        assert "Chat a · 2 turns" in str(kernel.run("%audiomagic chat a"))
        assert "no voice 'corl'" in kernel.error("%speak -v corl Hi")
        kernel.run("import sys, audiomagic")
        assert kernel.value("isinstance(sys.last_value, audiomagic.AudiomagicError)") == "True"
