"""Items: what a batch is made of, each turned into a task."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from numbers import Number
from os import PathLike
from pathlib import Path
from string import Formatter
from typing import Any, TypeGuard

import numpy as np

from .. import suggestions, template
from ..errors import AudiomagicError, OptionError, one_line
from ..files import is_url, name_part
from ..protocol.request import SOUND_FIELD
from ..sound import holds_sound, is_sound, undecoded
from ..turn.reply import savable
from . import frames
from .task import Task

ITEM, NUMBER = "item", "i"  # in a template: the item itself, and its place from 0 on
HEARD = ("sound", "file")  # columns of rows that are listened to,
AUDIO = "audio"  # and this one where it holds sounds
SPOKEN = (str, Number, date)  # items that are spoken, as they are written
PROSE = ("style", "system", "expect")  # options that are texts; others are names, without formulas


def rows(items: object) -> list[Any]:
    """Return a frame's rows as dicts, and anything else as a list.

    What is missing is None. Whole numbers that gaps have made floats of (1.0), and days that have
    become midnights, are numbers and days again.
    """
    frame = frames.frame(items)
    found = _listed(items) if frame is None else frames.rows(frame)
    columns: dict[Any, list[Any]] = defaultdict(list)
    alone: list[Any] = []
    for row in found:
        if is_row(row):
            for name, value in row.items():
                columns[name].append(value)
        else:
            alone.append(row)
    read, read_alone = {name: _reader(values) for name, values in columns.items()}, _reader(alone)
    return [
        {name: read[name](value) for name, value in row.items()} if is_row(row) else read_alone(row)
        for row in found
    ]


def lasting(items: object) -> object:
    """Return what can be gone through again: a frame, or a list of anything else."""
    frame = frames.frame(items)
    return rows(items) if frame is None else frame


def is_missing(value: object) -> bool:
    """Whether a value is a gap: None, NaN, or what pandas has for it (NaT, NA)."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, float | Decimal | datetime | np.generic) and bool(value != value)


def is_row(item: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether an item has columns: some dicts are sounds."""
    return isinstance(item, Mapping) and not is_sound(item)


def heard_columns(items: Iterable[Any]) -> tuple[str, ...]:
    """Return the columns that are listened to, in the order of preference.

    `datasets` has sounds in a column `audio`; elsewhere that may be a text, such as a link.
    """
    named = any(is_row(item) and holds_sound(item.get(AUDIO)) for item in items)
    return (*HEARD, AUDIO) if named else HEARD


def _listed(items: Any) -> list[Any]:
    """Return a list: of an array's elements as Python's own."""
    if isinstance(items, np.ndarray) and items.dtype.kind == "M":
        items = items.astype("datetime64[us]")  # Python's have no nanoseconds
    convert = getattr(items, "tolist", None)
    found = convert() if convert else items
    if isinstance(found, str | bytes | Mapping) or not isinstance(found, Iterable):
        raise OptionError(f"the items must be a list or a DataFrame, not {type(items).__name__}")
    return list(map(frames.as_printed(getattr(items, "dtype", None)), found))


def _reader(column: Sequence[Any]) -> Callable[[Any], Any]:
    """Return what reads the values of a column as they were meant."""
    present = [value for value in column if not is_missing(value)]
    meant: Callable[[Any], Any] | None = None
    if len(present) < len(column) and all(map(_is_whole_float, present)):
        meant = int
    elif present and all(isinstance(v, datetime) and v.time() == time() for v in present):
        meant = datetime.date
    return lambda value: None if is_missing(value) else meant(value) if meant else value


def _is_whole_float(value: Any) -> bool:
    if not isinstance(value, float | np.floating):
        return False
    return float(value).is_integer() and abs(float(value)) < 2**53


class FileNames(Formatter):
    """What `{column}` and `{column:format}` in a file's name become."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return name_part(value, format_spec)


class Items:
    """The items, and what is to be made of each.

    A text or a number is spoken; a Path, or whatever holds a sound, is listened to; a row (a dict)
    fills the template, and is listened to where it has a `sound` or a `file`. What is filled into
    options is filled into `save`, too, in which a format may follow (`{i:04}`).
    """

    def __init__(self, items: Sequence[Any], words: str, save: str | PathLike[str] | None):
        """Take items, a template or "", and a name for files.

        Raises OptionError: a column of a name that is taken, a template without its columns, or
        one with a sound's.
        """
        if not isinstance(save, str | PathLike | None):
            raise OptionError(f"save must be a path, not {type(save).__name__}")
        self._items, self._words, self._save = items, words, str(save or "")
        self._heard = heard_columns(items)
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
        self._check_names()
        self._check_text(words)
        fields = template.fields(words)
        needs_words = (
            not set(self._heard) & item.keys()
            if is_row(item)
            else words and isinstance(item, SPOKEN)
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
        written = next((name for name in usable if not self._sound_in(name)), usable[0])
        self._check_text(f"{{{written}}}")
        raise OptionError(f"the text names no column; write {{{written}}} where it goes")

    def tasks(
        self, spoken: Mapping[str, Any], heard: Mapping[str, Any]
    ) -> list[Task | AudiomagicError]:
        """Make a task of each, with the options of a text or of a sound; make folders to save in.

        An item that is missing, or is not a sound, has an error in its place. Raises OptionError
        for a text that a sound would be filled into; OptionError and SoundError where answers
        cannot be saved.
        """
        for name, value in {**spoken, **heard}.items():
            if name in PROSE and isinstance(value, str):
                self._check_text(value)
        tasks: list[Task | AudiomagicError] = []
        for number, item in enumerate(self._items):
            try:
                tasks.append(self._task(number, item, spoken, heard))
            except AudiomagicError as error:
                tasks.append(error)
        _make_room([task.save for task in tasks if isinstance(task, Task) and task.save])
        return tasks

    def _task(
        self, number: int, item: Any, spoken: Mapping[str, Any], heard: Mapping[str, Any]
    ) -> Task:
        sound = _sound(item, self._heard)
        options = spoken if sound is None else heard
        values = {NUMBER: number} | _row(item)
        values.pop(SOUND_FIELD.strip("{}"), None)  # in a text it marks where the sound goes
        texts = {name: value for name, value in options.items() if isinstance(value, str)}
        wanted = template.fields(self._words) | self._in_save
        for name, value in texts.items():
            wanted |= (template.fields if name in PROSE else template.name_fields)(value)
        for name in self._columns:
            if name in wanted and is_missing(values.get(name)):
                raise OptionError(f"column '{one_line(name, 60)}' is empty here")
        filled = dict(options)
        for name, value in texts.items():
            fill = template.fill if name in PROSE else template.fill_name
            filled[name] = fill(value, values)
        is_text = sound is None and not is_row(item) and not self._words
        text = str(item) if is_text else template.fill(self._words, values)
        return Task(text, sound, self._target(values), filled)

    def _check_text(self, text: str) -> None:
        """Raise OptionError where a sound itself, not what is known of it, would be filled in."""
        for name in template.fields(text) - {SOUND_FIELD.strip("{}")}:
            if f"{{{name}}}" in text and (kind := self._sound_in(name)):
                listened = name == ITEM or name in self._heard
                hint = f"write {SOUND_FIELD}" if listened else "rename it 'sound' to have it heard"
                raise OptionError(
                    f"the column '{one_line(name, 60)}' holds sound ({kind}), not text; {hint}"
                )

    def _sound_in(self, name: str) -> str:
        """Return the type of the first sound in a column, "" where there is none."""
        values = (_row(item).get(name) for item in self._items)
        return next((type(value).__name__ for value in values if holds_sound(value)), "")

    def _check_names(self) -> None:
        """Raise OptionError where `save` names a file for no item at all."""
        errors: list[OptionError] = []
        for number, item in enumerate(self._items):
            try:
                self._target({NUMBER: number} | _row(item))
                return
            except OptionError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _target(self, values: Mapping[str, Any]) -> Path | None:
        if not self._save:
            return None
        try:
            name = FileNames().vformat(self._save, (), values)
            return Path(name).expanduser().absolute()
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            raise self._no_names(error) from error

    def _no_names(self, error: Exception) -> OptionError:
        return OptionError(f"'{one_line(self._save, 60)}' names no files: {one_line(error, 80)}")


def _row(item: Any) -> dict[str, Any]:
    """Return the columns of an item."""
    row = item if is_row(item) else {ITEM: item}
    return {str(name): value for name, value in row.items()}


def _sound(item: Any, columns: Iterable[str]) -> object:
    """Return what holds the sound that is listened to, in the first of `columns` in a row; None
    for what is to be spoken.
    """
    value = item
    if is_row(item):
        name = next((name for name in columns if name in item), None)
        if name is None:
            return None
        value = item[name]
        if is_missing(value):
            raise OptionError(f"column '{name}' is empty here")
    elif is_missing(item):
        raise OptionError("the item is missing")
    elif isinstance(item, SPOKEN):
        return None
    if isinstance(value, str | Path):
        return sound_file(value).expanduser().absolute()
    return undecoded(value)


def sound_file(name: str | Path) -> Path:
    """Return a path. Raises OptionError for an address: the data named it, not the user."""
    if isinstance(name, str) and is_url(name):
        raise OptionError(f"a batch fetches nothing; download {one_line(name, 80)} first")
    return Path(name)


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
