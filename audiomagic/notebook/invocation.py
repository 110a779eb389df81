"""Invocation: what the line of a magic and the cell below it ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial, reduce
from itertools import product
from keyword import iskeyword
from math import prod
from operator import add
from typing import TYPE_CHECKING, Any

from .. import suggestions, template
from ..batch.items import (
    ITEM,
    NUMBER,
    PROSE,
    heard_columns,
    is_missing,
    is_row,
    lasting,
    rows,
    sound_file,
)
from ..catalogue import catalogue
from ..costs.budget import amount
from ..costs.pricing import exact
from ..errors import BudgetExceeded, Interrupted, OptionError, one_line
from ..files import name_part
from ..protocol.request import SOUND_FIELD, Message
from ..render.dry_run import DryRun
from ..session import Session
from ..sound import Sound, holds_sound
from ..transports.download import fetched
from ..transports.resolve import merged
from ..turn.comparison import Comparison, compare
from ..turn.conversation import CellRun
from ..turn.listener import NullListener, StreamListener
from ..turn.options import Options
from ..turn.reply import Reply
from .arguments import LISTS, MagicOptions, names_in, parse

if TYPE_CHECKING:
    from ..batch.batch import Batch
    from ..realtime.conversation import RealtimeConversation

Variables = Mapping[str, Any]
Result = Reply | Comparison
SOURCES = ("say", "file", "sound")  # options that name what is sent, each as often as one likes
AT_MICROPHONE = ("push_to_talk", "max_minutes")  # options of a conversation there
BELOW = "the text belongs in the cell, below, and a value of several words in quotation marks"


@dataclass(frozen=True)
class Invocation:
    """A magic's options (the line's override the settings) and text, with `{name}` filled in."""

    magic: str
    text: str
    options: MagicOptions
    sources: tuple[tuple[str, str], ...]  # ("file", path), ("sound", variable) or ("say", text)
    variables: Variables
    each: "Each | None" = None

    @classmethod
    def read(
        cls, magic: str, line: str, cell: str | None, settings: MagicOptions, variables: Variables
    ) -> "Invocation":
        """Read a line, and the cell below it. Raises OptionError, ReplyPending."""
        given, text = parse(magic, line)
        if cell is not None:
            if text:
                below = "a turn of several words needs quotes" if magic == "converse" else BELOW
                raise OptionError(f"'{one_line(text, 60)}' is not an option; {below}")
            text = cell.strip("\n")
        values = merged(settings.values(magic), given)
        if sources_given := given.get("sources"):
            unfit = [flag for flag in AT_MICROPHONE if flag in given and magic == "converse"]
            if unfit:
                flags = " and ".join("--" + flag.replace("_", "-") for flag in unfit)
                raise OptionError(
                    f"{flags} cannot be combined with --{sources_given[0][0]}: nobody speaks there"
                )
        if magic == "converse" and "model" not in given and _chats_only(values["model"]):
            values["model"] = ""
        named = [(kind, name) for kind in SOURCES for name in values.pop(kind, ())]
        sources = values.pop("sources", named)
        each = Each.named(values["each"], variables) if values.get("each") else None
        later = each.columns if each else set()  # filled in for each item
        if magic == "listen":
            later.add(SOUND_FIELD.strip("{}"))
        known = {name: value for name, value in variables.items() if name not in later}
        fill, fill_name = (partial(f, variables=known) for f in (template.fill, template.fill_name))
        fillers: dict[str, Callable[[str], str]] = {
            **dict.fromkeys(PROSE, fill),
            **dict.fromkeys(LISTS, partial(fill_name, written=_listed)),
            "save": partial(fill_name, written=name_part),  # which leads to no other folder
        }
        filled = {
            name: fillers.get(name, fill_name)(value) if isinstance(value, str) else value
            for name, value in values.items()
        }
        sources = tuple(
            (kind, (fill if kind == "say" else fill_name)(name)) for kind, name in sources
        )
        invocation = cls(magic, fill(text), MagicOptions(**filled), sources, variables, each)
        invocation._check()
        return invocation

    def _check(self) -> None:
        options = self.options
        if options.out and (not options.out.isidentifier() or iskeyword(options.out)):
            raise OptionError(f"--out needs a variable name, not '{one_line(options.out, 60)}'")
        if options.text and options.save and not options.save.endswith(".html"):
            raise OptionError("--text gives no sound to save; drop --text, or save as .html")
        if options.dry_run and self.records and not self.each:
            raise OptionError("--dry-run needs a sound: --file PATH or --sound NAME")
        if self.magic == "converse" and (name := next(iter(self.compared), "")):
            raise OptionError(f"a conversation has one {name}; name one: --{name} NAME")
        if self.compared and options.chat and not self.each:
            raise OptionError(
                "a comparison cannot continue a chat; name one voice and one model, or drop --chat"
            )
        if self.each:
            unfit = {"--dry-run": options.dry_run, "--file and --sound": self.sources}
            if flag := next((f for f, v in (unfit | {"--chat": options.chat}).items() if v), None):
                raise OptionError(f"--each cannot be combined with {flag}; drop one of them")

    @property
    def records(self) -> bool:
        return self.magic == "listen" and not self.sources and not self.each

    @property
    def audible(self) -> bool:
        """Whether its answer is to be heard while it arrives; several at once are not."""
        options = self.options
        return options.autoplay and not (options.quiet or options.text or self.compared)

    @cached_property
    def compared(self) -> dict[str, list[str]]:
        """The options that name several values, to be compared."""
        lists = {name: names_in(getattr(self.options, name)) for name in ("model", "voice")}
        if self.options.text:  # a written answer has no voice
            del lists["voice"]
        return {name: several for name, several in lists.items() if len(several) > 1}

    @cached_property
    def session_options(self) -> Options:
        """What a session needs to know. Raises OptionError for tools that are not functions."""
        given, prices = self.options, self.options.prices
        if isinstance(prices, str):  # a file, or a variable of the notebook
            prices = self.variables.get(prices, prices)
        options = Options(
            model=",".join(names_in(given.model)), voice=",".join(names_in(given.voice)),
            style=given.style, system=given.system, chat=given.chat, engine=given.engine,
            base_url=given.base_url, llm=given.llm, stt=given.stt, max_tokens=given.max_tokens,
            max_cost=given.max_cost, allow_unpriced=given.allow_unpriced, prices=prices,
        )  # fmt: skip
        if given.tools:
            options["tools"] = functions_named(given.tools, self.variables)
        return options

    def given(self) -> object:
        if self.magic == "speak":
            return self.text
        return fetched([self._given_by(source) for source in self.sources])

    def _given_by(self, source: tuple[str, str]) -> Any:
        kind, name = source
        return variable(name, self.variables) if kind == "sound" else name

    def turns(self) -> list[str | Sound]:
        """Return the turns of a conversation: texts, and sounds that can be sent, decoded.

        Raises OptionError, SoundError.
        """
        from ..realtime.conversation import spoken_turn

        turns: list[str | Sound] = []
        for source in self.sources:
            if source[0] == "say":
                Message.user(source[1])  # refuses nothing
                turns.append(source[1])
            else:
                sounds = Sound.list_of(fetched(self._given_by(source)))
                spoken_turn(sounds)
                turns += sounds
        return turns

    def converse(
        self, session: Session, listener: StreamListener | None, cell: CellRun | None
    ) -> "RealtimeConversation":
        """Begin the conversation; nothing is sent yet. Raises OptionError."""
        options = self.options
        return session.bound(listener=listener, cell=cell).converse(
            self.text, language=options.language, keep_sound=options.keep_sound,
            **self.session_options,
        )  # fmt: skip

    def call(
        self, session: Session, listener: StreamListener | None, cell: CellRun | None
    ) -> Callable[[object], Result]:
        """Return what sends a text or sounds. Raises OptionError."""
        count = prod(map(len, self.compared.values()))
        options = self.options
        alone = NullListener() if self.compared else listener
        session = session.bound(listener=alone, cell=cell, sharing=count)
        call: Callable[..., Reply] = partial(session.speak, verbatim=options.verbatim)
        if self.magic == "listen":
            call = partial(
                session.listen, instruction=self.text, text_only=options.text, expect=options.expect
            )
        if not self.compared:
            return partial(call, **self.session_options)
        on_progress = listener.on_progress if listener else None
        variants = {**self.session_options, **self.compared}
        return partial(_compare, call, variants, count, on_progress)

    def warm_up(self, session: Session) -> None:
        first: Any = {name: values[0] for name, values in self.compared.items()}
        session.warm_up(**{**self.session_options, **first})

    def dry_run(self, session: Session, cell: CellRun | None) -> DryRun:
        options, given = self.options, self.given()
        run: Callable[..., DryRun] = partial(
            session.bound(cell=cell).dry_run, self.text, None if self.magic == "speak" else given,
            verbatim=options.verbatim, text_only=options.text, expect=options.expect,
        )  # fmt: skip
        variants = [zip(self.compared, v, strict=True) for v in product(*self.compared.values())]
        shared = _shared({**self.session_options}, len(variants))
        return reduce(add, [run(**shared | dict(one)) for one in variants])


@exact()
def _compare(
    call: Callable[..., Reply],
    options: dict[str, Any],
    count: int,
    on_progress: Callable[[str], None] | None,
    given: object,
) -> Comparison:
    """Ask several voices or models at once; a cap is shared by all of them."""
    try:
        return compare(call, given, on_progress=on_progress, **_shared(options, count))
    except BudgetExceeded as error:
        if not options["max_cost"] or not error.enough:
            raise
        raise BudgetExceeded(
            f"the cap of ${amount(options['max_cost']):f} is shared by {count} calls and too "
            f"small for them; raise it: --max-cost {error.enough * count:f}"
        ) from error


def _shared(options: dict[str, Any], count: int) -> dict[str, Any]:
    """Return options of one of several calls, which share a cap."""
    cap = amount(options["max_cost"]) if options["max_cost"] else None
    return options | {"max_cost": cap / count} if cap else options


@dataclass(frozen=True)
class Each:
    """The list or DataFrame that a cell is a template over; its columns hide variables."""

    items: Any

    @classmethod
    def named(cls, name: str, variables: Variables) -> "Each":
        each = cls(lasting(variable(name, variables)))
        if not each.rows:
            raise OptionError(f"{one_line(name, 60)} is empty: --each needs at least one item")
        return each

    @cached_property
    def rows(self) -> list[Any]:
        return rows(self.items)

    @property
    def columns(self) -> set[str]:
        names = {str(name) for row in self.rows if is_row(row) for name in row}
        return {*names, ITEM, NUMBER}

    def run(self, invocation: Invocation, session: Session) -> "Batch":
        options = invocation.options
        heard = invocation.magic == "listen"
        try:
            batch = session.map(
                self._heard() if heard else self._spoken(), invocation.text,
                save=options.save or None, workers=options.workers, verbatim=options.verbatim,
                text_only=options.text, expect=options.expect, **invocation.session_options,
            )  # fmt: skip
        except Interrupted as error:
            from ..batch.batch import Batch

            if isinstance(error.reply, Batch):
                error.reply = replace(error.reply, items=self.items)
            raise
        return replace(batch, items=self.items)

    def _spoken(self) -> list[Any]:
        heard = heard_columns(self.rows)
        kinds = (type(row).__name__ for row in self.rows if not is_row(row) and holds_sound(row))
        if kind := next(kinds, ""):
            raise OptionError(f"the items are sounds ({kind}), not texts; use %%listen --each")
        return [
            {name: value for name, value in row.items() if name not in heard}
            if is_row(row)
            else (None if is_missing(row) else str(row))
            for row in self.rows
        ]

    def _heard(self) -> list[Any]:
        heard = set(heard_columns(self.rows))
        for row in self.rows:
            if is_row(row) and not heard & row.keys():
                raise OptionError("--each needs a column `sound` or `file` to listen to")
        return [sound_file(row) if isinstance(row, str) else row for row in self.rows]


def _chats_only(models: str) -> bool:
    """Whether models are of Chat Completions, as that of the settings is unless it was changed."""
    return catalogue().models.keys() >= set(names_in(models))


# -- variables of the notebook --------------------------------------------------------------
def variable(name: str, variables: Variables) -> Any:
    """Return a variable of the notebook. Raises OptionError, with the nearest name."""
    if name in variables:
        return variables[name]
    close = suggestions.nearest(name, [known for known in variables if not known.startswith("_")])
    hint = f"did you mean '{close}'?" if close else "define it in a cell above"
    raise OptionError(f"no variable '{one_line(name, 60)}'; {hint}")


def _listed(value: object, spec: str) -> str:
    """Return a list of names as an option has it."""
    several = value if isinstance(value, list | tuple) else [value]
    return ",".join(template.formatted(one, spec) for one in several)


def functions_named(listed: str, variables: Variables) -> dict[str, Callable[..., Any]]:
    """Return the functions that `f,g` refer to. Raises OptionError for what cannot be called."""
    functions: dict[str, Callable[..., Any]] = {}
    for name in names_in(listed):
        functions[name] = found = variable(name, variables)
        if not callable(found):
            raise OptionError(
                f"'{name}' is not a function: its type is {type(found).__name__}; "
                "name functions of the notebook"
            )
    if not functions:
        raise OptionError("--tools needs the names of functions in the notebook: --tools f,g")
    return functions
