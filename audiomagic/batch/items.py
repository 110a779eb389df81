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
from ..files import safe_name
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
        if not hasattr(items, "columns"):
            return list(whole)
        if not whole.columns.is_unique:
            twice = one_line(whole.columns[whole.columns.duplicated()][0], 60)
            raise OptionError(f"two columns are named '{twice}'; rename one of them")
        return list(whole.to_dict("records"))
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise OptionError(f"the items must be a list or a DataFrame, not {type(items).__name__}")
    return list(items)


def lasting(items: object) -> object:
    """Return what can be gone through again: a DataFrame as it is, a list of anything else."""
    return items if hasattr(items, "columns") else rows(items)


def is_missing(value: object) -> bool:
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
        if not isinstance(save, str | PathLike | None):
            raise OptionError(f"save must be a path, not {type(save).__name__}")
        self._items, self._words, self._save = items, words, str(save or "")
        columns = list(dict.fromkeys(name for item in items for name in _row(item)))
        if NUMBER in columns:
            raise OptionError(f"'{NUMBER}' is the place of an item; rename that column")
        self._columns = [NUMBER, *columns]
        try:
            parsed = Formatter().parse(self._save)
            self._in_save = {name for _, name, _, _ in parsed if name is not None}
        except ValueError as error:
            raise self._no_names(error) from error
        if wrong := next(iter(self._in_save.difference(self._columns)), None):
            raise OptionError(suggestions.unknown("column", wrong, self._columns))
        fields = template.fields(words)
        needs_words = (
            not set(HEARD) & item.keys()
            if isinstance(item, Mapping)
            else words and isinstance(item, str | Number)
            for item in items
        )
        if fields.intersection(self._columns) or not any(needs_words):
            return
        # The template would send one text again and again.
        usable = [name for name in columns if template.fields(f"{{{name}}}") == {name}]
        if fields:
            raise OptionError(suggestions.unknown("column", next(iter(fields)), usable))
        if not usable:
            rename = f"; rename '{one_line(columns[0], 60)}' to a word" if columns else ""
            raise OptionError(f"there is no column that can stand in the text{rename}")
        raise OptionError(f"the text names no column; write {{{usable[0]}}} where it goes")

    def tasks(
        self, spoken: Mapping[str, Any], heard: Mapping[str, Any]
    ) -> list[Task | AudiomagicError]:
        """Make a task of each, with the options of a text or of a sound; make folders to save in.

        An item that is missing, or is not a sound, has an error in its place; raised where there is
        nothing else. Raises OptionError and SoundError where answers cannot be saved.
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

    def _task(
        self, number: int, item: Any, spoken: Mapping[str, Any], heard: Mapping[str, Any]
    ) -> Task:
        sound = _sound(item)
        options = spoken if sound is None else heard
        values = {NUMBER: number} | _row(item)
        values.pop(SOUND_FIELD.strip("{}"), None)  # in a text it marks where the sound goes
        texts = [self._words, *(value for value in options.values() if isinstance(value, str))]
        wanted = self._in_save.union(*map(template.fields, texts))
        for name in self._columns:
            if name in wanted and is_missing(values.get(name)):
                raise OptionError(f"column '{one_line(name, 60)}' is empty here")
        filled = {
            name: template.fill(value, values) if isinstance(value, str) else value
            for name, value in options.items()
        }
        is_text = sound is None and not isinstance(item, Mapping) and not self._words
        text = str(item) if is_text else template.fill(self._words, values)
        return Task(text, sound, self._target(values), filled)

    def _target(self, values: Mapping[str, Any]) -> Path | None:
        if not self._save:
            return None
        safe = {
            name: value if isinstance(value, int | float) else safe_name(str(value)[:80])
            for name, value in values.items()
        }
        try:
            return Path(self._save.format_map(safe)).expanduser().absolute()
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            raise self._no_names(error) from error

    def _no_names(self, error: Exception) -> OptionError:
        return OptionError(f"'{one_line(self._save, 60)}' names no files: {one_line(error, 80)}")


def _row(item: Any) -> dict[str, Any]:
    """Return the columns of an item."""
    row = item if isinstance(item, Mapping) else {ITEM: item}
    return {str(name): value for name, value in row.items()}


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


def _make_room(targets: Sequence[Path]) -> None:
    """Check that all can be written, each to a file of its own; make their folders."""
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
