"""Servers with the service's surface and shapes of their own, as twins of the scripted server.

A twin is a function: it teaches a server to answer the next request as that server does, and to
object to what that server refuses. The shapes are those that their sources, documentation and
recorded answers show (2025-2026).
"""

import base64
import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

from audiomagic import Sound

from .fake_server import FakeServer, Handler, chunk, spoken, usage

Twin = Callable[[FakeServer, str, bytes], None]
COUNTED = usage(11, 0, 6, 20)
TOTALS = {"prompt_tokens": 11, "completion_tokens": 26, "total_tokens": 37}  # of no kinds


def wav(pcm: bytes, rate: int = 24_000, size: int | None = 0xFFFFFFFF, channels: int = 1) -> bytes:
    """A WAV file as servers write it: its sizes unknown, unless None asks for the true one."""
    size = len(pcm) if size is None else size
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    riff = (
        b"RIFF"
        + struct.pack("<I", min(size + 36, 0xFFFFFFFF))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
    )
    return riff + form + b"data" + struct.pack("<I", size) + pcm


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def words(text: str) -> list[str]:
    return [word + " " for word in text.split(" ")]


def lenient(handler: Handler, body: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Servers of one's own object to nothing."""
    yield from ()


# -- Azure ------------------------------------------------------------------------------------
def azure(fake_server: FakeServer, text: str, pcm: bytes) -> None:
    """Azure OpenAI: a key of its own header or a bearer; chunks of the asynchronous filter."""
    fake_server.checks = azure_checks
    filtered = {"id": "", "object": "", "created": 0, "model": "", "system_fingerprint": None}
    verdict = {"index": 0, "content_filter_offsets": {"check_offset": 44, "end_offset": 198},
               "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}},
               "finish_reason": None}  # fmt: skip
    first = filtered | {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    chunks = spoken(words(text), pcm, COUNTED)
    fake_server.send_chunks(
        [first, *chunks[:6], filtered | {"choices": [verdict], "usage": None}, *chunks[6:]]
    )


def azure_checks(handler: Handler, body: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    deployments = "/openai/deployments/" in handler.path
    given = handler.headers.get("api-key" if deployments else "authorization", "")
    if not given.removeprefix("Bearer ").startswith("azure-key-"):
        yield (401, "Access denied due to invalid subscription key.", None, "401")
    if "my-audio" not in (handler.path if deployments else body["model"]):
        yield (404, "The API deployment for this resource does not exist.", None,
               "DeploymentNotFound")  # fmt: skip


# -- OpenRouter -------------------------------------------------------------------------------
def openrouter(fake_server: FakeServer, text: str, pcm: bytes) -> None:
    """OpenRouter: comments, content "", data and expiry together, the price in the usage."""
    fake_server.checks = openrouter_checks
    comment = ": OPENROUTER PROCESSING\n\n"
    pieces = [pcm[i : i + 19_200] for i in range(0, len(pcm), 19_200)]
    said = [chunk({"content": "", "audio": {"transcript": word}}) for word in words(text)]
    sound = [
        chunk({"content": "", "audio": {"data": b64(piece), "expires_at": 1776297282}})
        for piece in pieces
    ]
    end = chunk({"role": "assistant", "content": ""}, finish_reason="stop")
    fake_server.send_chunks(
        [comment, comment, *said, comment, *sound, end | {"usage": COUNTED | {"cost": 0.0010}}]
    )


def openrouter_checks(handler: Handler, body: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    if not body.get("stream"):
        yield (400, "Audio output requires stream: true")


def wrapped(handler: Handler, status: int, message: str, **inner: Any) -> None:
    """A provider's error as OpenRouter passes it on."""
    raw = {"error": {"message": message, "type": "invalid_request_error"} | inner}
    metadata = {"raw": json.dumps(raw), "provider_name": "OpenAI"}
    error = {"message": "Provider returned error", "code": status, "metadata": metadata}
    handler.send(status, json.dumps({"error": error, "user_id": "user_1"}).encode())


# -- vLLM-Omni --------------------------------------------------------------------------------
def vllm_omni(fake_server: FakeServer, text: str, pcm: bytes, rate: int = 44_100) -> None:
    """vLLM-Omni, streaming: sound as base64 in the content, in WAV files of its own rate."""
    fake_server.checks = lenient
    resampled = Sound.from_pcm16(pcm).pcm16(rate)
    half = len(resampled) // 4 * 2
    files = [wav(resampled[:half], rate, None), wav(resampled[half:], rate, None)]
    said = [chunk({"content": word}) | {"modality": "text"} for word in words(text)]
    ended = chunk({"content": ""}, finish_reason="stop") | {"modality": "text"}
    sound = [chunk({"content": b64(file)}) | {"modality": "audio"} for file in files]
    sound[-1]["choices"][0]["finish_reason"] = "stop"
    counted = chunk() | {"choices": [], "usage": TOTALS}
    fake_server.send_chunks([chunk({"role": "assistant"}), *said, ended, *sound, counted])


def vllm_omni_whole(fake_server: FakeServer, text: str, pcm: bytes) -> None:
    """vLLM-Omni, which ignores that a stream was asked for: two choices of the same index."""
    fake_server.checks = lenient
    audio = {"id": "audio-0123456789abcdef", "data": b64(wav(pcm, size=None)),
             "expires_at": 1776383682, "transcript": ""}  # fmt: skip
    messages = [{"role": "assistant", "content": text}, {"role": "assistant", "audio": audio}]
    choices = [{"index": 0, "message": m, "finish_reason": "stop"} for m in messages]
    answer_whole(fake_server, choices, TOTALS)


def answer_whole(fake_server: FakeServer, choices: list[Any], counted: Any) -> None:
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1776293682,
            "model": "home-made", "choices": choices, "usage": counted}  # fmt: skip
    fake_server.then(lambda handler, _: handler.send(200, json.dumps(body, indent=1).encode()))


# -- others -----------------------------------------------------------------------------------
def dashscope(fake_server: FakeServer, text: str, pcm: bytes) -> None:
    """Qwen-Omni at DashScope: words in the content, sound without a header called "wav"."""
    fake_server.checks = lenient
    said = [chunk({"content": word}, finish_reason=None) for word in words(text)]
    pieces = [pcm[i : i + 7_680] for i in range(0, len(pcm), 7_680)]
    head = {"id": "audio_2a7e", "expires_at": 1776297282}
    sound = [chunk({"audio": head | {"data": b64(piece)}}) for piece in pieces]
    counted = chunk() | {"choices": [], "usage": COUNTED}
    fake_server.send_chunks([*said, *sound, chunk({"content": ""}, finish_reason="stop"), counted])


def litellm(fake_server: FakeServer, text: str, pcm: bytes) -> None:
    """A LiteLLM proxy: the service's stream passed on, keys without a value left out."""
    fake_server.checks = lenient
    kept = [
        {key: value for key, value in item.items() if value is not None}
        for item in spoken(words(text), pcm, COUNTED)
    ]
    fake_server.send_chunks(kept)


def unstreamed(fake_server: FakeServer, text: str, pcm: bytes) -> None:
    """Whoever ignores `stream` and answers as the service does without it; the words twice."""
    fake_server.checks = lenient
    audio = {"id": "audio_1", "data": b64(wav(pcm)), "expires_at": 1776297282, "transcript": text}
    message = {"role": "assistant", "content": text, "refusal": None, "audio": audio}
    answer_whole(fake_server, [{"index": 0, "message": message, "finish_reason": "stop"}], COUNTED)


def doubled(fake_server: FakeServer, text: str, pcm: bytes) -> None:
    """Whoever streams the words twice, written and as the transcript."""
    fake_server.checks = lenient
    said = [chunk({"content": word, "audio": {"transcript": word}}) for word in words(text)]
    sound = chunk({"audio": {"data": b64(pcm), "expires_at": 1776297282}})
    fake_server.send_chunks([*said, sound, chunk() | {"choices": [], "usage": COUNTED}])
