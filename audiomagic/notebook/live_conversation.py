"""What a cell shows of a conversation: the turn that is made, beneath those that are complete."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.display import display

from ..render.conversation import YOU
from ..render.html import visible
from ..sound import Sound
from ..turn.listener import CancellableListener, StreamListener
from ..turn.reply import Reply
from .live_output import LiveCard, LiveText

if TYPE_CHECKING:
    from ..realtime.conversation import RealtimeConversation


class ConversationView:
    """Shows nothing: the view of `--quiet`."""

    listener: StreamListener | None = None

    def begin(self, turn: str | Sound) -> None:
        """Before a turn is sent."""

    def end(self, talk: "RealtimeConversation", reply: Reply) -> None:
        """After its answer."""

    def fail(self, talk: "RealtimeConversation", part: object) -> None:
        """After a failure; `part` is the Reply as far as it came, if any."""

    def close(self, talk: "RealtimeConversation") -> None:
        """After the last turn."""


class LivePage(ConversationView):
    """In a page: the conversation so far, and a live card beneath it where somebody looks on."""

    def __init__(self, live: LiveCard | None):
        self._live = live
        self.listener = live or CancellableListener()
        self._handle: Any = None
        self._places: list[str] = []  # of the answers' players, see ConversationPage

    def begin(self, turn: str | Sound) -> None:
        if self._live:
            self._live.open()

    def end(self, talk: "RealtimeConversation", reply: Reply) -> None:
        self._places.append(self._live.place if self._live else "")
        self._show(talk)

    def fail(self, talk: "RealtimeConversation", part: object) -> None:
        if len(talk.turns) > len(self._places):  # it was stopped, and is a turn as far as it came
            self._show(talk)
        elif isinstance(part, Reply):
            (self._live or LiveCard()).settle(part)
        elif self._live:
            self._live.clear()

    def _show(self, talk: "RealtimeConversation") -> None:
        bundle = talk.page(self._places)._repr_mimebundle_()
        if self._handle is None and self._live:  # the first turn becomes the page
            self._handle, self._live.handle = self._live.handle, None
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)
        if self._live:  # now that its player is in the page, too
            self._live.give_way()


class LiveTranscript(ConversationView):
    """In a terminal: who speaks, words as they arrive, badges, and in the end the total."""

    def __init__(self, live: LiveText):
        self.listener = self._live = live
        self._spoken = False
        self._noted = set[str]()

    def begin(self, turn: str | Sound) -> None:
        self._spoken = isinstance(turn, Sound)
        said = turn if isinstance(turn, str) else f"[{turn.seconds:.1f} s of sound]"
        print(f"{YOU}: {visible(said)}", flush=True)
        self._live.open()

    def end(self, talk: "RealtimeConversation", reply: Reply) -> None:
        fresh = tuple(note for note in reply.notes if note not in self._noted)
        self._noted.update(reply.notes)  # each is said once
        self._live.settle(replace(reply, notes=fresh))
        if self._spoken:
            print(f"{YOU} said: {visible(talk.turns[-1].question.text)}")

    def fail(self, talk: "RealtimeConversation", part: object) -> None:
        if isinstance(part, Reply):
            self._live.settle(part)
        else:
            self._live.clear()
        if talk.turns:
            self.close(talk)

    def close(self, talk: "RealtimeConversation") -> None:
        print("\n".join(talk.page().summary))
