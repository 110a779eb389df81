"""`--each`: a cell as a template over a list or a DataFrame of the notebook, in a real kernel."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audiomagic import Sound

from ..support.kernel import Kernel
from ..support.many_clients import Crowd


@pytest.fixture(scope="module")
def crowd(tone: Sound) -> Iterator[Crowd]:
    with Crowd(tone.pcm16()) as server:
        yield server


@pytest.fixture
def kernel(kernel: Kernel, crowd: Crowd) -> Kernel:
    kernel.run(
        f"import os, pandas; os.environ['OPENAI_BASE_URL'] = {crowd.url!r}\n"
        "item = 'no'; who = 'Ada'; words = ['un', 'deux', 'trois', 'quatre']\n"
        "deck = pandas.DataFrame({'word': ['chat', 'chien'], 'voice': ['ash', 'sage']})"
    )
    return kernel


def shown(outputs: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What a cell leaves; of the progress bar that is an empty output."""
    data = [output["data"] for output in outputs if output["output_type"] != "stream"]
    assert "widget" not in str(data)
    return [one for one in data if one["text/html"]]


def test_a_list_gives_a_batch(kernel: Kernel) -> None:
    outputs = shown(kernel.run("%%speak --each words --out got\nSay {item} to {who}."))
    assert len(outputs) == 1 and outputs[0]["text/html"].count("<audio") == 3
    assert "4 items" in outputs[0]["text/html"] and "Say quatre to Ada." in outputs[0]["text/html"]
    assert kernel.value("[r.text for r in got] == [f'Say {w} to Ada.' for w in words]") == "True"
    assert kernel.value("_.__class__.__name__, got[0].sound is not None") == "('bool', True)"
    assert shown(kernel.run("%%speak --each words -q\nSay {item}.")) == []


def test_a_generator_is_gone_through_once(kernel: Kernel) -> None:
    kernel.run("counted = (n for n in range(3))")
    (page,) = shown(kernel.run("%%speak --each counted\nSay {item}."))
    assert "3 items" in page["text/html"] and "Say 2." in page["text/html"]


def test_a_frame_comes_back_with_columns(kernel: Kernel, crowd: Crowd) -> None:
    cell = "%%speak --each deck --voice {voice} --save cards/{word}-{i:02}.mp3\n{word}, {who}!"
    cards, frame = shown(kernel.run(cell))
    assert cards["text/html"].count("<audio") == 2 and "<table" in frame["text/html"]
    assert kernel.value("list(_.columns)[2:]") == (
        "['reply', 'seconds', 'dollars', 'saved', 'error']"
    )
    assert kernel.value("sorted(os.listdir('cards'))") == "['chat-00.mp3', 'chien-01.mp3']"
    assert {body["audio"]["voice"] for body in crowd.requests[-2:]} == {"ash", "sage"}


def test_a_frame_of_polars_comes_back_as_one(kernel: Kernel, crowd: Crowd) -> None:
    pytest.importorskip("polars")
    kernel.run("import polars; pl = polars.DataFrame({'word': ['chat', 'chien'], 'n': [1, None]})")
    _, frame = shown(kernel.run("%%speak --each pl --save {word}.mp3\n{word}, {n}!"))
    assert "OptionError: column" in frame["text/html"]
    assert kernel.value("type(_).__module__, list(_['reply'])").endswith("['chat, 1!', None])")


def test_gaps_and_days_of_a_column(kernel: Kernel, crowd: Crowd) -> None:
    kernel.run(
        "day = pandas.Timestamp('2024-05-01')\n"
        "rows = pandas.DataFrame({'n': [3, None], 'day': [day, day]}); one, gap = ['un'], [None]"
    )
    kernel.run("%%speak --each rows --out got\n{n} on {day}, x_{n}")
    assert kernel.value("got.reply[0]") == "'3 on 2024-05-01, x_{n}'"
    assert "1 item ·" in shown(kernel.run("%%speak --each one\n{item}"))[0]["text/html"]
    (page,) = shown(kernel.run("%%speak --each gap\n{item}"))
    assert "1 item · 1 failed" in page["text/html"] and "the item is missing" in page["text/html"]


def test_files_are_listened_to(kernel: Kernel, crowd: Crowd, tone: Sound, tmp_path: Path) -> None:
    kernel.run(f"files = [{str(tone.save(tmp_path / 'a.wav'))!r}] * 2")
    assert len(shown(kernel.run("%%listen --each files --text\nWhat is {item}?"))) == 1
    content = crowd.requests[-1]["messages"][-1]["content"]
    assert content[0]["text"].endswith("a.wav?") and content[1]["type"] == "input_audio"


def test_sounds_of_a_dataset_are_listened_to(kernel: Kernel, crowd: Crowd, tone: Sound) -> None:
    kernel.run(f"wav = {tone.encode('wav')!r}")
    kernel.run("rows = [{'audio': {'bytes': wav, 'path': None}, 'text': 'le chat'}]")
    assert len(shown(kernel.run("%%listen --each rows --text\nIs it {text}?"))) == 1
    content = crowd.requests[-1]["messages"][-1]["content"]
    assert content[0]["text"] == "Is it le chat?" and content[1]["type"] == "input_audio"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%%speak --each wrds\n{item}", "no variable 'wrds'; did you mean 'words'"),
        ("%%speak --each who\n{item}", "must be a list or a DataFrame, not str"),
        ("%%speak --each words\nHello", "names no column; write {item}"),
        (
            "%%speak --each clips\nHi {item}",
            "the items are sounds (bytes), not texts; use %%listen",
        ),
        ("%%speak --each heard\nHi", "names no column; write {text}"),
        ("%%speak --each deck\n{wrod}", "no column 'wrod'; did you mean 'word'"),
        ("%%speak --each words --dry-run\n{item}", "--each cannot be combined with --dry-run"),
        ("%%listen --each pages\n", "a batch fetches nothing; download https://a.org/b.wav first"),
        ("%%listen --each deck\n", "needs a column `sound` or `file`"),
        ("%%speak --each words --voice ash,sage\n{item}", "one voice"),
        ("%%speak --each words --save a.mp3\n{item}", "put {i} into the name"),
    ],
)
def test_a_mistake_is_one_line(kernel: Kernel, crowd: Crowd, line: str, said: str) -> None:
    kernel.run("pages = ['https://a.org/b.wav']; clips = ['a', b'RIFF']")
    kernel.run("heard = [{'audio': {'bytes': b'RIFF', 'path': None}, 'text': 'a'}]")
    before = len(crowd.requests)
    assert said in kernel.error(line)
    assert len(crowd.requests) == before
