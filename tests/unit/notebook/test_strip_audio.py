"""Sound taken out of notebooks: what goes, what stays byte for byte, and files that are none."""

import base64
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.display import Audio
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from audiomagic import Sound
from audiomagic.costs.receipt import Receipt
from audiomagic.errors import OptionError
from audiomagic.notebook.strip_audio import strip, without_sound
from audiomagic.protocol.request import Request
from audiomagic.protocol.usage import Usage
from audiomagic.render import card
from audiomagic.turn.reply import Reply

SHIPPED = Path(__file__).parents[3] / "notebooks" / "01_hello.ipynb"
URL = "data:audio/wav;base64,UklGRg=="
NOTE = "<em>(sound taken out)</em>"


@pytest.fixture
def reply(tone: Sound) -> Reply:
    receipt = Receipt(
        datetime(2026, 11, 22, tzinfo=UTC), "openai", "api.openai.com", "gpt-audio-1.5",
        "gpt-audio-1.5", "coral", 1.2, 1.0, Usage(62, 26, 12, 20), 0.5, 1.2,
    )  # fmt: skip
    words = "Hello, Ada. It costs $5 & more."
    return Reply(words, tone, receipt, Request("gpt-audio-1.5", ()), _marks=((0, 0.0),))


def saved(folder: Path, *outputs: Any, name: str = "talk.ipynb") -> Path:
    """A notebook, as Jupyter writes it, with one cell of these outputs."""
    cells = [new_markdown_cell(f"# <audio src='{URL}'></audio>"), new_code_cell(outputs=[*outputs])]
    path = folder / name
    nbformat.write(new_notebook(cells=cells, metadata={"title": "né — 五"}), path)
    return path


def shown(**faces: Any) -> Any:
    return new_output("display_data", {k.replace("_", "/"): v for k, v in faces.items()})


def faces_of(path: Path) -> list[dict[str, str]]:
    """The faces of the outputs of a notebook, which must be a valid one."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return [output.data for cell in notebook.cells for output in cell.get("outputs", [])]


# -- real notebooks ---------------------------------------------------------------------------
def test_the_shipped_notebook_keeps_all_but_its_sound(tmp_path: Path) -> None:
    path = Path(shutil.copy(SHIPPED, tmp_path))
    before = SHIPPED.read_text("utf-8")
    count = before.count("<audio")
    said = strip(str(path))
    assert re.fullmatch(rf"01_hello\.ipynb: {count} sounds taken out, 0\.\d\d MB → [\d.]+ kB", said)
    after = path.read_text("utf-8")
    assert "base64" not in after and "<audio" not in after
    assert after.count(NOTE) == count
    gone = rf'{re.escape(NOTE)}|<audio [^>]*></audio>|<script>.*?</script>| data-starts="[^"]*"'
    notebooks = [json.loads(before), json.loads(after)]
    faces = [
        [
            re.sub(gone, "", "".join(output.get("data", {}).pop("text/html", "")), flags=re.DOTALL)
            for cell in notebook["cells"]
            for output in cell.get("outputs", [])
        ]
        for notebook in notebooks
    ]
    assert faces[0] == faces[1] and notebooks[0] == notebooks[1]  # all else is as it was
    assert faces_of(path)


def test_a_second_time_nothing_is_touched(tmp_path: Path) -> None:
    path = Path(shutil.copy(SHIPPED, tmp_path))
    strip(str(path))
    data, when = path.read_bytes(), path.stat().st_mtime_ns
    assert strip(str(path)) == "01_hello.ipynb holds no sound"
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (data, when)
    assert list(tmp_path.iterdir()) == [path]


def test_a_card_keeps_transcript_and_badge(tmp_path: Path, reply: Reply) -> None:
    bundle = reply._repr_mimebundle_()
    assert "data-starts" in bundle["text/html"] and "<script>" in bundle["text/html"]
    path = saved(tmp_path, new_output("display_data", bundle))
    assert strip(str(path)).startswith("talk.ipynb: 1 sound taken out, ")
    [faces] = faces_of(path)
    without = card.html(
        Reply(reply.text, None, reply.receipt, reply.request)
    )  # the same card, had it been made without a sound
    assert faces["text/html"].replace(f'<div class="">{NOTE}</div>', "") == without
    assert {**faces, "text/html": ""} == {**bundle, "text/html": ""}


def test_ipythons_audio(tmp_path: Path, tone: Sound) -> None:
    audio = Audio(tone.samples, rate=tone.rate)
    bundle = {"text/html": audio._repr_html_(), "text/plain": "<IPython.lib.display.Audio object>"}
    path = saved(tmp_path, new_output("execute_result", bundle, execution_count=1))
    assert strip(str(path)).startswith("talk.ipynb: 1 sound taken out, ")
    [faces] = faces_of(path)
    assert faces["text/html"].strip() == NOTE
    assert faces["text/plain"] == bundle["text/plain"]


def test_only_outputs_of_code_cells_are_looked_at(tmp_path: Path) -> None:
    printed = new_output("stream", text=f'<audio src="{URL}"></audio>')
    path = saved(tmp_path, printed, shown(text_plain=f'<audio src="{URL}"></audio>'))
    before = path.read_bytes()
    assert strip(str(path)) == "talk.ipynb holds no sound"
    assert path.read_bytes() == before


# -- faces --------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["text/html", "text/markdown"])
@pytest.mark.parametrize("lines", [False, True])
def test_a_face_of_lines_stays_one(tmp_path: Path, kind: str, lines: bool) -> None:
    face = f'one\n<audio\n controls src="{URL}">\n</audio>\ntwo'
    path = saved(tmp_path, shown(text_plain="?"))
    notebook = json.loads(path.read_text("utf-8"))
    data = notebook["cells"][1]["outputs"][0]["data"]
    data[kind] = face.splitlines(keepends=True) if lines else face
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
    strip(str(path))
    changed = json.loads(path.read_text("utf-8"))["cells"][1]["outputs"][0]["data"][kind]
    assert changed == (["one\n", f"{NOTE}\n", "two"] if lines else f"one\n{NOTE}\ntwo")
    assert faces_of(path)


@pytest.mark.parametrize(
    ("faces", "left", "count"),
    [
        ({"audio_wav": "UklGRg==", "text_plain": "a sound"}, {"text/plain": "a sound"}, 1),
        ({"audio_wav": "UklGRg=="}, {"text/plain": "(sound taken out)"}, 1),
        ({"audio_wav": "UklGRg==", "audio_ogg": ["T2d\n", "n"]},
         {"text/plain": "(sound taken out)"}, 1),
        ({"audio_wav": "UklGRg==", "text_html": f'<audio src="{URL}"></audio>'},
         {"text/html": NOTE}, 1),
        ({"text_markdown": f'<audio src="{URL}"></audio>',
          "text_html": f'<audio src="{URL}"></audio>' * 2},
         {"text/markdown": NOTE, "text/html": NOTE * 2}, 2),
    ],
)  # fmt: skip
def test_faces_of_sound(tmp_path: Path, faces: Any, left: Any, count: int) -> None:
    path = saved(tmp_path, shown(**faces))
    said = strip(str(path))
    assert said.startswith(f"talk.ipynb: {count} sound{'s' * (count > 1)} taken out, ")
    assert faces_of(path) == [left]


# -- pages ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("page", "left"),
    [
        (f"<AUDIO SRC='{URL}'>No sound here?</AUDIO >", NOTE),
        (f"<audio src={URL}></audio>", NOTE),
        (f"<audio title='a > b' data-x=\"</audio>\" src = '{URL}' ></audio>", NOTE),
        (f'<audio>\n<source type="x" src="{URL}">\n<source src="b.mp3"/></audio>', NOTE),
        ('<audio src="data:video/webm;base64,GkXf"></audio>', NOTE),
        (f'<b>1</b><audio src="{URL}"></audio><i>2</i>', f"<b>1</b>{NOTE}<i>2</i>"),
        # in markdown `<` may be a sign of its own
        (f'is 3 < 4 <y and\n<audio src="{URL}"></audio>', f"is 3 < 4 <y and\n{NOTE}"),
    ],
)
def test_elements(page: str, left: str) -> None:
    without, count = without_sound(page)
    assert without == left and count == left.count(NOTE)
    assert without_sound(without) == (left, 0)


@pytest.mark.parametrize(
    "page",
    [
        '<audio src="talk.mp3"></audio>',
        '<audio controls></audio><audio title="src=data:audio/wav,"></audio>',
        "<video><source src='data:video/mp4;base64,AAAA'></video>",  # a film is no sound
        f"<!-- <audio src='{URL}'></audio> -->",
        f"<script>show(\"<audio src='{URL}'></audio>\")</script >",
        f"<textarea><audio src='{URL}'></audio></textarea>",
        f'<p title="<audio src=\'{URL}\'></audio>">',
        f"&lt;audio src='{URL}'&gt;&lt;/audio&gt;",
        "<audio", "<audio src='", '<audio src="data:', "<audio src=", "<audio =", "<!--<audio",
        # never closed: what belongs to it cannot be told
        f'<audio src="{URL}"><p>words', f'<audio><source src="{URL}"><p>words',
    ],
)  # fmt: skip
def test_what_holds_no_sound_stays(page: str) -> None:
    assert without_sound(page) == (page, 0)


def test_another_cards_script_stays(reply: Reply, tone: Sound) -> None:
    whole = card.html(reply)
    silent = whole.replace(tone.data_url, "talk.mp3")
    other = "<div data-starts='1 2'>chart</div><script>draw()</script>"
    page, count = without_sound(f"{other}{silent}{whole}{other}")
    assert count == 1 and page.startswith(other + silent) and page.endswith(other)
    assert page.count("<script>") == 3 and page.count(" data-starts=") == 3


@pytest.mark.parametrize(
    "unit",
    [
        "<audio ", "<audio>", "<audio src='", f"<audio src='{URL}'>", '<audio a="<audio b="',
        '="<a "', "<audio =", "=", " = ", "<!--", "<script>", "<script></script", "</script ",
        "<source>", "<div class=audiomagic-card>", f"<div class=audiomagic-card><audio src={URL}>",
        "'", '"<', "<div data-starts=1 ", "</div>", "<audio" + " " * 50,
    ],
)  # fmt: skip
def test_a_hostile_page_is_read_once(unit: str) -> None:
    """What goes back in the text would take minutes."""
    sound = "<audio src='data:,'></audio>"
    page = f"{sound}<div class=audiomagic-card>" + unit * (400_000 // len(unit))
    without, count = without_sound(page)
    assert count >= 1 and not without.startswith(sound)


# -- the file -----------------------------------------------------------------------------------
@pytest.mark.parametrize("indent", ["", " ", "    ", "\t", None])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_a_file_is_written_as_it_was(
    tmp_path: Path, indent: str | None, end: str, bom: str
) -> None:
    output = {"output_type": "display_data", "metadata": {"b": 1.5, "a": None}, "data": {}}
    notebook = {
        "nbformat_minor": 5, "nbformat": 4, "metadata": {"z": "é五\ud83d \u2028", "a": [1e-07, {}]},
        "cells": [
            {"cell_type": "code", "id": "x", "source": [], "metadata": {}, "outputs": [output]}
        ],
    }  # fmt: skip
    path = tmp_path / "talk.ipynb"

    def text(face: str) -> str:
        output["data"] = {"text/html": face}
        written = json.dumps(notebook, indent=indent, ensure_ascii=False) + "\n" * bool(end)
        return bom + written.replace("\ud83d", "\\ud83d").replace("\n", end or "\n")

    path.write_bytes(text(f"<audio src='{URL}'></audio>").encode())
    strip(str(path))
    assert path.read_bytes() == text(NOTE).encode()


def test_rights_and_links_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, shown(audio_wav="UklGRg=="))
    path.chmod(0o640)
    link = tmp_path / "link.ipynb"
    link.symlink_to(path.name)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert strip("~/link.ipynb").startswith("link.ipynb: 1 sound taken out")
    assert link.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(tmp_path.iterdir()) == [link, path]
    assert strip(str(path)) == "talk.ipynb holds no sound"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"RIFF\x00\xff\xfe", b"import os\n", b"[" * 100_000, b"1" * 10_000, b"[]",
        b'{"nbformat": 4}', b'{"nbformat": 4, "cells": {}}', b'{"nbformat": 3, "worksheets": []}',
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_left(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "talk.ipynb"
    path.write_bytes(content)
    line = "talk.ipynb is not a notebook of format 4; name a file.ipynb$"
    with pytest.raises(OptionError, match=line):
        strip(str(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "cells",
    [
        [None, 1, "x", [], {}], [{"cell_type": "code"}], [{"cell_type": "code", "outputs": 1}],
        [{"cell_type": "code", "outputs": [None, {}, {"data": 1}, {"data": {"text/html": 1}}]}],
        [{"cell_type": "code", "outputs": [{"data": {"text/html": ["<audio", 1]}}]}],
    ],
)  # fmt: skip
def test_malformed_parts_are_left(tmp_path: Path, cells: Any) -> None:
    path = tmp_path / "talk.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "cells": cells}))
    assert strip(str(path)) == "talk.ipynb holds no sound"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("tlak.ipynb", r"No such file or directory; did you mean 'talk\.ipynb'\?"),
        ("zzzz", "No such file or directory"),
        ("nowhere/zzzz", "No such file or directory"),
        ("", "it is a folder"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, why: str) -> None:
    saved(tmp_path)
    with pytest.raises(OptionError, match=f"cannot read .*{name}: {why}$"):
        strip(str(tmp_path / name))


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, ""])
def test_a_name_that_no_file_can_have(name: str) -> None:
    with pytest.raises(OptionError):
        strip(name)


@contextmanager
def nobody() -> Iterator[None]:
    """Without root's rights, which are above a file's."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(mine)


@pytest.mark.skipif(os.name == "nt", reason="rights of another kind")
@pytest.mark.parametrize(("folder", "file"), [(0o755, 0o444), (0o555, 0o666)])
def test_what_may_not_be_written_is_left(folder: int, file: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = saved(Path(place), shown(audio_wav="UklGRg=="))
        before = path.read_bytes()
        path.chmod(file)
        os.chmod(place, folder)
        with (
            nobody(),
            pytest.raises(OptionError, match=r"cannot write .*the notebook is unchanged$") as e,
        ):
            strip(str(path))
        assert "Permission denied" in str(e.value) and len(str(e.value).splitlines()) == 1
        assert path.read_bytes() == before and os.listdir(place) == [path.name]
        os.chmod(place, 0o755)


def test_what_is_nested_too_deep_is_left(tmp_path: Path) -> None:
    path = saved(tmp_path, shown(audio_wav=base64.b64encode(b"RIFF").decode()))
    text = path.read_text("utf-8").replace('"title"', f'"deep": {"[" * 960}{"]" * 960}, "title"')
    path.write_text(text, "utf-8")
    with pytest.raises(OptionError, match=r"talk\.ipynb is not a notebook"):
        strip(str(path))
    assert path.read_text("utf-8") == text
