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

from . import ipython_input, spelling, template
from .completion import complete
from .errors import OptionError, one_line
from .magic_line import parse
from .settings import Settings, refuse_misspelt

if TYPE_CHECKING:
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
        self._staged: Reply | None = None  # the reply whose card is on show already

    @property
    def session(self) -> "Session":
        """The session behind the magics, made at the first call."""
        if self._session is None:
            from .session import Session

            self._session = Session()
        return self._session

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
        variables = {**self.shell.user_ns, **(local_ns or {})}  # in a function, its own too
        options, text = self._options("speak", line, cell, variables)
        chosen = {name: options[name] for name in SESSION_OPTIONS}
        return self._perform(
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
    ) -> "Reply":
        """Send a sound to an audio model, with the cell's text as its instruction.

        `%%listen --file PATH` or `%%listen --sound NAME` with the instruction below it, or
        `%listen [options] [INSTRUCTION]`. Gives a Reply.
        """
        variables = {**self.shell.user_ns, **(local_ns or {})}
        options, text = self._options("listen", line, cell, variables)
        sound = _sound(options["file"], options["sound"], variables)
        if options["text"] and options["save"] and not options["save"].endswith(".html"):
            raise OptionError("--text asks for no sound to save; drop --text, or save as .html")
        chosen = {name: options[name] for name in SESSION_OPTIONS}
        return self._perform(
            options,
            lambda audience: self.session.listen(
                sound, text, text=options["text"], audience=audience, **chosen
            ),
        )

    @no_var_expand
    @line_magic
    def audiomagic(self, line: str) -> "Table":
        """Show the status (no argument), or a table: `models`, `voices`, `costs`."""
        from . import reports

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
        known = ("status", "models", "voices", "costs")
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

    # -- the call -----------------------------------------------------------------------------
    def _perform(
        self, options: dict[str, Any], call: "Callable[[Audience | None], Reply]"
    ) -> "Reply":
        """Run a call, shown live; bind and save the reply; return it as the cell's result."""
        from .live_card import live_card
        from .reply import savable

        if options["save"]:
            savable(options["save"])
        shown = None if options["quiet"] else live_card(self.shell)
        try:
            reply = call(shown)
        except BaseException:
            if shown:
                shown.clear()
            raise
        if options["out"]:
            self.shell.user_ns[options["out"]] = reply
        if shown:
            shown.settle(reply)
        self._staged = reply if shown or options["quiet"] else None
        if options["save"]:
            reply.save(options["save"])
        return reply

    def show(self, reply: "Reply") -> None:
        """Leave a cell's result unshown when its card is there already (IPython's display hook)."""
        staged, self._staged = self._staged, None
        if reply is not staged:
            raise NotImplementedError  # IPython then shows it the usual way

    def forget_staged(self, *_: object) -> None:
        """After a cell, whatever it showed may be shown again."""
        self._staged = None

    # -- settings -----------------------------------------------------------------------------
    def update_config(self, config: Config) -> None:
        """Take settings (`%config`), and name the nearest for a misspelled one."""
        refuse_misspelt(config)
        super().update_config(config)


def _sound(file: str, name: str, variables: Variables) -> object:
    if bool(file) == bool(name):
        raise OptionError("%listen needs one sound: --file PATH or --sound NAME")
    if file:
        return file
    if name not in variables:
        mine = [known for known in variables if not known.startswith("_")]
        close = spelling.nearest(name, mine)
        hint = f"did you mean '{close}'?" if close else "define it in a cell above"
        raise OptionError(f"no variable '{one_line(name, 60)}'; {hint}")
    return variables[name]


def load(shell: InteractiveShell) -> None:
    """Register the magics, their completer, and how their result is shown."""
    magics = AudioMagics(shell)
    shell.register_magics(magics)
    for name in ("%%speak", "%speak", "%%listen", "%listen"):
        shell.set_hook("complete_command", complete, str_key=name)  # type: ignore[no-untyped-call]
    if shell.display_formatter:
        hook = shell.display_formatter.ipython_display_formatter
        hook.pop("audiomagic.reply.Reply", None)  # of magics that were reloaded
        hook.for_type_by_name("audiomagic.reply", "Reply", magics.show)
    shell.events.register("post_run_cell", magics.forget_staged)
    ipython_input.teach(shell)


def unload(shell: InteractiveShell) -> None:
    """Take back what `load` did."""
    ipython_input.unteach(shell)
    for magics in list(shell.configurables):
        if isinstance(magics, AudioMagics):
            shell.configurables.remove(magics)
            shell.events.unregister("post_run_cell", magics.forget_staged)
    for kind, names in AudioMagics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
