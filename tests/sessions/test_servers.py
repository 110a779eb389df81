"""Other servers: each twin through the real client to a reply; how a server is chosen."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from audiomagic import Session, Sound
from audiomagic.errors import InvalidResponse, RequestRejected
from audiomagic.protocol.response import ResponseAccumulator
from audiomagic.protocol.usage import Usage
from audiomagic.transports import retry

from ..support import other_servers
from ..support.fake_server import KEY, FakeServer, chunk
from ..support.listener import Listener
from ..support.other_servers import b64, wav, wrapped

COUNTED, TOTALS = Usage(11, 26, 0, 20), Usage(11, 26)
TWINS = {
    other_servers.openrouter: replace(COUNTED, server_cost=Decimal("0.001")),
    other_servers.vllm_omni: TOTALS,
    other_servers.vllm_omni_whole: TOTALS,
    other_servers.dashscope: COUNTED,
    other_servers.litellm: COUNTED,
    other_servers.unstreamed: COUNTED,
    other_servers.doubled: COUNTED,
}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_each_shape_becomes_a_reply(
    fake_server: FakeServer, tone: Sound, twin: other_servers.Twin
) -> None:
    twin(fake_server, "Hello there, Ada.", tone.pcm16())
    heard = Listener()
    reply = Session().bound(listener=heard).speak("Greet Ada.")
    assert (reply.text, reply.finish_reason, reply.notes) == ("Hello there, Ada.", "stop", ())
    assert reply.usage == TWINS[twin]
    assert "".join(piece.text for piece in heard.pieces).strip() == reply.text
    assert reply.sound is not None
    pcm = b"".join(piece.pcm for piece in heard.pieces)
    assert np.array_equal(Sound.from_pcm16(pcm).samples, reply.sound.samples)
    assert reply.sound.rate == 24_000
    assert reply.seconds == pytest.approx(1.0, abs=0.001)
    near = 0.02 if twin is other_servers.vllm_omni else 0.0  # resampled to 44.1 kHz and back
    middle = slice(1_000, 23_000)
    np.testing.assert_allclose(
        reply.sound.samples[middle], tone.samples[middle], rtol=1e-6, atol=near + 1e-4
    )


@pytest.mark.parametrize(
    ("version", "path", "header"),
    [
        ("2025-01-01-preview", "/openai/deployments/my-audio/chat/completions", "api-key"),
        ("", "/openai/v1/chat/completions", "authorization"),
    ],
)
def test_azure_by_its_variables(
    fake_server: FakeServer,
    tone: Sound,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    path: str,
    header: str,
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", fake_server.url.removesuffix("v1"))
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key-0123456789")
    monkeypatch.setenv("OPENAI_API_VERSION", version)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)  # is for another server, and goes nowhere
    other_servers.azure(fake_server, "Hello there.", tone.pcm16())
    session = Session(model="my-audio")
    assert session.transport().provider.why == "AZURE_OPENAI_ENDPOINT is set"
    reply = session.speak("Greet Ada.")
    assert (reply.text, reply.seconds, reply.usage) == ("Hello there.", 1.0, COUNTED)
    assert fake_server.paths[0].partition("?") == (
        (path, "?", f"api-version={version}") if version else (path, "", "")
    )
    assert fake_server.headers[0][header].removeprefix("Bearer ") == "azure-key-0123456789"
    assert KEY not in str(fake_server.headers)
    with pytest.raises(RequestRejected, match=r"no deployment 'gpt-audio-1\.5' at 127\..* --model"):
        session.speak("Hi", model="gpt-audio-1.5")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "of another")
    with pytest.raises(RequestRejected, match=r"Access denied .* the key in AZURE_OPENAI_API_KEY,"):
        session.speak("Hi")


@pytest.mark.usefixtures("key")
def test_an_error_behind_a_gateway_is_worded_as_usual(fake_server: FakeServer) -> None:
    fake_server.checks = other_servers.lenient
    for code, inner, line in (
        (400, {"code": "invalid_value", "param": "audio.voice"}, "did you mean 'coral'"),
        (429, {"code": "insufficient_quota"}, "no credit left"),
        (400, {"code": "odd"}, r"rejected the request \(400: As it was said\)"),
    ):
        fake_server.then(
            lambda handler, _, c=code, i=inner: wrapped(handler, c, "As it was said", **i)
        )
        with pytest.raises(RequestRejected, match=line) as caught:
            Session().speak("Hi", voice="corl")
        assert caught.value.code == inner["code"]


REFUSED = r"^127\.0\.0\.1:\d+ rejected the request \(400: Too many knobs\); correct it, and run"
XML = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>Knobs</Code><Message>Too many &lt;knobs&gt;</Message><Id>1</Id></Error>"""
BROKEN = (
    r"^127\.0\.0\.1:\d+ (broke off with an error: Too many knobs; run it again|rejected .*knobs)"
)
FAULT = {"type": "value_error", "loc": ["body", "audio"], "msg": "Too many knobs", "input": {}}
WORDED: dict[str, Any] = {
    "vLLM": {"object": "error", "message": "Too many knobs", "type": "BadRequestError"},
    "FastAPI": {"detail": "Too many knobs"},
    "a text": {"error": "Too many knobs"},
    "Gemini": [{"error": {"code": 400, "message": "Too many knobs"}}],
    "Cloudflare": {"success": False, "errors": [{"code": 5, "message": "Too many knobs"}]},
    "Nest": {"statusCode": 400, "message": ["Too many knobs"], "error": "Bad Request"},
    "Flask": {"error": True, "message": "Too many knobs"},
    "null": {"error": None, "message": "Too many knobs"},
    "MiniMax": {"base_resp": {"status_code": 1004, "status_msg": "Too many knobs"}},
    "MiniMax, in an answer": {
        "object": "chat.completion",
        "choices": None,
        "usage": {},
        "base_resp": {"status_code": 1008, "status_msg": "Too many knobs"},
    },
    "no choices": {"id": "", "object": "", "choices": None, "message": "Too many knobs"},
    "Apigee": {"fault": {"faultstring": "Too many knobs", "detail": {"errorcode": "x.Knobs"}}},
    "AWS": {"errorMessage": "Too many knobs", "errorType": "Knobs"},
    "Spring": {"timestamp": "2026", "status": 400, "statusMessage": "Too many knobs"},
    "DashScope": {"code": "InvalidParameter", "message": "Too many knobs", "request_id": "1"},
}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("name", WORDED)
def test_the_servers_own_words_are_shown_whatever_their_shape(
    fake_server: FakeServer, name: str
) -> None:
    body = json.dumps(WORDED[name])
    fake_server.then(lambda handler, _: handler.send(400, body.encode()))
    with pytest.raises(RequestRejected, match=REFUSED):
        Session().speak("Hi")
    fake_server.then(lambda handler, _: handler.send(200, body.encode()))
    with pytest.raises(RequestRejected, match=BROKEN):
        Session().speak("Hi")
    fake_server.send_chunks([f"data: {body}\n\n"])
    with pytest.raises(RequestRejected, match=BROKEN):
        Session().speak("Hi")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (400, XML, "rejected the request (400: Too many <knobs>); correct it"),
        (403, XML, "does not allow this (403: Too many <knobs>);"),
        (400, "<e:Fault xmlns:e='x'><faultcode>1</faultcode><faultstring xml:lang='en'> Knobs "
         "</faultstring></e:Fault>", "rejected the request (400: Knobs); correct it"),
        (401, {"error": {"message": "key not allowed to access model", "code": "401"}},
         "does not allow this (401: key not allowed to access model); check the key in OPENAI_"),
        (401, "Your subscription ended", "does not allow this (401: Your subscription ended);"),
        (401, "<html>Log in</html>", "rejected the API key; set OPENAI_API_KEY to a valid one"),
        (413, {"error": {"message": "Maximum content size limit (26214400) exceeded"}},
         "(413: Maximum content size limit (26214400) exceeded); shorten the text or the sound"),
        (502, "<html>Bad gateway</html>", "had an internal error (502); run it again"),
        (505, {"error": "HTTP/1.1"}, "cannot do this (505: HTTP/1.1); use another"),
        (507, {"error": "Disk full"}, "cannot do this (507: Disk full); use another"),
        (508, "", "cannot do this (508); use another"),
        (422, {"detail": [FAULT]}, "rejected the request (422: audio: Too many knobs); correct"),
        (400, "messages are required", "rejected the request (400: messages are required); "),
        (404, "404 page not found", "has nothing at this address (404: 404 page not found); check"),
        (404, {"error": "Not here"}, "has nothing at this address (404: Not here); check"),
        (403, {"detail": "Not in your country"}, "does not allow this (403: Not in your country);"),
        (408, {"error": "Slow"}, "rejected the request (408: Slow); run it again"),
        (402, {"error": "Pay first"}, "no credit left"),
        (413, "<html>413 Request Entity Too Large</html>", "shorten the text or the sound"),
        (501, {"error": "No sound here"}, "cannot do this (501: No sound here); use another"),
        (400, {"error": {}}, 'rejected the request (400: {"error": {}}); correct it'),
        (400, "", "does not serve Chat Completions at this address (400)"),
        (400, "\ufeff" + json.dumps({"error": "Knobs"}), "rejected the request (400: Knobs);"),
        (400, {"error": "Knobs " * 500}, "rejected the request (400: Knobs Knobs"),
        (400, "<html>Bad</html>", "does not serve Chat Completions at this address (400)"),
        (499, "", "rejected the request (499); run it again"),
        (425, "<html>Early</html>", "rejected the request (425); run it again"),
        (200, {"error": {"code": 429, "message": "Slow down"}}, "is limiting the rate"),
        (200, {"error": {"code": 402, "message": "Pay first"}}, "no credit left"),
        (200, {"error": {"type": "invalid_request_error", "message": "Knobs"}},
         "rejected the request (400: Knobs); correct it"),
        (200, {"error": {"code": 501, "message": "No"}}, "cannot do this (501: No); use another"),
        (200, {"error": {"code": 502, "message": "Gone"}}, "broke off with an error: Gone; run it"),
        (200, {"choices": [{"error": {"code": 400, "message": "Knobs"}}]},
         "rejected the request (400: Knobs); correct it"),
        (400, {"error": {"message": "This model's maximum context length is 4096 tokens."}},
         "maximum context length is 4096 tokens; shorten the text, or begin another chat"),
    ],
)  # fmt: skip
def test_what_to_do_follows_from_what_happened(
    fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch, status: int, body: Any, line: str
) -> None:
    monkeypatch.setattr(retry, "PAUSES", (0.005,) * 3)
    sent = body if isinstance(body, str) else json.dumps(body)
    for _ in range(4):
        fake_server.then(lambda handler, _: handler.send(status, sent.encode()))
    with pytest.raises(RequestRejected) as caught:
        Session().speak("Hi")
    assert line in str(caught.value)


PARTS = [
    [{"type": "text", "text": "Hello "}, {"type": "text", "text": "Ada."}],
    ["Hello ", "Ada."],
    [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},  # Mistral
     {"type": "text", "text": "Hello Ada."}],
    [{"type": "reasoning", "text": "Hm."}, {"type": "output_text", "text": "Hello Ada."}],
    {"type": "text", "text": "Hello Ada."},
    [{"type": "refusal", "refusal": "Hello Ada."}, {"type": "image_url"}, None, 7],
]  # fmt: skip


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("content", PARTS)
def test_content_in_parts_is_read(fake_server: FakeServer, content: Any) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}}
    other_servers.answer_whole(fake_server, [choice | {"finish_reason": "stop"}], None)
    assert Session().speak("Greet Ada.").text == "Hello Ada."
    fake_server.send_chunks([chunk({"content": content}), chunk({}, finish_reason="eos")])
    reply = Session().speak("Greet Ada.")
    assert (reply.text, reply.finish_reason) == ("Hello Ada.", "stop")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "said",
    [
        ["<think>Who? ", "Ada.</th", "ink>\n\nHello ", "Ada."],
        ["<|channel|>analysis<|message|>Who?<|end|><|start|>assistant<|channel|>", "final<|mess",
         "age|>Hello ", "Ada.<|return|>"],
        ["Hello ", "Ada.<|im_end|>"],
    ],
)  # fmt: skip
def test_thoughts_and_special_tokens_are_not_shown(
    fake_server: FakeServer, tone: Sound, said: list[str]
) -> None:
    for delta in ({"content": word} for word in said), ({"audio": {"transcript": w}} for w in said):
        end = chunk({"audio": {"data": b64(tone.pcm16()), "expires_at": 1776297282}})
        fake_server.send_chunks([*map(chunk, delta), end])
        heard = Listener()
        reply = Session().bound(listener=heard).speak("Greet Ada.")
        assert (reply.text, reply.finish_reason, reply.seconds) == ("Hello Ada.", "stop", 1.0)
        assert "".join(piece.text for piece in heard.pieces).strip() == reply.text
    doubled = [chunk({"content": word, "audio": {"transcript": word}}) for word in said]
    fake_server.send_chunks([*doubled, end])
    assert Session().speak("Greet Ada.").text == "Hello Ada."


@pytest.mark.usefixtures("key")
def test_an_answer_that_begins_without_a_tag_is_shown_as_it_comes(fake_server: FakeServer) -> None:
    words = ["Write ", "`<think>` ", "or ", "<b>", "2 < 3,", "</b> ", '"</think>".\n']
    heard = Listener()
    ends = chunk({}, finish_reason="stop")
    fake_server.send_chunks([*(chunk({"content": word}) for word in words), ends])
    reply = Session().bound(listener=heard).speak("How does one think?")
    assert reply.text == "".join(words).strip()
    assert [piece.text for piece in heard.pieces if piece.text] == words


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("reasons", "finish"),
    [
        (["STOP"], "stop"),
        (["end_turn"], "stop"),
        (["whatever"], "stop"),
        (["MAX_TOKENS"], "length"),
        (["model_length"], "length"),
        (["length", "stop"], "length"),  # of the text, then of the sound
        (["SAFETY"], "content_filter"),
        (["error"], None),
        (["abort"], None),
    ],
)
def test_an_end_of_any_name_is_understood(
    fake_server: FakeServer, reasons: list[str], finish: str | None
) -> None:
    ends = [chunk({}, finish_reason=reason) for reason in reasons]
    fake_server.send_chunks([chunk({"content": "Hello Ada."}), *ends])
    reply = Session().speak("Greet Ada.")
    assert reply.finish_reason == finish
    assert any(note.startswith("Cut off") for note in reply.notes) is (finish != "stop")


# -- the fold ---------------------------------------------------------------------------------
def folded(*pieces: bytes) -> ResponseAccumulator:
    fold = ResponseAccumulator()
    for piece in pieces:
        fold.add(chunk({"audio": {"data": b64(piece)}}))
    return fold


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0, 0x7FFFFFFF, None])
@pytest.mark.parametrize("cuts", [(), (13,), (20, 45), (44, 999), (100, 101, 102)])
def test_a_wav_may_be_cut_anywhere(tone: Sound, size: int | None, cuts: tuple[int, ...]) -> None:
    file = wav(tone.pcm16(), size=size)
    ends = [0, *cuts, len(file)]
    fold = folded(*(file[a:b] for a, b in pairwise(ends)))
    assert fold.completion().pcm == tone.pcm16()


def test_what_follows_the_samples_is_no_sound(tone: Sound) -> None:
    file = wav(tone.pcm16(), size=None) + b"LIST\x04\0\0\0INFO"
    assert folded(file, file).completion().pcm == tone.pcm16() * 2


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (16_000, 1), (44_100, 1)])
def test_any_rate_comes_out_at_24_khz(tone: Sound, rate: int, channels: int) -> None:
    samples = np.repeat(np.frombuffer(tone.pcm16(rate), "<i2"), channels).tobytes()
    file = wav(samples, rate, None, channels)
    fold = folded(*(file[i : i + 5_001] for i in range(0, len(file), 5_001)))
    assert fold.completion() == fold.completion()  # asking for it does not change it
    sound = Sound.from_pcm16(fold.completion().pcm)
    assert sound.seconds == pytest.approx(1.0, abs=0.001)
    assert sound.samples[2_000:22_000] == pytest.approx(tone.samples[2_000:22_000], abs=0.02)


@pytest.mark.parametrize(
    "file",
    [
        wav(b"ab" * 40, rate=1_000),
        wav(b"ab" * 40, channels=0),
        wav(b"ab" * 40).replace(b"\x10\0data", b"\x08\0data"),
        b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 2_000,
    ],
)
def test_a_wav_of_no_use_is_said_so(file: bytes) -> None:
    with pytest.raises(InvalidResponse, match="WAV"):
        folded(file)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ([("Hi ", "Hi "), ("Ada.", "Ada.")], "Hi Ada."),
        ([("Hi Ada.", ""), ("", "Hi "), ("", "Ada.")], "Hi Ada."),
        ([("", "Hi "), ("", "Ada."), ("Hi Ada.\n", "")], "Hi Ada."),
        ([("Hi", "Hi Ada.")], "Hi Ada."),
        ([("\n", ""), ("", "Hi "), ("", "Ada.")], "Hi Ada."),
        ([("See below. ", ""), ("", "Hi.")], "See below. Hi."),
    ],
)
def test_words_are_not_doubled(said: list[tuple[str, str]], text: str) -> None:
    fold = ResponseAccumulator()
    for written, transcript in said:
        fold.add(chunk({"content": written, "audio": {"transcript": transcript}}))
    assert fold.completion().text == text


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("ending", ["\n\n", "\r\n\r\n", "\n"])
def test_lines_end_as_they_may(fake_server: FakeServer, ending: str) -> None:
    texts: list[Any] = [json.dumps(chunk({"content": word})) for word in ("One ", "two.")]
    head = f"\n\nevent: message{ending[: len(ending) // 2 or 1]}"
    fake_server.send_chunks([head + f"data: {text}{ending}" + "\n" for text in texts])
    assert Session().speak("Count").text == "One two."
