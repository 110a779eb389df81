"""Options: what a session, or one call, can be told."""

from collections.abc import Mapping
from decimal import Decimal
from os import PathLike
from typing import TYPE_CHECKING, Any, TypedDict

from .. import suggestions
from ..catalogue import catalogue
from ..costs import caps
from ..costs.call_budget import CallBudget
from ..costs.prices import listed
from ..errors import OptionError, one_line
from ..transports import model_list

if TYPE_CHECKING:
    from ..tools.toolbox import Functions, Toolbox


class Options(TypedDict, total=False):
    """What a session, or one call, can be told. None stands for "as the session says"."""

    model: str | None
    voice: str | None
    style: str | None  # how to say it: language, accent, emotion, pace
    system: str | None  # who the model is
    chat: str | None  # the conversation to continue; without one a call stands alone
    tools: "Functions | None"  # that the model may call: one, several, or by name
    engine: str | None  # "auto", "openai" or "local"
    base_url: str | None
    llm: str | None  # of the embedded engine: a GGUF file, a name on the hub, a server's address
    stt: str | None  # likewise: a folder, a name, an address
    max_tokens: int | None  # cap on output tokens, audio and text together
    max_cost: str | float | Decimal | None  # US dollars, all requests of the call together
    allow_unpriced: bool | None  # ask a model without a known price although there is a cap
    prices: "Mapping[str, Any] | str | PathLike[str] | None"  # over the listed ones


KINDS = {str | None: "a text", int | None: "a whole number", bool | None: "True or False"}


class Settings(dict[str, Any]):
    """Options with every name in it, as they hold for one call."""

    @classmethod
    def of(cls, session: Mapping[str, Any], call: Mapping[str, Any]) -> "Settings":
        """Put a call's options over a session's. Raises OptionError for one that is none."""
        given = {name: value for name, value in checked(call).items() if value not in (None, "")}
        settings = cls(dict.fromkeys(Options.__annotations__) | dict(session) | given)
        settings["model"] = settings["model"] or catalogue().default_model
        settings["voice"] = settings["voice"] or catalogue().default_voice
        return settings

    @property
    def toolbox(self) -> "Toolbox | None":
        """The tools, told to a model. Raises OptionError for what cannot be told."""
        if not self["tools"]:
            return None
        from ..tools.toolbox import Toolbox  # a tenth of a second, for those who use it

        return Toolbox.of(self["tools"])

    def account(self, cell: str = "", among: int = 1) -> CallBudget:
        """Open the account of a call. Raises OptionError for amounts and prices that are none."""
        most = None if self["max_cost"] is None else caps.amount(str(self["max_cost"]))
        prices = listed().extended(self["prices"]) if self["prices"] else listed()
        return CallBudget(most, bool(self["allow_unpriced"]), among, cell, prices)

    def check_local(self, voice: str | None) -> None:
        """Refuse names that the service would refuse: the engine answers to any model's."""
        from ..engine.engine import MODEL

        if self["model"] not in (*catalogue().models, MODEL):
            raise OptionError(model_list.unknown(self["model"]))
        if voice and voice not in catalogue().voices:
            raise OptionError(suggestions.unknown("voice", voice, catalogue().voices))


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options. Raises OptionError, with the nearest, for one that is none."""
    for name, value in options.items():
        if name not in Options.__annotations__:
            raise OptionError(suggestions.unknown("option", name, Options.__annotations__))
        kind = Options.__annotations__[name]
        if kind in KINDS and not isinstance(value, kind):
            raise OptionError(f"{name} takes {KINDS[kind]}, not {one_line(repr(value), 60)}")
    return dict(options)
