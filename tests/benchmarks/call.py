"""Measure a call against its peers: `python -m tests.benchmarks.call`.

The peers are a bare loop over the openai client's stream, and a bare call for the whole answer that
is then put into `IPython.display.Audio`; same run, same scripted server, medians.
"""

import base64
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import openai
from IPython.display import Audio

from audiomagic import Session
from audiomagic.protocol.response import Delta
from audiomagic.sound import Sound

from ..support.fake_server import KEY, FakeServer, Handler, spoken, usage
from ..support.listener import Listener
from . import figures
from .figures import Row

RUNS = 9
SPEED = 4.0  # times as fast as it is heard: how a fast server sends
PCM = b"\1\1" * 24_000 * 4  # seconds
CHUNKS = spoken(["One ", "small ", "robot."], PCM)
WHOLE = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1776293682,
        "model": "gpt-audio-1.5",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {
                    "role": "assistant",
                    "content": None,
                    "audio": {
                        "id": "audio_1",
                        "expires_at": 1776297282,
                        "transcript": "One small robot.",
                        "data": base64.b64encode(Sound.from_pcm16(PCM).encode("wav")).decode(),
                    },
                },
            }
        ],
        "usage": usage(),
    }
).encode()
REQUEST: dict[str, Any] = {
    "model": "gpt-audio-1.5",
    "modalities": ["text", "audio"],
    "messages": [{"role": "user", "content": "Hi"}],
}
Times = tuple[float, float]  # seconds to the first sound that could be heard, and in all


def main() -> None:
    """Print the table."""
    figures.command(__doc__).parse_args()
    figures.show(calls())


def calls() -> list[Row]:
    """The first sound of an answer, and what a call costs besides the client's own work."""
    with (
        FakeServer() as fake_server,
        tempfile.TemporaryDirectory() as folder,
        patch.dict(os.environ),
    ):
        os.environ.update(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=fake_server.url)
        os.environ["AUDIOMAGIC_LEDGER"] = f"{folder}/ledger.sqlite"
        session = Session()
        client = openai.OpenAI()
        ways = [lambda: ours(session), lambda: bare(client), lambda: whole(client)]
        paced = [median(way, fake_server, SPEED) for way in ways]
        at_once = [median(way, fake_server, 0.0) for way in ways[:2]]
    (first, _), (bare_first, _), (late, _) = paced
    overhead, alone = 1000 * (at_once[0][1] - at_once[1][1]), 1000 * at_once[1][1]
    length = len(PCM) / 48_000
    return [
        ("first sound, against a bare loop", f"{first / bare_first:.2f} x", "at most 1.05 x"),
        (
            f"first of {length:.0f} s of sound",
            f"{first:.2f} s",
            f"whole in Audio: {late:.2f} s",
        ),
        ("a call, beside the bare client's", f"{overhead:+.0f} ms", f"on top of {alone:.0f} ms"),
    ]


class Timed(Listener):
    """Notes when the first sound came."""

    first = 0.0

    def on_delta(self, piece: Delta) -> None:
        if piece.pcm and not self.first:
            self.first = time.perf_counter()
        super().on_delta(piece)


def ours(session: Session) -> Times:
    """Time a call of ours."""
    listener, start = Timed(), time.perf_counter()
    session.bound(listener=listener).speak("Hi")
    return listener.first - start, time.perf_counter() - start


def bare(client: openai.OpenAI) -> Times:
    """Time a bare loop over the client's stream, which decodes the sound and keeps the words."""
    start, first, pcm, words = time.perf_counter(), 0.0, b"", ""
    options: Any = {"stream": True, "stream_options": {"include_usage": True}}
    voice = {"voice": "alloy", "format": "pcm16"}
    with client.chat.completions.create(**REQUEST, **options, audio=voice) as stream:
        for one in stream:
            audio = getattr(one.choices[0].delta, "audio", None) if one.choices else None
            words += getattr(audio, "transcript", None) or ""
            if data := getattr(audio, "data", None):
                pcm += base64.b64decode(data)
                first = first or time.perf_counter()
    assert pcm == PCM and words.strip()
    return first - start, time.perf_counter() - start


def whole(client: openai.OpenAI) -> Times:
    """Time an answer that comes whole, until IPython's player has it."""
    start = time.perf_counter()
    voice: Any = {"voice": "alloy", "format": "wav"}
    answer = client.chat.completions.create(**REQUEST, audio=voice)
    audio = answer.choices[0].message.audio
    assert audio and Audio(base64.b64decode(audio.data))._repr_html_()
    took = time.perf_counter() - start
    return took, took


def median(call: Callable[[], Times], fake_server: FakeServer, speed: float) -> Times:
    """Make calls, the first of them to warm up; return the medians of their times."""

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(0.1)
        if body.get("stream"):
            return handler.stream(CHUNKS, speed=speed)
        time.sleep(len(PCM) / 48_000 / speed)  # it is sent when all of it is made
        return handler.send(200, WHOLE)

    times = []
    for run in range(RUNS + 1):
        fake_server.then(answer)
        took = call()
        if run:
            times.append(took)
    return statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)


if __name__ == "__main__":
    main()
