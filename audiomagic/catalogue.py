"""What the service offers, as dated data: models, voices, and the prices that others get wrong."""

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Rates:
    """US dollars per million tokens; `cached_in` is None where no cached price is listed."""

    text_in: Decimal
    text_out: Decimal
    audio_in: Decimal
    audio_out: Decimal
    cached_in: Decimal | None = None


@dataclass(frozen=True)
class Model:
    """An audio chat model; `rates` is None where genai-prices has them right."""

    id: str
    source: str
    checked: date
    shutdown: date | None = None
    successor: str | None = None
    rates: Rates | None = None

    def shut_down(self, today: date | None = None) -> bool:
        """Whether the service has switched it off."""
        return self.shutdown is not None and self.shutdown <= (today or date.today())


@dataclass(frozen=True)
class Catalogue:
    """The data file, read."""

    default_model: str
    default_voice: str
    voices: tuple[str, ...]
    models: dict[str, Model]


@cache
def catalogue() -> Catalogue:
    """Read the data file, once."""
    data = tomllib.loads(files(__package__).joinpath("catalogue.toml").read_text("utf-8"))
    models = {name: _model(name, entry) for name, entry in data["models"].items()}
    return Catalogue(data["default_model"], data["default_voice"], tuple(data["voices"]), models)


def _model(name: str, entry: dict[str, object]) -> Model:
    rates = entry.pop("rates", None)
    if isinstance(rates, dict):
        entry["rates"] = Rates(**{kind: Decimal(rate) for kind, rate in rates.items()})
    return Model(name, **entry)  # type: ignore[arg-type]
