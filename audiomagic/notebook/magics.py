"""The magics: %%speak, %%listen, %%converse and %audiomagic read a line, run it in a session."""

from functools import cached_property
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

from IPython.core import magic
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from ..errors import OptionError
from . import frontend, input_transforms
from .arguments import MAGICS, MagicOptions, check_config, complete, parse

if TYPE_CHECKING:
    from ..session import Session
    from .invocation import Invocation
    from .output import Output

Variables = dict[str, Any]
OR_A_LINE = ", or write %{} TEXT on a line of code"
NOT_AWAITED = (
    "--wait works in a cell that begins with %%listen --wait; "
    "here, `await` the result, or read it in a later cell."
)


@magic.magics_class
class AudioMagics(magic.Magics, MagicOptions):
    """The magics and their settings: `%config AudioMagics.voice = "coral"`."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell):
        check_config(shell.config)
        super().__init__(shell)

    def update_config(self, config: Config) -> None:
        check_config(config)
        super().update_config(config)

    @cached_property
    def session(self) -> "Session":
        from ..session import Session

        session = Session(notebook=frontend.notebook(self.shell))
        if earlier := self.shell.meta.get("audiomagic"):
            session.adopt(earlier)
        return session

    @cached_property
    def output(self) -> "Output":
        from .output import Output

        return Output(self.shell)

    def close(self) -> None:
        """Leave the shell, release every microphone, keep the session for magics that follow."""
        if "output" in vars(self):
            self.output.close()
        if "session" in vars(self):
            self.shell.meta["audiomagic"] = self.session

    # -- the magics ---------------------------------------------------------------------------
    @magic.no_var_expand
    @magic.needs_local_scope
    @magic.line_cell_magic
    def speak(self, line: str, cell: str | None = None, local_ns: Variables | None = None) -> Any:
        """Send the cell's text to an audio model; play its answer, and keep it as a card.

        `%%speak [options]` with the text below it, or `%speak [options] TEXT`.
        `{name}` in the text is replaced by the notebook's variable; in `--save`, a text becomes
        one name, and only a Path leads to another folder. Returns a Reply.
        `--each NAME` runs once for each item of a list (`{item}`), or row of a DataFrame
        (`{column}`), and returns a Batch, or the DataFrame with columns added; `--save` then names
        one file per item.
        """
        return self.output.run(self._read("speak", line, cell, local_ns), self.session)

    @magic.no_var_expand
    @magic.needs_local_scope
    @magic.line_cell_magic
    def listen(self, line: str, cell: str | None = None, local_ns: Variables | None = None) -> Any:
        """Record a sound, and send it to an audio model with the cell's text as its instruction.

        `%%listen [options]` with the instruction below it, or `%listen [options] [INSTRUCTION]`.
        A recorder appears. The cell returns a PendingReply at once, which becomes the reply; a cell
        that begins with `%%listen --wait` returns the Reply itself. With `--file PATH` or
        `--sound NAME` that sound is sent.
        """
        invocation = self._read("listen", line, cell, local_ns)
        if not invocation.records:
            return self.output.run(invocation, self.session)
        recording = self.output.record(invocation, self.session)
        if invocation.options.wait:
            how = frontend.waiting(self.shell)
            if how == "poll":
                return recording.poll()
            print(NOT_AWAITED if how == "await" else frontend.CANNOT_WAIT)
        return recording.pending

    @magic.no_var_expand
    @magic.needs_local_scope
    @magic.line_cell_magic
    def converse(
        self, line: str, cell: str | None = None, local_ns: Variables | None = None
    ) -> Any:
        """Hold a conversation with a realtime model; the cell's text is its instructions.

        `%%converse [options]` with the instructions below it. A panel appears, and the cell returns
        at once: press Start, and talk; speaking over the model stops it. With `--say TEXT`,
        `--file PATH` and `--sound NAME`, as many as you like, there is no panel: these are your
        turns, taken in the order in which they are written. Returns a RealtimeConversation.
        `--max-cost` is for the whole of it, `--max-tokens` for each answer.
        """
        if cell is None:
            raise OptionError(
                "%converse has no one-line form; begin a cell with %%converse, and write the "
                "model's instructions below it"
            )
        return self.output.converse(self._read("converse", line, cell, local_ns), self.session)

    async def awaited(self, line: str, cell: str | None = None) -> Any:
        return await self.output.record(self._read("listen", line, cell, None), self.session).wait()

    def misplaced(self, name: str) -> None:
        raise OptionError(
            f"%%{name} must begin its cell, and nothing in this one was run; move what is before "
            f"it to another cell{'' if name == 'converse' else OR_A_LINE.format(name)}"
        )

    @magic.no_var_expand
    @magic.line_magic
    def audiomagic(self, line: str) -> Any:
        """Show the status (no argument), or run a command.

        `models`, `voices`: tables. `costs [--all] [--csv FILE]`: what the calls of this notebook,
        or of all, cost. `budget AMOUNT [--per day|month]`: a cap; once it is reached, the next call
        is refused. `budget off` lifts it. `key`: ask for a key, hidden, for this kernel only.
        `chat [NAME]`: show a conversation; `--forget`, `--save FILE`, `--load FILE`.
        `record FOLDER` keeps every exchange in a folder; `replay FOLDER [--at-once]` answers from
        it, at no cost; `live` ends either.
        `strip NOTEBOOK` removes the embedded sound from a notebook; words and badges stay. Close
        it first; if its other outputs run scripts, `jupyter trust` it again.
        `traceback`: the whole of the last error, of which its cell shows one line.
        """
        from . import commands

        return commands.run(line, self.session, self)

    def _read(
        self, name: str, line: str, cell: str | None, local_ns: Variables | None
    ) -> "Invocation":
        from .invocation import Invocation

        return Invocation.read(name, line, cell, self, {**self.shell.user_ns, **(local_ns or {})})

    def waits(self, line: str) -> bool:
        """Whether a line of %listen is to be rewritten so that it awaits the recording."""
        if frontend.waiting(self.shell) != "await":
            return False
        try:
            given, _ = parse("listen", line)
        except OptionError:
            return False  # the magic will say what is wrong
        values = self.values("listen") | given
        unattended = ("sources", "file", "sound", "each", "dry_run")
        return bool(values["wait"]) and not any(map(values.get, unattended))


for name in MAGICS:  # `%%speak?` shows the options too
    function = getattr(AudioMagics, name)
    options = MagicOptions.manual(name)
    function.__doc__ = f"{cleandoc(function.__doc__)}\n\nOptions:\n{options}\n"


def load(shell: InteractiveShell) -> None:
    magics = AudioMagics(shell)
    shell.register_magics(magics)
    for line in [percent + name for name in MAGICS for percent in ("%", "%%")]:
        shell.set_hook("complete_command", complete, str_key=line)  # type: ignore[no-untyped-call]
    input_transforms.install(shell, magics.waits)


def unload(shell: InteractiveShell) -> None:
    input_transforms.uninstall(shell)
    for magics in list(shell.configurables):
        if isinstance(magics, AudioMagics):
            shell.configurables.remove(magics)
            magics.close()
    for kind, names in AudioMagics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
