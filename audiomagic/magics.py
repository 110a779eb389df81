"""The doors: %%speak, %%listen and %audiomagic read a line, call the session, show the reply."""

import inspect
from collections.abc import Callable
from keyword import iskeyword
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
from traitlets.config import Config

from . import frontend, ipython_input, spelling, template
from .completion import complete
from .errors import OptionError, one_line
from .magic_line import parse
from .settings import Settings, refuse_misspelt

if TYPE_CHECKING:
    from .cells import Cells
    from .pending import Pending
    from .reply import Reply
    from .session import Audience, Session
    from .table import Table

Variables = dict[str, Any]
SESSION_OPTIONS = ("model", "voice", "style", "system", "engine", "base_url", "max_tokens")


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
        self._cells: Cells | None = None

    @property
    def session(self) -> "Session":
        """The session behind the magics, made at the first call."""
        if self._session is None:
            from .session import Session

            self._session = Session()
        return self._session

    @property
    def cells(self) -> "Cells":
        """Where replies are shown; made at the first call."""
        if self._cells is None:
            from .cells import Cells

            self._cells = Cells(self.shell)
            self._cells.open()
        return self._cells

    def close(self) -> None:
        """Let go of the shell, and of every microphone."""
        if self._cells:
            self._cells.close()

    # -- the magics ---------------------------------------------------------------------------
    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @_manual("speak")
    def speak(
        self, line: str, cell: str | None = None, local_ns: Variables | None = None
    ) -> "Reply":
        """Send the cell's text to an audio model; its answer is heard, and kept as a card.

        `%%speak [options]` with the text below it, or `%speak [options] TEXT`.
        `{name}` in the text is replaced by the notebook's variable. Gives a Reply.
        """
        options, text = self._options("speak", line, cell, self._variables(local_ns))
        chosen = {name: options[name] for name in SESSION_OPTIONS}
        return self.cells.perform(
            options,
            lambda audience: self.session.speak(
                text, verbatim=options["verbatim"], audience=audience, **chosen
            ),
        )

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @_manual("listen")
    def listen(
        self, line: str, cell: str | None = None, local_ns: Variables | None = None
    ) -> "Reply | Pending":
        """Record a sound, and send it to an audio model with the cell's text as its instruction.

        `%%listen [options]` with the instruction below it, or `%listen [options] [INSTRUCTION]`.
        A recorder appears; the cell gives a Pending at once, which becomes the reply, and with
        `--wait` the Reply itself. With `--file PATH` or `--sound NAME` that sound is sent.
        """
        options, call = self._call(line, cell, local_ns)
        if options["file"] or options["sound"]:
            sound = _sound(options["file"], options["sound"], self._variables(local_ns))
            return self.cells.perform(options, lambda audience: call(sound, audience))
        listening = self.cells.record(options, call)
        if not options["wait"]:
            return listening.pending
        if frontend.waiting(self.shell) == "poll":
            return listening.poll()
        print(frontend.CANNOT_WAIT)  # a cell that could was rewritten to call `awaited`
        return listening.pending

    async def awaited(self, line: str, cell: str | None = None) -> "Reply | Pending":
        """Run `%listen --wait` where an `await` lets the recorder's messages through."""
        return await self.cells.record(*self._call(line, cell, None)).wait()

    def _waits(self, line: str) -> bool:
        """Say whether a line of %listen is to be rewritten so that it awaits."""
        if frontend.waiting(self.shell) != "await":
            return False
        try:
            given, _ = parse("listen", line)
        except OptionError:
            return False  # the magic will say what is wrong
        options = {name: getattr(self, name) for name in ("wait", "file", "sound")} | given
        return options["wait"] and not (options["file"] or options["sound"])

    def _call(
        self, line: str, cell: str | None, local_ns: Variables | None
    ) -> tuple[dict[str, Any], "Callable[[object, Audience | None], Reply]"]:
        """Return the options of a %listen, and what sends a sound by them."""
        options, text = self._options("listen", line, cell, self._variables(local_ns))
        if options["text"] and options["save"] and not options["save"].endswith(".html"):
            raise OptionError("--text asks for no sound to save; drop --text, or save as .html")
        chosen = {name: options[name] for name in SESSION_OPTIONS}
        if not options["file"] and not options["sound"]:
            self.session.prepare(**chosen)

        def call(sound: object, audience: "Audience | None") -> "Reply":
            return self.session.listen(
                sound, text, text=options["text"], audience=audience, **chosen
            )

        return options, call

    @no_var_expand
    @line_magic
    def audiomagic(self, line: str) -> "Table | None":
        """Show the status (no argument), or a table: `models`, `voices`, `costs`.

        `strip NOTEBOOK` takes the embedded sound out of a notebook; words and badges stay. Close
        it first; where its other outputs run scripts, `jupyter trust` it again.
        """
        from . import reports

        command, _, rest = line.strip().partition(" ")
        if command == "strip":
            from .strip import strip

            print(strip(rest.strip().strip("\"'")))
            return None
        match line.split():
            case [] | ["status"]:
                chosen = {name: getattr(self, name) for name in ("model", "voice")}
                route = {name: getattr(self, name) for name in ("engine", "base_url")}
                return reports.status(self.session, **chosen, **route)
            case ["models"]:
                return reports.models()
            case ["voices"]:
                return reports.voices()
            case ["costs"]:
                return reports.costs(self.session.receipts)
        known = ("status", "models", "voices", "costs", "strip")
        raise OptionError(spelling.unknown("%audiomagic command", line.strip(), known))

    # -- the line -----------------------------------------------------------------------------
    def _options(
        self, magic: str, line: str, cell: str | None, variables: Variables
    ) -> tuple[dict[str, Any], str]:
        """Return the line's options over the settings, and the text; `{name}` filled in both."""
        given, text = parse(magic, line)
        if cell is not None:
            if text:
                shown = one_line(text, 60)
                raise OptionError(f"'{shown}' is no option; the text goes into the cell, below")
            text = cell.strip("\n")
        options = {name: getattr(self, name) for name, _ in self.declared(magic)} | given
        filled = {
            name: template.fill(value, variables) if isinstance(value, str) else value
            for name, value in options.items()
        }
        if filled["out"] and (not filled["out"].isidentifier() or iskeyword(filled["out"])):
            shown = one_line(filled["out"], 60)
            raise OptionError(f"--out takes a variable's name, not '{shown}'")
        return filled, template.fill(text, variables)

    def _variables(self, local_ns: Variables | None) -> Variables:
        """Return the notebook's variables; in a function, its own too."""
        return {**self.shell.user_ns, **(local_ns or {})}

    # -- settings -----------------------------------------------------------------------------
    def update_config(self, config: Config) -> None:
        """Take settings (`%config`), and name the nearest for a misspelled one."""
        refuse_misspelt(config)
        super().update_config(config)


def _sound(file: str, name: str, variables: Variables) -> object:
    if file and name:
        raise OptionError("%listen takes one sound: --file PATH or --sound NAME")
    return file or template.variable(name, variables)


def load(shell: InteractiveShell) -> None:
    """Register the magics, their completer, and how their result is shown."""
    magics = AudioMagics(shell)
    shell.register_magics(magics)
    for name in ("%%speak", "%speak", "%%listen", "%listen"):
        shell.set_hook("complete_command", complete, str_key=name)  # type: ignore[no-untyped-call]
    ipython_input.teach(shell, magics._waits)


def unload(shell: InteractiveShell) -> None:
    """Take back what `load` did."""
    ipython_input.unteach(shell)
    for magics in list(shell.configurables):
        if isinstance(magics, AudioMagics):
            shell.configurables.remove(magics)
            magics.close()
    for kind, names in AudioMagics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
