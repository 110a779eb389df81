"""The list of models on the wire: what a server answers to `GET /models`."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date

from ..errors import one_line

MOST_MODELS = 2_000
LONGEST_ID = 200  # characters


def read(body: object) -> dict[str, date | None] | None:
    """Return the models' ids, each with the day on which it is shut down, if that is known.

    None where the answer is not a list of models.
    """
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, list):
        return None
    models: dict[str, date | None] = {}
    for entry in data[:MOST_MODELS]:
        if isinstance(entry, Mapping) and isinstance(entry.get("id"), str):
            name = one_line(entry["id"], LONGEST_ID)
            models[name] = None
            with suppress(KeyError, TypeError, ValueError):
                models[name] = date.fromisoformat(entry["shutdown_date"])
    return models
