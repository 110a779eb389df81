"""A conversation with oneself, run as a notebook's cell: what the panel reports is noted, and what
the microphone hears comes back as an answer, or a tone of so many seconds for a typed number.
"""

import threading

import numpy as np

from audiomagic.widgets.conversation_panel import ConversationPanel


def tone(seconds):
    """Return pcm16 that changes all the time and has no silent sample."""
    n = np.arange(int(24_000 * seconds))
    wave = 6_000 * np.sin(n * (0.05 + n / 6e7)) + 40 * (n % 50)
    return np.where(wave.astype("<i2") == 0, 1, wave).astype("<i2").tobytes()


class Loopback:
    """Listens to its own panel."""

    def __init__(self, push_to_talk=False):
        self.calls = []  # all but sound: what was called, with what
        self.frames = []  # of the microphone
        self.turns = 0
        self.panel = ConversationPanel(self, push_to_talk)
        self.panel.show()

    def on_start(self):
        self.calls.append(("start",))
        self.panel.state = "listening"

    def on_audio(self, pcm):
        self.frames.append(pcm)

    def on_text(self, text):
        self.calls.append(("text", text))
        self.turns += 1
        self.panel.user_words(f"user{self.turns}", text, True)
        if text.replace(".", "").isdigit():
            self.say(
                f"item{self.turns}", "One small robot counted the birds. " * 3, tone(float(text))
            )

    def on_talk(self, down):
        self.calls.append(("talk", down))
        if down:
            self.frames.clear()
        else:
            self.turns += 1
            self.say(f"item{self.turns}", "You said this.", b"".join(self.frames))

    def on_interrupt(self):
        self.calls.append(("interrupt",))

    def on_played(self, item, ms, done):
        self.calls.append(("played", item, ms, done))
        if done:
            self.panel.state = "listening"

    def on_flushed(self, positions):
        self.calls.append(("flushed", dict(positions)))
        self.panel.state = "listening"

    def on_end(self):
        self.calls.append(("end",))
        html = "<p>What was said stays.</p>"
        bundle = {"text/html": html, "text/plain": "What was said stays."}
        threading.Thread(target=self.panel.end, args=(bundle,)).start()

    def on_page_lost(self):
        self.calls.append(("page lost",))

    def say(self, item, words, pcm, done=True):
        """Answer: first the words, then the sound in pieces of a quarter of a second."""
        self.panel.state = "speaking"
        self.panel.model_words(item, words)
        for at in range(0, len(pcm), 12_000):
            self.panel.pcm(item, pcm[at : at + 12_000])
        if done:
            self.panel.item_done(item)
