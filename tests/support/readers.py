"""What reads what others wrote, each called with bytes; see `tests.benchmarks.fuzz`."""

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from audiomagic.errors import (
    AudiomagicError,
    CassetteError,
    InvalidResponse,
    OptionError,
    SoundError,
)
from audiomagic.notebook.arguments import MagicOptions
from audiomagic.notebook.invocation import Invocation
from audiomagic.protocol import sse
from audiomagic.protocol.response import ResponseAccumulator
from audiomagic.sound import Sound
from audiomagic.transports.cassette import storage
from audiomagic.turn.chats import Chats

from .fake_page import FakePage
from .fake_server import chunk, spoken, written
from .other_servers import wav
from .samples import accumulated, recording

PLACE = Path(tempfile.mkdtemp())
PCM = np.sin(np.arange(2_400)).astype("<f4")


def one_line(error: AudiomagicError) -> None:
    assert "\n" not in str(error) and len(str(error)) < 500


# -- the readers ------------------------------------------------------------------------------
def stream(data: bytes) -> None:
    """The first byte says in pieces of how many bytes the rest arrives."""
    size = data[0] + 1 if data else 1
    accumulator, words, pcm = ResponseAccumulator(), "", b""
    try:
        for item in sse.chunks(data[i : i + size] for i in range(1, len(data), size)):
            delta = accumulator.add(item)
            words, pcm = words + delta.text, pcm + delta.pcm
        delta = accumulator.end()
        words, pcm = words + delta.text, pcm + delta.pcm
        assert pcm == accumulator.completion().pcm
    except InvalidResponse as error:
        one_line(error)
    except sse.ErrorEvent as error:
        error.body.message.encode()
    answer = accumulator.completion()
    assert len(answer.pcm) % 2 == 0
    for text in (answer.text, answer.model or "", answer.audio_id or "", words):
        text.encode()
    for call in answer.tool_calls:
        f"{call.id}{call.name}{call.arguments}".encode()


def sound(data: bytes) -> None:
    try:
        found = Sound.decode(data)
        assert len(found.samples) and np.isfinite(found.samples).all()
    except SoundError as error:
        one_line(error)


def cassette(data: bytes) -> None:
    path = PLACE / "0001.json"
    path.write_bytes(data)
    try:
        exchange = storage.read(path)
        answer = exchange.answer
        pcm = storage.read_sound(path, answer.sound) if answer.sound else b""
        assert len(accumulated(answer.chunks(pcm, pace=False)).text) <= len(answer.text)
        path.write_bytes(exchange.encode())
        assert storage.read(path).encode() == exchange.encode()
    except CassetteError as error:
        one_line(error)


def chat(data: bytes) -> None:
    path = PLACE / "chat.json"
    path.write_bytes(data)
    chats = Chats()
    with suppress(OptionError):
        loaded = chats.load("a", path)
        chats.save("a", path)
        assert len(chats.load("b", path).exchanges) == len(loaded.exchanges)


@cache
def page() -> FakePage:
    return FakePage()


def recorder(data: bytes) -> None:
    """JSON: a list of messages, each with its buffers (of text) or alone."""
    said: Any = None
    with suppress(ValueError, RecursionError):
        said = json.loads(data)
    page().protocol.clear()
    for one in said if isinstance(said, list) else ():
        message, *buffers = one if isinstance(one, list) and one else (one,)
        page().tell(message, *(str(text).encode("utf-8", "replace") for text in buffers))
    if found := page().protocol.sound:
        assert np.isfinite(found.samples).all()


@cache
def settings() -> MagicOptions:
    return MagicOptions()


def line(data: bytes) -> None:
    """The first line is the magic's, `-l ` before it one of %%listen; the cell is below."""
    first, _, below = data.decode("utf-8", "surrogateescape").partition("\n")
    magic = "listen" if first.startswith("-l ") else "speak"
    variables = {"name": "x", "rows": [{"a": 1}], "sound": 3}
    with suppress(OptionError):
        read = Invocation.read(
            magic, first.removeprefix("-l "), below or None, settings(), variables
        )
        assert isinstance(read.text, str) and isinstance(read.records, bool)


# -- what they begin with ---------------------------------------------------------------------
def streams() -> list[bytes]:
    called = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    told = [
        spoken(["Hi ", "you"], PCM.tobytes()[:300]),
        written(["Hi ", "you"]),
        [chunk({"tool_calls": [called]}, finish_reason="tool_calls")],
        [chunk({"audio": {"data": "UklGRg=="}, "refusal": "no"}), {"error": {"message": "x"}}],
        [chunk({"content": "aGk="}) | {"modality": "audio"}],
    ]
    said = ["".join(f"data: {json.dumps(item)}\n\n" for item in items) for items in told]
    whole = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": None}
    return [b"\x20" + one.encode() for one in [*said, json.dumps(whole), "<html>", "data: [DONE]"]]


def sounds() -> list[bytes]:
    short = Sound(PCM, 24_000)
    kinds = [short.encode(kind) for kind in ("wav", "flac", "ogg", "mp3")]
    return [*kinds, wav(b"\0\1" * 40), b"RIFF\0\0\0\0WAVE", b"ID3\4\0\0\0\0\0\0", b"caff\0\1"]


def chats() -> list[bytes]:
    turn = {
        "question": {"role": "user", "parts": ["Hi"]},
        "answer": "Hello",
        "speaker": ["api.openai.com", "gpt-audio-1.5"],
        "between": [{"role": "tool", "parts": ["1"], "call_id": "a"}],
        "audio_id": "audio_1",
        "expires_at": 1,
        "origin": ["cell", 1],
    }
    return [json.dumps(one).encode() for one in ([turn], [turn | {"sound": "x"}], [])]


def messages() -> list[bytes]:
    start = {"kind": "start", "take": "t", "what": "sound"}
    piece = {"kind": "chunk", "take": "t", "number": 0}
    end = {"kind": "end", "take": "t", "count": 1, "cut": [0, 9], "complaint": "", "send": False}
    encoded = piece | {"base64": "AAAAAAAAAAAA"}
    other = [{"kind": kind, "take": "t", "line": "x", "mountable": True} for kind in
             ("shown", "discard", "play", "send", "failed")]  # fmt: skip
    said = ([start, [piece, "abcdefgh"], end], [start | {"what": "file"}, encoded, end], other)
    return [json.dumps(one).encode() for one in said]


LINES = (
    '-v coral --style "calm, {name}" Hi {rows[0][\'a\']} {x}', "--chat\nHi {name.x} {", "-qo a",
    "-l --file x.wav --sound sound --expect {name}\nhear {sound}", "-l --text --no-autoplay --wait",
    "--max-cost 0.1 --max-tokens 5 --tools f,g --dry-run Hi", "--voice a,b -m c,d\n\n  Hi\n",
)  # fmt: skip
# Each by its name: how it is called, and what it begins with.
READERS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "stream": (stream, streams),
    "line": (line, lambda: [one.encode() for one in LINES]),
    "cassette": (cassette, lambda: [json.dumps(recording()).encode()]),
    "chat": (chat, chats),
    "recorder": (recorder, messages),
    "sound": (sound, sounds),
}
