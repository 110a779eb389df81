"""Frames of any library: read as rows, and given back with columns added.

pandas is read by itself, polars, pyarrow, DuckDB and others through narwhals. A frame that is only
known by a protocol is made one of pyarrow's, polars' or pandas'.
"""

import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..errors import OptionError, one_line

ARROW, INTERCHANGE = "__arrow_c_stream__", "__dataframe__"  # protocols
OWN = {"builtins", "collections", "itertools", "numpy", "types"}  # have no frames


def frame(items: object) -> Any:
    """Return a frame, or a single column, that can be gone through again: a lazy one is computed.

    None for what is neither. Raises OptionError for a frame that cannot be read.
    """
    if _is_pandas(items):
        return items
    if type(items).__module__.partition(".")[0] in OWN:
        return None
    known = any(hasattr(items, protocol) for protocol in (ARROW, INTERCHANGE))
    try:
        import narwhals

        found: Any = narwhals.from_native(items, pass_through=True, allow_series=True)
        if found is items:
            return _exchanged(items) if known else None
        return (_computed(found) if hasattr(found, "collect") else found).to_native()
    except ImportError as error:
        if not known and error.name == "narwhals":
            return None
        kind, needed = type(items).__name__, error.name or one_line(error, 80)
        raise OptionError(f"this {kind} needs {needed}; pip install {needed}") from error
    except Exception as error:  # whatever a library raises while it computes
        kind = type(items).__name__
        raise OptionError(f"this {kind} cannot be read: {one_line(error, 160)}") from error


def rows(frame: Any) -> list[Any]:
    """Return a frame's rows as dicts, or a column's values; what is missing is None or NaN.

    Raises OptionError where two columns have one name.
    """
    if not _is_pandas(frame):
        import narwhals

        found: Any = narwhals.from_native(frame, allow_series=True)
        return list(found.rows(named=True) if is_table(frame) else found.to_list())
    whole: Any = frame.astype(object)
    if not is_table(frame):
        return list(whole)
    if not whole.columns.is_unique:
        twice = one_line(whole.columns[whole.columns.duplicated()][0], 60)
        raise OptionError(f"two columns are named '{twice}'; rename one of them")
    return list(whole.to_dict("records"))


def is_table(frame: object) -> bool:
    """Whether a frame has columns: a Series, or a list, has none."""
    return hasattr(frame, "columns")


def with_columns(frame: Any, columns: Mapping[str, Sequence[object]]) -> Any:
    """Return a table of the same library with columns added, or replaced."""
    if _is_pandas(frame):
        return frame.assign(**columns)
    import narwhals

    found: Any = narwhals.from_native(frame)
    added = (
        narwhals.new_series(name, values, backend=found.implementation)
        for name, values in columns.items()
    )
    return found.with_columns(*added).to_native()


def _computed(lazy: Any) -> Any:
    with suppress(ImportError):
        return lazy.collect()  # into what suits it best: DuckDB's into pyarrow's
    with suppress(ImportError):
        return lazy.collect("pandas")
    return lazy.collect()


def _exchanged(items: Any) -> Any:
    import narwhals

    if hasattr(items, ARROW):
        for backend in ("pyarrow", "polars"):
            with suppress(ImportError):
                return narwhals.from_arrow(items, backend=backend).to_native()
        return narwhals.from_arrow(items, backend="pandas").to_native()
    from pandas.api.interchange import from_dataframe

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is an old protocol, and what some libraries have
        return from_dataframe(items)


def _is_pandas(items: object) -> bool:
    pandas: Any = sys.modules.get("pandas")  # who has a DataFrame has imported it
    return bool(pandas) and isinstance(items, pandas.DataFrame | pandas.Series)
