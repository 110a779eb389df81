"""Measure how soon and how smoothly a reply is heard: `python -m tests.benchmarks.player`.

Each is a median of several runs beside its goal; the peer is a bare loop over the openai client's
stream, in the same run, from the same server.
"""

import base64
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import openai

from ..support import fake_server as scripted
from ..support.fake_server import KEY, FakeServer
from ..support.jupyter import Browser, JupyterServer, Notebook, ready
from ..support.loudspeaker import TAP, first_sample, heard
from . import figures
from .figures import Row

RUNS = 7
THINKS = 0.4  # seconds until a server's first chunk: less than the service takes
WORDS = ["One ", "small ", "robot."]
LOAD = f"""import os, time
os.environ.update(OPENAI_API_KEY={KEY!r}, OPENAI_BASE_URL={{!r}})
%load_ext audiomagic
from audiomagic.widgets.player import Player
arrived = []
class Noted(Player):
    def on_delta(self, delta):
        if delta.pcm and not arrived: arrived.append(time.time())
        super().on_delta(delta)
import audiomagic.widgets.player
audiomagic.widgets.player.Player = Noted"""
CALL = "%%speak --out r\nHi"
ASKED = "first = arrived[0]; arrived.clear(); first"
MEMORY = "import resource; resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000"


def main() -> None:
    """Print the table."""
    command = figures.command(__doc__)
    command.add_argument("--minutes", type=float, help="of one long reply; without it, none")
    asked = command.parse_args()
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        FakeServer() as fake_server,
        JupyterServer(Path(folder)) as server,
        Browser(init_script=TAP) as browser,
    ):
        cells = [LOAD.format(fake_server.url), CALL, ASKED, MEMORY]
        with ready(browser, server, *cells) as notebook:
            rows += first_sound(notebook, fake_server)
        if asked.minutes:
            with ready(browser, server, *cells) as notebook:
                rows += long_reply(notebook, fake_server, asked.minutes)
    figures.show(rows)


def speech(seconds: float) -> bytes:
    """Make something that sounds all the time."""
    n = np.arange(int(24_000 * seconds))
    wave = (6_000 * np.sin(n * 0.05)).astype("<i2")
    return np.where(wave == 0, 1, wave).astype("<i2").tobytes()


def first_sound(notebook: Notebook, fake_server: FakeServer) -> list[Row]:
    """From the first audio chunk in the kernel, and from the request, to the first sample."""
    chunks = scripted.spoken(WORDS, speech(1.5))
    to_ear, ours, bare = [], [], []
    for run in range(RUNS + 1):
        fake_server.then(
            lambda handler, body: (time.sleep(THINKS), handler.stream(chunks, speed=1.0))
        )
        notebook.js("() => { loudspeaker.seen = null; loudspeaker.first = null }")
        notebook.run_cell(1)
        notebook.wait(lambda: first_sample(notebook), "the first sound")
        sample, arrived = first_sample(notebook) or 0, float(notebook.value(2))
        notebook.sleep(2)
        if run:  # the first loads modules
            to_ear.append(sample - arrived)
            ours.append(arrived - fake_server.times[-1])
        fake_server.then(
            lambda handler, body: (time.sleep(THINKS), handler.stream(chunks, speed=1.0))
        )
        bare.append(_bare(fake_server))
    ratio = statistics.median(ours) / statistics.median(bare)
    return [
        (
            "first audio chunk to first sample heard",
            f"{1000 * statistics.median(to_ear):.0f} ms",
            "under 100 ms",
        ),
        ("first audio chunk, against a bare loop", f"{ratio:.2f} x", "at most 1.05 x"),
    ]


def _bare(fake_server: FakeServer) -> float:
    """Seconds from the request's arrival to the first audio chunk in a bare loop."""
    client = openai.OpenAI(api_key=KEY, base_url=fake_server.url)
    request: Any = {
        "model": "gpt-audio-1.5",
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "pcm16"},
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    found = None
    with client.chat.completions.create(**request) as stream:
        for chunk in stream:
            audio = getattr(chunk.choices[0].delta, "audio", None) if chunk.choices else None
            data = getattr(audio, "data", None) if audio else None
            if data and found is None and base64.b64decode(data):
                found = time.time() - fake_server.times[-1]
    assert found is not None
    return found


def long_reply(notebook: Notebook, fake_server: FakeServer, minutes: float) -> list[Row]:
    """A long reply at twice the speed it is heard: whole, and the memory it took."""
    pcm = speech(60 * minutes)
    words = ["Some "] * int(150 * minutes)
    chunks = scripted.spoken(words, pcm)
    before = float(notebook.value(3))
    fake_server.then(lambda handler, body: handler.stream(chunks, speed=2.0))
    notebook.run_cell(1, timeout=120 * minutes)
    gaps, counted = 0, "() => document.querySelector('.audiomagic-player')?.dataset.gaps ?? null"
    while (now := notebook.js(counted)) is not None:  # until it gives way to the card's player
        gaps = max(gaps, int(now))
        notebook.sleep(0.2)
    after = float(notebook.value(3))
    whole = heard(notebook).tobytes() == pcm
    kept = len(pcm) / 1e6
    return [
        (f"{minutes:g} min heard, gaps", f"{gaps}", "0" if whole else "0; it was not whole"),
        ("memory of the kernel", f"{after - before:+.0f} MB", f"{kept:.0f} MB of sound"),
    ]


if __name__ == "__main__":
    main()
