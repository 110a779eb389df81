"""Measure a live conversation in a real browser: `python -m tests.benchmarks.panel`.

The server is the scripted one; the microphone hears a question again and again.
"""

import base64
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..support.conversation_page import part, put_on_headphones, say, start
from ..support.fake_server import loading
from ..support.jupyter import Browser, JupyterServer, Notebook, ready
from ..support.loudspeaker import TAP, first_sample, heard, last_sample
from ..support.microphone import spoken
from ..support.realtime_response import Response
from ..support.realtime_server import RealtimeServer
from . import figures
from .conversation import Bare
from .figures import Row

RUNS = 5
THINKS = 0.4  # seconds until a server's first sound: less than the service takes
LOUD = 500  # RMS of 16-bit samples above which the scripted server hears speech
STEP = 480  # samples, 20 ms, of which that is the RMS
CELL = "%%converse --out talk"
MEMORY = "import psutil; psutil.Process().memory_full_info().uss / 1e6"
KEPT = "sum(turn.sound.samples.nbytes for turn in talk.turns if turn.sound) / 1e6"
#: When speech begins in what the page gets of its microphone, as `TimedServer.onsets` tells it.
MICROPHONE = f"""
window.onsets = [];
let quiet = 1e9;
window.AudioWorkletNode = class extends AudioWorkletNode {{
  constructor(context, name, options) {{
    super(context, name, options);
    if (name !== "audiomagic-tap") return;
    const step = Math.round(context.sampleRate * {STEP} / 24000);
    this.port.addEventListener("message", ({{data: samples}}) => {{
      if (!samples) return;
      for (let at = 0; at < samples.length; at += step) {{
        const piece = samples.subarray(at, at + step);
        const rms = Math.sqrt(piece.reduce((sum, v) => sum + v * v, 0) / piece.length);
        if (32768 * rms <= {LOUD}) quiet += piece.length / context.sampleRate;
        else {{
          const after = (samples.length - at) / context.sampleRate;
          if (quiet > 1) window.onsets.push(Date.now() / 1000 - after);
          quiet = 0;
        }}
      }}
    }});
  }}
}};
"""


class TimedServer(RealtimeServer):
    """Notes when it received each frame of the microphone."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[tuple[float, bytes]] = []  # Unix seconds, pcm16

    def _log(self, event: dict[str, Any]) -> None:
        if event.get("type") == "input_audio_buffer.append":
            self.frames.append((time.time(), base64.b64decode(event["audio"])))
        super()._log(event)

    def onsets(self) -> Iterator[float]:
        """When speech began at the microphone: its frame came at once when it was full."""
        quiet = 1e9  # seconds of silence so far
        for came, pcm in list(self.frames):
            samples = np.frombuffer(pcm, "<i2").astype(float)
            for at in range(0, len(samples), STEP):
                if np.sqrt(np.mean(samples[at : at + STEP] ** 2)) > LOUD:
                    if quiet > 1:
                        yield came - (len(samples) - at) / 24_000
                    quiet = 0
                else:
                    quiet += STEP / 24_000


def main() -> None:
    """Print the table."""
    command = figures.command(__doc__)
    command.add_argument("--minutes", type=float, help="of one long conversation; without it, none")
    asked = command.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        microphone = spoken(Path(folder) / "microphone.wav")
        with (
            JupyterServer(Path(folder)) as server,
            Browser(init_script=TAP + MICROPHONE, mic_file=microphone) as browser,
        ):
            for measure in (interruptions, relay):
                with conversation(browser, server) as (notebook, far_end):
                    rows += measure(notebook, far_end)
        if asked.minutes:
            with (
                JupyterServer(Path(folder)) as server,
                Browser(mic_file=microphone) as browser,  # a tap would keep all sound
                conversation(browser, server) as (notebook, far_end),
            ):
                rows += memory(notebook, far_end, asked.minutes)
    figures.show(rows)


@contextlib.contextmanager
def conversation(browser: Browser, server: JupyterServer) -> Iterator[tuple[Notebook, TimedServer]]:
    """Open a notebook with a conversation, and its server."""
    with TimedServer() as far_end:
        cells = (loading(far_end.url), CELL, MEMORY, KEPT)
        with ready(browser, server, *cells) as notebook:
            yield notebook, far_end


def interruptions(notebook: Notebook, far_end: TimedServer) -> list[Row]:
    """From speech at the microphone to silence at the loudspeaker; what the server is told."""
    long = np.full(24_000 * 20, 3_000, "<i2").tobytes()
    for _ in range(RUNS + 3):
        far_end.say("It was a dark and stormy night.", long)
    start(notebook)
    put_on_headphones(notebook)
    silent, off, before = [], [], 0.0
    for number in range(1, RUNS + 1):
        told = far_end.wait_for("conversation.item.truncate", number)["audio_end_ms"]
        stopped = last_sample(notebook) or 0.0
        silent.append(stopped - max(onset for onset in far_end.onsets() if onset < stopped))
        played = np.count_nonzero(heard(notebook) == 3_000) / 24  # milliseconds, so far
        off.append(abs(told - (played - before)))
        before = played
    part(notebook, ".am-end").click()
    return [
        (
            "speech at the microphone to silence",
            f"{1000 * statistics.median(silent):.0f} ms",
            "at most 300 ms, of a model that is interrupted",
        ),
        (
            "what it is told of what was heard",
            f"off by {statistics.median(off):.0f} ms",
            "at most 100 ms",
        ),
    ]


def relay(notebook: Notebook, far_end: TimedServer) -> list[Row]:
    """What page and kernel add between microphone and server, and server and loudspeaker."""
    sent: list[float] = []
    tone = np.full(24_000, 3_000, "<i2").tobytes()

    def answer(response: Response) -> None:
        time.sleep(THINKS)
        sent.append(time.time())
        response.say("Yes.", tone, pause=0.05)

    start(notebook)
    part(notebook, ".am-mute").click()
    down = []
    for _ in range(RUNS + 1):
        far_end.then(answer)
        notebook.js("() => { loudspeaker.seen = null; loudspeaker.first = null }")
        say(notebook, "Hi")
        notebook.wait(lambda: first_sample(notebook), "the answer")
        down.append((first_sample(notebook) or 0.0) - sent[-1])
        notebook.sleep(2)
    for _ in range(4 * RUNS):
        far_end.say("Yes.", tone)
    before = len(list(far_end.onsets()))
    part(notebook, ".am-mute").click()
    notebook.wait(lambda: len(list(far_end.onsets())) > before + RUNS, "the questions", 90)
    told = list(far_end.onsets())[before + 1 :]  # the first may have begun while it was muted
    began = notebook.js("() => window.onsets")
    up = [one - min(began, key=lambda other: abs(one - other)) for one in told]
    part(notebook, ".am-end").click()
    with TimedServer() as server, Bare(server) as peer:
        bare = []
        for number in range(RUNS + 1):
            server.then(answer)
            before_append = time.time()
            peer.append(tone)
            server.wait_for("input_audio_buffer.append", number + 1)
            upwards = server.frames[-1][0] - before_append
            asked_at = time.time()
            bare.append(upwards + asked_at + peer.type("Hi") - sent[-1])
    ours = statistics.median(up) + statistics.median(down[1:])
    added = ours - statistics.median(bare[1:])
    each = f"{1000 * statistics.median(up):.0f} + {1000 * statistics.median(down[1:]):.0f} ms"
    return [
        (
            "relay, microphone to server to speaker",
            f"{1000 * added:+.0f} ms ({each})",
            "at most 60 ms beside a bare loop over the openai client",
        )
    ]


def memory(notebook: Notebook, far_end: TimedServer, minutes: float) -> list[Row]:
    """What a long conversation adds to the memory of page and kernel, from its second minute on."""
    answer = np.full(24_000 * 8, 3_000, "<i2").tobytes()
    for _ in range(round(60 * minutes / 8) + 20):
        far_end.say("A story that goes on and on.", answer)
    devtools = notebook.page.context.new_cdp_session(notebook.page)

    def page() -> float:
        devtools.send("HeapProfiler.collectGarbage")
        used = devtools.send("Runtime.getHeapUsage")
        return float(used["usedSize"] + used.get("backingStorageSize", 0)) / 1e6

    start(notebook)
    notebook.sleep(60)
    before, kernel, kept = page(), float(notebook.value(2)), float(notebook.value(3))
    notebook.sleep(60 * minutes)
    grown, after = float(notebook.value(2)) - kernel, float(notebook.value(3)) - kept
    rows = [
        (f"{minutes:g} min, memory of the page", f"{page() - before:+.0f} MB", "words alone"),
        (
            f"{minutes:g} min, memory of the kernel",
            f"{grown:+.0f} MB",
            f"{after:.0f} MB of sound that is kept",
        ),
    ]
    part(notebook, ".am-end").click()
    return rows


if __name__ == "__main__":
    main()
