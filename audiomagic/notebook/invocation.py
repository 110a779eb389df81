"""Invocation: what the line of a magic and the cell below it ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial, reduce
from itertools import product
from keyword import iskeyword
from math import prod
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import template
from ..batch.items import HEARD, ITEM, NUMBER, is_missing, lasting, rows
from ..costs.caps import amount
from ..errors import BudgetExceeded, Interrupted, OptionError, one_line
from ..protocol.request import SOUND_FIELD
from ..render.dry_run import DryRun
from ..session import Session
from ..turn.comparison import Comparison, compare
from ..turn.conversation import CellRun
from ..turn.listener import StreamListener
from ..turn.options import Options
from ..turn.reply import Reply
from .arguments import MagicOptions, parse
from .namespace import functions_named, variable

if TYPE_CHECKING:
    from ..batch.batch import Batch

Variables = Mapping[str, Any]
Result = Reply | Comparison


@dataclass(frozen=True)
class Invocation:
    """The options of a line over the settings, and the text; `{name}` is filled in in both."""

    magic: str
    text: str
    options: MagicOptions
    sources: tuple[tuple[str, str], ...]  # of sound: ("file", path) or ("sound", variable)
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
                shown = one_line(text, 60)
                raise OptionError(
                    f"'{shown}' is not an option; the text belongs in the cell, below"
                )
            text = cell.strip("\n")
        values = settings.values(magic) | given
        named = [(kind, name) for kind in ("file", "sound") for name in values.pop(kind, ())]
        sources = values.pop("sources", named)
        each = Each.named(values["each"], variables) if values["each"] else None
        later = set(each.columns) if each else set()  # filled in for each item
        if magic == "listen":
            later.add(SOUND_FIELD.strip("{}"))
        fill = partial(
            template.fill, variables={n: v for n, v in variables.items() if n not in later}
        )
        options = MagicOptions(
            **{name: fill(v) if isinstance(v, str) else v for name, v in values.items()}
        )
        sources = tuple((kind, fill(name)) for kind, name in sources)
        invocation = cls(magic, fill(text), options, sources, variables, each)
        invocation._check()
        return invocation

    def _check(self) -> None:
        """Raise OptionError for options that do not go together."""
        options = self.options
        if options.out and (not options.out.isidentifier() or iskeyword(options.out)):
            raise OptionError(f"--out needs a variable name, not '{one_line(options.out, 60)}'")
        if options.text and options.save and not options.save.endswith(".html"):
            raise OptionError("--text gives no sound to save; drop --text, or save as .html")
        if options.dry_run and self.records and not self.each:
            raise OptionError("--dry-run needs a sound: --file PATH or --sound NAME")
        if self.compared and options.chat and not self.each:
            raise OptionError(
                "a comparison cannot continue a chat; name one voice and one model, or drop --chat"
            )
        if self.each:
            unfit = {"--dry-run": options.dry_run, "--file and --sound": self.sources}
            for flag, value in (unfit | {"--chat": options.chat}).items():
                if value:
                    raise OptionError(f"--each cannot be combined with {flag}; drop one of them")

    @property
    def records(self) -> bool:
        """Whether a recorder is to give the sound."""
        return self.magic == "listen" and not self.sources and not self.each

    @property
    def audible(self) -> bool:
        """Whether its answer is to be heard while it arrives; several at once are not."""
        options = self.options
        return options.autoplay and not (options.quiet or options.text or self.compared)

    @cached_property
    def compared(self) -> dict[str, list[str]]:
        """The options that name several values, to be compared."""
        of = self.options
        given = {"model": of.model, "voice": "" if of.text else of.voice}  # text has no voice
        lists = {name: list(filter(None, map(str.strip, given[name].split(",")))) for name in given}
        return {name: values for name, values in lists.items() if len(values) > 1}

    @cached_property
    def session_options(self) -> Options:
        """What a session needs to know. Raises OptionError for tools that are not functions."""
        of, prices = self.options, self.options.prices
        if isinstance(prices, str):  # a file, or a variable of the notebook
            prices = self.variables.get(prices, prices)
        options = Options(
            model=of.model, voice=of.voice, style=of.style, system=of.system, chat=of.chat,
            engine=of.engine, base_url=of.base_url, llm=of.llm, stt=of.stt,
            max_tokens=of.max_tokens, max_cost=of.max_cost, allow_unpriced=of.allow_unpriced,
            prices=prices,
        )  # fmt: skip
        if of.tools:
            options["tools"] = functions_named(of.tools, self.variables)
        return options

    def given(self) -> object:
        """Return what is sent, a text or sounds. Raises OptionError for an unknown variable."""
        if self.magic == "speak":
            return self.text
        return [
            name if kind == "file" else variable(name, self.variables)
            for kind, name in self.sources
        ]

    def call(
        self, session: Session, listener: StreamListener | None, cell: CellRun | None
    ) -> Callable[[object], Result]:
        """Return what sends a text or sounds, followed by a listener. Raises OptionError."""
        count = prod(map(len, self.compared.values()))
        of = self.options
        session = session.bound(
            listener=None if self.compared else listener, cell=cell, sharing=count
        )
        call: Callable[..., Reply] = partial(session.speak, verbatim=of.verbatim)
        if self.magic == "listen":
            call = partial(session.listen, instruction=self.text, text=of.text, expect=of.expect)
        if not self.compared:
            return partial(call, **self.session_options)
        on_progress = listener.on_progress if listener else None
        return Compare(call, {**self.session_options, **self.compared}, count, on_progress).run

    def warm_up(self, session: Session) -> None:
        """Open the connection ahead of the call. Raises OptionError as the call would."""
        first: Any = {name: values[0] for name, values in self.compared.items()}
        session.warm_up(**{**self.session_options, **first})

    def dry_run(self, session: Session, cell: CellRun | None) -> DryRun:
        """Return what would be sent and its cost, for each voice and model."""
        of, given = self.options, self.given()
        run: Callable[..., DryRun] = partial(
            session.bound(cell=cell).dry_run, self.text, None if self.magic == "speak" else given,
            verbatim=of.verbatim, text_only=of.text, expect=of.expect,
        )  # fmt: skip
        variants = [zip(self.compared, v, strict=True) for v in product(*self.compared.values())]
        return reduce(add, [run(**{**self.session_options, **dict(one)}) for one in variants])


@dataclass(frozen=True)
class Compare:
    """Several voices or models, asked at once; a cap is shared by all of them."""

    call: Callable[..., Reply]
    options: dict[str, Any]
    count: int
    on_progress: Callable[[str], None] | None

    def run(self, given: object) -> Comparison:
        """Ask all. Raises BudgetExceeded where the cap is too small for so many."""
        cap = amount(self.options["max_cost"]) if self.options["max_cost"] else None
        share = {"max_cost": cap / self.count} if cap else {}
        try:
            return compare(self.call, given, on_progress=self.on_progress, **self.options | share)
        except BudgetExceeded as error:
            if not cap or not error.enough:
                raise
            raise BudgetExceeded(
                f"the cap of ${cap:f} is shared by {self.count} calls and too small for them; "
                f"raise it: --max-cost {error.enough * self.count:f}"
            ) from error


@dataclass(frozen=True)
class Each:
    """The list or DataFrame that a cell is a template over; its columns hide variables."""

    items: Any

    @classmethod
    def named(cls, name: str, variables: Variables) -> "Each":
        """Take a variable of the notebook. Raises OptionError where it is not a list, or empty."""
        each = cls(lasting(variable(name, variables)))
        if not each.rows:
            raise OptionError(f"{one_line(name, 60)} is empty: --each needs at least one item")
        return each

    @cached_property
    def rows(self) -> list[Any]:
        """The items; a DataFrame's as dicts."""
        return rows(self.items)

    @property
    def columns(self) -> set[str]:
        """The names that its items give to the cell."""
        names = {str(name) for row in self.rows if isinstance(row, Mapping) for name in row}
        return {*names, ITEM, NUMBER}

    @property
    def is_frame(self) -> bool:
        """Whether it is a DataFrame, to which columns can be added."""
        return hasattr(self.items, "columns")

    def run(self, invocation: Invocation, session: Session) -> "Batch":
        """Map an invocation over the items. Raises as `Session.map` does."""
        of = invocation.options
        heard = invocation.magic == "listen"
        try:
            batch = session.map(
                self._heard() if heard else self._spoken(), invocation.text,
                save=of.save or None, workers=of.workers, verbatim=of.verbatim, text=of.text,
                expect=of.expect, **invocation.session_options,
            )  # fmt: skip
        except Interrupted as error:
            from ..batch.batch import Batch

            if isinstance(error.reply, Batch):
                error.reply = replace(error.reply, items=self.items)
            raise
        return replace(batch, items=self.items)

    def _spoken(self) -> list[Any]:
        """Return the items as text; a row without its columns of sound."""
        return [
            {name: value for name, value in row.items() if name not in HEARD}
            if isinstance(row, Mapping)
            else (None if is_missing(row) else str(row))
            for row in self.rows
        ]

    def _heard(self) -> list[Any]:
        """Return the items, a text as a file's path. Raises OptionError: a row without a sound."""
        for row in self.rows:
            if isinstance(row, Mapping) and not set(HEARD) & row.keys():
                raise OptionError("--each needs a column `sound` or `file` to listen to")
        return [Path(row) if isinstance(row, str) else row for row in self.rows]
