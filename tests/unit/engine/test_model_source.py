"""Where models come from: a setting, a variable, a path, the hub, a server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from audiomagic.engine.engine import engine
from audiomagic.engine.model_source import ModelSource, choose_gguf, model_source
from audiomagic.errors import EngineError

from ...support.model_servers import ModelHub

GGUF = b"GGUF" + bytes(1000)


def test_a_setting_goes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert model_source("llm") == model_source("llm", "") == ModelSource("llm")
    file = tmp_path / "own.gguf"
    file.write_bytes(GGUF)
    monkeypatch.setenv("AUDIOMAGIC_LLM", "http://localhost:11434/v1#llama3.2")
    assert model_source("llm").kind == "server" and model_source("stt").kind == "installed"
    assert model_source("llm", str(file)) == ModelSource("llm", "path", str(file))
    for name in ("org/repo", "org/Repo-GGUF:Q4_K_M", "org/repo:sub/own.gguf"):
        assert model_source("llm", name) == ModelSource("llm", "hub", name)
    assert model_source("stt", "Systran/faster-whisper-small").kind == "hub"


def test_engines_are_told_apart_by_what_waschoose_gguf() -> None:
    here, there = engine("http://a/v1"), engine("http://b/v1")
    assert here is engine(" http://a/v1 ") is not there
    assert engine() is engine() is not here


def test_what_cannot_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("root:x:0:0")
    for part, named, line in (
        ("llm", str(text), r"--llm is .*notes.txt, which is not a GGUF file"),
        ("llm", "org/none.gguf", r": not a file, a hub name \(org/repo\) or a URL"),
        ("llm", "llama", "--llm is llama: not a file"),
        ("llm", "./none", "none: not a file"),  # a path, though it looks like a hub name
        ("stt", "./none", "none: not a folder, a hub name"),
        ("stt", "../a/none", "none: not a folder"),
        ("stt", str(tmp_path), "is not the folder of a CTranslate2 Whisper model"),
    ):
        with pytest.raises(EngineError, match=line):
            model_source(part, named)  # type: ignore[arg-type]
    monkeypatch.setenv("AUDIOMAGIC_LLM", "none.gguf")
    with pytest.raises(EngineError, match=r"\$AUDIOMAGIC_LLM is none.gguf: not a file"):
        model_source("llm")


# -- the hub ----------------------------------------------------------------------------------
def fetch(hub: str, home: Path, *calls: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """In a process of its own: the hub's library reads its environment when it is imported.

    It prints a line for each call: what it returned or, to stderr, what it raised.
    """
    script = "import sys\nfrom audiomagic.engine.model_source import *\n" + "".join(
        f"try:\n    print({call})\nexcept Exception as error:\n    print(error, file=sys.stderr)\n"
        for call in calls
    )
    bars = {"NO_COLOR": "1", "TQDM_POSITION": "-1"}  # bars also where stderr is a pipe
    env = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(home)} | bars | more
    return subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True)


def test_a_language_model_is_downloaded_once_with_a_bar_then_used_offline(tmp_path: Path) -> None:
    with ModelHub({"README.md": b"#", "tiny-Q8_0.gguf": GGUF, "tiny-Q4_K_M.gguf": GGUF}) as hub:
        first = fetch(hub.url, tmp_path, "gguf_from_hub('me/tiny')")
        assert Path(first.stdout.strip()).name == "tiny-Q4_K_M.gguf", first.stderr
        assert Path(first.stdout.strip()).read_bytes() == GGUF and "%" in first.stderr
        asked = [path for path, _, _ in hub.asked if "me/tiny" in path]
        assert not any("README" in path or "Q8_0" in path for path in asked)
        again = fetch(hub.url, tmp_path, "gguf_from_hub('me/tiny:q4_k_m')")
        assert again.stdout == first.stdout
        assert [path for path, _, _ in hub.asked if "me/tiny" in path] == asked
        wrong = fetch(hub.url, tmp_path, "gguf_from_hub('me/tiny:Q2_K')")
    assert "me/tiny has no GGUF file named 'Q2_K'; it has: tiny-Q" in wrong.stderr
    offline = fetch(hub.url, tmp_path, "gguf_from_hub('me/tiny')", HF_HUB_OFFLINE="1")
    assert offline.stdout == first.stdout


def test_a_whisper_model_is_downloaded_as_a_folder(tmp_path: Path) -> None:
    with ModelHub({"model.bin": b"w", "config.json": b"{}", "big.safetensors": b"no"}) as hub:
        found = fetch(hub.url, tmp_path, "whisper_from_hub('me/tiny')").stdout
    names = sorted(path.name for path in Path(found.strip()).iterdir())
    assert names == ["config.json", "model.bin"]
    assert fetch("http://127.0.0.1:9", tmp_path, "whisper_from_hub('me/tiny')").stdout == found


def test_all_parts_of_a_split_model_are_downloaded(tmp_path: Path) -> None:
    parts = [f"q4/m-Q4_K_M-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    with ModelHub(dict.fromkeys(parts, GGUF)) as hub:
        first = fetch(hub.url, tmp_path, "gguf_from_hub('me/tiny')").stdout
        assert first.strip().endswith(parts[0])
        Path(first.strip()).with_name(parts[2].removeprefix("q4/")).unlink()
        assert fetch(hub.url, tmp_path, "gguf_from_hub('me/tiny')").stdout == first
    assert all((Path(first.strip()).parents[1] / part).exists() for part in parts)


@pytest.mark.parametrize(
    ("hub", "line"),
    [
        ("http://127.0.0.1:9", "'me/none' is not on this machine, and the model hub cannot be"),
        (None, "the model hub has no 'me/none', or requires a token"),
    ],
)
def test_what_the_hub_cannot_give_is_one_line(tmp_path: Path, hub: str | None, line: str) -> None:
    calls = ("gguf_from_hub('me/none')", "whisper_from_hub('me/none')")
    with ModelHub({}) as server:
        got = fetch(hub or server.url, tmp_path, *calls)
    said = [one for one in got.stderr.splitlines() if one.startswith("'me/none'") or line in one]
    assert len(said) == len(calls) and all(line in one for one in said), got.stderr


def test_the_hub_is_asked_what_it_has_without_a_download(tmp_path: Path) -> None:
    calls = [f"ModelSource('{part}', 'hub', '{name}').check()" for part, name in (
        ("llm", "me/tiny"), ("llm", "me/tiny:Q2_K"), ("stt", "me/tiny"), ("stt", "me/none"),
    )]  # fmt: skip
    with ModelHub({"tiny-Q8_0.gguf": GGUF}) as hub:
        got = fetch(hub.url, tmp_path, *calls)
    assert got.stdout == "None\n" and not any("/resolve/" in path for path, _, _ in hub.asked)
    lines = [line for line in got.stderr.splitlines() if "me/" in line]
    assert lines == [
        "me/tiny has no GGUF file named 'Q2_K'; it has: tiny-Q8_0.gguf",
        "me/tiny has no CTranslate2 Whisper model (model.bin); name another",
        "the model hub has no 'me/none', or requires a token ($HF_TOKEN)",
    ]


def test_one_of_several_files_is_chosen() -> None:
    parts = ["m-Q8_0-00002-of-00002.gguf", "m-Q8_0-00001-of-00002.gguf", "mmproj-m.gguf"]
    assert choose_gguf(parts, "") == "m-Q8_0-00001-of-00002.gguf"
    assert choose_gguf([*parts, "m-q4_k_m.gguf"], "") == "m-q4_k_m.gguf"
    assert choose_gguf([*parts, "m-q4_k_m.gguf"], "Q8_0") == "m-Q8_0-00001-of-00002.gguf"
    assert choose_gguf(["a-odd.gguf"], "") == "a-odd.gguf" and choose_gguf([], "") is None
