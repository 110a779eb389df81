"""What a line and a cell ask for: typed options, sources, comparisons, how it is sent."""

import inspect
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from audiomagic import Session, Sound
from audiomagic.errors import OptionError, SoundError
from audiomagic.notebook.arguments import MagicOptions
from audiomagic.notebook.invocation import Invocation, functions_named, variable
from audiomagic.notebook.magics import load
from audiomagic.turn.conversation import CellRun

from ...support.fake_server import FakeServer, chunk
from ...support.listener import Listener


def read(line: str, magic: str = "speak", cell: str | None = None, **variables: Any) -> Invocation:
    settings = MagicOptions(voice="ash", file=["set.wav"] if magic == "listen" else [])
    return Invocation.read(magic, line, cell, settings, variables)


def test_options_go_over_settings_and_are_filled_in() -> None:
    found = read("-s {mood} --max-tokens 5 --prices mine Hi {who}", mood="sad", who="Ada", mine={})
    assert found.text == "Hi Ada" and found.options.style == "sad"
    assert found.session_options["voice"] == "ash" and found.session_options["max_tokens"] == 5
    assert found.session_options["prices"] == {} and "tools" not in found.session_options
    assert found.given() == "Hi Ada" and not found.records and found.audible


def test_sounds_of_a_line_replace_those_of_the_settings() -> None:
    assert read("Hi", "listen").sources == (("file", "set.wav"),)
    found = read("--sound a -f {name}.wav What?", "listen", a=1, name="b")
    assert found.sources == (("sound", "a"), ("file", "b.wav")) and found.given() == [1, "b.wav"]
    assert read("{sound} or {x}?", "listen", sound=3, x=4).text == "{sound} or 4?"


def test_turns_are_texts_and_sounds_in_order() -> None:
    line = "--say 'I am {who}, {nobody}' --sound clip -f {who}.wav --say Bye --model m"
    clip = (24_000, [0.1] * 24_000)
    found = read(line, "converse", "A tutor of {who}.", who="Ada", clip=clip)
    assert found.text == "A tutor of Ada." and found.session_options["model"] == "m"
    assert found.sources == (
        ("say", "I am Ada, {nobody}"), ("sound", "clip"), ("file", "Ada.wav"), ("say", "Bye"),
    )  # fmt: skip
    with pytest.raises(SoundError, match=r"^cannot read Ada\.wav: No such file"):
        found.turns()
    hi, sound = read("--say Hi --sound clip", "converse", "A", clip=clip).turns()
    assert hi == "Hi" and isinstance(sound, Sound) and sound.seconds == 1


@pytest.mark.parametrize(
    ("setting", "model"),
    [
        ("gpt-audio-1.5", ""),
        ("gpt-audio-1.5, gpt-audio-mini", ""),
        ("gpt-realtime-2", "gpt-realtime-2"),
        ("my-own", "my-own"),
    ],
)
def test_the_model_of_the_settings_is_a_conversations_unless_it_holds_none(
    setting: str, model: str
) -> None:
    settings = MagicOptions(model=setting)
    found = Invocation.read("converse", "--say Hi", "", settings, {})
    assert found.session_options["model"] == model
    found = Invocation.read("converse", "--say Hi -m gpt-audio-mini", "", settings, {})
    assert found.session_options["model"] == "gpt-audio-mini"


def test_turns_of_the_settings_are_taken_where_the_line_has_none() -> None:
    settings = MagicOptions(say=["Hi", "Bye"])
    assert Invocation.read("converse", "", "", settings, {}).turns() == ["Hi", "Bye"]
    assert Invocation.read("converse", "--say No", "", settings, {}).turns() == ["No"]


def test_a_name_is_no_formula_and_a_text_may_hold_one() -> None:
    line = r"-s {n}^{n} --save card_{n}.mp3 -o reply_{n} -v ${n} Read x_{n} and \frac{n}{n}, {n}."
    found = read(line, n=4, cell=None)
    assert found.options.save == "card_4.mp3" and found.options.out == "reply_4"
    assert found.options.voice == "$4" and found.options.style == "4^{n}"
    assert found.text == r"Read x_{n} and \frac{n}{n}, 4."
    assert read("-f take_{n}.wav What?", "listen", n=4).sources == (("file", "take_4.wav"),)


@pytest.mark.parametrize(
    ("line", "voices", "text"),
    [
        ("-v coral, -- Hi", ["coral"], "Hi"),
        ("-v ',coral , ' Hi", ["coral"], "Hi"),
        ('-v " coral" Hi', ["coral"], "Hi"),
        ("-v coral,coral Hi", ["coral"], "Hi"),
        ("-v coral,ash Hi", ["coral", "ash"], "Hi"),
        ("-v coral, ash Hi", ["coral", "ash"], "Hi"),
        ("-v coral, ash, sage Hi", ["coral", "ash", "sage"], "Hi"),
        ("-v coral ,ash Hi", ["coral", "ash"], "Hi"),
        ("--voice=coral , ash,sage ,nova Hi", ["coral", "ash", "sage", "nova"], "Hi"),
        ("-vcoral ,voice_my_own Hi", ["coral", "voice_my_own"], "Hi"),
        ("-v ,coral Hi", ["coral"], "Hi"),
        ("-v coral, -q Hi", ["coral"], "Hi"),
        ("-v coral, --style=calm Hi", ["coral"], "Hi"),
        ("-v coral,", ["coral"], ""),
    ],
)
def test_a_list_of_one_is_no_comparison(line: str, voices: list[str], text: str) -> None:
    found = read(line)
    assert found.text == text
    assert found.compared.get("voice", [found.session_options["voice"]]) == voices


def test_a_model_and_a_setting_may_end_with_a_comma_too() -> None:
    found = read("-m gpt-audio-1.5, -- Hi")
    assert found.session_options["model"] == "gpt-audio-1.5" and not found.compared
    found = Invocation.read("speak", "Hi", None, MagicOptions(voice="nova, "), {})
    assert found.session_options["voice"] == "nova" and not found.compared
    found = read("--tools weather, -- Hi", weather=weather)
    assert list(found.session_options["tools"]) == ["weather"]


@pytest.mark.parametrize(
    ("line", "word", "listed"),
    [
        ("-v coral, unknown_name Hi", "unknown_name", "-v coral,unknown_name"),
        ("-v coral, Hi there", "Hi", "-v coral,Hi"),
        ("-v coral , ash,oak Hi", "ash,oak", "-v coral,ash,oak"),
        ("--tools f, g Hi", "g", "--tools f,g"),
        ("--tools f , g", "g", "--tools f,g"),
        ("-m gpt-audio-1.5, my-model Hi", "my-model", "-m gpt-audio-1.5,my-model"),
    ],
)
@pytest.mark.parametrize("cell", [None, "Hi"])
def test_a_word_after_a_comma_is_a_name_that_we_know_or_refused(
    line: str, word: str, listed: str, cell: str | None
) -> None:
    with pytest.raises(OptionError) as caught:
        read(line, cell=cell)
    assert str(caught.value) == (
        f"'{word}' follows a comma; write {listed} for a list, -- before a text"
    )


@pytest.mark.parametrize("line", ["-v , Hi", "-v ,", "--voice=, -q", "-v ' , ' Hi", "-v ,,"])
def test_a_list_of_no_names_is_refused(line: str) -> None:
    flag = "--voice" if "--" in line else "-v"
    with pytest.raises(OptionError, match=rf"^{flag} needs a value: {flag} NAME\[,NAME…\]$"):
        read(line)


def test_a_list_of_a_cell_may_have_blanks_and_its_text_is_below() -> None:
    assert read("-v coral, ash", cell="Hi").compared == {"voice": ["coral", "ash"]}
    with pytest.raises(OptionError, match="'b' is not an option; the text belongs in the cell, be"):
        read("-s calm, b", cell="Hi")


def test_names_may_be_a_list_of_the_notebook() -> None:
    found = read("-v {mine} --tools {tools} Hi", mine=["coral", "ash"], tools=("weather",))
    assert found.compared == {"voice": ["coral", "ash"]} and found.options.tools == "weather"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("../../x", "-..-x"),
        ("/etc/passwd", "etc-passwd"),
        ("..", "_"),
        ("~/.bashrc", "bashrc"),
        ("C:\\x", "C-x"),
        ("a\0b\x1b[31m\nc", "a-b-31m-c"),
        ("x" * 300, "x" * 80),
        ("", "_"),
        (7, "7"),
        (Path("deck") / "un", "deck/un"),
    ],
)
def test_what_is_filled_into_a_files_name_leads_to_no_other_folder(value: Any, name: str) -> None:
    assert read("--save cards/{title}.mp3 Hi", title=value).options.save == f"cards/{name}.mp3"
    row: Any = type("Row", (), {"title": value})
    assert read("--save cards/{row.title}.mp3 Hi", row=row).options.save == f"cards/{name}.mp3"


@pytest.mark.parametrize(
    ("magic", "line", "complaint"),
    [
        ("speak", "--chat a -v a,b Hi", "a comparison cannot continue a chat"),
        ("speak", "--each words --chat a {item}", "--each cannot be combined with --chat"),
        ("speak", "--each none {item}", "none is empty: --each needs at least one item"),
        ("listen", "--each words --sound words", "cannot be combined with --file and --sound"),
        ("speak", "-o a.b Hi", "--out needs a variable name, not 'a.b'"),
    ],
)
def test_options_that_do_not_go_together(magic: str, line: str, complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        Invocation.read(magic, line, None, MagicOptions(), {"words": ["un"], "none": []})


def test_a_call_is_followed_and_belongs_to_its_cell(fake_server: FakeServer, key: str) -> None:
    session, listener = Session(), Listener()
    for run in (1, 2):
        fake_server.say("Hello.", bytes(4_800))
        found = read("--chat main Hi")
        found.call(session, listener, CellRun("a", run))(found.given())
    assert len(listener.pcm) == 9_600
    assert len(session.chats.get("main").exchanges) == 1  # the second run replaces the first


def test_few_frames_lie_between_a_magic_and_the_session(fake_server: FakeServer, key: str) -> None:
    shell = InteractiveShell()
    load(shell)
    shell.run_line_magic("speak", "--dry-run Hi")  # all is imported
    seen: list[str] = []

    def tool() -> str:
        """Look who calls."""
        frames = [frame for frame in inspect.stack() if "/audiomagic/" in frame.filename]
        seen.extend(frame.function for frame in frames)
        return "ok"

    shell.user_ns["tool"] = tool
    called = {"index": 0, "id": "a", "function": {"name": "tool", "arguments": "{}"}}
    fake_server.send_chunks([chunk({"tool_calls": [called]}, finish_reason="tool_calls")])
    fake_server.say("Done.", bytes(4_800))
    shell.run_line_magic("speak", "-q --tools tool Hi")
    ours = seen[::-1]
    assert ours[ours.index("speak") :][:3] == ["speak", "run", "speak"]


# -- variables of the notebook --------------------------------------------------------------
def weather(place: str, days: int = 1) -> str:
    """Say what the weather will be."""
    return f"sunny in {place} for {days} days"


def test_tools_are_chosen_by_the_names_of_variables() -> None:
    twice = partial(weather, days=2)
    variables = {"weather": weather, "twice": twice, "n": 3, "In": []}
    assert functions_named("weather, twice,", variables) == {"weather": weather, "twice": twice}
    assert list(functions_named("twice,weather,twice", variables)) == ["twice", "weather"]


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ("wether", "no variable 'wether'; did you mean 'weather'?"),
        ("weather,zzz", "no variable 'zzz'; define it in a cell above"),
        ("n", "'n' is not a function: its type is int; name functions of the notebook"),
        (" , ", "--tools needs the names of functions in the notebook: --tools f,g"),
    ],
)
def test_a_tool_that_cannot_be_called_is_refused(names: str, complaint: str) -> None:
    with pytest.raises(OptionError) as error:
        functions_named(names, {"weather": weather, "n": 3})
    assert str(error.value) == complaint


def test_a_variable_and_the_nearest_name() -> None:
    variables = {"take": 1, "_take": 2, "None": None}
    assert variable("_take", variables) == 2 and variable("None", variables) is None
    with pytest.raises(OptionError, match=r"^no variable 'tske'; did you mean 'take'\?$"):
        variable("tske", variables)
    with pytest.raises(OptionError) as error:  # hidden names are not suggested
        variable("a\nb" * 60, variables)
    assert "\n" not in str(error.value) and len(str(error.value)) < 120
