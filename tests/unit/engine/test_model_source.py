"""What thinks and hears for the engine: a path, a name on the hub, a server."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiomagic.engine.engine import engine
from audiomagic.engine.hub import _chosen
from audiomagic.engine.model_source import ModelSource, model_source
from audiomagic.engine.remote_llm import RemoteLanguageModel
from audiomagic.engine.remote_stt import RemoteRecognizer
from audiomagic.engine.text_chat import TextDelta
from audiomagic.errors import EngineError, InvalidResponse
from audiomagic.protocol.request import Message, Request
from audiomagic.protocol.tool_calls import Tool, ToolCall

from ...support.model_servers import ModelHub, ModelServer

GGUF = b"GGUF" + bytes(1000)
ADD = Tool("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}})


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


def test_engines_are_told_apart_by_what_was_chosen() -> None:
    here, there = engine("http://a/v1"), engine("http://b/v1")
    assert here is engine(" http://a/v1 ") is not there
    assert engine() is engine() is not here


def test_what_is_none_of_the_ways_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("root:x:0:0")
    for part, named, line in (
        ("llm", str(text), r"AudioMagics.llm names .*notes.txt: no GGUF file"),
        ("llm", "org/none.gguf", r"which is no file, hub name \(org/repo\) or http:// address"),
        ("llm", "llama", "names llama, which is no file"),
        ("stt", str(tmp_path), "which is no folder of a CTranslate2 Whisper model"),
    ):
        with pytest.raises(EngineError, match=line):
            model_source(part, named)  # type: ignore[arg-type]
    monkeypatch.setenv("AUDIOMAGIC_LLM", "none.gguf")
    with pytest.raises(EngineError, match=r"\$AUDIOMAGIC_LLM names none.gguf"):
        model_source("llm")


# -- servers ----------------------------------------------------------------------------------
def request(**more: Any) -> Request:
    messages = (Message("system", ("Be brief.",)), Message("user", ("Add 1 and 2.",)))
    return Request("local-engine", messages, max_tokens=50) if not more else Request(
        "local-engine", messages, **more)  # fmt: skip


def test_a_text_server_is_asked_in_names_that_all_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-this-server")
    with ModelServer({"role": "assistant"}, {"content": "Th"}, {"content": "ree."}) as server:
        llm = RemoteLanguageModel(server.url)  # without a path: /v1
        assert list(llm.reply(request())) == [
            TextDelta("Th"), TextDelta("ree."), TextDelta(finish_reason="stop")]  # fmt: skip
    assert server.bodies == [
        {
            "model": "llama3.2",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Add 1 and 2."},
            ],
            "stream": True,
            "max_tokens": 50,
        }
    ]
    assert all("authorization" not in headers for _, headers, _ in server.asked)


def test_tools_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOMAGIC_LLM_KEY", "its-own-key")
    called = {"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a": 1}'}}
    with ModelServer({"tool_calls": [called]}, finish="tool_calls") as server:
        llm = RemoteLanguageModel(f"{server.url}/v1#gemma3")
        last = list(llm.reply(request(tools=(ADD,), tool_choice="required")))[-1]
    assert last == TextDelta(
        tool_calls=(ToolCall("c1", "add", '{"a": 1}'),), finish_reason="tool_calls"
    )
    body = server.bodies[0]
    assert (body["model"], body["tools"], body["tool_choice"]) == (
        "gemma3", [ADD.wire()], "required")  # fmt: skip
    assert [path for path, _, _ in server.asked] == ["/v1/chat/completions"]
    assert server.asked[0][1]["authorization"] == "Bearer its-own-key"


@pytest.mark.parametrize(
    ("refusal", "line"),
    [
        ((401, {}), r"wants a valid key; set \$AUDIOMAGIC_LLM_KEY"),
        ((404, {"error": {"message": "no such model"}}), r"\(404: no such model\); is .*#llama"),
        ((400, {"error": "bad key its-own-key"}), r"refused the request \(400: bad key …\)$"),
        ((500, b"<html>"), r"refused the request \(500\)$"),
        ((200, b"<html>"), "does not speak the protocol; its address usually ends in /v1"),
        ((200, b"data: {oops\n\n"), "does not speak the protocol"),
    ],
)
def test_a_server_that_fails_is_one_line(
    refusal: Any, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOMAGIC_LLM_KEY", "its-own-key")
    with ModelServer(refusal=refusal) as server:
        llm = RemoteLanguageModel(f"{server.url}/v1#llama")
        with pytest.raises(EngineError, match=line) as caught:
            list(llm.reply(request()))
    assert "\n" not in str(caught.value) and "its-own-key" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_line() -> None:
    with pytest.raises(EngineError, match=r"no connection to the llm at http://127.0.0.1:9/v1"):
        list(RemoteLanguageModel("http://127.0.0.1:9").reply(request()))
    with ModelServer(models=()) as server, pytest.raises(EngineError, match="names no model"):
        list(RemoteLanguageModel(server.url).reply(request()))


def test_a_server_that_breaks_off_is_noticed() -> None:
    with ModelServer({"content": "Th"}, finish=None) as server, pytest.raises(InvalidResponse):
        list(RemoteLanguageModel(server.url).reply(request()))
    event = b'data: {"error": {"message": "out of memory"}}\n\n'
    with (
        ModelServer(refusal=(200, event)) as server,
        pytest.raises(InvalidResponse, match="out of memory"),
    ):
        list(RemoteLanguageModel(server.url).reply(request()))


def test_a_server_hears() -> None:
    samples = np.zeros(16_000, np.float32)
    with ModelServer(heard="Bonjour.") as server:
        assert RemoteRecognizer(f"{server.url}/v1#whisper").words(samples) == "Bonjour."
    path, _, form = server.asked[0]
    assert path == "/v1/audio/transcriptions" and b"RIFF" in form and b"whisper" in form
    with ModelServer(refusal=(200, {"words": []})) as server, pytest.raises(InvalidResponse):
        RemoteRecognizer(f"{server.url}/v1#whisper").words(samples)


# -- the hub ----------------------------------------------------------------------------------
def fetch(hub: str, home: Path, call: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """In a process of its own: the hub's library reads its environment when it is imported."""
    script = f"from audiomagic.engine.hub import *\nprint({call})"
    env = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(home), "NO_COLOR": "1"} | more
    return subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True)


def test_a_llm_is_fetched_once_with_a_bar_then_used_offline(tmp_path: Path) -> None:
    with ModelHub({"README.md": b"#", "tiny-Q8_0.gguf": GGUF, "tiny-Q4_K_M.gguf": GGUF}) as hub:
        first = fetch(hub.url, tmp_path, "llm_file('me/tiny')")
        assert Path(first.stdout.strip()).name == "tiny-Q4_K_M.gguf", first.stderr
        assert Path(first.stdout.strip()).read_bytes() == GGUF and "%" in first.stderr
        asked = [path for path, _, _ in hub.asked if "me/tiny" in path]
        assert not any("README" in path or "Q8_0" in path for path in asked)
        again = fetch(hub.url, tmp_path, "llm_file('me/tiny:q4_k_m')")
        assert again.stdout == first.stdout
        assert [path for path, _, _ in hub.asked if "me/tiny" in path] == asked
        wrong = fetch(hub.url, tmp_path, "llm_file('me/tiny:Q2_K')")
    assert "me/tiny holds no GGUF file named 'Q2_K'; it has: tiny-Q" in wrong.stderr
    offline = fetch(hub.url, tmp_path, "llm_file('me/tiny')", HF_HUB_OFFLINE="1")
    assert offline.stdout == first.stdout


def test_stt_are_fetched_as_a_folder(tmp_path: Path) -> None:
    with ModelHub({"model.bin": b"w", "config.json": b"{}", "big.safetensors": b"no"}) as hub:
        found = Path(fetch(hub.url, tmp_path, "stt_folder('me/tiny')").stdout.strip())
    assert sorted(path.name for path in found.iterdir()) == ["config.json", "model.bin"]


@pytest.mark.parametrize(
    ("hub", "line"),
    [
        ("http://127.0.0.1:9", "'me/none' is not on this machine, and the model hub cannot be"),
        (None, "the model hub has no 'me/none', or wants a token"),
    ],
)
def test_what_the_hub_cannot_give_is_one_line(tmp_path: Path, hub: str | None, line: str) -> None:
    with ModelHub({}) as server:
        got = fetch(hub or server.url, tmp_path, "llm_file('me/none')")
    assert line in got.stderr.strip().splitlines()[-1]


def test_one_of_several_files_is_chosen() -> None:
    parts = ["m-Q8_0-00002-of-00002.gguf", "m-Q8_0-00001-of-00002.gguf", "mmproj-m.gguf"]
    assert _chosen(parts, "") == "m-Q8_0-00001-of-00002.gguf"
    assert _chosen([*parts, "m-q4_k_m.gguf"], "") == "m-q4_k_m.gguf"
    assert _chosen([*parts, "m-q4_k_m.gguf"], "Q8_0") == "m-Q8_0-00001-of-00002.gguf"
    assert _chosen(["a-odd.gguf"], "") == "a-odd.gguf" and _chosen([], "") is None
