"""What can be chosen: engines; and, as dated data, what the service offers: models and voices."""

from dataclasses import dataclass
from datetime import date
from functools import cache

ENGINES = ("auto", "openai", "local")


@dataclass(frozen=True)
class Model:
    """An audio chat model."""

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
    models: dict[str, Model]


@cache
def catalogue() -> Catalogue:
    """Read the data file, once."""
    import tomllib  # which `%load_ext` can do without
    from importlib.resources import files

    data = tomllib.loads(files(__package__).joinpath("catalogue.toml").read_text("utf-8"))
    data["voices"] = tuple(data["voices"])
    data["models"] = {name: Model(name, **entry) for name, entry in data["models"].items()}
    return Catalogue(**data)
