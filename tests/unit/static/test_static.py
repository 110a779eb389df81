"""The loader that joins modules, and the JavaScript itself, by node's own test runner."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from audiomagic import static

NODE = shutil.which("node")
ENTRIES = ("conversation.js", "player.js", "recorder.js", "follow_along.js")


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text)
    return folder


def test_imports_come_first_and_once(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        main='import { A, f } from "./a.js";\nimport { B } from "./b.js";\n\nexport default A;\n',
        a='// A.\nimport { B } from "./b.js";\nexport class A {}\nexport async function f() {}\n',
        b="export const B = 1;\nconst own = 2;\n",
    )
    assert static.script("main.js", folder) == (
        "const B = 1;\nconst own = 2;\n// A.\nclass A {}\nasync function f() {}\n\n"
        "export default A;\n"
    )


@pytest.mark.parametrize(
    ("main", "other", "error"),
    [
        ('import { a } from "./other.js";\n', "const a = 1;\n", "imports {'a'}, which other"),
        ('import { a } from "./other.js";\nlet b;\n', "export let a;\nlet b;\n", "both define b"),
        ('import { a } from "./other.js";\nlet a;\n', "export let a;\n", "both define a"),
        ('import { a } from "./other.js";\n', 'export let a;\nimport { x } from "./main.js";\n',
         "other.js imports {'x'}, which main"),
        ('import { a } from "./other.js";\n', "export let a;\nexport default a;\n", "cannot join"),
        ('import { a as b } from "./other.js";\n', "export let a;\n", "imports {'a as b'}"),
        ('import * as all from "./other.js";\n', "export let a;\n", "cannot join 'import"),
        ('import a from "./other.js";\n', "export default 1;\n", "cannot join 'import"),
        ('import { a } from "https://elsewhere/a.js";\n', "", "cannot join 'import"),
        ('import { a } from "./other.js";\n', "let a;\nexport { a };\n", "cannot join"),
        ("let a;\nexport { a };\n", "", "cannot join 'export { a }"),
    ],
)  # fmt: skip
def test_what_would_break_in_a_page_is_refused(
    tmp_path: Path, main: str, other: str, error: str
) -> None:
    with pytest.raises(ImportError, match=re.escape(error)):
        static.script("main.js", write(tmp_path, main=main, other=other))


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_entry_can_be_joined(entry: str) -> None:
    script = static.script(entry)
    exported = re.findall(r"^(?:import|export)\b.*", script, re.M)
    assert exported == ([] if entry == "follow_along.js" else ["export default () => {"])
    assert static.script(entry) is script


def test_each_file_is_used() -> None:
    joined = "".join(map(static.script, ENTRIES))
    for path in static.STATIC.glob("*.js"):
        first, _ = path.read_text("utf-8").split("\n", 1)
        assert first in joined, path.name


@pytest.mark.node
@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_pure_parts() -> None:
    files = sorted(str(path) for path in (Path(__file__).parents[2] / "js").glob("*.test.mjs"))
    assert files
    done = subprocess.run(
        [str(NODE), "--test", *files], capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.node
@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_joined_script_is_valid(entry: str, tmp_path: Path) -> None:
    (tmp_path / "script.mjs").write_text(static.script(entry), "utf-8")
    done = subprocess.run(
        [str(NODE), "--check", "script.mjs"], cwd=tmp_path, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
