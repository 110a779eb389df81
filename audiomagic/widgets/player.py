"""Player: a widget through which a reply is heard and read while it arrives.

Its half in the page is script.PLAYER. Sound goes there in custom messages, never in a trait:
traits are saved into notebooks. Only a page that shows it plays it.

    kernel → page                                        page → kernel, by a comm of its own
    open    make a way to the loudspeaker                place, and wish:
    line    line: what takes time                          "stop": ask for no more
    words   text, seconds: words, and from when to         "inhabit": make the output plain HTML
            when they are likely heard
    pcm     and a buffer: 24 kHz mono pcm16
    end     that was all: play it to its end
    halt    be silent
"""

from typing import Any, ClassVar, Literal

import anywidget
from comm import get_comm_manager
from traitlets import Unicode

from .. import static
from ..protocol.response import Delta
from ..render.card import visible
from ..sound import WIRE_RATE
from ..transports.cancellation import Cancellation
from .placement import Mount

LATE = "The reply was still arriving when this was loaded. What its cell gives (Out) holds it."
LETTERS = 15.0  # that speech has in a second, spaces included: a guess until all is there


class Player(anywidget.AnyWidget):
    """What a reply's place shows until the card is there."""

    _esm = static.joined(*static.PLAYER)
    _css = static.read("player.css")
    _playing: ClassVar[dict[str, "Player"]] = {}  # by place

    # The class of HTML elements in which it plays on: of the card's own player.
    place = Unicode().tag(sync=True)

    def __init__(self) -> None:
        self.cancellation = Cancellation()  # cut when the page says so
        self._received = 0.0  # seconds of sound
        self._said = 0.0  # second at which the last word is likely over
        self._place = Mount(LATE)
        super().__init__(place=self._place.name)
        # While a cell runs, a kernel hears comms that the page opens (ipykernel 7.1 and newer), and
        # none of a widget's own messages. Their target is one for all players of a kernel.
        self._playing[self.place] = self
        get_comm_manager().register_target("audiomagic.player", self._asked)

    def show(self, handle: Any = None) -> Any:
        """Show it in a cell's output, or in that of a display's handle; return the handle."""
        handle = self._place.show(self, handle)
        self.send({"kind": "open"})
        return handle

    def on_progress(self, line: str) -> None:
        """Show what takes time."""
        self.send({"kind": "line", "line": line})

    def on_delta(self, piece: Delta) -> None:
        """Pass on words and sound."""
        if piece.text:
            # Not before the sound that came so far is over; where it really is, the whole tells.
            start = max(self._said, self._received)
            self._said = start + len(piece.text) / LETTERS
            seconds = [round(start, 2), round(self._said, 2)]
            self.send({"kind": "words", "text": visible(piece.text), "seconds": seconds})
        if piece.pcm:
            self._received += len(piece.pcm) / (2 * WIRE_RATE)
            self.send({"kind": "pcm"}, [piece.pcm])

    def end(self, kind: Literal["end", "halt"] = "end") -> None:
        """Say that this was all: what the page has is played to its end, or not."""
        self.send({"kind": kind})
        self._playing.pop(self.place, None)

    def close(self) -> None:
        """Let go of the page's half, and of all that is kept of it here."""
        if self.comm:
            self.layout.close()  # a widget of its own, which outlives this one
        super().close()

    @classmethod
    def _asked(cls, comm: Any, message: Any) -> None:
        asked = message["content"]["data"]
        if player := cls._playing.get(asked.get("place")):
            if asked.get("wish") == "stop":
                player.cancellation.cancel()
            elif asked.get("wish") == "inhabit":
                player._place.inhabit()
        comm.send({})  # or else the page would interrupt the kernel
