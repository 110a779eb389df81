"""The doors: %%speak, %%listen and %audiomagic read a line, call the session, show the reply."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)
from IPython.display import display
from traitlets.config import Config

from ..errors import OptionError
from . import frontend, input_transforms
from .arguments import Settings, refuse_misspelt
from .completion import complete
from .magic_line import parse

if TYPE_CHECKING:
    from ..session import Session
    from ..turn.comparison import Comparison
    from ..turn.reply import Reply
    from .invocation import Call, Invocation
    from .output import Output
    from .pending import PendingReply
    from .recording import Recording

Variables = dict[str, Any]


def _manual(magic: str) -> Callable[[Any], Any]:
    """Append the table of options to a magic's docstring: what `%%speak?` shows."""

    def add(function: Any) -> Any:
        about = inspect.cleandoc(function.__doc__)
        function.__doc__ = f"{about}\n\nOptions:\n{Settings.manual(magic)}\n"
        return function

    return add


@magics_class
class AudioMagics(Magics, Settings):
    """The magics and their settings: `%config AudioMagics.voice = "coral"`."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell):
        refuse_misspelt(shell.config)
        super().__init__(shell)
        self._session: Session | None = None
        self._cells: Output | None = None

    @property
    def session(self) -> "Session":
        """The session behind the magics, made at the first call."""
        if self._session is None:
            from ..session import Session

            self._session = Session(notebook=frontend.notebook(self.shell))
            if earlier := self.shell.meta.get("audiomagic"):
                self._session.adopt(earlier)
        return self._session

    @property
    def cells(self) -> "Output":
        """Where replies are shown; made at the first call."""
        if self._cells is None:
            from .output import Output

            self._cells = Output(self.shell)
            self._cells.open()
        return self._cells

    def close(self) -> None:
        """Let go of the shell, and of every microphone; leave the session to magics that follow."""
        if self._cells:
            self._cells.close()
        if self._session:
            self.shell.meta["audiomagic"] = self._session

    # -- the magics ---------------------------------------------------------------------------
    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @_manual("speak")
    def speak(self, line: str, cell: str | None = None, local_ns: Variables | None = None) -> Any:
        """Send the cell's text to an audio model; its answer is heard, and kept as a card.

        `%%speak [options]` with the text below it, or `%speak [options] TEXT`.
        `{name}` in the text is replaced by the notebook's variable. Gives a Reply.
        `--each NAME`: once for each item of a list (`{item}`), or row of a DataFrame (`{column}`);
        gives a Batch, or the DataFrame with what came of each. `--save` names a file for each.
        """
        order = self._order("speak", line, cell, local_ns)
        if order.each:
            return self.cells.go_through(order, self.session, "speak")
        if order.options["dry_run"]:
            self._forecast(order)
            return None
        return self.cells.perform(order, order.speak(self.session, self.cells.origin))

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @_manual("listen")
    def listen(self, line: str, cell: str | None = None, local_ns: Variables | None = None) -> Any:
        """Record a sound, and send it to an audio model with the cell's text as its instruction.

        `%%listen [options]` with the instruction below it, or `%listen [options] [INSTRUCTION]`.
        A recorder appears; the cell gives a PendingReply at once, which becomes the reply, and with
        `--wait` the Reply itself. With `--file PATH` or `--sound NAME` that sound is sent.
        """
        order = self._order("listen", line, cell, local_ns)
        if order.each:
            return self.cells.go_through(order, self.session, "listen")
        if order.options["dry_run"]:
            self._forecast(order)
            return None
        send = order.listen(self.session, self.cells.origin)
        if not order.records:
            return self.cells.perform(order, send(order.sounds()))
        listening = self._record(order, send)
        if not order.options["wait"]:
            return listening.pending
        if frontend.waiting(self.shell) == "poll":
            return listening.poll()
        print(frontend.CANNOT_WAIT)  # a cell that could was rewritten to call `awaited`
        return listening.pending

    async def awaited(
        self, line: str, cell: str | None = None
    ) -> "Reply | Comparison | PendingReply":
        """Run `%listen --wait` where an `await` lets the recorder's messages through."""
        order = self._order("listen", line, cell, None)
        return await self._record(order, order.listen(self.session, self.cells.origin)).wait()

    def _forecast(self, order: "Invocation") -> None:
        found = order.dry_run(self.session, self.cells.origin)
        display(found)  # type: ignore[no-untyped-call]

    def _record(self, order: "Invocation", send: "Callable[[object], Call]") -> "Recording":
        order.prepare(self.session)
        return self.cells.record(order, send)

    def _waits(self, line: str) -> bool:
        """Say whether a line of %listen is to be rewritten so that it awaits."""
        if frontend.waiting(self.shell) != "await":
            return False
        try:
            given, _ = parse("listen", line)
        except OptionError:
            return False  # the magic will say what is wrong
        options = {name: getattr(self, name) for name in ("wait", "file", "sound")} | given
        return bool(options["wait"] and not (options["file"] or options["sound"]))

    @no_var_expand
    @line_magic
    def audiomagic(self, line: str) -> Any:
        """Show the status (no argument), or run a command.

        `models`, `voices`: tables. `costs [--all] [--csv FILE]`: what calls cost, of this notebook
        or all. `budget AMOUNT [--per day|month]`: a cap; reached, the next call is refused.
        `budget off` lifts it. `key`: ask for a key, unseen, for this kernel alone.
        `chat [NAME]`: show a conversation; `--forget`, `--save FILE`, `--load FILE`.
        `record FOLDER` keeps every exchange in a folder; `replay FOLDER [--at-once]` answers from
        it, at no cost; `live` ends either.
        `strip NOTEBOOK` takes the embedded sound out of a notebook; words and badges stay. Close
        it first; where its other outputs run scripts, `jupyter trust` it again.
        `traceback`: all of the last error, of which its cell shows one line.
        """
        from . import commands

        return commands.run(line, self.session, self)

    # -- the line -----------------------------------------------------------------------------
    def _order(
        self, magic: str, line: str, cell: str | None, local_ns: Variables | None
    ) -> "Invocation":
        """Read a line, in the notebook's variables; in a function, in its own too."""
        from .invocation import Invocation

        return Invocation.read(magic, line, cell, self, {**self.shell.user_ns, **(local_ns or {})})

    # -- settings -----------------------------------------------------------------------------
    def update_config(self, config: Config) -> None:
        """Take settings (`%config`), and name the nearest for a misspelled one."""
        refuse_misspelt(config)
        super().update_config(config)


def load(shell: InteractiveShell) -> None:
    """Register the magics, their completer, and how their result is shown."""
    magics = AudioMagics(shell)
    shell.register_magics(magics)
    for name in ("%%speak", "%speak", "%%listen", "%listen"):
        shell.set_hook("complete_command", complete, str_key=name)  # type: ignore[no-untyped-call]
    input_transforms.install(shell, magics._waits)


def unload(shell: InteractiveShell) -> None:
    """Take back what `load` did."""
    input_transforms.uninstall(shell)
    for magics in list(shell.configurables):
        if isinstance(magics, AudioMagics):
            shell.configurables.remove(magics)
            magics.close()
    for kind, names in AudioMagics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
