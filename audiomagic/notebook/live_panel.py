"""A `%%converse` at the microphone: a panel, and in the end the page of the conversation."""

from collections.abc import Callable
from functools import partial

from ..errors import one_line
from ..realtime.conversation import RealtimeConversation
from ..realtime.turn_taking import TurnTaking
from ..widgets.conversation_panel import ConversationPanel

QUIET = {"text/plain": "The conversation has ended.", "text/html": "The conversation has ended."}


class LivePanel:
    """Shows the panel of a conversation until that ends.

    `done` is called then, in a thread; what it raises is noted in the page.
    """

    def __init__(
        self,
        talk: RealtimeConversation,
        done: Callable[[], object],
        *,
        push_to_talk: bool,
        max_seconds: float | None,
        quiet: bool,
    ):
        self._talk, self._done, self._quiet = talk, done, quiet
        make = partial(ConversationPanel, push_to_talk=push_to_talk)
        self._taking: TurnTaking[ConversationPanel] = TurnTaking(
            talk, make, self._end, push_to_talk=push_to_talk, max_seconds=max_seconds
        )
        self._taking.panel.show()

    def close(self) -> None:
        """End the conversation; its page stays."""
        self._taking.end()

    def _end(self) -> None:
        try:
            self._done()
        except Exception as error:  # its cell has ended: said in the page
            self._talk.notes.append(one_line(error))
        bundle = QUIET if self._quiet else self._talk._repr_mimebundle_()
        self._taking.panel.end(bundle)
