"""Recorder: a widget that records in the browser; static/recorder.js is its half in the page.

Sound arrives in custom messages (see recorder_protocol.py) and is never in a trait: traits are
saved into notebooks.
"""

import threading
from collections.abc import Callable
from numbers import Real
from typing import Any

from traitlets import Bool, Float, Unicode

from .. import static
from ..errors import OptionError, one_line
from ..sound import LONGEST, Sound
from .placement import MountedWidget
from .recorder_protocol import Kind, RecorderProtocol


class Recorder(MountedWidget):
    """A recorder for a notebook's output: microphone or file, in the page.

    `max_seconds` is the longest recording (at most 2400); `hands_free` starts on speech and stops
    after `silence` seconds without; `trim` cuts silence off both ends; without `noise_suppression`
    the browser neither cancels echo nor suppresses noise nor levels the volume. `on_sound` is
    called with each new sound, in a thread of its own; `on_failure` with the reason why there will
    be none (no microphone, nobody spoke). Raises OptionError for lengths out of range and values of
    another kind.

    >>> rec = Recorder(max_seconds=60)
    >>> rec          # in a cell: shows it
    >>> rec.sound    # in a later one: a Sound at 24 kHz, or None before there is one
    """

    __module__ = "audiomagic"  # where users have it from

    _esm = static.script("recorder.js")
    _css = static.read("recorder.css")
    absent = "Audio recorder. Run this cell in a front end that supports widgets to record."

    max_seconds = Float().tag(sync=True)
    hands_free = Bool().tag(sync=True)
    silence = Float().tag(sync=True)
    noise_suppression = Bool().tag(sync=True)
    sends = Bool().tag(sync=True)  # whether a recording goes somewhere at once
    # What every page shows, after a reload too:
    state = Unicode("idle").tag(sync=True)  # or recording, busy
    take = Unicode("").tag(sync=True)  # id of the take that is arriving, or arrived last
    kept = Float(0.0).tag(sync=True)  # seconds of sound kept here
    notice = Unicode("").tag(sync=True)

    def __init__(
        self,
        *,
        max_seconds: float = 300.0,
        hands_free: bool = False,
        silence: float = 1.5,
        trim: bool = True,
        noise_suppression: bool = True,
        on_sound: Callable[[Sound], None] | None = None,
        on_failure: Callable[[str], None] | None = None,
    ):
        self.protocol = RecorderProtocol(trim, hands_free, delivers=on_sound is not None)
        limits = ("max_seconds", max_seconds, 1, LONGEST), ("silence", silence, 0.3, 60)
        for name, value, least, most in limits:
            if not isinstance(value, Real) or value is True or not least <= value <= most:
                found = one_line(value, 40)
                raise OptionError(f"{name} must be {least} to {most} seconds, not {found}")
        switches = {"hands_free": hands_free, "trim": trim, "noise_suppression": noise_suppression}
        for name, switch in switches.items():
            if not isinstance(switch, bool):
                raise OptionError(f"{name} must be True or False, not {type(switch).__name__}")
        for name, called in {"on_sound": on_sound, "on_failure": on_failure}.items():
            if called is not None and not callable(called):
                raise OptionError(f"{name} must be a function, not {type(called).__name__}")
        self._on_sound, self._on_failure = on_sound, on_failure
        super().__init__(  # the page needs all of it when it creates its half
            max_seconds=float(max_seconds), hands_free=hands_free, silence=float(silence),
            noise_suppression=noise_suppression, sends=on_sound is not None,
        )  # fmt: skip
        self.on_msg(self._on_message)

    def __repr__(self) -> str:
        return f"Recorder({self.kept:.1f} s recorded)" if self.kept else "Recorder()"

    def _ipython_display_(self) -> None:
        self.show()

    @property
    def sound(self) -> Sound | None:
        """The last recording; of one that a closed tab broke off, what arrived."""
        return self.protocol.sound

    def clear(self) -> None:
        """Forget what was recorded."""
        self.protocol.clear()
        self.notice = ""
        self._sync()

    def halt(self) -> None:
        """Stop a recording that is running, and keep what there is."""
        self.send({"kind": Kind.HALT})

    def close(self) -> None:
        """Release the microphone, for good."""
        self.protocol.armed.discard(self.protocol)
        super().close()

    def _on_message(self, _: object, content: Any, buffers: list[Any]) -> None:
        response = self.protocol.handle(content, buffers)
        self._sync()  # first: a page that is told of an end shows what there is
        for message in response.messages:
            self.send(message, response.buffers)
        if response.deliver:  # in a thread: front ends drop what a message's handler displays
            threading.Thread(target=self._deliver, args=(response.deliver,), daemon=True).start()
        if response.failure and self._on_failure:
            self._on_failure(response.failure)
        if response.replace_output:
            self.replace_output()

    def _deliver(self, sound: Sound) -> None:
        assert self._on_sound
        try:
            self._on_sound(sound)
        finally:
            self.protocol.state = "idle"
            self._sync()

    def _sync(self) -> None:
        protocol = self.protocol
        with self.hold_sync():
            if protocol.state == "recording":
                self.notice = ""  # it was about the last recording
            self.state, self.take = protocol.state, protocol.take
            self.kept = protocol.kept.seconds if protocol.kept else 0.0
