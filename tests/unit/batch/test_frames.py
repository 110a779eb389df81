"""Frames of other libraries: read as rows, and given back with columns added."""

import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas
import pytest

from audiomagic.batch.frames import frame, is_table, with_columns
from audiomagic.batch.items import lasting, rows
from audiomagic.errors import OptionError

ADDED: dict[str, list[Any]] = {
    "reply": ["Hi.", None], "seconds": [1.5, None], "dollars": [Decimal("0.00651"), Decimal("0.2")],
    "saved": [None, None],
}  # fmt: skip
DAY = datetime(2024, 5, 1)
COLUMNS: dict[str, list[Any]] = {"word": ["chat", None], "n": [1, None], "day": [DAY, None]}
ROWS = [{"word": "chat", "n": 1, "day": date(2024, 5, 1)}, dict.fromkeys(COLUMNS)]


class Exchanged:
    """A frame that no library knows, and that is handed on by a protocol."""

    def __init__(self, inner: Any, protocol: str):
        setattr(type(self), protocol, lambda self, *how, **more: getattr(inner, protocol)(*how))


def polars() -> Any:
    return pytest.importorskip("polars").DataFrame(COLUMNS)


def lazy() -> Any:
    return polars().lazy()


def arrow() -> Any:
    return pytest.importorskip("pyarrow").table(COLUMNS)


def duckdb() -> Any:
    pytest.importorskip("pyarrow")
    asked = "select 'chat' word, 1 n, timestamp '2024-05-01' as day union all select null,null,null"
    return pytest.importorskip("duckdb").sql(f"{asked} order by n")


def batches() -> Any:
    """Known by Arrow's protocol alone."""
    return arrow().to_reader()


def interchanged() -> Any:
    """Known by the old protocol alone."""
    return type("Old", (Exchanged,), {})(pandas.DataFrame(COLUMNS), "__dataframe__")


FRAMES = [polars, lazy, arrow, duckdb, batches, interchanged, lambda: pandas.DataFrame(COLUMNS)]


@pytest.mark.parametrize("make", FRAMES)
@pytest.mark.filterwarnings("error")
def test_a_frame_is_read_and_given_back_with_columns(make: Any) -> None:
    kept = lasting(make())
    assert is_table(kept) and rows(kept) == rows(kept) == ROWS
    again = with_columns(with_columns(kept, ADDED), {"n": [7, 8]})  # the last is replaced
    assert type(again) is type(kept)
    assert [list(row.values())[1] for row in rows(again)] == [7, 8]
    assert list(rows(again)[0]) == [*COLUMNS, *ADDED]
    assert [float(row["dollars"]) for row in rows(again)] == [0.00651, 0.2]
    assert [row["seconds"] for row in rows(again)] == [1.5, None]


SINGLE = np.array([0.1, 16_777_216, np.pi], dtype=np.float32)


def singles() -> list[Any]:
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    columns = [SINGLE, pandas.Series(SINGLE), pandas.Series(SINGLE, dtype="Float32")]
    columns += [pandas.Series(SINGLE, dtype="float[pyarrow]"), polars.Series(SINGLE)]
    tables = [
        pandas.DataFrame({"x": SINGLE}),
        polars.DataFrame({"x": SINGLE}),
        arrow.table({"x": SINGLE}),
    ]
    return [*columns, arrow.chunked_array([SINGLE]), *tables]


def test_a_number_of_single_precision_reads_as_it_prints_itself() -> None:
    for items in singles():
        read = [row["x"] if is_table(items) else row for row in rows(items)]
        assert [str(value) for value in read] == ["0.1", "16777216.0", "3.1415927"], type(items)
    assert rows(np.array([0.1, 2.5], dtype=np.float16)) == [0.1, 2.5]
    assert rows(np.array([0.1, 1 / 3])) == [0.1, 1 / 3]  # a double keeps its digits
    gap = pandas.DataFrame({"x": np.array([0.1, np.nan], dtype=np.float32)})
    assert rows(gap) == [{"x": 0.1}, {"x": None}]


def test_a_column_alone_is_a_list_of_values() -> None:
    arrow = pytest.importorskip("pyarrow")
    for column in (
        pytest.importorskip("polars").Series("n", [1, None]),
        arrow.chunked_array([[1, None]]),
        arrow.array([1, None]),
        pandas.Series([1, None]),
        np.array([1, np.nan]),
    ):
        assert rows(column) == [1, None] and not is_table(lasting(column))


@pytest.mark.parametrize("items", [[], [{"a": 1}], (1,), {1}, range(2), "abc", {"a": 1}, 5, None])
def test_what_is_no_frame(items: object) -> None:
    assert frame(items) is None


def test_a_frame_that_cannot_be_read_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow, duckdb = pytest.importorskip("pyarrow"), pytest.importorskip("duckdb")
    twice = pyarrow.Table.from_arrays([pyarrow.array([1])] * 2, names=["a", "a"])
    with pytest.raises(OptionError, match=r"this Table cannot be read: .*unique.*'a' 2 times"):
        frame(twice)
    gone = duckdb.connect()
    relation = gone.sql("select 1 a")
    gone.close()
    with pytest.raises(OptionError, match="this DuckDBPyRelation cannot be read: ") as caught:
        rows(relation)
    assert "\n" not in str(caught.value)


def test_a_lazy_frame_is_computed_into_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    relation = duckdb()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert rows(relation) == ROWS
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(OptionError, match="this DuckDBPyRelation needs pyarrow; pip install"):
        rows(relation)


def test_without_narwhals_it_is_named_and_pandas_and_lists_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(OptionError, match="this Old needs narwhals; pip install narwhals"):
        frame(interchanged())
    assert rows(pandas.DataFrame(COLUMNS)) == ROWS
    assert rows(iter(ROWS)) == ROWS and rows(map(str, range(2))) == ["0", "1"]
