"""The list of models on the wire: what a server answers to `GET /models`."""

from collections.abc import Mapping
from datetime import date

from ..errors import one_line

MOST_MODELS = 2_000
LONGEST_ID = 200  # characters


def read(body: object) -> dict[str, date | None] | None:
    """Return the day on which each model is shut down, or None for none known; by id.

    None where the answer is no list of models.
    """
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, list):
        return None
    return {
        one_line(entry["id"], LONGEST_ID): _day(entry.get("shutdown_date"))
        for entry in data[:MOST_MODELS]
        if isinstance(entry, Mapping) and isinstance(entry.get("id"), str)
    }


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
