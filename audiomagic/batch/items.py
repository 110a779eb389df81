"""Items: what a batch is made of, each turned into a task."""

import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from numbers import Number
from os import PathLike
from pathlib import Path
from string import Formatter
from typing import Any

from .. import suggestions, template
from ..errors import AudiomagicError, OptionError, one_line
from ..protocol.request import SOUND_FIELD
from ..sound import FileSound, Sound
from ..turn.reply import savable
from .task import Task

ITEM, NUMBER = "item", "i"  # in a template: the item itself, and its place from 0 on
HEARD = ("sound", "file")  # columns of rows that are listened to


def rows(items: object) -> list[Any]:
    """Return a DataFrame's rows as dicts, and anything else as a list; what is missing as None."""
    pandas: Any = sys.modules.get("pandas")  # who has a DataFrame has imported it
    if pandas and isinstance(items, pandas.DataFrame | pandas.Series):
        whole: Any = items.astype(object).where(items.notna(), None)
        return _records(whole) if hasattr(items, "columns") else list(whole)
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise OptionError(f"a batch takes a list or a DataFrame, not a {type(items).__name__}")
    return list(items)


def lasting(items: object) -> object:
    """Return what can be gone through again: a DataFrame as it is, a list of anything else."""
    return items if hasattr(items, "columns") else rows(items)


def is_missing(value: object) -> bool:
    """Whether it stands for nothing: None, or not a number."""
    return value is None or (isinstance(value, float) and isnan(value))


class Items:
    """The items, and what is to be made of each.

    A text or a number is spoken; a Path, or whatever holds a sound, is listened to; a row (a dict)
    fills the template, and is listened to where it has a `sound` or a `file`. What is filled into
    options is filled into `save`, too, in which a format may follow (`{i:04}`).
    """

    def __init__(self, items: Sequence[Any], words: str, save: str | PathLike[str] | None):
        """Take items, a template or "", and a name for files.

        Raises OptionError: a column of a name that is taken, or a template without its columns.
        """
        self._items = items
        self._words = words
        self._save = _template(save)
        self._fields = template.fields(words)
        self._columns = {NUMBER: None} | {
            name: None for item in items for name in _row(item, sound=True)
        }
        self._check()

    def tasks(
        self, spoken: Mapping[str, Any], heard: Mapping[str, Any]
    ) -> list[Task | AudiomagicError]:
        """Make a task of each, with the options of a text or of a sound; make folders to save in.

        An item that is missing, or is no sound, has an error in its place; raised where there is
        no other. Raises OptionError and SoundError where answers cannot be saved.
        """
        tasks: list[Task | AudiomagicError] = []
        for number, item in enumerate(self._items):
            try:
                tasks.append(self._task(number, item, spoken, heard))
            except AudiomagicError as error:
                tasks.append(error)
        errors = [task for task in tasks if isinstance(task, AudiomagicError)]
        if errors and len(errors) == len(tasks):
            raise errors[0]
        _make_room([task.save for task in tasks if isinstance(task, Task) and task.save])
        return tasks

    def _check(self) -> None:
        """Refuse a template that would send one text again and again."""
        if any(isinstance(item, Mapping) and NUMBER in item for item in self._items):
            raise OptionError(f"'{NUMBER}' is the place of an item; rename that column")
        named = self._named(self._save)
        if wrong := next(iter(named - self._columns.keys()), None):
            raise OptionError(suggestions.unknown("column", wrong, list(self._columns)))
        if self._fields & self._columns.keys() or not any(map(self._needs_words, self._items)):
            return
        known = [name for name in self._columns if name != NUMBER]
        usable = [name for name in known if template.fields(f"{{{name}}}") == {name}]
        if wrong := next(iter(self._fields), None):
            raise OptionError(suggestions.unknown("column", wrong, usable))
        if not usable:
            rename = f"; rename '{one_line(known[0], 60)}' to a word" if known else ""
            raise OptionError(f"there is no column that can stand in the text{rename}")
        raise OptionError(f"the text names no column; write {{{usable[0]}}} where it goes")

    def _needs_words(self, item: Any) -> bool:
        """Whether there is nothing to be said but what the template makes of it."""
        if isinstance(item, Mapping):
            return not set(HEARD) & item.keys()
        return bool(self._words) and isinstance(item, str | Number)

    def _task(
        self, number: int, item: Any, spoken: Mapping[str, Any], heard: Mapping[str, Any]
    ) -> Task:
        sound = _sound(item)
        options = spoken if sound is None else heard
        values = {NUMBER: number} | _row(item)
        self._need(values, options)
        filled = {
            name: template.fill(value, values) if isinstance(value, str) else value
            for name, value in options.items()
        }
        is_text = sound is None and not isinstance(item, Mapping) and not self._words
        text = str(item) if is_text else template.fill(self._words, values)
        return Task(text, sound, self._target(values), filled)

    def _need(self, values: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        """Refuse an item that lacks what it is to fill in."""
        said = [self._words, *(value for value in options.values() if isinstance(value, str))]
        wanted = self._named(self._save).union(*map(template.fields, said))
        for name in self._columns:
            if name in wanted and is_missing(values.get(name)):
                raise OptionError(f"column '{one_line(name, 60)}' is empty here")

    def _named(self, save: str | None) -> set[str]:
        """The columns in the name of a file."""
        try:
            return {name for _, name, _, _ in Formatter().parse(save or "") if name is not None}
        except ValueError as error:
            raise self._no_names(error) from error

    def _target(self, values: Mapping[str, Any]) -> Path | None:
        if not self._save:
            return None
        safe = {name: _fileable(value) for name, value in values.items()}
        try:
            return Path(self._save.format_map(safe)).expanduser().absolute()
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            raise self._no_names(error) from error

    def _no_names(self, error: Exception) -> OptionError:
        said = one_line(error, 80)
        return OptionError(f"'{one_line(self._save, 60)}' names no files: {said}")


def _records(frame: Any) -> list[dict[Any, Any]]:
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise OptionError(f"two columns are named '{one_line(twice, 60)}'; rename one of them")
    records: list[dict[Any, Any]] = frame.to_dict("records")
    return records


def _template(save: object) -> str | None:
    if save is None or isinstance(save, str | PathLike):
        return str(save or "") or None
    raise OptionError(f"save takes a path, not a {type(save).__name__}")


def _row(item: Any, sound: bool = False) -> dict[str, Any]:
    """What an item gives to a template, a column `sound` only where asked: it marks a place."""
    row = item if isinstance(item, Mapping) else {ITEM: item}
    place = SOUND_FIELD.strip("{}")
    return {str(name): value for name, value in row.items() if sound or name != place}


def _sound(item: Any) -> Path | Sound | None:
    """Return what is listened to, None for what is to be spoken."""
    value = item
    if isinstance(item, Mapping):
        name = next((name for name in HEARD if name in item), None)
        if name is None:
            return None
        value = item[name]
        if is_missing(value):
            raise OptionError(f"column '{name}' is empty here")
    elif is_missing(item):
        raise OptionError("the item is missing")
    elif isinstance(item, str | Number):
        return None
    if isinstance(value, FileSound):
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


def _make_room(targets: Sequence[Path]) -> None:
    """See that all can be written, each to a file of its own; make their folders."""
    seen: set[str] = set()
    for target in targets:  # macOS and Windows take names for one that differ in case alone
        name = unicodedata.normalize("NFC", str(target)).casefold()
        if name in seen:
            raise OptionError(
                f"several items would be saved as {one_line(target.name, 60)}; "
                f"put {{{NUMBER}}} into the name"
            )
        seen.add(name)
    for folder in {target.parent for target in targets}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            shown, why = one_line(folder.name, 60), error.strerror or "no such name"
            raise OptionError(f"cannot make the folder {shown}: {why}") from None
    for target in targets:
        savable(target)
