"""The reply of a recording: read before it is there, after it, after a failure; waited for."""

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audiomagic import Sound
from audiomagic.costs.receipt import Receipt
from audiomagic.errors import ConnectionFailed, ReplyPending
from audiomagic.notebook.recording import PendingReply
from audiomagic.protocol.request import Request
from audiomagic.template import fill
from audiomagic.turn.reply import Reply


@pytest.fixture
def reply(tone: Sound) -> Reply:
    when = datetime(2026, 11, 22, tzinfo=UTC)
    receipt = Receipt(when, "local", "", "m", "m", "coral", 1.0, 1.0, None, 0.1, 0.2)
    return Reply("It is noon.", tone, receipt, Request("m", ()))


async def awaited(pending: PendingReply) -> object:
    return await pending


def test_before_there_is_a_reply_nothing_but_its_absence_is_told() -> None:
    pending = PendingReply()
    for read in (lambda: pending.text, lambda: pending.reply, lambda: str(pending),
                 lambda: pending.save("a.wav"), lambda: pending.wait(0.01),
                 lambda: Sound.of(pending)):  # fmt: skip
        with pytest.raises(ReplyPending, match="no reply yet: press Record"):
            read()
    assert not pending.settled
    assert pending._repr_mimebundle_() == {"text/plain": "<no reply yet>"}
    assert not hasattr(pending, "_repr_html_") and not hasattr(pending, "_ipython_display_")


def test_then_it_stands_for_the_reply(reply: Reply, tmp_path: Path) -> None:
    pending = PendingReply()
    pending.fulfil(reply)
    assert pending.settled and pending.reply is reply is pending.wait(0)
    assert (pending.text, pending.seconds, pending.cost) == ("It is noon.", 1.0, reply.cost)
    assert (str(pending), repr(pending)) == ("It is noon.", repr(reply))
    assert pending._repr_mimebundle_() == reply._repr_mimebundle_()
    assert pending.save(tmp_path / "a.wav").exists() and Sound.of(pending) is reply.sound
    assert not hasattr(pending, "nothing")


def test_a_failed_call_is_told_until_a_later_one_succeeds(reply: Reply) -> None:
    pending = PendingReply()
    pending.fail(ConnectionFailed("no connection"))
    for read in (lambda: pending.text, pending.wait, lambda: asyncio.run(awaited(pending))):
        with pytest.raises(ConnectionFailed, match="no connection"):
            read()
    assert pending.settled and repr(pending) == "<no reply: no connection>"
    assert pending._repr_mimebundle_() == {"text/plain": repr(pending)}
    pending.fulfil(reply)
    assert pending.text == "It is noon." and asyncio.run(awaited(pending)) is reply


def test_awaiting_it_leaves_the_loop_free(reply: Reply) -> None:
    async def cell() -> None:
        pending = PendingReply()
        asyncio.get_running_loop().call_later(0.1, pending.fulfil, reply)  # the loop's own work
        assert await asyncio.wait_for(awaited(pending), 5) is reply

    asyncio.run(cell())
    pending = PendingReply()
    threading.Timer(0.05, pending.fulfil, [reply]).start()
    assert pending.wait(5) is reply


def test_a_question_about_a_reply_that_is_not_there_is_not_sent(reply: Reply) -> None:
    pending = PendingReply()
    for typed in ("{r}", "{r.text}", "and {r.sound.seconds}?", "{all[0].text}", "{all[0]}"):
        with pytest.raises(ReplyPending):
            fill(typed, {"r": pending, "all": [pending]})
    assert fill("{{r}} {s} {r", {"r": pending}) == "{{r}} {s} {r"
    pending.fulfil(reply)
    assert fill("{r} {r.text} {r.x}", {"r": pending}) == "It is noon. It is noon. {r.x}"
