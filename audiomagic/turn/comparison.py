"""Comparison: one question, answered by several voices or models at once, side by side."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from .. import suggestions
from ..errors import AudiomagicError, Interrupted, OptionError
from ..files import safe_name
from ..render import comparison
from ..transports.cancellation import Cancellation
from .reply import Reply, savable

AT_ONCE = 8  # calls: a rate limit is met soon enough


@dataclass(frozen=True)
class Column:
    """The reply of one voice or model, or the error that it met."""

    title: str
    reply: Reply | None = None
    error: AudiomagicError | None = None


@dataclass(frozen=True)
class Comparison:
    """Columns in the order asked for; by position or title it gives a reply.

    >>> comparison = compare(session.speak, "Tell me a joke", voice=["coral", "ash"])
    >>> comparison["ash"].seconds
    """

    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self) -> Iterator[Reply]:
        return (column.reply for column in self.columns if column.reply)

    def __getitem__(self, key: int | str) -> Reply:
        """Return a column's reply. Raises the error that it met; OptionError for no such title."""
        columns = {one.title: one for one in self.columns}
        if not isinstance(key, int) and (not isinstance(key, str) or key not in columns):
            raise OptionError(suggestions.unknown("column", str(key), columns))
        column = self.columns[key] if isinstance(key, int) else columns[key]
        if column.reply is None:
            raise column.error or AudiomagicError("there is no answer")
        return column.reply

    def __await__(self) -> Generator[Any, None, "Comparison"]:
        """Return itself at once, as a Reply does."""
        return self
        yield

    def save(self, path: str) -> list[Path]:
        """Save each reply beside the others: `joke.mp3` becomes `joke-coral.mp3`, ...

        Raises SoundError as Reply.save does.
        """
        target = savable(path)
        return [
            column.reply.save(target.with_stem(f"{target.stem}-{safe_name(column.title)}"))
            for column in self.columns
            if column.reply
        ]

    def noted(self, note: str) -> "Comparison":
        """Return a copy with a note on each reply."""
        columns = (
            replace(column, reply=column.reply and column.reply.noted(note))
            for column in self.columns
        )
        return Comparison(tuple(columns))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {
            "text/html": comparison.html(self.columns),
            "text/markdown": comparison.markdown(self.columns),
            "text/plain": comparison.plain(self.columns),
        }

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(comparison.plain(self.columns))


def compare(
    call: Callable[..., Reply],
    *given: Any,
    on_progress: Callable[[str], None] | None = None,
    **options: Any,
) -> Comparison:
    """Make a call once for each combination of the options that are lists, all at once.

    >>> compare(session.speak, "Hello", model=["gpt-audio-1.5", "gpt-audio"], voice=["coral"])

    A call that fails leaves the others alone. Raises OptionError for an empty list; the first error
    when all fail; Interrupted, with what came as its `reply`.
    """
    lists = {name: list(dict.fromkeys(v)) for name, v in options.items() if isinstance(v, list)}
    if not all(lists.values()):
        raise OptionError("there is nothing to compare; name two voices or models")
    fixed = {name: value for name, value in options.items() if name not in lists}
    variants = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    varied = [name for name, values in lists.items() if len(values) > 1] or list(lists)
    cancellations = [Cancellation() for _ in variants]

    def column(variant: dict[str, Any], cancellation: Cancellation) -> Column:
        title = " · ".join(str(variant[name]) for name in varied)
        try:
            with cancellation.bound():
                return Column(title, call(*given, **fixed, **variant))
        except AudiomagicError as error:
            part = error.reply if isinstance(error.reply, Reply) else None
            return Column(title, part, error)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        pairs = zip(variants, cancellations, strict=True)
        futures = [pool.submit(column, variant, cancellation) for variant, cancellation in pairs]
        try:
            for done, _ in enumerate(as_completed(futures), 1):
                if on_progress:
                    on_progress(f"{done} of {len(futures)} answered …")
        except KeyboardInterrupt:
            for future, cancellation in zip(futures, cancellations, strict=True):
                future.cancel()
                cancellation.cancel()
            ended = tuple(future.result() for future in futures if not future.cancelled())
            raise Interrupted("what had arrived is kept", Comparison(ended)) from None
    columns = tuple(future.result() for future in futures)
    if not any(column.reply for column in columns):
        raise columns[0].error or AudiomagicError("there is no answer")
    return Comparison(columns)


compare.__module__ = "audiomagic"  # where users have it from
