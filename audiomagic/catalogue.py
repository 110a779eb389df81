"""What can be chosen: engines; and, as dated data, what the service offers: models and voices."""

from dataclasses import dataclass
from datetime import date
from functools import cache

ENGINES = ("auto", "openai", "local")


@dataclass(frozen=True)
class Model:
    """A model that hears and speaks."""

    id: str
    source: str
    checked: date
    shutdown: date | None = None
    successor: str | None = None

    def shut_down(self, today: date | None = None) -> bool:
        return self.shutdown is not None and self.shutdown <= (today or date.today())


@dataclass(frozen=True)
class Catalogue:
    default_model: str
    default_voice: str
    max_output: int  # tokens: the longest answer of each of the models
    voices: tuple[str, ...]
    models: dict[str, Model]  # of Chat Completions
    default_realtime_model: str
    default_transcription_model: str  # of what the user says in a live conversation
    realtime_max_output: int  # tokens: the highest limit of an answer
    realtime_voices: tuple[str, ...]
    realtime_models: dict[str, Model]  # of live conversations

    def table(self, realtime: bool) -> dict[str, Model]:
        """Return the models of live conversations, or those of Chat Completions."""
        return self.realtime_models if realtime else self.models


@cache
def catalogue() -> Catalogue:
    """Read the data file, once."""
    import tomllib  # which `%load_ext` can do without
    from importlib.resources import files

    data = tomllib.loads(files(__package__).joinpath("catalogue.toml").read_text("utf-8"))
    for kind in ("", "realtime_"):
        data[f"{kind}voices"] = tuple(data[f"{kind}voices"])
        entries = data[f"{kind}models"].items()
        data[f"{kind}models"] = {name: Model(name, **entry) for name, entry in entries}
    return Catalogue(**data)
