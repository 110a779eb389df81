"""The widget of a live conversation: what it passes on; no browser."""

from typing import Any

import pytest
from traitlets import TraitError

from audiomagic.widgets.conversation_panel import ConversationPanel

FRAME = bytes(2_400)


class Listener:
    """Notes what it is called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *values: self.calls.append((name, *values))


class SentPanel(ConversationPanel):
    """Keeps what it sends to its pages, and has the comm that a front end would give it."""

    def __init__(self, listener: Any, **options: Any):
        self.sent: list[dict[str, Any]] = []
        super().__init__(listener, **options)

    def send(self, content: Any, buffers: Any = None) -> None:
        self.sent.append(content | ({"buffers": buffers} if buffers else {}))


class Comm:
    """One that a page opened."""

    def __init__(self, opening: Any) -> None:
        self._on_msg: Any = None
        ConversationPanel._on_open(self, {"content": {"data": opening}, "buffers": []})

    def on_msg(self, callback: Any) -> None:
        self._on_msg = callback

    def tell(self, message: Any, *buffers: bytes) -> None:
        self._on_msg({"content": {"data": message}, "buffers": list(buffers)})


class Handle:
    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []

    def update(self, bundle: dict[str, Any], raw: bool) -> None:
        assert raw
        self.shown.append(bundle)


def opened(panel: ConversationPanel, page: str = "p", mountable: bool = False) -> Comm:
    opening = {"mount": panel.mount_class, "kind": "shown", "page": page, "mountable": mountable}
    return Comm(opening)


def test_a_page_is_heard_by_its_own_comm_and_by_the_widgets() -> None:
    listener = Listener()
    panel = SentPanel(listener)
    try:
        comm = opened(panel)
        comm.tell({"page": "p", "kind": "start", "attempt": 1})
        comm.tell({"page": "p", "kind": "audio", "number": 0}, FRAME)
        content = {"method": "custom", "content": {"page": "p", "kind": "text", "text": "Hi"}}
        panel._handle_msg({"content": {"data": content}, "buffers": []})
        assert listener.calls == [("on_start",), ("on_audio", FRAME), ("on_text", "Hi")]
        kinds = [message["kind"] for message in panel.sent]
        assert kinds == ["ready", "started", "ready", "ack"]
    finally:
        panel.close()


@pytest.mark.parametrize("opening", [{}, {"mount": None}, {"mount": "another"}])
def test_a_comm_for_no_panel_is_ignored(opening: Any) -> None:
    assert Comm(opening)._on_msg is None


def test_sound_and_words_are_never_in_a_trait() -> None:
    panel = SentPanel(Listener(), push_to_talk=True)
    try:
        before = panel.get_state()
        assert before["push_to_talk"] is True and before["state"] == "idle"
        opened(panel).tell({"page": "p", "kind": "start", "attempt": 1})
        panel.model_words("a", "One small robot")
        panel.pcm("a", FRAME)
        panel.item_done("a")
        panel.user_words("u", "Hello", True)
        panel.flush()
        assert panel.get_state() == before
        assert panel.heard("a") == "One small robot" and panel.heard("never") == ""
        panel.state, panel.cost, panel.notice = "speaking", "$0.01", "A minute is left."
        changed = {k: v for k, v in panel.get_state().items() if v != before[k]}
        assert changed == {"state": "speaking", "cost": "$0.01", "notice": "A minute is left."}
        with pytest.raises(TraitError, match="speaking"):
            panel.state = "singing"
    finally:
        panel.close()


def test_its_end_leaves_what_it_is_given_and_hears_no_more() -> None:
    listener, handle = Listener(), Handle()
    panel = SentPanel(listener)
    panel.show(handle)
    comm = opened(panel, mountable=True)
    assert "application/vnd.jupyter.widget-view+json" not in handle.shown[-1]  # plain HTML
    comm.tell({"page": "p", "kind": "start", "attempt": 1})
    card = {"text/html": "<p>Bye</p>", "text/plain": "Bye"}
    panel.end(card)
    assert panel.state == "ended" and panel.comm is None
    assert panel.sent[-1] == {"kind": "card", "html": "<p>Bye</p>"}
    assert handle.shown[-1] == card
    listener.calls.clear()
    comm.tell({"page": "p", "kind": "text", "text": "Hello?"})
    panel.pcm("a", FRAME)
    assert listener.calls == [] and panel.sent[-1]["kind"] == "card"
    panel.close()  # again
    again = SentPanel(Listener())
    assert opened(panel)._on_msg is None and opened(again)._on_msg
    again.close()
