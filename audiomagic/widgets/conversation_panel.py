"""ConversationPanel: a widget to converse with; static/conversation.js is its half in the page.

It knows nothing of models: what the user says and does goes to a listener, and what the listener
gives it is shown and played. Sound and words go in custom messages and never in a trait: traits
are saved into notebooks.
"""

import threading
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from comm import get_comm_manager
from traitlets import Bool, Enum, Unicode

from .. import static
from .conversation_protocol import ConversationListener, ConversationProtocol, Kind, Message
from .placement import MountedWidget

State = Literal["idle", "connecting", "listening", "hearing", "thinking", "speaking", "ended"]
TARGET = "audiomagic.conversation"  # of the comms that pages open


class ConversationPanel(MountedWidget):
    """Microphone, loudspeaker and words of a live conversation.

    `listener` is told what the user does. With `push_to_talk` the microphone is heard while a
    button is held, or the space bar. Every method may be called from any thread.

    `state`, `cost` (dollars so far, as text) and `notice` (a line for the user) are assigned: all
    pages that show the panel follow them. "hearing" is: the user speaks.
    """

    _esm = static.script("conversation.js")
    _css = static.read("conversation.css")
    absent = "Live conversation. To converse, run this cell in a front end that supports widgets."
    _by_mount: ClassVar[dict[str, "ConversationPanel"]] = {}

    push_to_talk = Bool().tag(sync=True)
    state = Enum(
        ["idle", "connecting", "listening", "hearing", "thinking", "speaking", "ended"], "idle"
    ).tag(sync=True)
    cost = Unicode("").tag(sync=True)
    notice = Unicode("").tag(sync=True)

    def __init__(self, listener: ConversationListener, push_to_talk: bool = False):
        self.protocol = ConversationProtocol(listener, self._to_pages)
        self._ended = threading.Event()
        self._watch: threading.Thread | None = None
        super().__init__(push_to_talk=push_to_talk)
        self._by_mount[self.mount_class] = self
        # While a cell runs, a kernel receives comms that the page opens (ipykernel 7.1 and newer),
        # but none of a widget's own messages; those are for front ends without such comms.
        get_comm_manager().register_target(TARGET, self._on_open)
        self.on_msg(lambda _, content, buffers: self._receive(content, buffers))

    def user_words(self, item: str, text: str, final: bool) -> None:
        """Show all that was recognised of what the user said; "" keeps its place."""
        self.protocol.user_words(item, text, final)

    def model_words(self, item: str, text: str) -> None:
        """Show more words of an item when they are spoken, or with `item_done` if never."""
        self.protocol.model_words(item, text)

    def pcm(self, item: str, data: bytes) -> None:
        """Play 24 kHz mono pcm16 after what came before it; nothing if its item was flushed."""
        self.protocol.pcm(item, data)

    def item_done(self, item: str) -> None:
        """No more words and sound of an item will come."""
        self.protocol.item_done(item)

    def flush(self) -> None:
        """Fall silent at once, and drop what still comes of the items that were under way; the
        listener's `on_flushed` follows.
        """
        self.protocol.flush()

    def heard(self, item: str) -> str:
        """The words of an item: of one that was flushed, those that were probably heard."""
        row = self.protocol.rows.get(item)
        return row.text if row else ""

    def end(self, bundle: Mapping[str, str]) -> None:
        """End it: every output becomes a MIME bundle, of which pages show the text/html. Not within
        a listener's method, where front ends drop what is displayed.
        """
        self.state = "ended"
        self.protocol.card(bundle["text/html"])
        for handle in self._displays:
            handle.update(dict(bundle), raw=True)
        self.close()

    def close(self) -> None:
        """Release the page's microphone and loudspeaker, for good."""
        self._ended.set()
        self._by_mount.pop(self.mount_class, None)
        if self._watch and self._watch is not threading.current_thread():
            self._watch.join()
        super().close()

    @classmethod
    def _on_open(cls, comm: Any, opening: Any) -> None:
        """A page opened a comm: its first message says which panel it is for."""
        panel = cls._by_mount.get(opening["content"]["data"].get("mount"))
        if panel:
            comm.on_msg(
                lambda message: panel._receive(message["content"]["data"], message["buffers"])
            )
            panel._receive(opening["content"]["data"], opening.get("buffers", ()))

    def _receive(self, content: Any, buffers: Any) -> None:
        if self._ended.is_set():
            return
        self.protocol.handle(content, buffers)
        match content:
            case {"kind": Kind.SHOWN, "mountable": True}:
                self.replace_output()
            case {"kind": Kind.START} if not self._watch:
                self._watch = threading.Thread(target=self._watch_page, daemon=True)
                self._watch.start()

    def _watch_page(self) -> None:
        while not self._ended.wait(1.0):
            self.protocol.check_page()

    def _to_pages(self, message: Message, buffers: list[bytes] | None) -> None:
        if self.comm:
            self.send(message, buffers)
