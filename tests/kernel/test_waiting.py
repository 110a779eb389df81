"""What stands for a reply that is still to be spoken for, and the cells that wait for it."""

import ast
import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from audiomagic import Sound
from audiomagic.costs.receipt import Receipt
from audiomagic.errors import ConnectionFailed, ReplyPending
from audiomagic.notebook.input_transforms import AWAIT, install, uninstall
from audiomagic.notebook.pending import PendingReply
from audiomagic.protocol.request import Request
from audiomagic.template import fill
from audiomagic.turn.reply import Reply


@pytest.fixture
def reply(tone: Sound) -> Reply:
    when = datetime(2026, 11, 22, tzinfo=UTC)
    receipt = Receipt(when, "local", "", "m", "m", "coral", 1.0, 1.0, None, 0.1, 0.2)
    return Reply("It is noon.", tone, receipt, Request("m", ()))


async def awaited(pending: PendingReply) -> Reply:
    return await pending


# -- pending ----------------------------------------------------------------------------------
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
    with pytest.raises(AttributeError):
        pending.nothing  # noqa: B018


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


# -- cells that wait --------------------------------------------------------------------------
@pytest.fixture
def shell(tmp_path: Path) -> InteractiveShell:
    config = Config(HistoryManager={"enabled": False})
    return InteractiveShell(ipython_dir=str(tmp_path), config=config)


def read(shell: InteractiveShell, cell: str) -> str:
    return shell.input_transformer_manager.transform_cell(cell)


FOR, DEF = "for i in range(2):\n    ", "def f():\n    "


@pytest.mark.parametrize(
    ("cell", "rewritten"),
    [
        ("%%listen --wait\nAnswer it.\nTwice.", "AWAIT('--wait', 'Answer it.\\nTwice.\\n')\n"),
        ("\n%%listen  --wait -o x \nIt's {n}?", "AWAIT('--wait -o x', \"It's {n}?\\n\")\n"),
        ("%%listen --wait", "AWAIT('--wait')\n"),
        ("%listen --wait", "AWAIT('--wait')\n"),
        ("%listen --wait How are you?", "AWAIT('--wait How are you?')\n"),
        ("%listen --wait It's {n}", 'AWAIT("--wait It\'s {n}")\n'),
        ("x = %listen --wait hi", "x = AWAIT('--wait hi')\n"),
        ("x = %listen --wait why?", "x = AWAIT('--wait why?')\n"),
        ("x = %listen --wait \\\nhi", "x = AWAIT('--wait  hi')\n"),
        (FOR + "%listen --wait\n    print(i)\n", FOR + "AWAIT('--wait')\n    print(i)\n"),
        (FOR + "x = %listen --wait hi\n", FOR + "x = AWAIT('--wait hi')\n"),
        (DEF + "pass\n%listen --wait\n", DEF + "pass\nAWAIT('--wait')\n"),
        ("%listen -a\ny = %listen -b\n", "AWAIT('-a')\ny = AWAIT('-b')\n"),
        ("async with a:\n    %listen -a\n", "async with a:\n    AWAIT('-a')\n"),
    ],
)
def test_a_waiting_line_awaits(shell: InteractiveShell, cell: str, rewritten: str) -> None:
    install(shell, lambda line: True)
    wanted = rewritten.replace("AWAIT", AWAIT)
    assert read(shell, cell) == wanted
    compile(wanted, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize(
    "cell",
    [
        DEF + "%listen --wait\n", DEF + "x = %listen --wait\n", DEF + "if x:\n        %listen",
        DEF + "# why\n\n    %listen --wait\n", DEF + "pass\n# why\n    %listen --wait\n",
        "class A:\n    x = %listen --wait\n", "async def f():\n    %listen --wait\n",
        'text = """\n%listen --wait\n"""', 'x = "%listen --wait"', "# %listen --wait\n",
        "%%listen --wait?\nhi", "%%listen --wait?", "%listen?", "%%listener --wait\nhi",
        "%listener --wait", "5 %listen\n", "%speak --wait", "%%timeit\n%listen --wait",
    ],
)  # fmt: skip
def test_what_cannot_await_is_left_to_ipython(shell: InteractiveShell, cell: str) -> None:
    plain = read(shell, cell)
    install(shell, lambda line: True)
    assert read(shell, cell) == plain and AWAIT not in plain


def test_only_a_line_that_asks_to_wait_is_rewritten(shell: InteractiveShell) -> None:
    asked: list[str] = []
    cells = ("%%listen -o x\nhi", "y = %listen -o y hi", "%listen hi")
    plain = [read(shell, cell) for cell in cells]
    install(shell, lambda line: asked.append(line) is not None)
    assert [read(shell, cell) for cell in cells] == plain
    assert list(dict.fromkeys(asked)) == ["-o x", "-o y hi", "hi"]
    install(shell, lambda line: True)
    assert [AWAIT in read(shell, cell) for cell in cells] == [True, True, True]
    uninstall(shell)
    assert [read(shell, cell) for cell in cells] == plain
