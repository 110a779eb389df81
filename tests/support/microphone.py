"""What the fake microphone speaks, and how near to it a recording is."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiomagic.sound import Sound

from .jupyter import Notebook

QUESTION = Path(__file__).parents[2] / "notebooks" / "question.mp3"  # the capital of France?

NOTE_STATES = """() => {
  const since = window.since = {};  // ms by the page's clock, when a state was come into
  new MutationObserver(changes => {
    for (const { target } of changes) since[target.dataset.state] ??= performance.now();
  }).observe(document.body, {attributeFilter: ["data-state"], subtree: true});
}"""


def spoken(path: Path, before: float = 0.8, after: float = 2.4) -> Path:
    """Write what the microphone hears: the question, with silence about it, at 48 kHz."""
    sound = Sound.read(QUESTION).resample(48_000)
    silence = [np.zeros(int(48_000 * seconds), np.float32) for seconds in (before, after)]
    samples = np.concatenate([silence[0], sound.samples, silence[1]])
    return Sound(samples, 48_000).save(path)


def correlations(heard: Sound, spoken: Sound, window: float = 0.5) -> NDArray[np.float64]:
    """Correlate each window that holds sound with the best place in what was spoken, looped."""
    reference = np.tile(spoken.resample(heard.rate).samples.astype(np.float64), 2)
    size, count = int(window * heard.rate), len(reference)
    energy = np.cumsum(np.concatenate([[0.0], reference**2]))
    norms = np.sqrt(np.maximum(energy[size:] - energy[:-size], 1e-9))
    spectrum = np.fft.rfft(reference, 2 * count)
    found = []
    for start in range(0, len(heard.samples) - size, size):
        piece = heard.samples[start : start + size].astype(np.float64)
        norm = float(np.linalg.norm(piece))
        if norm / np.sqrt(size) < 0.01:  # silence correlates with nothing
            continue
        matches = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, 2 * count)))[: len(norms)]
        found.append(float((matches / norms).max() / norm))
    return np.array(found)


def press(notebook: Notebook, cell: int, name: str = ".am-main") -> None:
    """Press a button of the recorder below a cell."""
    notebook.output(cell).locator(name).click()


def wait_state(notebook: Notebook, cell: int, state: str, timeout: float = 30.0) -> None:
    """Wait until the recorder below a cell is in a state."""
    selector = f'.audiomagic-recorder[data-state="{state}"]'
    notebook.wait(notebook.output(cell).locator(selector).count, f"{state} in {cell}", timeout)


def start_recording(notebook: Notebook, cell: int) -> None:
    """Press the recorder's button, and wait until it records."""
    press(notebook, cell)
    wait_state(notebook, cell, "recording")


def record(notebook: Notebook, cell: int, seconds: float) -> None:
    """Record for so long, and press the button again."""
    start_recording(notebook, cell)
    notebook.sleep(seconds)
    press(notebook, cell)


def record_timed(notebook: Notebook, cell: int, seconds: float) -> float:
    """Record; return the seconds between the first samples and the press of the button.

    The page notes both itself: what drives it is late when the machine is busy.
    """
    notebook.js(NOTE_STATES)
    record(notebook, cell, seconds)
    wait_state(notebook, cell, "idle")
    since = notebook.js("() => window.since")
    return float(since["finishing"] - since["recording"]) / 1000
