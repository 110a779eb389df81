"""Options: the settings of a session, or of a single call."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from os import PathLike
from typing import TYPE_CHECKING, Any, TypedDict

from .. import suggestions
from ..catalogue import catalogue
from ..costs.budget import CallBudget, amount
from ..costs.pricing import listed
from ..errors import OptionError, one_line
from ..transports.resolve import merged

if TYPE_CHECKING:
    from ..tools.toolbox import Functions, Toolbox


class Options(TypedDict, total=False):
    """The settings of a session, or of a single call; there None means the session's value.

    `Session` says what each of them means.
    """

    model: str | None
    voice: str | None
    style: str | None
    system: str | None
    chat: str | None
    tools: "Functions | None"
    engine: str | None
    base_url: str | None
    llm: str | None
    stt: str | None
    max_tokens: int | None
    max_cost: str | float | Decimal | None
    allow_unpriced: bool | None
    prices: "Mapping[str, Any] | str | PathLike[str] | None"


KINDS: dict[Any, str] = {
    str | None: "a string",
    int | None: "a whole number above 0",
    bool | None: "True or False",
}


@dataclass(frozen=True)
class CallOptions:
    """Every option, as it holds for one call."""

    model: str
    voice: str
    style: str
    system: str
    chat: str
    tools: "Functions | None"
    engine: str
    base_url: str
    llm: str
    stt: str
    max_tokens: int | None
    max_cost: str | float | Decimal | None
    allow_unpriced: bool
    prices: "Mapping[str, Any] | str | PathLike[str] | None"

    @classmethod
    def of(cls, session: Mapping[str, Any], call: Mapping[str, Any]) -> "CallOptions":
        """Merge a call's options into the session's. Raises OptionError for a wrong option."""
        given = {name: value for name, value in checked(call).items() if value not in (None, "")}
        options: dict[str, Any] = dict.fromkeys(Options.__annotations__) | merged(session, given)
        defaults: dict[str, Any] = {
            "model": catalogue().default_model,
            "voice": catalogue().default_voice,
            "engine": "auto",
            "allow_unpriced": False,
        } | dict.fromkeys(("style", "system", "chat", "base_url", "llm", "stt"), "")
        return cls(**options | {name: options[name] or value for name, value in defaults.items()})

    @property
    def toolbox(self) -> "Toolbox | None":
        """The tools. Raises OptionError for what cannot be described to a model."""
        if not self.tools:
            return None
        from ..tools.toolbox import Toolbox  # a tenth of a second, for those who use it

        return Toolbox.of(self.tools)

    def call_budget(self, cell: str = "", sharing: int = 1) -> CallBudget:
        """Return what the call may spend. Raises OptionError for wrong amounts and prices."""
        cap = None if self.max_cost is None else amount(str(self.max_cost))
        prices = listed().extended(self.prices) if self.prices else listed()
        return CallBudget(cap, self.allow_unpriced, sharing, cell, prices)


def must_be(kind: type, **arguments: object) -> None:
    """Raise OptionError where an argument is not of its kind; its value may be a key, or long."""
    for name, value in arguments.items():
        if not isinstance(value, kind):
            raise OptionError(f"{name} must be {KINDS[kind | None]}, not {type(value).__name__}")


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options. Raises OptionError, with the nearest name, for an unknown one."""
    for name, value in options.items():
        if name not in Options.__annotations__:
            raise OptionError(suggestions.unknown("option", name, Options.__annotations__))
        kind = Options.__annotations__[name]
        wrong = kind in KINDS and not isinstance(value, kind)
        if wrong or (kind == int | None and value is not None and (value is True or value < 1)):
            raise OptionError(f"{name} must be {KINDS[kind]}, not {one_line(repr(value), 60)}")
    return dict(options)
