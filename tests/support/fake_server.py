"""A fake server, scripted: a Chat Completions server on the loopback that follows the contract.

It checks what the service checks, in the service's words, and streams as a recorded stream of
2026-04-15 did: chunks without `choices`, the audio's id twice, no finish reason, usage before the
last chunk. A test may script other answers, faults included.

    with FakeServer() as fake_server:
        fake_server.say("Hello.", pcm)
        Session(base_url=fake_server.url, api_key=KEY).speak("Hi")
        fake_server.requests[0]["messages"]
"""

import base64
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-proj-NeverShowThisKeyToAnybody-1234wxyz"
REQUEST_ID = "req_0123456789abcdef0123456789abcdef"
VOICES = (
    "alloy",
    "echo",
    "fable",
    "onyx",
    "nova",
    "shimmer",
    "coral",
    "verse",
    "ballad",
    "ash",
    "sage",
    "marin",
    "cedar",
)
MODELS = ("gpt-audio-1.5", "gpt-audio", "gpt-audio-mini")
Script = Callable[["Handler", dict[str, Any]], None]


def usage(text_in: int = 11, audio_in: int = 0, text_out: int = 6, audio_out: int = 10) -> Any:
    """A usage object, every detail present."""
    return {
        "prompt_tokens": text_in + audio_in,
        "completion_tokens": text_out + audio_out,
        "total_tokens": text_in + audio_in + text_out + audio_out,
        "prompt_tokens_details": {
            "cached_tokens": 0,
            "audio_tokens": audio_in,
            "text_tokens": text_in,
            "image_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": audio_out,
            "text_tokens": text_out,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def chunk(delta: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A chunk with one choice, or, without a delta, one that has no `choices` at all."""
    envelope = {
        "id": "chatcmpl-DV2xZ",
        "object": "chat.completion.chunk",
        "created": 1776293682,
        "model": "gpt-audio-1.5",
        "service_tier": "default",
        "usage": None,
        "system_fingerprint": "fp_a1c804aea4",
        "obfuscation": "x9",
    }
    choices = {} if delta is None else {"choices": [{"index": 0, "delta": delta} | more]}
    return envelope | choices


def spoken(words: Iterable[str], pcm: bytes, counted: Any = None, piece: int = 9601) -> list[Any]:
    """The chunks of a spoken answer, as recorded; an odd `piece` splits samples in two."""
    audio_id = "audio_69e01732c7f08191afe5d97a54081075"
    first, *rest = list(words) or [""]
    data = [pcm[i : i + piece] for i in range(0, len(pcm), piece)]
    encoded = [base64.b64encode(part).decode() for part in data]
    chunks = [
        chunk({"role": "assistant", "refusal": None}, finish_reason=None),
        chunk({"content": None, "audio": {"id": audio_id, "transcript": first}}),
        *(chunk({"audio": {"transcript": word}}) for word in rest),
        *(chunk() for _ in range(7)),
    ]
    for index, part in enumerate(encoded):
        head = {"role": "assistant", "content": None, "refusal": None} if index == 0 else {}
        audio = {"id": audio_id, "data": part} if index == 0 else {"data": part}
        chunks += [chunk(head | {"audio": audio}), chunk()]
    chunks.append(chunk() | {"choices": [], "usage": counted or usage()})
    chunks.append(chunk({"audio": {"expires_at": 1776297282}}))
    return chunks


def written(words: Iterable[str], counted: Any = None) -> list[Any]:
    """The chunks of an answer in text."""
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": word}, finish_reason=None) for word in words),
        chunk({}, finish_reason="stop"),
        chunk() | {"choices": [], "usage": counted or usage(audio_out=0)},
    ]


def wants(*calls: tuple[str, str], counted: Any = None) -> list[Any]:
    """The chunks of an answer that has tools called, as (name, arguments)."""
    wired = [
        {"index": i, "id": f"call_{i}", "type": "function",
         "function": {"name": name, "arguments": arguments}}
        for i, (name, arguments) in enumerate(calls)
    ]  # fmt: skip
    return [
        chunk({"role": "assistant", "content": None, "tool_calls": wired}, finish_reason=None),
        chunk({}, finish_reason="tool_calls"),
        chunk() | {"choices": [], "usage": counted or usage(30, 0, 20, 0)},
    ]


def loading(url: str, *lines: str) -> str:
    """A cell that loads the extension, to send to the server at `url`; `lines` follow.

    The key is in base64: pages made of the notebook show its cells, and must not show the key.
    """
    hidden = base64.b64encode(KEY.encode()).decode()
    key = f"base64.b64decode({hidden!r}).decode()"
    address = f"os.environ.update(OPENAI_API_KEY={key}, OPENAI_BASE_URL={url!r})"
    return "\n".join(("import os, base64", address, "%load_ext audiomagic", *lines))


def _seconds(item: Any) -> float:
    """The length of the sound in a chunk."""
    choices = item.get("choices") or [{}]
    data = (choices[0].get("delta", {}).get("audio") or {}).get("data", "")
    return len(base64.b64decode(data)) / 48_000


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        listing = self.server.fake_server.listing
        if callable(listing):
            listing(self)
            return
        if listing is None or not self.path.partition("?")[0].endswith("/models"):
            self.refuse(404, "Not found")
            return
        self.send(200, json.dumps({"object": "list", "data": listing}).encode())

    def do_POST(self) -> None:
        self.server.fake_server.paths.append(self.path)
        self.server.fake_server.times.append(time.time())
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.fake_server.received(self, body)

    def log_message(self, *_: Any) -> None:
        pass

    def send(
        self, status: int, body: bytes, kind: str = "application/json", **headers: str
    ) -> None:
        """Send a whole answer; `retry_after="1"` is a header."""
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-request-id", REQUEST_ID)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(
        self,
        status: int,
        message: str,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
        **headers: str,
    ) -> None:
        """Send an error of the service's shape."""
        error = {"message": message, "type": kind, "param": param, "code": code}
        self.send(status, json.dumps({"error": error}).encode(), **headers)

    def stream(
        self, chunks: Iterable[Any], done: bool = True, pace: float = 0.0, speed: float = 0.0
    ) -> None:
        """Send chunks as events; a str goes as it is; without `done` the stream is cut.

        `pace` is a pause after each, in seconds; with `speed`, sound is sent that many times as
        fast as it is heard.
        """
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("x-request-id", REQUEST_ID)
        self.send_header("connection", "close")
        self.end_headers()
        try:
            for item in chunks:
                line = item if isinstance(item, str) else f"data: {json.dumps(item)}\n\n"
                self.wfile.write(line.encode())
                self.wfile.flush()
                time.sleep(pace + (_seconds(item) / speed if speed else 0.0))
            if done:
                self.wfile.write(b"data: [DONE]\n\n")
        except (BrokenPipeError, ConnectionResetError):
            self.server.fake_server.hung_up.set()
        self.close_connection = True

    def be_silent(self) -> None:
        """Send nothing until the other side hangs up."""
        self.server.fake_server.silent.set()
        with suppress(ConnectionResetError):
            self.connection.recv(1)
        self.server.fake_server.hung_up.set()
        self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    fake_server: "FakeServer"

    def handle_error(self, *request: Any) -> None:
        """Say nothing of a client that went away; it meant to."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*request)


class FakeServer:
    """The server: `url`, the `requests` it got, and a queue of scripted answers."""

    def __init__(self) -> None:
        self.checks = refusals  # what it objects to; another server does not object to all of it
        # Its models, as it lists them, or who answers for it.
        self.listing: list[dict[str, Any]] | Callable[[Handler], None] | None = None
        self.paths: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []  # when each began to arrive (Unix seconds)
        self.scripts: list[Script] = []
        self.silent = threading.Event()  # it has sent what it will
        self.hung_up = threading.Event()

    def __enter__(self) -> "FakeServer":
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.fake_server = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()

    # -- scripting ----------------------------------------------------------------------------
    def then(self, script: Script) -> None:
        """Answer the next admitted request so."""
        self.scripts.append(script)

    def send_chunks(self, chunks: Iterable[Any], **how: Any) -> None:
        """Answer the next request with these chunks."""
        kept = list(chunks)
        self.then(lambda handler, body: handler.stream(kept, **how))

    def stall(self, chunks: Iterable[Any] | None, **how: Any) -> None:
        """Answer the next request with these chunks and then nothing; None: not even headers."""

        def script(handler: Handler, body: dict[str, Any]) -> None:
            def and_silence() -> Iterator[Any]:
                yield from chunks or ()
                handler.be_silent()

            if chunks is None:
                handler.be_silent()
            else:
                handler.stream(and_silence(), **how)

        self.then(script)

    def say(self, text: str, pcm: bytes, counted: Any = None) -> None:
        """Answer the next request in speech."""
        words = [word + " " for word in text.split(" ")]
        self.send_chunks(spoken(words, pcm, counted))

    # -- answering ----------------------------------------------------------------------------
    def received(self, handler: Handler, body: dict[str, Any]) -> None:
        self.requests.append(body)
        self.headers.append({k.lower(): v for k, v in handler.headers.items()})
        for refusal in self.checks(handler, body):
            handler.refuse(*refusal)
            return
        if not self.scripts:
            handler.refuse(500, "The test scripted no answer.", x_should_retry="false")
            return
        self.scripts.pop(0)(handler, body)


def refusals(handler: Handler, body: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """What the service would object to, in its order and words."""
    if handler.headers.get("authorization") != f"Bearer {KEY}":
        yield (
            401,
            "Incorrect API key provided: sk-proj-****wxyz. You can find your API key at "
            "https://platform.openai.com/account/api-keys.",
            None,
            "invalid_api_key",
        )
    if body["model"] not in MODELS:
        yield (
            404,
            f"The model `{body['model']}` does not exist or you do not have access to it.",
            None,
            "model_not_found",
        )
    contents = [message.get("content") for message in body["messages"]]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    sounds = [part["input_audio"] for part in parts if part["type"] == "input_audio"]
    for sound in sounds:
        magic = base64.b64decode(sound["data"])[:4]
        if magic != b"RIFF" and magic[:3] != b"ID3" and magic[:1] != b"\xff":
            yield (
                400,
                "This model does not support the format you provided.",
                "messages",
                "unsupported_format",
            )
    if "audio" not in body["modalities"] and not sounds:
        yield (
            400,
            "This model requires that either input content or output modality contain audio.",
            "model",
            "invalid_value",
        )
    if "audio" in body["modalities"]:
        voice = body["audio"]["voice"]
        if isinstance(voice, str) and voice not in VOICES:
            known = ", ".join(f"'{name}'" for name in VOICES)
            yield (
                400,
                f"Invalid value: '{voice}'. Supported values are: {known}.",
                "audio.voice",
                "invalid_value",
            )
        if body.get("stream") and body["audio"]["format"] != "pcm16":
            yield (
                400,
                "Unsupported value: 'audio.format' does not support "
                f"'{body['audio']['format']}' when stream=true.",
                "audio.format",
                "unsupported_value",
            )
