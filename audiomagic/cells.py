"""Cells: what becomes of a reply in a notebook: shown once, bound to a name, saved."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from . import frontend
from .errors import SoundError
from .reply import Reply, savable

if TYPE_CHECKING:
    from .listening import Listening
    from .live_card import LiveCard
    from .live_text import LiveText
    from .pending import Pending
    from .session import Audience
    from .sound import Sound

Options = dict[str, Any]


class Cells:
    """Runs calls for the cells of one shell."""

    def __init__(self, shell: InteractiveShell):
        self._shell = shell
        self._staged: Reply | Pending | None = None  # what is on show already
        self._listening: dict[str, list[Listening]] = {}  # of each cell's last run
        self._runs: dict[str, int] = {}

    def perform(self, options: Options, call: "Callable[[Audience | None], Reply]") -> Reply:
        """Run a call, shown live; bind and save the reply; return it as the cell's result."""
        if options["save"]:
            savable(options["save"])
        if options["quiet"]:
            reply = call(None)
        elif frontend.redraws(self._shell):
            reply = self._in_a_card(options, call)
        else:
            reply = self._in_a_terminal(call)
        self._bind(options, reply)
        self._staged = reply
        if options["save"]:
            saved = reply.save(options["save"])
            if not frontend.redraws(self._shell):
                print(f"saved {saved}")
        return reply

    def _in_a_card(self, options: Options, call: "Callable[[Audience | None], Reply]") -> Reply:
        live = self._live_card(options)
        live.open()
        reply = _followed(call, live)
        live.settle(live.card(reply))
        return reply

    def _in_a_terminal(self, call: "Callable[[Audience | None], Reply]") -> Reply:
        from .live_text import LiveText

        live = LiveText()
        reply = _followed(call, live)
        live.settle(reply)
        return reply

    def _live_card(self, options: Options, handle: Any = None) -> "LiveCard":
        """Make a live card, with a player where somebody is there to hear it."""
        from .live_card import LiveCard

        heard = options["autoplay"] and not options.get("text") and not options["quiet"]
        if not heard or not frontend.somebody(self._shell):
            return LiveCard(handle=handle)
        from .player import Player

        return LiveCard(Player, handle)

    def record(
        self, options: Options, call: "Callable[[Sound, Audience | None], Reply]"
    ) -> "Listening":
        """Show a recorder; when it has recorded, run the call, and put the card in its place."""
        frontend.check_recording(self._shell)
        if options["save"]:
            savable(options["save"])
        from .listening import Listening
        from .pending import Pending

        of_this_run = self._of_this_run()

        def done(reply: Reply) -> Reply | None:
            if self._shell.user_ns.get(options["out"]) is pending:
                self._bind(options, reply)  # else the name means something else by now
            if options["wait"]:
                self._staged = reply
            return None if options["quiet"] else _saved(reply, options["save"])

        recorder = {name: options[name] for name in ("seconds", "hands_free", "processing")}
        pending = Pending(awaitable=frontend.waiting(self._shell) == "await")
        live_card = partial(self._live_card, options)
        listening = Listening(call, done, live_card, pending, **recorder)
        self._bind(options, pending)
        self._staged = pending
        of_this_run.append(listening)
        return listening

    def _of_this_run(self) -> "list[Listening]":
        """Return the recordings of the running cell; those of its last run let go."""
        cell, run = frontend.cell_id(self._shell) or "", self._shell.execution_count
        if not cell:
            return []  # nobody can tell when it runs again
        if self._runs.get(cell) != run:
            for listening in self._listening.pop(cell, ()):
                listening.close()
        self._runs[cell] = run
        return self._listening.setdefault(cell, [])

    def _bind(self, options: Options, reply: "Reply | Pending") -> None:
        if options["out"]:
            self._shell.user_ns[options["out"]] = reply

    def show(self, reply: "Reply | Pending") -> None:
        """Leave a cell's result unshown when it is there already (IPython's display hook)."""
        staged, self._staged = self._staged, None
        if reply is not staged:
            raise NotImplementedError  # IPython then shows it the usual way

    def forget_staged(self, *_: object) -> None:
        """After a cell, whatever it showed may be shown again."""
        self._staged = None

    # -- IPython's side -----------------------------------------------------------------------
    def open(self) -> None:
        """Have IPython ask `show` before it displays a result."""
        self._shell.events.register("post_run_cell", self.forget_staged)
        if self._shell.display_formatter:
            hook = self._shell.display_formatter.ipython_display_formatter
            for module, name in (("reply", "Reply"), ("pending", "Pending")):
                hook.pop(f"audiomagic.{module}.{name}", None)  # of magics that were reloaded
                hook.for_type_by_name(f"audiomagic.{module}", name, self.show)

    def close(self) -> None:
        """Take that back, and let every microphone go."""
        self._shell.events.unregister("post_run_cell", self.forget_staged)
        for listenings in self._listening.values():
            for listening in listenings:
                listening.close()


def _followed(call: "Callable[[Audience | None], Reply]", live: "LiveCard | LiveText") -> Reply:
    """Run a call; when it fails, let what follows it say what came."""
    try:
        return call(live)
    except BaseException:
        live.clear()
        raise


def _saved(reply: Reply, path: str) -> Reply:
    """Save a reply whose cell has ended; what goes wrong is told on its card."""
    try:
        if path:
            reply.save(path)
    except SoundError as error:
        return replace(reply, notes=(*reply.notes, f"Not saved: {error}."))
    return reply
