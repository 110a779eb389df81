"""Output: what becomes of a reply in a notebook: shown once, bound to a name, saved."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import HTML, display

from ..errors import Interrupted, SoundError
from ..turn.notes import STOPPED
from ..turn.reply import savable
from . import frontend

if TYPE_CHECKING:
    from ..batch.batch import Batch
    from ..session import Session
    from ..turn.conversation import CellRun
    from .invocation import Call, Invocation, Result
    from .live_output import LiveCard
    from .live_text import LiveText
    from .pending import PendingReply
    from .recording import Recording


class Output:
    """Runs calls for the cells of one shell."""

    def __init__(self, shell: InteractiveShell):
        self._shell = shell
        self._staged: Result | PendingReply | Batch | None = None  # what is on show already
        self._listening: dict[str, list[Recording]] = {}  # of each cell's last run
        self._runs: dict[str, int] = {}

    def perform(self, order: "Invocation", call: "Call") -> "Result":
        """Run a call, shown live; bind and save the reply; return it as the cell's result."""
        if order.options["save"]:
            savable(order.options["save"])
        if order.options["quiet"]:
            reply = call(None)
        elif frontend.redraws(self._shell):
            reply = self._in_a_card(order, call)
        else:
            reply = self._in_a_terminal(order, call)
        self._bind(order, reply)
        self._stage(reply)
        if order.options["save"]:
            saved = reply.save(order.options["save"])
            if not frontend.redraws(self._shell):
                print(f"saved {saved}")
        return reply

    def go_through(self, order: "Invocation", session: "Session", magic: str) -> Any:
        """Run an order for each of its items; bind and return a Batch, or the DataFrame with
        columns added; the cards of the first are shown with it.
        """
        from ..batch.display import cards
        from . import each

        try:
            batch = each.run(order, session, magic)
        except Interrupted as error:
            self._bind(order, error.reply)
            raise
        if not (order.each and order.each.is_frame):
            if order.options["quiet"]:
                self._stage(batch)
            self._bind(order, batch)
            return batch
        if not order.options["quiet"]:
            display(HTML(cards(batch)))  # type: ignore[no-untyped-call]
        frame = batch.frame()
        self._bind(order, frame)
        return frame

    def _in_a_card(self, order: "Invocation", call: "Call") -> "Result":
        live = self._live_card(order)
        live.open()

        def settle(reply: "Result") -> None:
            live.settle(live.card(reply), getattr(reply, "finish_reason", None) == STOPPED)

        return self._followed(order, call, live, settle)

    def _in_a_terminal(self, order: "Invocation", call: "Call") -> "Result":
        from .live_text import LiveText

        live = LiveText()
        return self._followed(order, call, live, live.settle)

    def _followed(
        self,
        order: "Invocation",
        call: "Call",
        live: "LiveCard | LiveText",
        settle: "Callable[[Result], None]",
    ) -> "Result":
        """Run a call; show its reply, or when it fails, the part that came."""
        try:
            reply = call(live)
        except BaseException as error:
            part: Result | None = getattr(error, "reply", None)
            if part is None:
                live.clear()
            else:
                self._bind(order, part)
                settle(part)
            raise
        settle(reply)
        return reply

    def _live_card(self, order: "Invocation", handle: Any = None) -> "LiveCard":
        """Make a live card, with a player where somebody is there to hear it."""
        from .live_output import LiveCard

        if not order.heard or not frontend.somebody(self._shell):
            return LiveCard(handle=handle)
        from ..widgets.player import Player

        return LiveCard(Player, handle)

    def record(self, order: "Invocation", send: "Callable[[object], Call]") -> "Recording":
        """Show a recorder; when it has recorded, run the call, and put the card in its place."""
        frontend.check_recording(self._shell)
        if order.options["save"]:
            savable(order.options["save"])
        from .pending import PendingReply
        from .recording import Recording

        of_this_run = self._of_this_run()

        def done(reply: "Result") -> "Result | None":
            if self._shell.user_ns.get(order.options["out"]) is pending:
                self._bind(order, reply)  # else the name means something else by now
            if order.options["wait"]:
                self._stage(reply)
            return None if order.options["quiet"] else _saved(reply, order.options["save"])

        recorder = {
            name: order.options[name] for name in ("max_seconds", "hands_free", "noise_suppression")
        }
        pending = PendingReply(awaitable=frontend.waiting(self._shell) == "await")
        live_card = partial(self._live_card, order)
        listening = Recording(send, done, live_card, pending, **recorder)
        self._bind(order, pending)
        self._stage(pending)
        of_this_run.append(listening)
        return listening

    @property
    def origin(self) -> "CellRun | None":
        """The running cell, and which of its runs; None where the front end does not tell."""
        from ..turn.conversation import CellRun

        cell = frontend.cell_id(self._shell)
        return CellRun(cell, self._shell.execution_count) if cell else None

    def _of_this_run(self) -> "list[Recording]":
        """Return the recordings of the running cell; those of its last run let go."""
        cell, run = frontend.cell_id(self._shell) or "", self._shell.execution_count
        if not cell:
            return []  # nobody can tell when it runs again
        if self._runs.get(cell) != run:
            for listening in self._listening.pop(cell, ()):
                listening.close()
        self._runs[cell] = run
        return self._listening.setdefault(cell, [])

    def _bind(self, order: "Invocation", reply: object) -> None:
        if order.options["out"]:
            self._shell.user_ns[order.options["out"]] = reply

    def _stage(self, reply: "Result | PendingReply | Batch") -> None:
        """Note that it is on show, and have IPython ask `show` before it displays such a result."""
        self._staged = reply
        if self._shell.display_formatter:  # for its class as it is now: it may be reloaded
            hook = self._shell.display_formatter.ipython_display_formatter
            hook.for_type(type(reply), self.show)

    def show(self, reply: "Result | PendingReply | Batch") -> None:
        """Leave a cell's result unshown when it is there already (IPython's display hook)."""
        staged, self._staged = self._staged, None
        if reply is not staged:
            raise NotImplementedError  # IPython then shows it the usual way

    def forget_staged(self, *_: object) -> None:
        """After a cell, whatever it showed may be shown again."""
        self._staged = None

    # -- IPython's side -----------------------------------------------------------------------
    def open(self) -> None:
        """Have IPython say when a cell has ended."""
        self._shell.events.register("post_run_cell", self.forget_staged)

    def close(self) -> None:
        """Take that back, and let every microphone go."""
        self._shell.events.unregister("post_run_cell", self.forget_staged)
        for listenings in self._listening.values():
            for listening in listenings:
                listening.close()


def _saved(reply: "Result", path: str) -> "Result":
    """Save a reply whose cell has ended; what goes wrong is told on its card."""
    try:
        if path:
            reply.save(path)
    except SoundError as error:
        return reply.noted(f"Not saved: {error}.")
    return reply
