"""Items: what a batch is made of, each turned into a task."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

from .. import spelling, template
from ..errors import OptionError, one_line
from ..question import PLACE
from ..reply import savable
from ..sound import Sound
from ..stored import StoredSound
from .task import Task

ITEM, NUMBER = "item", "i"  # in a template: the item itself, and its place from 0 on
HEARD = ("sound", "file")  # columns of rows that are listened to


def rows(items: object) -> list[Any]:
    """Return a DataFrame's rows as dicts, and anything else as a list."""
    if hasattr(items, "to_dict") and hasattr(items, "columns"):
        return list(items.to_dict("records"))
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise OptionError(f"a batch takes a list or a DataFrame, not a {type(items).__name__}")
    return list(items)


class Items:
    """The items, and what is to be made of each.

    A text is spoken; a Path, or whatever holds a sound, is listened to; a row (a dict) fills the
    template, and is listened to where it has a `sound` or a `file`. What is filled into options is
    filled into `save`, too, in which a format may follow (`{i:04}`).
    """

    def __init__(self, items: Sequence[Any], words: str, save: str | None):
        """Take items, a template or "", and a name for files. Raises OptionError, SoundError."""
        self._items = items
        self._words = words
        self._save = save

    def tasks(self, spoken: Mapping[str, Any], heard: Mapping[str, Any]) -> list[Task]:
        """Make a task of each, with the options of a text or of a sound; make folders to save in.

        Raises OptionError: a row without a template, a template or name without its columns.
        """
        tasks = [self._task(number, item, spoken, heard) for number, item in enumerate(self._items)]
        targets = [task.save for task in tasks if task.save]
        if len(set(targets)) < len(targets):
            twice = next(path for path in targets if targets.count(path) > 1)
            raise OptionError(
                f"several items would be saved as {one_line(twice.name, 60)}; "
                f"put {{{NUMBER}}} into the name"
            )
        for folder in {target.parent for target in targets}:
            folder.mkdir(parents=True, exist_ok=True)
        for target in targets:
            savable(target)
        return tasks

    def _task(
        self, number: int, item: Any, spoken: Mapping[str, Any], heard: Mapping[str, Any]
    ) -> Task:
        row = dict(item) if isinstance(item, Mapping) else {ITEM: item}
        sound = _sound(row, item)
        values = {name: value for name, value in row.items() if name != PLACE.strip("{}")}
        values[NUMBER] = number
        if isinstance(item, str) and not self._words:
            text = item
        else:
            self._check(values, sound)
            text = template.fill(self._words, values)
        options = {
            name: template.fill(value, values) if isinstance(value, str) else value
            for name, value in (spoken if sound is None else heard).items()
        }
        return Task(text, sound, self._target(values), options)

    def _check(self, values: Mapping[str, Any], sound: object) -> None:
        """Refuse a template that would send one text again and again."""
        named = {match[1] for match in template.FIELD.finditer(self._words)}
        if sound is not None or named & values.keys():
            return
        known = [name for name in values if name != NUMBER]
        wrong = next(iter(named), "")
        if wrong:
            raise OptionError(spelling.unknown("column", wrong, known))
        raise OptionError(f"the text names no column; write {{{known[0]}}} where it goes")

    def _target(self, values: Mapping[str, Any]) -> Path | None:
        if not self._save:
            return None
        safe = {name: _fileable(value) for name, value in values.items()}
        names = {name for _, name, _, _ in Formatter().parse(self._save) if name is not None}
        for name in names - safe.keys():
            raise OptionError(spelling.unknown("column", name, list(safe)))
        try:
            return Path(self._save.format_map(safe)).expanduser().absolute()
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            said = one_line(error, 80)
            raise OptionError(f"'{one_line(self._save, 60)}' names no files: {said}") from error


def _sound(row: Mapping[str, Any], item: Any) -> Path | Sound | None:
    if isinstance(item, str):
        return None
    value = item
    if isinstance(item, Mapping):
        value = next((row[name] for name in HEARD if name in row), None)
    if value is None:
        return None
    if isinstance(value, StoredSound):
        return value.path
    if isinstance(value, str | Path):
        return Path(value).expanduser().absolute()
    return Sound.of(value)


def _fileable(value: Any) -> Any:
    """Leave nothing in a value that could lead out of a folder."""
    if isinstance(value, int | float):
        return value
    kept = "".join(c if c.isalnum() or c in ".-_" else " " for c in str(value)[:80])
    return "-".join(kept.split()).lstrip(".") or "_"
