"""Frames of any library: read as rows, and given back with columns added.

pandas is read by itself, polars, pyarrow, DuckDB and others through narwhals. A frame that is only
known by a protocol is made one of pyarrow's, polars' or pandas'.
"""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..errors import OptionError, one_line

ARROW, INTERCHANGE = "__arrow_c_stream__", "__dataframe__"  # protocols
# Floating-point types, by numpy's, torch's, polars' and pyarrow's names, that become doubles.
NARROW = {
    "float16": np.float16, "halffloat": np.float16, "float32": np.float32, "float": np.float32,
}  # fmt: skip
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
    if _is_pandas(frame):
        found: Any = frame
        if is_table(frame) and not frame.columns.is_unique:
            twice = one_line(frame.columns[frame.columns.duplicated()][0], 60)
            raise OptionError(f"two columns are named '{twice}'; rename one of them")
    else:
        import narwhals

        found = narwhals.from_native(frame, allow_series=True)
    if not is_table(frame):
        values = found.astype(object) if found is frame else found.to_list()
        return list(map(as_printed(found.dtype), values))
    printed = {name: as_printed(found[name].dtype) for name in found.columns}
    records = found.astype(object).to_dict("records") if found is frame else found.rows(named=True)
    return [{name: printed[name](value) for name, value in row.items()} for row in records]


def as_printed(dtype: object) -> Callable[[Any], Any]:
    """Return what makes a column's values print as their own type does: in single precision, 0.1
    is not 0.10000000149.
    """
    kind = NARROW.get(str(dtype).rpartition(".")[2].partition("[")[0].casefold())
    if kind is None:
        return lambda value: value
    return lambda value: float(str(kind(value))) if isinstance(value, float) else value


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
