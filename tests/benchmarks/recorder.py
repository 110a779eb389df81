"""Measure the recorder in a real browser: `python -m tests.benchmarks.recorder [--minutes 10]`.

Speeds depend on the machine; each is a median, beside its goal.
"""

import base64
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from audiomagic.sound import WIRE_RATE, Sound

from ..support.fake_server import KEY, FakeServer
from ..support.jupyter import Browser, JupyterServer, opened, ready
from ..support.microphone import press, record, spoken, start_recording, wait_state
from . import figures
from .figures import Row
from .wer import prompts, wer

LOAD = (
    "import os\nos.environ.update(OPENAI_API_KEY={!r}, OPENAI_BASE_URL={!r})\n%load_ext audiomagic"
)
CLICKED = "() => addEventListener('click', () => { window.clicked = Date.now() / 1000 }, true)"
HEAP = "() => performance.memory.usedJSHeapSize / 1e6"
MEDIA_RECORDER = """async ms => {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true});
  const recorder = new MediaRecorder(stream);
  const pieces = [];
  recorder.ondataavailable = ({data}) => pieces.push(data);
  const stopped = new Promise(resolve => { recorder.onstop = resolve; });
  recorder.start();
  await new Promise(resolve => setTimeout(resolve, ms));
  const start = performance.now();
  recorder.stop();
  await stopped;
  const took = (performance.now() - start) / 1000;
  stream.getTracks().forEach(track => track.stop());
  const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
  return [took, btoa(String.fromCharCode(...bytes))];
}"""
SPOKEN = 20  # prompts


def main() -> None:
    """Print the table."""
    command = figures.command(__doc__)
    command.add_argument("--minutes", type=float, help="of one long recording; without it, none")
    asked = command.parse_args()
    with tempfile.TemporaryDirectory() as folder, JupyterServer(Path(folder)) as server:
        rows = [*stop_to_request(server), *media_recorder(server), *recognition(server)]
        if asked.minutes:
            rows += long_recording(server, asked.minutes)
    figures.show(rows)


def stop_to_request(server: JupyterServer) -> list[Row]:
    """From the press of the button to the first byte of the request at the server."""
    rows = []
    with FakeServer() as fake_server, Browser(mic_file=spoken(server.root / "mic.wav")) as browser:
        cells = [LOAD.format(KEY, fake_server.url), "%%listen\nHi"]
        with ready(browser, server, *cells) as notebook:
            notebook.js(CLICKED)
            for seconds in (3, 30):
                took = []
                for _ in range(3):
                    fake_server.say("Yes.", b"\0\0" * 2_400)
                    notebook.run_cell(1)
                    wait_state(notebook, 1, "idle")
                    notebook.sleep(1)
                    record(notebook, 1, seconds)
                    notebook.wait_text(1, "Yes.")
                    took.append(fake_server.times[-1] - notebook.js("() => window.clicked"))
                shown = f"{1000 * statistics.median(took):.0f} ms"
                rows.append((f"stop to request, {seconds} s recorded", shown, "at most 300 ms"))
    return rows


def media_recorder(server: JupyterServer, seconds: float = 3) -> list[Row]:
    """The browser's own recorder: how large its files are, and how soon there."""
    with (
        Browser(mic_file=spoken(server.root / "mic.wav")) as browser,
        opened(browser, server, "") as notebook,
    ):
        runs = [notebook.js(MEDIA_RECORDER, 1000 * seconds) for _ in range(3)]
    took = statistics.median(run[0] for run in runs)
    size = len(base64.b64decode(runs[-1][1])) / seconds / 1000
    bytes_of = f"MediaRecorder: {size:.0f} kB, compressed; its file {1000 * took:.0f} ms after stop"
    return [("recorded, a second", f"{2 * WIRE_RATE / 1000:.0f} kB", bytes_of)]


def recognition(server: JupyterServer) -> list[Row]:
    """Words heard wrongly by the local ears, with the browser's processing off and on."""
    from audiomagic.engine import transcribe

    known = prompts()[:: max(1, len(prompts()) // SPOKEN)]
    if not known:
        return [
            ("word error rate, recorded", "not measured", "apt install asterisk-core-sounds-en-wav")
        ]
    pause = np.zeros(14_400, np.float32)
    speech = [Sound.read(path).resample(24_000).samples for path, _ in known]
    samples = np.concatenate([part for piece in speech for part in (piece, pause)])
    said = " ".join(text for _, text in known)
    rows = []
    for room, noise in (("quiet", 0.0), ("noisy", 0.02)):
        hiss = np.random.default_rng(1).normal(0, noise, len(samples)) if noise else 0.0
        heard = Sound(np.clip(0.5 * samples + hiss, -1, 1), 24_000)
        file = heard.resample(48_000).save(server.root / f"{room}.wav")
        rates = [_error_rate(said, transcribe(heard))]
        for processing in (False, True):
            made = f"rec = Recorder(noise_suppression={processing})"
            cell = f"from audiomagic import Recorder\n{made}\nrec"
            with (
                Browser(mic_file=file, loop_mic=False) as browser,
                ready(browser, server, cell, "rec.sound.save('rec.wav')") as notebook,
            ):
                record(notebook, 0, heard.seconds + 1)
                notebook.wait_text(0, "Recorded")
                notebook.value(1)
            rates.append(_error_rate(said, transcribe(Sound.read(server.root / "rec.wav"))))
        shown = "{} %, processed {} %".format(*(f"{rate:.1f}" for rate in rates[1:]))
        rows.append((f"word error rate, {room} room", shown, f"the file itself: {rates[0]:.1f} %"))
    return rows


def _error_rate(said: str, heard: str) -> float:
    wrong, count = wer(said, heard)
    return 100 * wrong / count


def long_recording(server: JupyterServer, minutes: float) -> list[Row]:
    """Memory of the page, and the length that arrives."""
    cell = "from audiomagic import Recorder\nrec = Recorder(max_seconds=2400, trim=False)\nrec"
    with (
        Browser(mic_file=spoken(server.root / "mic.wav")) as browser,
        ready(browser, server, cell, "rec.sound.seconds") as notebook,
    ):
        start_recording(notebook, 0)
        begun, heap = time.monotonic(), []
        while time.monotonic() - begun < 60 * minutes:
            notebook.sleep(10)
            heap.append(notebook.js(HEAP))
        length = time.monotonic() - begun
        press(notebook, 0)
        notebook.wait_text(0, "Recorded")
        arrived = float(notebook.value(1))
    first, last = (statistics.median(part) for part in (heap[:6], heap[-6:]))
    return [
        (f"{minutes:g} min recorded, arrived", f"{arrived:.1f} s", f"of {length:.1f} s"),
        ("page's memory, first and last minute", f"{first:.0f} MB, {last:.0f} MB", ""),
    ]


if __name__ == "__main__":
    main()
