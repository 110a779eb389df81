"""Other servers: each twin through the real client to a reply; how a server is chosen."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from audiomagic import Session, Sound
from audiomagic.errors import InvalidResponse, OptionError, RequestRejected
from audiomagic.protocol.response import ResponseAccumulator
from audiomagic.protocol.usage import Usage
from audiomagic.transports.endpoint import SERVICE, Endpoint
from audiomagic.transports.resolve import resolve

from ..support import other_servers
from ..support.fake_server import KEY, FarEnd, chunk
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
def test_each_shape_becomes_a_reply(far_end: FarEnd, tone: Sound, twin: other_servers.Twin) -> None:
    twin(far_end, "Hello there, Ada.", tone.pcm16())
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
    assert reply.sound.samples[middle] == pytest.approx(tone.samples[middle], abs=near + 1e-4)


@pytest.mark.parametrize(
    ("version", "path", "header"),
    [
        ("2025-01-01-preview", "/openai/deployments/my-audio/chat/completions", "api-key"),
        ("", "/openai/v1/chat/completions", "authorization"),
    ],
)
def test_azure_by_its_variables(
    far_end: FarEnd,
    tone: Sound,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    path: str,
    header: str,
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", far_end.url.removesuffix("v1"))
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key-0123456789")
    monkeypatch.setenv("OPENAI_API_VERSION", version)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)  # is for another server, and goes nowhere
    other_servers.azure(far_end, "Hello there.", tone.pcm16())
    session = Session(model="my-audio")
    assert session.transport().provider.why == "AZURE_OPENAI_ENDPOINT is set"
    reply = session.speak("Greet Ada.")
    assert (reply.text, reply.seconds, reply.usage) == ("Hello there.", 1.0, COUNTED)
    assert far_end.paths[0].partition("?") == (
        (path, "?", f"api-version={version}") if version else (path, "", "")
    )
    assert far_end.headers[0][header].removeprefix("Bearer ") == "azure-key-0123456789"
    assert KEY not in str(far_end.headers)
    with pytest.raises(RequestRejected, match=r"no deployment 'gpt-audio-1\.5' at 127\..* --model"):
        session.speak("Hi", model="gpt-audio-1.5")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "of another")
    with pytest.raises(RequestRejected, match="rejected the API key; set AZURE_OPENAI_API_KEY to"):
        session.speak("Hi")


AZURE = {"AZURE_OPENAI_ENDPOINT": "https://us.openai.azure.com/", "AZURE_OPENAI_API_KEY": "azure"}
BOTH = AZURE | {"OPENAI_API_KEY": "ours"}


@pytest.mark.parametrize(
    ("variables", "asked", "base_url", "key", "why"),
    [
        (BOTH, {}, "https://us.openai.azure.com/openai/v1", "azure", "AZURE_OPENAI_ENDPOINT is"),
        (BOTH, {"key": "given"}, SERVICE, "given", "a key was given"),
        (BOTH | {"OPENAI_BASE_URL": "http://a/v1"}, {}, "http://a/v1", "ours", "OPENAI_BASE_URL"),
        (BOTH, {"base_url": "http://b/v1"}, "http://b/v1", "ours", "named by --base-url"),
        (BOTH, {"base_url": "https://us.openai.azure.com/openai/v1/"},
         "https://us.openai.azure.com/openai/v1/", "azure", "named by --base-url"),
        (AZURE | {"AZURE_OPENAI_API_KEY": " ", "OPENAI_API_KEY": "ours"}, {}, SERVICE, "ours",
         "a key is set"),
        ({"OPENAI_BASE_URL": "http://a/v1"}, {"base_url": "http://b/v1", "key": "given"},
         "http://b/v1", "given", "named by --base-url"),
        ({"OPENAI_BASE_URL": " "}, {"key": "given"}, SERVICE, "given", "a key was given"),
    ],
)  # fmt: skip
def test_who_comes_first(
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    asked: dict[str, str],
    base_url: str,
    key: str | None,
    why: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    endpoint = Endpoint.find(**asked)
    assert endpoint and (endpoint.base_url, endpoint.key) == (base_url, key)
    assert why in endpoint.why


def test_the_engine_comes_first_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BOTH.items():
        monkeypatch.setenv(name, value)
    assert resolve("local").provider.why == "asked for"
    assert resolve(llm="a/b").provider.name == "local"
    assert resolve(llm="a/b", base_url="http://b/v1").provider.host == "b"


def test_an_endpoint_that_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "my-resource")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure")
    with pytest.raises(OptionError, match="AZURE_OPENAI_ENDPOINT must be a URL like https://NAME"):
        resolve()


@pytest.mark.parametrize(
    "address",
    ["localhost", "ftp://a/v1", "http://", "http://a:0/v1", "http://a:x/v1", "http://a b/v1",
     "http://[::1/v1", "http://ü..x/v1", f"http://{'a' * 300}/v1", "http://a\n/v1"],
)  # fmt: skip
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(OptionError, match="--base-url must be a URL like http://host:port/v1"):
        resolve(base_url=address)


@pytest.mark.usefixtures("key")
def test_an_error_behind_a_gateway_is_worded_as_usual(far_end: FarEnd) -> None:
    far_end.checks = other_servers.lenient
    for code, inner, line in (
        (400, {"code": "invalid_value", "param": "audio.voice"}, "did you mean 'coral'"),
        (429, {"code": "insufficient_quota"}, "no credit left"),
        (400, {"code": "odd"}, r"rejected the request \(400: As it was said\)"),
    ):
        far_end.then(lambda handler, _, c=code, i=inner: wrapped(handler, c, "As it was said", **i))
        with pytest.raises(RequestRejected, match=line) as caught:
            Session().speak("Hi", voice="corl")
        assert caught.value.code == inner["code"]


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
def test_lines_end_as_they_may(far_end: FarEnd, ending: str) -> None:
    texts: list[Any] = [json.dumps(chunk({"content": word})) for word in ("One ", "two.")]
    head = f"\n\nevent: message{ending[: len(ending) // 2 or 1]}"
    far_end.send_chunks([head + f"data: {text}{ending}" + "\n" for text in texts])
    assert Session().speak("Count").text == "One two."
