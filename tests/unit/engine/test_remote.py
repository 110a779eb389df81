"""Language models and speech recognition on other servers."""

import gc
import gzip
import json
from typing import Any

import numpy as np
import pytest

from audiomagic.engine.llm import TextDelta
from audiomagic.engine.remote import RemoteLanguageModel, RemoteRecognizer
from audiomagic.errors import EngineError, InvalidResponse
from audiomagic.protocol import sse
from audiomagic.protocol.request import Message, Request
from audiomagic.protocol.tool_calls import Tool, ToolCall

from ...support.model_servers import ModelServer

ADD = Tool("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}})
SILENCE = np.zeros(16_000, np.float32)


def request(**more: Any) -> Request:
    messages = (Message("system", ("Be brief.",)), Message("user", ("Add 1 and 2.",)))
    return Request("local-engine", messages, **more)


def reply(address: str, **more: Any) -> list[TextDelta]:
    return list(RemoteLanguageModel(address).reply(request(**more)))


def test_a_text_server_is_asked_in_names_that_all_know() -> None:
    with ModelServer({"role": "assistant"}, {"content": "Th"}, {"content": "ree."}) as server:
        assert reply(server.url, max_tokens=50) == [  # without a path: /v1
            TextDelta("Three."), TextDelta(finish_reason="stop")]  # fmt: skip
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
    assert [path for path, _, _ in server.asked] == ["/v1/models", "/v1/chat/completions"]


def test_tools_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOMAGIC_LLM_KEY", "its-own-key")
    called = {"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a": 1}'}}
    with ModelServer({"tool_calls": [called]}, finish="tool_calls") as server:
        last = reply(f"{server.url}/api#gemma3", tools=(ADD,), tool_choice="required")[-1]
    assert last == TextDelta(
        tool_calls=(ToolCall("c1", "add", '{"a": 1}'),), finish_reason="tool_calls"
    )
    body = json.loads(server.asked[0][2])
    assert (body["model"], body["tools"], body["tool_choice"]) == (
        "gemma3", [ADD.wire()], "required")  # fmt: skip
    assert [path for path, _, _ in server.asked] == ["/api/chat/completions"]
    assert server.asked[0][1]["authorization"] == "Bearer its-own-key"


def test_what_is_set_for_the_service_stays_with_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID"):
        monkeypatch.setenv(f"OPENAI_{name}", "sk-not-for-this-server")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Key: sk-not-for-this-server")
    with ModelServer({"content": "Three."}, heard="Bonjour.") as server:
        reply(server.url)
        RemoteRecognizer(server.url).words(SILENCE)
    assert len(server.asked) == 4
    for _, headers, body in server.asked:
        assert "authorization" not in headers and "sk-not" not in f"{headers}{body!r}"


@pytest.mark.parametrize("part", [RemoteLanguageModel, RemoteRecognizer])
def test_connections_are_closed_with_the_model(
    part: type[RemoteLanguageModel | RemoteRecognizer],
) -> None:
    with ModelServer({"content": "Three."}) as server:
        model = part(server.url)
        client = model.client
        assert model.model == "llama3.2" and not client.is_closed()
        del model
        gc.collect()
        assert client.is_closed()


@pytest.mark.parametrize(
    ("refusal", "line"),
    [
        ((401, {}), r"requires a valid key \(401\); set \$AUDIOMAGIC_LLM_KEY"),
        (
            (403, {"error": "its-own-key has no access"}),
            r"requires a valid key \(403: … has no access\); set \$AUDIOMAGIC_LLM_KEY",
        ),
        (
            (404, {"error": {"message": "no such model"}}),
            r"rejected the request \(4..\): .*no such model; is .*#llama",
        ),
        ((400, {"error": "bad key its-own-key"}), r"rejected the request \(4..\): .*bad key …"),
        ((500, b"<html>"), r"rejected the request \(..*\): "),
        ((200, b""), "does not speak the protocol; its address usually ends in /v1"),
        ((200, b"<html>"), r"a web page, which is not .*; check --llm \(it usually ends in /v1"),
        ((200, b"data: {oops\n\n"), "something that is not JSON, .*; check --llm"),
        ((200, b"data: 5\n\n"), "a chunk that is not an object, .*; check --llm"),
        ((307, b""), r"rejected the request \(307\)"),
    ],
)
def test_a_server_that_fails_is_one_line(
    refusal: Any, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOMAGIC_LLM_KEY", "its-own-key")
    with (
        ModelServer(refusal=refusal) as server,
        pytest.raises((EngineError, InvalidResponse), match=line) as caught,
    ):
        reply(f"{server.url}/v1#llama")
    assert "\n" not in str(caught.value) and "its-own-key" not in str(caught.value)


def test_what_a_server_sends_is_bounded_as_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MOST_BESIDE", 1_000_000)
    packed: Any = {"content_encoding": "gzip"}
    endless = gzip.compress(b"data: " + b"A" * 90_000_000)
    twice: Any = gzip.compress(endless), {"content_encoding": "gzip, gzip"}
    for body, headers, line in (
        (endless, packed, "a chunk of more than 80 MB"),
        (gzip.compress(b": \n" * 2_000_000), packed, "1 MB beside its answer"),
        (*twice, "packed its answer more than once"),
    ):
        with ModelServer(refusal=(200, body), headers=headers) as server:
            with pytest.raises(InvalidResponse, match=line):
                reply(f"{server.url}/v1#llama")
            with pytest.raises(InvalidResponse, match=r"more than (5 MB|once)"):
                RemoteRecognizer(f"{server.url}/v1#whisper").words(SILENCE)
    with ModelServer(refusal=(400, twice[0]), headers=twice[1]) as server:
        with pytest.raises(EngineError, match=r"rejected the request \(400\)"):
            reply(f"{server.url}/v1#llama")
        with pytest.raises(EngineError, match=r"rejected the request \(400\)"):
            RemoteRecognizer(f"{server.url}/v1#whisper").words(SILENCE)


def test_a_list_of_models_is_bounded() -> None:
    for body, headers in (
        (b" " * 6_000_000, {}),
        (
            gzip.compress(b'{"data": [' + b"{}, " * 2_000_000 + b"{}]}"),
            {"content_encoding": "gzip"},
        ),
    ):
        with (
            ModelServer(listing=body, headers=headers) as server,
            pytest.raises(InvalidResponse, match="more than 5 MB"),
        ):
            reply(server.url)


def test_a_server_that_is_not_there_is_one_line() -> None:
    line = r"no connection to the language model at http://127.0.0.1:9/v1 \(.*refused\); start"
    with pytest.raises(EngineError, match=line):
        reply("http://127.0.0.1:9")
    with ModelServer(models=()) as server, pytest.raises(EngineError, match="lists no model"):
        reply(server.url)


def test_a_server_that_breaks_off_is_noticed() -> None:
    with ModelServer({"content": "Th"}, finish=None) as server, pytest.raises(InvalidResponse):
        reply(server.url)
    event = b'data: {"error": {"message": "out of memory"}}\n\n'
    with (
        ModelServer(refusal=(200, event)) as server,
        pytest.raises(InvalidResponse, match="out of memory"),
    ):
        reply(server.url)


def test_closing_the_answer_ends_the_request() -> None:
    with ModelServer({"content": "and so on "}, endless=True) as server:
        deltas = RemoteLanguageModel(f"{server.url}/v1#llama").reply(request())
        assert next(deltas) == TextDelta()  # it may be a thought
        assert not server.hung_up.is_set()
        deltas.close()
        assert server.hung_up.wait(20)


def test_a_server_recognises_speech() -> None:
    with ModelServer(heard="Bonjour.") as server:
        assert RemoteRecognizer(f"{server.url}/v1#whisper").words(SILENCE) == "Bonjour."
    path, _, form = server.asked[0]
    assert path == "/v1/audio/transcriptions" and b"RIFF" in form and b"whisper" in form
    with (
        ModelServer(refusal=(200, {"words": []})) as server,
        pytest.raises(InvalidResponse, match="returned no text"),
    ):
        RemoteRecognizer(f"{server.url}/v1#whisper").words(SILENCE)


@pytest.mark.parametrize(
    ("refusal", "line"),
    [
        ((400, {"detail": "Too loud"}), r"rejected the request \(400\): Too loud"),
        ((422, {"detail": [{"loc": ["body", "file"], "msg": "Too loud"}]}), "422.: file: Too loud"),
        ((200, {"error": "Too loud"}), "broke off with an error: Too loud"),
        ((200, {"object": "error", "message": "Too loud", "code": 400}), "400.: Too loud"),
    ],
)
@pytest.mark.parametrize("part", ["llm", "stt"])
def test_the_words_of_a_server_are_shown(part: str, refusal: Any, line: str) -> None:
    with (
        ModelServer(refusal=refusal) as server,
        pytest.raises((EngineError, InvalidResponse), match=line),
    ):
        if part == "llm":
            reply(f"{server.url}/v1#llama3.2")
        else:
            RemoteRecognizer(f"{server.url}/v1#whisper").words(SILENCE)


def test_the_nearest_model_of_a_server_is_named() -> None:
    for status, said in ((404, {"error": "no such model"}), (400, {"message": "Invalid model"})):
        with (
            ModelServer(refusal=(status, said)) as server,
            pytest.raises(EngineError, match=r"Did you mean #llama3\.2\?$"),
        ):
            reply(f"{server.url}/v1#lama3.2")
    with (
        ModelServer(refusal=(400, {"error": "Too loud"})) as server,
        pytest.raises(EngineError, match=r"rejected the request \(400\): Too loud$"),
    ):
        reply(f"{server.url}/v1#llama3.2:latest")  # a name of it that is not listed
