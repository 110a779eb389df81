"""Invocation: what the line of a magic and the cell below it ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from itertools import product
from keyword import iskeyword
from math import prod
from operator import add
from typing import Any

from .. import template
from ..costs.caps import amount
from ..errors import BudgetExceeded, OptionError, one_line
from ..render.dry_run import DryRun
from ..session import Session
from ..turn.comparison import Comparison, compare
from ..turn.conversation import CellRun
from ..turn.listener import StreamListener
from ..turn.question import PLACE
from ..turn.reply import Reply
from .arguments import Settings
from .each import Each
from .magic_line import parse

FOR_THE_SESSION = (
    "model", "voice", "style", "system", "chat", "engine", "base_url", "llm", "stt",
    "max_tokens", "max_cost", "allow_unpriced", "prices",
)  # fmt: skip
COMPARED = ("model", "voice")
Variables = Mapping[str, Any]
Result = Reply | Comparison
Call = Callable[[StreamListener | None], Result]


@dataclass(frozen=True)
class Invocation:
    """The options of a line over the settings, and the text; `{name}` is filled in in both."""

    options: dict[str, Any]
    text: str
    variables: Variables
    each: Each | None = None

    @classmethod
    def read(
        cls, magic: str, line: str, cell: str | None, settings: Settings, variables: Variables
    ) -> "Invocation":
        """Read a line, and the cell below it. Raises OptionError, ReplyPending."""
        given, text = parse(magic, line)
        if cell is not None:
            if text:
                shown = one_line(text, 60)
                raise OptionError(f"'{shown}' is no option; the text goes into the cell, below")
            text = cell.strip("\n")
        known = {name: getattr(settings, name) for name, _ in settings.declared(magic)}
        wanted = known | given
        each = Each.named(wanted["each"], variables) if wanted["each"] else None
        fixed = set(each.columns) if each else set()  # filled in later, for each item
        if magic == "listen":
            fixed.add(PLACE.strip("{}"))
        filling = {name: value for name, value in variables.items() if name not in fixed}
        options = {name: _filled(value, filling) for name, value in wanted.items()}
        options.setdefault("sources", _sources(known))
        if isinstance(options["prices"], str):  # a file, or a dict of the notebook
            options["prices"] = variables.get(options["prices"], options["prices"])
        _check_name(options["out"])
        if options.get("text") and options["save"] and not options["save"].endswith(".html"):
            raise OptionError("--text asks for no sound to save; drop --text, or save as .html")
        return cls(options, template.fill(text, filling), variables, each)

    @property
    def records(self) -> bool:
        """Whether a recorder is to give the sound."""
        return not self.options["sources"]

    @property
    def heard(self) -> bool:
        """Whether its answer is to be heard while it arrives; several at once are not."""
        silent = self.options["quiet"] or self.options.get("text") or self._several()
        return bool(self.options["autoplay"] and not silent)

    def sounds(self) -> list[object]:
        """Return the sounds that are named, in order. Raises OptionError for no such variable."""
        return [
            value if option == "file" else template.variable(value, self.variables)
            for option, value in self.options["sources"]
        ]

    def chosen(self) -> dict[str, Any]:
        """Return what a session is told. Raises OptionError for tools that are none."""
        options = {name: self.options[name] for name in FOR_THE_SESSION}
        if not self.options["tools"]:
            return options
        from ..tools.toolbox import functions_named

        return options | {"tools": functions_named(self.options["tools"], self.variables)}

    def prepare(self, session: Session) -> None:
        """Open the connection ahead of the call. Raises OptionError as the call would."""
        first = {name: values[0] for name, values in self._several().items()}
        session.warm_up(**(self.chosen() | first))

    def dry_run(self, session: Session, origin: CellRun | None) -> DryRun:
        """Say what would be sent and cost, for each voice and model that is named."""
        how: dict[str, Any] = self.chosen() | {"origin": origin}
        if "verbatim" in self.options:
            how |= {"verbatim": self.options["verbatim"]}
        elif self.records:
            raise OptionError("--dry-run needs a sound to weigh: --file PATH or --sound NAME")
        else:
            how |= {"sound": self.sounds(), "text_only": self.options["text"]}
            how |= {"expect": self.options["expect"]}
        variants = product(*self._several().values())
        found = [
            session.dry_run(self.text, **(how | dict(zip(self._several(), values, strict=True))))
            for values in variants
        ]
        return reduce(add, found)

    def speak(self, session: Session, origin: CellRun | None) -> Call:
        """Return what sends the text."""
        call = partial(session.speak, self.text, verbatim=self.options["verbatim"])
        return self._call(call, origin)

    def listen(self, session: Session, origin: CellRun | None) -> "Callable[[object], Call]":
        """Return what sends a sound, or a list of them."""

        def about(sound: object) -> Call:
            how = {name: self.options[name] for name in ("text", "expect")}
            call = partial(session.listen, sound, self.text, **how)
            return self._call(call, origin)

        return about

    def _call(self, call: Callable[..., Reply], origin: CellRun | None) -> Call:
        options, several = self.chosen(), self._several()
        if not several:
            return lambda listener: call(listener=listener, origin=origin, **options)
        if options["chat"]:
            raise OptionError("a comparison stands alone; name one voice and model, or drop --chat")
        count = prod(map(len, several.values()))
        most = amount(options["max_cost"]) if options["max_cost"] else None
        shared: dict[str, Any] = options | several | {"among": count}
        shared |= {"max_cost": most / count} if most else {}

        def compared(listener: StreamListener | None) -> Comparison:
            try:
                return compare(call, listener=listener, **shared)
            except BudgetExceeded as error:
                if not most or not error.enough:
                    raise
                raise BudgetExceeded(
                    f"the cap of ${most:f} is shared by {count} calls, and is too small for them; "
                    f"raise it: --max-cost {error.enough * count:f}"
                ) from error

        return compared

    def _several(self) -> dict[str, list[str]]:
        """Return the options of which several values are to be compared."""
        lists = {name: _split(self.options[name]) for name in COMPARED}
        if self.options.get("text"):
            del lists["voice"]  # a written answer has none
        return {name: values for name, values in lists.items() if len(values) > 1}


def _filled(value: Any, variables: Variables) -> Any:
    if isinstance(value, str):
        return template.fill(value, variables)
    if isinstance(value, list | tuple):
        return type(value)(_filled(one, variables) for one in value)
    return value


def _sources(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the sounds that the settings name."""
    lists = (name for name in ("file", "sound") if name in settings)
    return [(name, value) for name in lists for value in settings[name]]


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _check_name(name: str) -> None:
    if name and (not name.isidentifier() or iskeyword(name)):
        raise OptionError(f"--out takes a variable's name, not '{one_line(name, 60)}'")
