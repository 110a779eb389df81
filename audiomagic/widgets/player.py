"""Player: a widget that lets a reply be heard and read while it arrives.

Sound goes to static/player.js, its half in the page, in custom messages and never in a trait:
traits are saved into notebooks. Only a page that shows the player plays it.

    kernel -> page                                       page -> kernel, by a comm of its own
    open      open the audio output                      mount: its mount_class, and request:
    progress  line: what takes time                        "stop": cancel the call
    text      text, seconds: when it probably is spoken    "replace_output": make it plain HTML
    pcm       and a buffer: 24 kHz mono pcm16
    end       complete: play it to its end
    halt      fall silent
"""

from typing import Any, ClassVar, Literal

from comm import get_comm_manager

from .. import static
from ..protocol.response import Delta
from ..sound import pcm16_seconds
from ..transports.cancellation import Cancellation
from .placement import MountedWidget

LATE = "The reply was still arriving when this page was loaded. Once complete, it is in Out."
CHARACTERS_PER_SECOND = 15.0  # of speech, spaces included: a guess until everything is there


class Player(MountedWidget):
    """Stands in a reply's place until its card is there."""

    _esm = static.script("player.js")
    _css = static.read("player.css")
    absent = LATE
    _by_mount: ClassVar[dict[str, "Player"]] = {}

    def __init__(self) -> None:
        self.cancellation = Cancellation()  # cancelled when the page asks for it
        self._received = 0.0  # seconds of sound
        self._spoken = 0.0  # second at which the last word is probably over
        super().__init__()
        # While a cell runs, a kernel receives comms that the page opens (ipykernel 7.1 and newer),
        # but none of a widget's own messages. All players of a kernel share the comm's target.
        self._by_mount[self.mount_class] = self
        get_comm_manager().register_target("audiomagic.player", self._on_request)

    def show(self, handle: Any = None) -> Any:
        handle = super().show(handle)
        self.send({"kind": "open"})
        return handle

    def on_progress(self, line: str) -> None:
        self.send({"kind": "progress", "line": line})

    def on_delta(self, delta: Delta) -> None:
        if delta.text:
            # A guess, but not before the sound that arrived with earlier text is over.
            start = max(self._spoken, self._received)
            self._spoken = start + len(delta.text) / CHARACTERS_PER_SECOND
            seconds = [round(start, 2), round(self._spoken, 2)]
            self.send({"kind": "text", "text": delta.text, "seconds": seconds})
        if delta.pcm:
            self._received += pcm16_seconds(delta.pcm)
            self.send({"kind": "pcm"}, [delta.pcm])

    def end(self, kind: Literal["end", "halt"] = "end") -> None:
        """End the reply; what the page has is played to its end, or with "halt" not."""
        self.send({"kind": kind})
        self._by_mount.pop(self.mount_class, None)

    @classmethod
    def _on_request(cls, comm: Any, message: Any) -> None:
        content = message["content"]["data"]
        if player := cls._by_mount.get(content.get("mount")):
            if content.get("request") == "stop":
                player.cancellation.cancel()
            elif content.get("request") == "replace_output":
                player.replace_output()
        comm.send({})  # otherwise the page would interrupt the kernel
