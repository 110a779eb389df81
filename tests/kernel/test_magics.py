"""The magics in a real kernel, against the scripted server."""

from pathlib import Path

import pytest

from audiomagic import Sound

from ..support.fake_server import KEY, FakeServer, spoken, usage, written
from ..support.kernel import Kernel


def test_a_card_is_the_cells_result_and_is_shown_once(
    kernel: Kernel, server: FakeServer, tone: Sound
) -> None:
    server.say("Good morning, class.", tone.pcm16(), usage(11, 0, 6, 20))
    outputs = kernel.run("%%speak --voice coral\nSay good morning.")
    assert [output["output_type"] for output in outputs] == ["display_data"]
    data = outputs[0]["data"]
    assert set(data) == {"text/html", "text/markdown", "text/plain"}
    assert data["text/html"].count("data:audio/mpeg;base64,") == 1
    assert kernel.value("type(_).__module__ + ' ' + _.text") == (
        "'audiomagic Good morning, class.'"
    )
    again = kernel.run("Out[max(n for n in Out if type(Out[n]).__name__ == 'Reply')]")
    assert again[0]["output_type"] == "execute_result" and "<audio" in again[0]["data"]["text/html"]


def test_the_line_form_takes_a_question_and_quotes(
    kernel: Kernel, server: FakeServer, tone: Sound
) -> None:
    server.say("Yes.", tone.pcm16())
    kernel.run("""%speak -v sage --style "calm, slow" Isn't it "five o'clock"?""")
    messages = server.requests[0]["messages"]
    assert messages[0]["content"] == "Speak in this way: calm, slow"
    assert messages[1]["content"] == """Isn't it "five o'clock"?"""
    server.say("Yes.", tone.pcm16())
    assert kernel.run("answer = %speak -q Is it?") == []
    assert kernel.value("answer.text") == "'Yes.'"


def test_names_are_filled_in_and_other_braces_stay(
    kernel: Kernel, server: FakeServer, tone: Sound
) -> None:
    kernel.run("planet = 'Mars'; rows = [{'n': 4}]; mood = 'sad'")
    server.say("Fine.", tone.pcm16())
    kernel.run("%%speak --style {mood}\n{planet} {rows[0]['n']} {nobody} {\"a\": {}} ${planet}")
    system, user = server.requests[0]["messages"]
    assert system["content"] == "Speak in this way: sad"
    assert user["content"] == 'Mars 4 {nobody} {"a": {}} ${planet}'


def test_a_functions_own_names_are_filled_in(
    kernel: Kernel, server: FakeServer, tone: Sound
) -> None:
    server.say("Fine.", tone.pcm16())
    kernel.run("def ask(animal):\n    %speak -q A {animal}\n\nask('zebra')")
    assert server.requests[0]["messages"][0]["content"] == "A zebra"


def test_listen_sends_a_file_and_a_variable(
    kernel: Kernel, server: FakeServer, tone: Sound, tmp_path: Path
) -> None:
    path = tone.save(tmp_path / "my clip.wav")
    server.say("A tone.", tone.pcm16())
    kernel.run(f"%%listen --file '{path}' --out heard\nWhat is it?")
    assert kernel.value("heard.text") == "'A tone.'"
    server.send_chunks(written(["It is 440 Hz."]))
    outputs = kernel.run("%%listen --sound heard --text")  # a cell with nothing below it
    assert "It is 440 Hz." in outputs[0]["data"]["text/plain"]
    assert server.requests[1]["modalities"] == ["text"]
    server.say("Again.", tone.pcm16())
    kernel.run("import numpy as np; clip = (8000, np.zeros(8000, 'int16'))")
    kernel.run("%listen --sound clip")
    assert len(server.requests) == 3


def test_listen_takes_what_other_libraries_hold_a_sound_in(
    kernel: Kernel, server: FakeServer, tone: Sound, tmp_path: Path
) -> None:
    path = tone.save(tmp_path / "a.wav")
    kernel.run(
        f"import io, ipywidgets; from audiomagic import Sound; tone = Sound.read({str(path)!r})\n"
        f"data = open({str(path)!r}, 'rb').read(); buffer = io.BytesIO(data)\n"
        "upload = {'name': 'a.wav', 'type': 'audio/wav', 'size': 1, 'content': memoryview(data)}\n"
        "row = {'audio': {'array': tone.samples, 'sampling_rate': tone.rate, 'path': None}}\n"
        "audio, clips, empty = row['audio'], [tone, buffer], ipywidgets.FileUpload()\n"
        "number, rated, named = 42, (24000.0, tone.samples), (upload, upload)"
    )
    for name, seconds in {"buffer": 1, "upload": 1, "audio": 1, "clips": 2, "named": 2}.items():
        server.say("A tone.", tone.pcm16())
        kernel.run(f"%listen --sound {name} -q --out heard What is it?")
        assert kernel.value("heard.request.seconds") == f"{seconds}.0"
    sent = len(server.requests)
    for name, line in {
        "number": "a value of type int is not a sound",
        "rated": "the rate must be a whole number of Hz, such as 16000, not 24000.0",
        "empty": "there is no sound in an empty list",
    }.items():
        assert line in kernel.error(f"%listen --sound {name}")
    assert len(server.requests) == sent == 5


def test_listen_fetches_an_address_once(
    kernel: Kernel, server: FakeServer, tone: Sound, tmp_path: Path
) -> None:
    tone.save(tmp_path / "a.wav")
    kernel.run(
        "import functools, http.server, threading\n"
        "asked = []\n"
        "class Quiet(http.server.SimpleHTTPRequestHandler):\n"
        "    def log_message(self, *_): asked.append(self.path)\n"
        f"serve = functools.partial(Quiet, directory={str(tmp_path)!r})\n"
        "web = http.server.ThreadingHTTPServer(('127.0.0.1', 0), serve)\n"
        "threading.Thread(target=web.serve_forever, daemon=True).start()\n"
        "address = f'http://127.0.0.1:{web.server_port}/a.wav'"
    )
    for _ in range(3):
        server.say("A tone.", tone.pcm16())
    kernel.run("%listen -q -v coral,ash --file {address} What is it?")  # two calls
    kernel.run("%listen -q --sound address What is it?")
    assert kernel.value("asked") == "['/a.wav', '/a.wav']" and len(server.requests) == 3
    assert "answered 404 (Not Found)" in kernel.error("%listen --file {address}x What is it?")
    kernel.run("web.shutdown(); web.server_close()")


def test_the_reply_to_a_file_may_be_awaited(
    kernel: Kernel, server: FakeServer, tone: Sound, tmp_path: Path
) -> None:
    path = tone.save(tmp_path / "a.wav")
    server.say("A tone.", tone.pcm16())
    kernel.run(f"%%listen -q --file {path} --out answer\nWhat is it?")
    assert kernel.value("(await answer).text") == "'A tone.'"


def test_what_is_saved(kernel: Kernel, server: FakeServer, tone: Sound, tmp_path: Path) -> None:
    for ending in ("wav", "mp3", "flac", "ogg"):
        server.say("Hi.", tone.pcm16())
        kernel.run(f"%speak -q --save {tmp_path / 'hi'}.{ending} Say hi")
        assert Sound.read(tmp_path / f"hi.{ending}").seconds == pytest.approx(1, abs=0.1)
    server.say("Hi.", tone.pcm16())
    kernel.run(f"%speak -q --save {tmp_path}/hi.html Say hi")
    assert "<audio" in (tmp_path / "hi.html").read_text("utf-8")


def test_settings_are_defaults_for_options(kernel: Kernel, server: FakeServer, tone: Sound) -> None:
    kernel.run("%config AudioMagics.voice = 'nova'")
    server.say("Hi.", tone.pcm16())
    server.say("Hi.", tone.pcm16())
    kernel.run("%speak Hi")
    kernel.run("%speak -v ash Hi")
    assert [request["audio"]["voice"] for request in server.requests] == ["nova", "ash"]


def test_a_misspelled_setting_is_named(kernel: Kernel) -> None:
    said = kernel.run("%config AudioMagics.voise = 'nova'")[0]["text"]
    assert "no AudioMagics setting 'voise'; did you mean 'voice'?" in said
    said = kernel.run("%config AudioMagics.engine = 'locl'")[0]["text"]
    assert "no engine 'locl'; did you mean 'local'?" in said
    assert kernel.run("%reload_ext audiomagic") == []  # they are forgotten


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("%speak --voise nova Hi", "no %speak option '--voise'; did you mean '--voice'?"),
        ("%speak --voice", "--voice needs a value: --voice NAME"),
        ("%speak -v corl Hi", "no voice 'corl'; did you mean 'coral'?"),
        ("%speak -m gpt-audio-2 Hi", "no model 'gpt-audio-2'; did you mean 'gpt-audio"),
        ("%speak --engine locl Hi", "no engine 'locl'; did you mean 'local'?"),
        ("%speak --max-tokens none Hi", "max_tokens must be a whole number above 0, not 'none'"),
        ("%speak", "there is nothing to say; write some text"),
        ("%%speak Hello\nHi", "'Hello' is not an option; the text belongs in the cell, below"),
        ("%speak --save x.doc Hi", "cannot save as 'x.doc'; its name must end in"),
        ("%speak --save /nowhere/x.mp3 Hi", "there is no folder /nowhere; make it first"),
        ("%speak --out class Hi", "--out needs a variable name, not 'class'"),
        ("%listen --sound planet --text --save x.wav", "--text gives no sound to save"),
        ("%speak --out 3x Hi", "--out needs a variable name, not '3x'"),
        ("%speak --base-url localhost Hi", "--base-url must be a URL like"),
        ("%speak --base-url http://127.0.0.1:9/v1 Hi", "no connection to 127.0.0.1:9"),
        ("%listen --file none.wav", "cannot read none.wav: No such file or directory"),
        ("%listen --sound plnet", "no variable 'plnet'; did you mean 'planet'?"),
        ("%listen --sound planet", "cannot read Mars: No such file or directory"),
        ("%audiomagic modls", "no %audiomagic command 'modls'; did you mean 'models'?"),
    ],
)
def test_an_error_is_one_line_and_stops_run_all(kernel: Kernel, cell: str, line: str) -> None:
    kernel.run("planet = 'Mars'")
    assert line in kernel.error(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "# A greeting\n%%speak --voice coral\nIsn't it late?",
        "ran = True\n%%listen --file clip.wav\nWhat is it?",
        "%%time\nran = True\n%%speak -q\nHi",
        "answer = %%speak -q\nHi",
    ],
)
def test_a_magic_that_does_not_begin_its_cell_says_so_and_nothing_is_run(
    kernel: Kernel, server: FakeServer, cell: str
) -> None:
    assert "must begin its cell, and nothing in this one was run" in kernel.error(cell)
    assert kernel.value("'ran' in globals()") == "False" and not server.requests


def test_options_may_stand_on_several_lines(
    kernel: Kernel, server: FakeServer, tone: Sound
) -> None:
    for _ in range(3):
        server.say("Hi.", tone.pcm16())
    kernel.run("%%speak -q --voice coral \\\n        --style calm\nSay hi.")
    kernel.run("%speak -q --voice coral \\\n    --style calm Say hi.")
    kernel.run("%%time\n%%speak -q --voice coral \\\n  --style calm\nSay hi.")
    for request in server.requests:
        assert request["audio"]["voice"] == "coral"
        assert [message["content"] for message in request["messages"]] == [
            "Speak in this way: calm", "Say hi.",
        ]  # fmt: skip
    assert len(server.requests) == 3


def test_an_error_can_be_caught(kernel: Kernel) -> None:
    kernel.run(
        "from audiomagic import AudiomagicError\n"
        "try:\n    get_ipython().run_line_magic('speak', '-v corl Hi')\n"
        "except AudiomagicError as error:\n    caught = str(error)"
    )
    assert "did you mean 'coral'" in kernel.value("caught")


def test_several_voices_give_one_grid(kernel: Kernel, server: FakeServer, tone: Sound) -> None:
    for _ in range(2):
        server.say("Hello.", tone.pcm16())
    (shown,) = kernel.run("%%speak --voice coral,ash --out both\nSay hello.")
    html = shown["data"]["text/html"]
    assert html.count("data:audio/mpeg;base64,") == 2 and "coral" in html and "ash" in html
    assert kernel.value("both['ash'].text, [r.seconds for r in both]") == "('Hello.', [1.0, 1.0])"
    assert "cannot continue a chat" in kernel.error("%speak --chat=a --voice coral,ash Hello")


def test_a_chat_is_shown_saved_and_forgotten(
    kernel: Kernel, server: FakeServer, tone: Sound, tmp_path: Path
) -> None:
    for text in ("Bonjour.", "Au revoir."):
        server.say(text, tone.pcm16())
    kernel.run("%%speak --chat tutor\nSay hello.")
    kernel.run("%speak --chat tutor Say goodbye.")
    assert [m["role"] for m in server.requests[1]["messages"]] == ["user", "assistant", "user"]
    (page,) = kernel.run("%audiomagic chat tutor")
    html, text = page["data"]["text/html"], page["data"]["text/plain"]
    assert html.count("<audio") == 2 and "Say goodbye." in html
    assert text.startswith("Chat tutor · 2 turns · $") and "Bonjour." in text
    assert "tutor" in kernel.run("%audiomagic chat")[0]["data"]["text/html"]
    file = tmp_path / "a b.json"
    kernel.run(f'%audiomagic chat tutor --save "{file}" --forget')
    assert "no chat 'tutor'" in kernel.error("%audiomagic chat tutor")
    (page,) = kernel.run(f'%audiomagic chat again --load "{file}"')
    assert page["data"]["text/plain"].startswith("Chat again · 2 turns · $")
    said = kernel.error("%audiomagic chat again --forgt")
    assert "no %audiomagic chat option '--forgt'; did you mean '--forget'?" in said


def test_words_that_came_before_a_failure_stay(
    kernel: Kernel, server: FakeServer, tone: Sound
) -> None:
    chunks = [*spoken(["Once ", "upon "], tone.pcm16())[:4], "data: {oops\n\n"]
    server.send_chunks(chunks)
    shown, error = kernel.run("%speak Tell me a story")
    assert shown["data"]["text/plain"].startswith("Once upon\nCut off")
    assert error["ename"] == "InvalidResponse"


def test_the_stop_button_ends_the_request_and_the_next_call_works(
    kernel: Kernel, server: FakeServer, tone: Sound
) -> None:
    server.hung_up.clear()
    many = [chunk for _ in range(200) for chunk in spoken(["On "], tone.pcm16()[:4800])[1:-2]]
    server.send_chunks(many, pace=0.05)
    kernel.interrupt_after(1.0)
    shown, error = kernel.run("%speak Count to a million")
    assert error["ename"] == "Interrupted" and len(error["traceback"]) == 1
    assert "Stopped here" in shown["data"]["text/plain"] and "<audio" in shown["data"]["text/html"]
    assert server.hung_up.wait(5)
    server.say("Here I am.", tone.pcm16())
    kernel.run("%speak -q --out next Hi")
    assert kernel.value("next.text") == "'Here I am.'"


def test_status_models_and_costs_tell_no_key(
    kernel: Kernel, server: FakeServer, tone: Sound
) -> None:
    server.say("Hi.", tone.pcm16(), usage(10, 0, 10, 100))
    kernel.run("%speak Hi")
    status = kernel.run("%audiomagic")[0]["data"]
    assert (
        "openai: OPENAI_BASE_URL is set" in status["text/plain"]
        and "$0.0065" in status["text/plain"]
    )
    assert "2027-01-20" in kernel.run("%audiomagic models")[0]["data"]["text/plain"]
    costs = kernel.run("%audiomagic costs")[0]["data"]
    assert "1 call, $0.0065 paid ($0.0065 of it estimated)" in costs["text/plain"]
    for data in (status, costs):
        assert KEY[:10] not in str(data) and KEY[-6:] not in str(data)


def test_the_manual_and_completion(kernel: Kernel) -> None:
    manual = kernel.run("print(get_ipython().find_line_magic('listen').__doc__)")[0]["text"]
    assert "--sound NAME" in manual and "--verbatim" not in manual
    complete = (
        "from IPython.core.completer import provisionalcompleter\n"
        "def complete(line):\n"
        "    with provisionalcompleter():\n"
        "        found = get_ipython().Completer.completions(line, len(line))\n"
        "        return [c.text for c in found]\n"
    )
    kernel.run(complete)
    assert "'coral'" in kernel.value("complete('%%speak --voice co')")
    assert "'local'" in kernel.value("complete('%speak --engine l')")
    assert "'gpt-audio-1.5'" in kernel.value("complete('%%listen -m gpt')")
    assert "'--file'" in kernel.value("complete('%%listen --f')")


def test_unloading_takes_the_magics_away(kernel: Kernel) -> None:
    kernel.run("%unload_ext audiomagic")
    assert kernel.run("%speak Hi")[0]["text"].startswith("UsageError")
    assert kernel.run("%load_ext audiomagic") == []


def test_after_a_reload_a_card_is_still_shown_once(
    kernel: Kernel, server: FakeServer, tone: Sound
) -> None:
    kernel.run("%reload_ext audiomagic")
    server.say("Hi.", tone.pcm16())
    server.say("Hi.", tone.pcm16())
    assert len(kernel.run("%speak Hi")) == 1
    assert kernel.run("%speak -q Hi") == []
