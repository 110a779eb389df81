"""Measure a live conversation in a real browser: `python -m tests.benchmarks.panel`.

The server is the scripted one; the microphone hears a question again and again.
"""

import base64
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..support.conversation_page import part, start
from ..support.fake_server import KEY
from ..support.jupyter import Browser, JupyterServer, Notebook, ready
from ..support.loudspeaker import TAP, heard, last_sample
from ..support.microphone import spoken
from ..support.realtime_server import RealtimeServer
from . import figures
from .figures import Row

RUNS = 5
LOUD = 500  # RMS of 16-bit samples above which the scripted server hears speech
STEP = 480  # samples, 20 ms, of which that is the RMS
LOAD = f"""import os
os.environ.update(OPENAI_API_KEY={KEY!r}, OPENAI_BASE_URL={{!r}})
%load_ext audiomagic"""
CELL = "%%converse"


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
    figures.command(__doc__).parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        TimedServer() as far_end,
        JupyterServer(Path(folder)) as server,
        Browser(init_script=TAP, mic_file=spoken(Path(folder) / "microphone.wav")) as browser,
        ready(browser, server, LOAD.format(far_end.url), CELL) as notebook,
    ):
        figures.show(interruptions(notebook, far_end))


def interruptions(notebook: Notebook, far_end: TimedServer) -> list[Row]:
    """From speech at the microphone to silence at the loudspeaker; what the server is told."""
    long = np.full(24_000 * 20, 3_000, "<i2").tobytes()
    for _ in range(RUNS + 3):
        far_end.say("It was a dark and stormy night.", long)
    start(notebook)
    headphones = part(notebook, ".am-headphones input")
    if headphones.is_visible():
        headphones.check()
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


if __name__ == "__main__":
    main()
