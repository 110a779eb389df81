"""%audiomagic's commands about money and cassettes, and --dry-run, in a real kernel."""

import csv
from pathlib import Path

import pytest

from audiomagic import Sound

from ..support.fake_server import FakeServer, usage
from ..support.kernel import Kernel


def text_of(outputs: list[dict[str, object]]) -> str:
    return "\n".join(str(o.get("text") or o["data"]["text/plain"]) for o in outputs)  # type: ignore[index]


def test_a_dry_run_sends_nothing_and_shows_what_it_would_cost(
    kernel: Kernel, server: FakeServer
) -> None:
    shown = text_of(kernel.run("%%speak --dry-run --voice coral --max-tokens 300\nHello there."))
    assert "would be sent" in shown and "spoken, voice coral" in shown and "$0.0" in shown
    both = text_of(kernel.run("%%speak --dry-run --voice coral,ash\nHello there."))
    assert "voice coral" in both and "voice ash" in both and both.count("dollars") == 1
    assert server.requests == []
    assert "--dry-run needs a sound" in kernel.error("%listen --dry-run What is it?")


def test_a_dry_run_says_what_the_caps_would_make_of_the_call(
    kernel: Kernel, server: FakeServer
) -> None:
    refused = "refused: the cap is $0.0001 per call, and this call may cost"
    shown = text_of(kernel.run("%speak --dry-run --max-cost 0.0001 Hello"))
    assert refused in shown and "raise it: --max-cost" in shown
    shown = text_of(kernel.run("%speak --dry-run --max-cost 0.05 Hello"))
    assert "allowed by $0.05 per call, with an answer of at most" in shown
    shared = text_of(kernel.run("%speak --dry-run --max-cost 0.0002 -v coral,ash Hello"))
    assert shared.count(refused) == 2
    assert "budget" not in text_of(kernel.run("%speak --dry-run Hello"))
    kernel.run("%audiomagic budget 0.001 --per day")
    assert "the cap is $0.001 per day" in text_of(kernel.run("%speak --dry-run Hello"))
    assert "budget  " not in text_of(kernel.run("%speak --dry-run --engine local Hello"))
    kernel.run("%audiomagic budget off --per day")
    assert server.requests == []


def test_a_dry_run_of_practice_shows_both_requests(kernel: Kernel, server: FakeServer) -> None:
    kernel.run("import numpy as np; said = (16000, np.sin(np.arange(16000) * 0.2) * 0.3)")
    shown = text_of(kernel.run('%listen --sound said --expect "Hi there" --dry-run Help me.'))
    assert shown.count("would be sent") == 2 and "What was understood: Hi there" in shown
    assert "seconds of sound in   2.0" in shown and server.requests == []


def test_prices_may_be_a_variable(kernel: Kernel, server: FakeServer, tone: Sound) -> None:
    kernel.run("mine = {'gpt-audio-1.5': dict(text_in=1, text_out=1, audio_in=1, audio_out=1)}")
    server.say("Hi.", tone.pcm16(), usage(10, 0, 10, 100))
    (card,) = kernel.run("%speak --prices mine Hi")
    assert card["data"]["text/plain"].endswith("· $0.0001]")


def test_a_llm_that_is_named_is_not_the_services(kernel: Kernel, server: FakeServer) -> None:
    kernel.run("import os; os.environ.pop('OPENAI_BASE_URL')")
    assert "foo.gguf" in kernel.error("%speak --llm foo.gguf Hi")
    kernel.run("%config AudioMagics.llm = 'http://127.0.0.1:9/v1#m'")
    status = text_of(kernel.run("%audiomagic"))
    assert "local: --llm or --stt is set" in status
    assert "llm         http://127.0.0.1:9" in status
    kernel.run(f"%config AudioMagics.base_url = {server.url!r}")
    assert "none: --llm and --base-url exclude each other" in text_of(kernel.run("%audiomagic"))
    assert "--llm and --base-url exclude each other" in kernel.error("%speak Hi")
    assert "--llm and --engine openai" in kernel.error("%speak --engine openai --llm a/b Hi")
    assert "the local engine" in text_of(kernel.run("%speak --dry-run --llm a/b Hi"))
    assert server.requests == []


def test_a_server_that_is_named_is_asked_whatever_the_settings(
    kernel: Kernel, server: FakeServer, tone: Sound
) -> None:
    kernel.run("import os; os.environ.pop('OPENAI_BASE_URL')")
    kernel.run("%config AudioMagics.llm = 'http://127.0.0.1:9/v1#m'")
    for engine in ("auto", "local"):
        kernel.run(f"%config AudioMagics.engine = {engine!r}")
        server.say("Hi.", tone.pcm16())
        kernel.run(f"%speak --base-url {server.url} Hi")
    assert len(server.requests) == 2
    kernel.run(f"%config AudioMagics.base_url = {server.url!r}")
    assert "local: --engine is set" in text_of(kernel.run("%audiomagic"))
    shown = text_of(kernel.run("%speak --dry-run Hi"))
    assert "the local engine" in shown and len(server.requests) == 2


def test_a_budget_refuses_the_call_that_might_pass_it(
    kernel: Kernel, server: FakeServer, tone: Sound
) -> None:
    shown = text_of(kernel.run("%audiomagic budget 0.02"))
    assert "$0.02 per notebook" in shown
    server.say("Hi.", tone.pcm16(), usage(10, 0, 10, 290))
    kernel.run("%speak Hi")
    assert server.requests[0]["max_completion_tokens"] < 320
    line = kernel.error("%speak Hi again")
    assert (
        "BudgetExceeded" in line and "the cap is $0.02 per notebook, and $0.0187 is spent" in line
    )
    assert "raise it: %audiomagic budget 0.04" in line and len(server.requests) == 1
    assert "$0.02 per notebook" in text_of(kernel.run("%audiomagic"))
    kernel.run("%audiomagic budget off")
    server.say("Hi.", tone.pcm16())
    kernel.run("%speak Hi again")
    assert len(server.requests) == 2
    assert "amount in US dollars" in kernel.error("%audiomagic budget lots")
    assert "the cap is $0.00001 per call" in kernel.error("%speak --max-cost 0.00001 Hi")


def test_a_kernel_without_a_notebook_has_a_budget_of_its_own(
    server: FakeServer, tone: Sound, kernel: Kernel
) -> None:
    kernel.run("import os; name = os.environ.pop('JPY_SESSION_NAME')")
    kernel.run("%reload_ext audiomagic")
    assert "$0.00001 per notebook" in text_of(kernel.run("%audiomagic budget 0.00001"))
    assert "$0.00001 per notebook" in kernel.error("%speak Hi")
    kernel.run("os.environ['JPY_SESSION_NAME'] = name")
    kernel.run("%reload_ext audiomagic")
    server.say("Hi.", tone.pcm16())
    kernel.run("%speak Hi")
    assert len(server.requests) == 1


def test_costs_are_those_of_this_notebook_or_all(
    kernel: Kernel, server: FakeServer, tone: Sound, tmp_path: Path
) -> None:
    server.say("Hi.", tone.pcm16(), usage(10, 0, 10, 100))
    kernel.run("%speak Hi")
    shown = text_of(kernel.run("%audiomagic costs"))
    assert "By day" in shown and "gpt-audio-1.5" in shown and "$0.0065" in shown
    assert "/home/ada/lesson.ipynb" in text_of(kernel.run("%audiomagic costs --all"))
    kernel.run(f"%audiomagic costs --all --csv {tmp_path}/costs.csv")
    (row,) = csv.DictReader((tmp_path / "costs.csv").open(encoding="utf-8"))
    assert row["notebook"] == "/home/ada/lesson.ipynb" and float(row["dollars"]) == 0.006525


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("costs --al", "no %audiomagic costs option '--al'; did you mean '--all'?"),
        ("costs --all=yes", "--all takes no value"),
        ("costs --csv", "--csv needs a value: --csv FILE"),
        ("costs --csv --all", "--csv needs a value: --csv FILE"),
        ("costs all", "'all' is one word too many for %audiomagic costs; drop it"),
        ("budget 1 --per dya", "no --per 'dya'; did you mean 'day'?"),
        ("budget 1 --per=week", "no --per 'week'; choose notebook, day or month"),
        ("budget 1 --pre day", "no %audiomagic budget option '--pre'; did you mean '--per'?"),
        ("budget -5", "a cap must be an amount in US dollars, such as 0.50, not '-5'"),
        ("record", "%audiomagic record needs a folder: %audiomagic record FOLDER"),
        ("strip", "%audiomagic strip needs a notebook: %audiomagic strip NOTEBOOK"),
        ("replay tape --atonce", "no %audiomagic replay option '--atonce'; did you mean"),
        ("live -x", "no %audiomagic live option '-x'; there are none"),
        ("chat --save 'a b", "a quote is not closed: chat --save"),
        ("key sk-proj-abcdefghijkl --now", "do not type a key into a cell"),
    ],
)
def test_a_mistake_in_a_command_is_said_in_our_words(kernel: Kernel, line: str, said: str) -> None:
    shown = kernel.error(f"%audiomagic {line}")
    assert said in shown and "argument" not in shown and "abcdefghijkl" not in shown


def test_values_of_a_command_may_be_quoted(kernel: Kernel, tmp_path: Path) -> None:
    for at, written in enumerate(('--csv "{}"', "--csv='{}'", '--csv="{}" --all')):
        file = tmp_path / f"the costs {at}.csv"
        kernel.run(f"%audiomagic costs {written.format(file)}")
        assert file.exists()
    assert r"cannot read C:\new folder\:" in kernel.error(r'%audiomagic strip "C:\new folder\"')
    assert "per day" in text_of(kernel.run("%audiomagic budget 0.02 --per=day"))
    kernel.run("%audiomagic budget off --per 'day'")
    assert "There is no cap" in text_of(kernel.run("%audiomagic budget"))


def test_prices_of_ones_own(kernel: Kernel, server: FakeServer, tone: Sound) -> None:
    kernel.run(
        "%config AudioMagics.prices = {'gpt-audio-1.5': {'text_in': '1', 'text_out': '1',"
        " 'audio_in': '1', 'audio_out': '1'}}"
    )
    server.say("Hi.", tone.pcm16(), usage(10, 0, 10, 100))
    assert kernel.run("%speak Hi")[0]["data"]["text/plain"].endswith("· $0.0001]")


def test_a_cassette_answers_again(
    kernel: Kernel, server: FakeServer, tone: Sound, tmp_path: Path
) -> None:
    assert "(0 exchanges)" in text_of(kernel.run(f'%audiomagic record "{tmp_path}/a b"'))
    server.say("Hi.", tone.pcm16())
    kernel.run("%speak Hi")
    assert "(1 exchange)" in text_of(kernel.run(f'%audiomagic replay "{tmp_path}/a b" --at-once'))
    assert "replayed · free" in kernel.run("%speak Hi")[0]["data"]["text/plain"]
    assert "no recording of this request" in kernel.error("%speak Ho")
    assert "unknown price" not in text_of(kernel.run("%audiomagic"))
    assert "answers from" in text_of(kernel.run("%audiomagic"))
    assert len(server.requests) == 1
    kernel.run("%audiomagic live")
    server.say("Ho.", tone.pcm16())
    kernel.run("%speak Ho")
    assert len(server.requests) == 2


def test_what_is_for_live_conversations_is_told_apart(kernel: Kernel, server: FakeServer) -> None:
    assert "live model  gpt-realtime-2.1\n" in text_of(kernel.run("%audiomagic"))
    rows = [line.split() for line in text_of(kernel.run("%audiomagic models")).splitlines()]
    states = {row[0]: row for row in rows}
    assert states["gpt-realtime-2.1"][1:3] == ["%%converse", "current"]
    assert states["gpt-realtime-2.1-mini"][9:12] == ["0.06", "/", "0.30"]
    assert states["gpt-realtime"][1:5] == ["%%converse", "until", "2027-01-20", "gpt-realtime-2.1"]
    assert states["gpt-audio"][1:5] == ["%%speak,", "%%listen", "until", "2027-01-20"]
    line = "The service has no fable, nova or onyx in %%converse."
    assert line in text_of(kernel.run("%audiomagic voices"))


def test_a_folder_is_shown_as_it_was_typed(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run(f"import os; os.chdir({str(tmp_path)!r})")
    shown = text_of(kernel.run("%audiomagic record tape")) + text_of(kernel.run("%audiomagic"))
    assert "records in tape\n" in shown
    shown += kernel.error("%audiomagic replay tape") + kernel.error("%audiomagic replay none")
    assert "there are no recordings in none" in shown and tmp_path.name not in shown


def test_a_folder_that_cannot_be_recorded_in_is_refused_at_once(
    kernel: Kernel, tmp_path: Path
) -> None:
    assert "cannot record in /proc/x" in kernel.error("%audiomagic record /proc/x")
    (tmp_path / "0001-hi-3fa9c1.json").write_text("garbage")
    line = kernel.error(f'%audiomagic replay "{tmp_path}"')
    assert "no recording in" in line and "0001-hi-3fa9c1.json" in line


def test_a_key_needs_somebody_to_type_it(kernel: Kernel) -> None:
    assert "no key can be typed here" in kernel.error("%audiomagic key")
