"""Recorder: a widget that records in the browser. Its half in the page is script.RECORDER.

Sound comes in custom messages and never is in a trait: traits are saved into notebooks. Messages
from a page are not trusted; every one that is not as described here is passed over.

    page → kernel                                       kernel → page
    here     a view is on show                          welcome arm: whether to begin at once
    start    take, what: "sound" or "file"              done    take, line: why it was ended
    piece    take, number, and a buffer or base64       ack, again   take, next: the missing piece
    end      take, count, cut, complaint, send          decode  take: the page shall read the file
    drop     take: throw it away                        halt    stop, and keep what there is
    play     give me what you have                      sound   a flac file
    send     do again what it is for                    card    html: the answer
    unheard  line: why there will be no recording
"""

import base64
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import anywidget
from traitlets import Bool, Float, Unicode

from .. import static
from ..errors import OptionError, SoundError, one_line
from ..sound import LONGEST, Sound
from .placement import Mount
from .upload import Upload, span


class Recorder(anywidget.AnyWidget):
    """A recorder for a notebook's output: microphone or file, in the page.

    `max_seconds` is the longest recording (at most 2400); `hands_free` starts on speech and stops after
    `silence` seconds without; `trim` cuts silence off both ends; without `noise_suppression` the browser
    neither cancels echo nor suppresses noise nor levels the volume: the sound as it was.

    >>> rec = Recorder(max_seconds=60)
    >>> rec          # in a cell: shows it
    >>> rec.sound    # in a later one: a Sound at 24 kHz, or None before there is one
    """

    _esm = static.joined(*static.RECORDER)
    _css = static.read("recorder.css")

    max_seconds = Float().tag(sync=True)
    hands_free = Bool().tag(sync=True)
    silence = Float().tag(sync=True)
    noise_suppression = Bool().tag(sync=True)
    sends = Bool().tag(sync=True)  # whether what it records goes somewhere at once
    place = Unicode().tag(sync=True)  # the class of HTML elements in which the page shows it
    _armed: ClassVar[set["Recorder"]] = set()  # those that listen hands-free by themselves
    # What a page shows, in every tab and after a reload:
    kept = Float(0.0).tag(sync=True)  # seconds of sound held here
    taking = Unicode("").tag(sync=True)  # the take that is being recorded
    busy = Bool(False).tag(sync=True)  # what was recorded is on its way
    notice = Unicode("").tag(sync=True)

    def __init__(
        self,
        *,
        max_seconds: float = 300.0,
        hands_free: bool = False,
        silence: float = 1.5,
        trim: bool = True,
        noise_suppression: bool = True,
        then: Callable[[Sound], None] | None = None,
        unheard: Callable[[str], None] | None = None,
    ):
        """Make one; `then` is called with each new sound, in a thread of its own.

        `unheard` is called with a line when there will be none: no microphone, nobody spoke.
        Raises OptionError for lengths that make no sense.
        """
        _check("max_seconds", max_seconds, 1, LONGEST)
        _check("silence", silence, 0.3, 60)
        self.trim = trim
        self.shown = threading.Event()  # a page has it on show
        self.unsent = 0.0  # seconds of silence that were cut off the last sound
        self.complaint = ""  # what was wrong with the last sound, as the page heard it
        self._then, self._unheard = then, unheard
        self._sound: Sound | None = None
        self._take: Upload | None = None
        self._finished = ""  # the name of the last take
        self._arms = then is not None and hands_free  # whoever asks to talk hands-free means now
        self._place = Mount("A recorder. Run this cell in a front end with widgets to record.")
        super().__init__(  # the page must know all of it when it makes its half
            max_seconds=float(max_seconds),
            hands_free=hands_free,
            silence=float(silence),
            noise_suppression=noise_suppression,
            sends=then is not None,
            place=self._place.name,
        )
        self.on_msg(self._heard)

    @property
    def sound(self) -> Sound | None:
        """The last recording; of one that a closed tab broke off, what had come."""
        if self._take and self._take.left_alone and self._take.seconds:
            return self._take.sound()
        return self._sound

    def clear(self) -> None:
        """Forget what was recorded."""
        self._take, self.taking = None, ""
        self._sound, self.kept, self.notice = None, 0.0, ""

    def close(self) -> None:
        """Let the microphone go, for good."""
        self._armed.discard(self)
        if self.comm:
            self.layout.close()  # a widget of its own, which outlives this one
        super().close()

    def halt(self) -> None:
        """Stop a recording that runs, and keep what there is."""
        self.send({"kind": "halt"})

    # -- on show ------------------------------------------------------------------------------
    def __repr__(self) -> str:
        return f"Recorder({self.kept:.1f} s recorded)" if self.kept else "Recorder()"

    def _ipython_display_(self) -> None:
        self.show()

    def show(self, handle: Any = None) -> Any:
        """Show it in a cell's output, or a display's handle; return the handle (see Mount.show)."""
        return self._place.show(self, handle)

    # -- what the page says -------------------------------------------------------------------
    def _heard(self, _: object, message: Any, buffers: list[Any]) -> None:
        take = self._take
        match message:
            case {"kind": "here", "inhabits": bool(inhabits)}:
                self._here(inhabits)
            case {"kind": "start", "take": str(name), "what": "sound" | "file" as what}:
                self._start(Upload(one_line(name, 40), what == "file"))
            case {"kind": "unheard", "line": str(line)}:
                self._armed.discard(self)
                if self._unheard:
                    self._unheard(one_line(line))
            case {"kind": "play"} if self._sound:
                self.send({"kind": "sound"}, [self._sound.encode("flac")])
            case {"kind": "send"} if self._sound:
                self._hand_on(self._sound)
            case {"take": str(name)} if take and take.name == name:
                self._of_take(take, message, buffers)
            case {"kind": "end", "take": str(name)} if name == self._finished:
                self.send({"kind": "done", "take": name, "line": ""})  # the first was lost

    def _here(self, inhabits: bool) -> None:
        first = not self.shown.is_set()
        self.shown.set()
        if self._take and self._take.left_alone:  # its tab was closed; what came is kept
            self._finish(self._take)
        arm = first and self._arms and not self._armed  # else one sentence would go to all of them
        if arm:
            self._armed.add(self)
        self.send({"kind": "welcome", "arm": arm})
        if inhabits:
            self._place.inhabit()

    def _start(self, take: Upload) -> None:
        if take.name in (self._finished, self.taking):
            return  # again: an acknowledgement was lost
        if self._take and not self._take.left_alone:
            self._done(take, "A recording is running in another tab.")
            return
        if self._take and self._take.seconds:
            self._finish(self._take)
        self._take, self.taking, self.notice = take, take.name, ""

    def _of_take(self, take: Upload, message: Any, buffers: list[Any]) -> None:
        match message:
            case {"kind": "piece", "number": int(number)}:
                self._piece(take, number, message, buffers)
            case {"kind": "end", "count": int(count), "send": bool(send)} if count <= take.next:
                self.complaint = one_line(message.get("complaint", ""), 200)
                sound = self._finish(take, span(message.get("cut")) if self.trim else None)
                self.unsent = max(0.0, take.seconds - sound.seconds) if sound else 0.0
                if sound and send:
                    self._hand_on(sound)
            case {"kind": "end"}:
                self.send({"kind": "again", "take": take.name, "next": take.next})
            case {"kind": "drop"}:
                self._done(take)

    def _piece(self, take: Upload, number: int, message: Any, buffers: list[Any]) -> None:
        text = message.get("base64")
        answer: dict[str, Any] = {"kind": "ack", "take": take.name}
        try:
            if buffers or isinstance(text, str):
                piece = bytes(buffers[0]) if buffers else base64.b64decode(text, validate=True)
                whole = take.add(number, piece)
            else:  # the front end lost the buffer
                whole, answer["text"] = False, True
        except SoundError as error:
            self._finish(take, line=f"{error}")
            return
        except ValueError:  # no base64
            return
        if not whole and take.asked_for == take.next:
            return  # every piece on its way behind a missing one would ask for it
        if not whole:
            answer["kind"], take.asked_for = "again", take.next
        self.send({**answer, "next": take.next})

    def _finish(
        self, take: Upload, cut: tuple[int, int] | None = None, line: str = ""
    ) -> Sound | None:
        """Keep what a take holds; None, and a line on why, when it cannot be read."""
        try:
            sound = take.sound(cut)
        except SoundError as error:
            if take.is_file and not line:
                self._take, self.taking = None, ""
                self.send({"kind": "decode", "take": take.name})
            else:
                self._done(take, line or f"{error}")
            return None
        self._sound, self.kept = sound, sound.seconds
        self._done(take, line)
        return sound

    def _done(self, take: Upload, line: str = "") -> None:
        self._armed.discard(self)
        if take is self._take:
            self._take, self.taking, self._finished = None, "", take.name
        self.send({"kind": "done", "take": take.name, "line": line})

    def _hand_on(self, sound: Sound) -> None:
        if self._then and not self.busy:
            self.busy = True  # now: a second press of the button comes before the thread begins
            # Not here: what a message's handler displays, front ends drop.
            threading.Thread(target=self._hand, args=(sound,), daemon=True).start()

    def _hand(self, sound: Sound) -> None:
        assert self._then
        try:
            self._then(sound)
        finally:
            self.busy = False


def _check(name: str, value: object, least: float, most: float) -> None:
    if not isinstance(value, int | float) or not least <= value <= most:
        raise OptionError(f"{name} takes {least} to {most} seconds, not {one_line(value, 40)}")
