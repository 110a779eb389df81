"""`%%converse`, turn by turn, in a real kernel, against the scripted Realtime server."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from audiomagic import Sound

from ..support.fake_server import FakeServer
from ..support.kernel import Kernel
from ..support.realtime_server import RealtimeServer


@pytest.fixture
def far_end() -> Iterator[RealtimeServer]:
    with RealtimeServer() as server:
        yield server


@pytest.fixture
def kernel(kernel: Kernel, far_end: RealtimeServer) -> Iterator[Kernel]:
    kernel.run(f"import os; os.environ['OPENAI_BASE_URL'] = {far_end.url!r}")
    yield kernel
    kernel.look_on(False)


def shown(outputs: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What a cell leaves; of the last turn's words, as they came, that is an empty output."""
    data = [output["data"] for output in outputs if output["output_type"] == "display_data"]
    assert "widget" not in str(data)
    return [one for one in data if one["text/html"]]


def texts(far_end: RealtimeServer) -> list[str]:
    """The typed turns that were sent."""
    parts = [
        part
        for event in far_end.of("conversation.item.create")
        if event["item"].get("role") == "user"
        for part in event["item"]["content"]
    ]
    return [part["text"] for part in parts if part["type"] == "input_text"]


# -- what is shown, and what the cell gives -----------------------------------------------------
@pytest.mark.parametrize(("somebody", "how"), [(False, ""), (True, ""), (True, " --no-autoplay")])
def test_a_conversation_is_one_page_of_both_sides(
    kernel: Kernel, far_end: RealtimeServer, tone: Sound, tmp_path: Path, somebody: bool, how: str
) -> None:
    path = tone.save(tmp_path / "question.wav")
    far_end.say("Bonjour, Ada.", tone.pcm16())
    far_end.hears("Comment ça va ?")
    far_end.say("Très bien.", tone.pcm16())
    far_end.say("Au revoir.", tone.pcm16())
    kernel.run("who = 'Ada'")
    kernel.look_on(somebody)
    line = f"%%converse --say 'I am {{who}}' -f {path} --say=Thanks --out talk -v marin{how}"
    outputs = kernel.run(f"{line}\nYou teach {{who}} French.")
    (page,) = shown(outputs)
    assert len(outputs) <= (2 if somebody else 1)
    settings = far_end.sessions[0].settings
    assert settings["instructions"] == "You teach Ada French."
    assert settings["audio"]["output"]["voice"] == "marin"
    assert texts(far_end) == ["I am Ada", "Thanks"] and len(far_end.of("response.create")) == 3
    said = ["I am Ada", "Bonjour, Ada.", "Comment ça va ?", "Très bien.", "Thanks", "Au revoir."]
    for face in ("text/html", "text/plain"):
        at = [page[face].index(words) for words in said]
        assert at == sorted(at) and f"${far_end.bill:.4f}" in page[face].replace("</span>", "")
    assert [said in page["text/markdown"] for said in ("Thanks", "Comment ça va ?")] == [True] * 2
    assert page["text/html"].count("<audio") == page["text/html"].count("<details>") == 3
    assert "Transcription of what you said" in page["text/plain"]
    assert kernel.value(
        "_ is talk, type(_).__name__, len(talk.turns), talk.turns[1].recording"
    ) == ("(True, 'RealtimeConversation', 3, None)")
    assert Decimal(kernel.value("str(talk.cost)").strip("'")) == far_end.bill
    assert "this conversation has ended" in kernel.error("talk.say('More?')")
    (again,) = kernel.run("talk")
    assert again["output_type"] == "execute_result"
    assert again["data"]["text/plain"] == page["text/plain"]


def test_sounds_of_variables_tools_and_kept_recordings(
    kernel: Kernel, far_end: RealtimeServer, tone: Sound, tmp_path: Path
) -> None:
    path = tone.save(tmp_path / "a.wav")
    kernel.run(
        f"from audiomagic import Sound; clip = Sound.read({str(path)!r})\n"
        "def add(a: int, b: int) -> int:\n    'Add.'\n    print('adding')\n    return a + b"
    )
    far_end.hears("What is one and two?")
    far_end.call(("add", {"a": 1, "b": 2}))
    far_end.say("Three.", tone.pcm16())
    outputs = kernel.run(
        "%%converse --sound clip --tools add --keep-sound --language en -s calmly --system Ada"
    )
    (page,) = shown(outputs)
    assert [output["text"] for output in outputs if output["output_type"] == "stream"] == [
        "adding\n"
    ]
    assert page["text/html"].count("<audio") == 2
    assert "What is one and two?" in page["text/html"] and "add(a=1, b=2) → 3" in page["text/html"]
    assert "add(a=1, b=2) → 3" in page["text/plain"]
    settings = far_end.sessions[0].settings
    assert "Ada" in settings["instructions"] and "calmly" in settings["instructions"]
    assert settings["audio"]["input"]["transcription"]["language"] == "en"


def test_quiet_shows_nothing_and_a_page_is_saved(
    kernel: Kernel, far_end: RealtimeServer, tone: Sound, tmp_path: Path
) -> None:
    far_end.say("Hello.", tone.pcm16())
    line = f"%%converse -q --say Hi --save {tmp_path / 'talk'}.html"
    assert kernel.run(f"{line}\nYou are a tutor.") == []
    page = (tmp_path / "talk.html").read_text("utf-8")
    assert "Hello." in page and page.count("<audio") == 1
    assert kernel.value("_.turns[0].answer") == "'Hello.'"


# -- settings -----------------------------------------------------------------------------------
def test_a_setting_holds_but_a_model_of_chat_completions_is_for_the_other_magics(
    kernel: Kernel, far_end: RealtimeServer, tone: Sound
) -> None:
    asked = "[turn.receipt.requested_model for turn in _.turns]"
    kernel.run("%config AudioMagics.model = 'gpt-audio-mini'\n%config AudioMagics.voice = 'sage'")
    for model, line in {
        "gpt-realtime-2.1": "",
        "gpt-realtime-2.1-mini": "-m gpt-realtime-2.1-mini",
    }.items():
        far_end.say("Hello.", tone.pcm16())
        kernel.run(f"%%converse -q {line} --say Hi")
        assert kernel.value(asked) == f"['{model}']"
    kernel.run("%config AudioMagics.model = 'gpt-realtime-2'")
    far_end.say("Hello.", tone.pcm16())
    kernel.run("%%converse -q --say Hi")
    assert kernel.value(asked) == "['gpt-realtime-2']"
    assert [one.settings["audio"]["output"]["voice"] for one in far_end.sessions] == ["sage"] * 3


# -- what is wrong costs nothing ------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("%converse", "%converse has no one-line form; begin a cell with %%converse"),
        ("%converse --say Hi", "the model's instructions below it"),
        ("%%converse", "nobody can speak in a notebook that runs unattended; use --say TEXT"),
        ("%%converse -v ash\nA tutor", "use --say TEXT, --file PATH or --sound NAME"),
        ("x = 1\n%%converse --say Hi\nA tutor", "%%converse must begin its cell"),
        ("%%converse --say Good morning\nA", "'morning' is not an option; a turn of several words"),
        ("%%converse --say\nA", "--say needs a value: --say TEXT"),
        ("%%converse --say Hi --say ' '\nA", "there is nothing to say; write some text"),
        ("%%converse --say Hi -f nope.wav\nA", "cannot read nope.wav: No such file or directory"),
        ("%%converse --say Hi --sound clp\nA", "no variable 'clp'; did you mean 'clip'?"),
        ("%%converse --say Hi --sound clip\nA", "a turn must last 0.1 s or more"),
        ("%%converse --say Hi --sound several\nA", "one turn is one sound, not 2"),
        ("%%converse --say Hi --sound number\nA", "a value of type int is not a sound"),
        ("%%converse --say Hi -v ash,sage\nA", "a conversation has one voice; name one: --voice"),
        ("%%converse --say Hi --save a.mp3\nA", "cannot save as 'a.mp3'; its name must end in"),
        ("%%converse --say Hi --dry-run\nA", "is an option of %speak, not of %%converse"),
        ("%%converse --sai Hi\nA", "no %%converse option '--sai'; did you mean '--say'?"),
        ("%%converse --say Hi --tools number\nA", "'number' is not a function"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_sent(
    kernel: Kernel, far_end: RealtimeServer, cell: str, line: str
) -> None:
    kernel.run("number, clip = 4, (24000, [0.0] * 240); several = [(24000, [0.1] * 24000)] * 2")
    assert line in kernel.error(cell)
    assert not far_end.sessions


def test_a_model_of_chat_completions_is_refused_by_name(kernel: Kernel) -> None:
    kernel.run("del os.environ['OPENAI_BASE_URL']")
    said = kernel.error("%%converse -m gpt-audio-1.5 --say Hi")
    assert "'gpt-audio-1.5' holds no live conversations; use 'gpt-realtime-2.1'" in said


# -- what fails in the middle -----------------------------------------------------------------
@pytest.mark.parametrize("somebody", [False, True])
def test_of_a_conversation_that_fails_what_was_said_stays(
    kernel: Kernel, far_end: RealtimeServer, tone: Sound, somebody: bool
) -> None:
    far_end.say("Hello.", tone.pcm16())
    far_end.fail("server_error", "Something broke.", "server_error")
    kernel.look_on(somebody)
    outputs = kernel.run("%%converse --say Hi --say Why? --say Bye --out talk\nA tutor")
    (page,) = shown(outputs)
    assert "Hello." in page["text/plain"] and "Conversation · 1 turn" in page["text/plain"]
    assert outputs[-1]["output_type"] == "error" and len(outputs[-1]["traceback"]) == 1
    assert "Something broke." in outputs[-1]["traceback"][0]
    assert texts(far_end) == ["Hi", "Why?"]
    assert kernel.value("len(talk.turns)") == "1"
    assert "this conversation has ended" in kernel.error("talk.say('More?')")


def test_a_cap_ends_it_before_it_is_passed(
    kernel: Kernel, far_end: RealtimeServer, tone: Sound
) -> None:
    far_end.say("Hello.", 4 * tone.pcm16())
    line = "%%converse --say Hi --say More --max-cost 0.0065 -o talk"
    outputs = kernel.run(f"{line}\nA tutor")
    (page,) = shown(outputs)
    assert "Hello." in page["text/plain"]
    assert outputs[-1]["ename"] == "BudgetExceeded", outputs[-1]
    assert texts(far_end) == ["Hi"] and far_end.bill <= Decimal("0.0065")
    assert kernel.value("talk.cost <= 0.0065") == "True"


@pytest.mark.parametrize("somebody", [False, True])
def test_the_stop_button_keeps_what_was_said(
    kernel: Kernel, far_end: RealtimeServer, tone: Sound, somebody: bool
) -> None:
    far_end.say("Hello.", tone.pcm16())
    far_end.say("Once upon a time", tone.pcm16(), done_after="response.cancel")
    kernel.look_on(somebody)
    kernel.interrupt_after(3.0)
    outputs = kernel.run("%%converse --say Hi --say Story --say Bye --out talk\nA tutor")
    (page,) = shown(outputs)
    assert outputs[-1]["ename"] == "Interrupted" and len(outputs[-1]["traceback"]) == 1
    assert "Once upon a time" in page["text/plain"] and "Stopped here" in page["text/plain"]
    assert texts(far_end) == ["Hi", "Story"]
    assert kernel.value("[turn.answer for turn in talk.turns]") == "['Hello.', 'Once upon a time']"


# -- chats --------------------------------------------------------------------------------------
def test_a_cell_that_is_run_again_replaces_its_turns_and_speak_goes_on_from_them(
    kernel: Kernel, far_end: RealtimeServer, server: FakeServer, tone: Sound, tmp_path: Path
) -> None:
    path = tone.save(tmp_path / "question.wav")
    cell = f"%%converse --chat tutor --say Hi --file {path}\nA tutor"
    for answer in ("Hello", "Bonjour"):
        far_end.say(f"{answer}, one.", tone.pcm16())
        far_end.hears("How are you?")
        far_end.say(f"{answer}, two.", tone.pcm16())
    (first,) = shown(kernel.run(cell, "a"))
    (second,) = shown(kernel.run(cell, "a"))
    assert "Chat tutor · 2 turns" in first["text/plain"] and "Hello, two." in first["text/plain"]
    assert "Chat tutor · 2 turns" in second["text/plain"] and "Hello" not in second["text/plain"]
    server.say("Goodbye.", tone.pcm16())
    kernel.run(f"%speak --chat tutor --base-url {server.url} Say goodbye.")
    assert [(one["role"], one["content"]) for one in server.requests[0]["messages"]] == [
        ("user", "Hi"),
        ("assistant", "Bonjour, one."),
        ("user", "How are you?"),
        ("assistant", "Bonjour, two."),
        ("user", "Say goodbye."),
    ]


def test_what_others_say_in_its_chat_is_no_turn_of_a_conversation(
    kernel: Kernel, far_end: RealtimeServer, server: FakeServer, tone: Sound
) -> None:
    far_end.say("Hello.", tone.pcm16())
    server.say("Goodbye.", tone.pcm16())
    kernel.run("%%converse -q --chat --say Hi -o talk")  # where no front end says which cell it is
    kernel.run(f"%speak -q --chat --base-url {server.url} Say goodbye.")
    assert kernel.value("[turn.answer for turn in talk.turns]") == "['Hello.']"
    assert Decimal(kernel.value("str(talk.cost)").strip("'")) == far_end.bill


def test_a_cell_that_fails_when_run_again_shows_nothing_of_its_earlier_run(
    kernel: Kernel, far_end: RealtimeServer, tone: Sound
) -> None:
    far_end.say("Hello.", tone.pcm16())
    far_end.fail("server_error", "Something broke.", "server_error")
    cell = "%%converse --chat tutor --say Hi -o talk\nA tutor"
    assert len(shown(kernel.run(cell, "a"))) == 1
    (error,) = kernel.run(cell, "a")
    assert error["output_type"] == "error"
    assert kernel.value("[turn.answer for turn in talk.turns]") == "['Hello.']"


# -- help -----------------------------------------------------------------------------------------
def test_the_manual_and_completion(kernel: Kernel) -> None:
    assert kernel.run("%%converse?") == []  # it is shown beside the cells
    manual = kernel.run("print(get_ipython().find_cell_magic('converse').__doc__)")[0]["text"]
    assert "--say TEXT" in manual and "--language CODE" in manual and "--dry-run" not in manual
    kernel.run(
        "from IPython.core.completer import provisionalcompleter\n"
        "def complete(line):\n"
        "    with provisionalcompleter():\n"
        "        found = get_ipython().Completer.completions(line, len(line))\n"
        "        return [c.text for c in found]\n"
    )
    assert "'gpt-realtime-2.1'" in kernel.value("complete('%%converse -m gpt')")
    assert "gpt-audio" not in kernel.value("complete('%%converse -m gpt')")
    assert "'marin'" in kernel.value("complete('%%converse --voice ma')")
    assert "'--keep-sound'" in kernel.value("complete('%%converse --ke')")


def test_a_panel_is_shown_to_whoever_is_there_and_closed_when_its_cell_runs_again(
    kernel: Kernel,
) -> None:
    kernel.look_on(True)
    try:
        (shown,) = kernel.run("%%converse --out talk\nA tutor.", cell_id="panel")
        assert "Live conversation." in shown["data"]["text/plain"]
        assert "application/vnd.jupyter.widget-view+json" in shown["data"]
        assert kernel.run("first = talk\nlen(talk.turns)")[0]["data"]["text/plain"] == "0"
        kernel.run("%%converse --out talk\nA tutor.", cell_id="panel")
        assert "this conversation has ended" in kernel.error("first.say('Hi')")
        assert kernel.run("first is talk")[0]["data"]["text/plain"] == "False"
    finally:
        kernel.look_on(False)


def test_a_cassette_cannot_record_a_microphone(kernel: Kernel, tmp_path: Path) -> None:
    kernel.look_on(True)
    try:
        kernel.run(f"%audiomagic record {tmp_path / 'tape'}")
        assert "a cassette cannot record a microphone" in kernel.error("%%converse\nA tutor.")
    finally:
        kernel.run("%audiomagic live")
        kernel.look_on(False)
