"""A tool's result: its text for the model, its line, and what it shows of itself."""

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from audiomagic.protocol.tool_calls import CUT, ToolCall
from audiomagic.tools.result import MAX_TEXT, SEEN, ToolResult

from ...support.pictures import PIXEL, Drawn

CALL = ToolCall("call_1", "weather", '{"city": "Köln", "days": [1, 2]}')


def result(value: object, call: ToolCall = CALL) -> ToolResult:
    return ToolResult.of(call, value, 0.26)


class Unit(Enum):
    CELSIUS = "C"


@dataclass
class Place:
    city: str
    when: dt.date


class Trip(BaseModel):
    stops: list[Place]


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError

    def __getattr__(self, name: str) -> Any:
        raise SystemError(name)


class Opaque:
    def __repr__(self) -> str:
        return "<opaque>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("12 °C\nrain", "12 °C\nrain"),
        ("", ""),
        (None, "null"),
        (3, "3"),
        (True, "true"),
        (float("nan"), "NaN"),
        ({"Grad": 12.5, "Ort": "Köln"}, '{"Grad": 12.5, "Ort": "Köln"}'),
        ([1, (2, {3})], "[1, [2, [3]]]"),
        ({1: 2, dt.date(2026, 1, 2): 3}, '{"1": 2, "2026-01-02": 3}'),
        (dt.datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
        (Decimal("1.10"), "1.10"),
        (Unit.CELSIUS, "C"),
        (Place("Köln", dt.date(2026, 1, 2)), '{"city": "Köln", "when": "2026-01-02"}'),
        (Trip(stops=[]), '{"stops": []}'),
        (np.float32(1.5), "1.5"),
        (np.int64(7), "7"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
        ({"a": np.arange(3), "b": np.datetime64("2026-01-02")},
         '{"a": [0, 1, 2], "b": "2026-01-02"}'),
        (pd.Series([1.5, None], name="t"), '{"name": "t", "index": [0, 1], "data": [1.5, null]}'),
        ([pd.Timestamp("2026-01-02"), pd.NA], '["2026-01-02T00:00:00", "<NA>"]'),
        (b"\xff", "_w=="),
        (Opaque(), "<opaque>"),
        ([Opaque()], '["<opaque>"]'),
        ((n for n in (1, 2)), "[1, 2]"),
    ],
)  # fmt: skip
def test_the_model_reads_a_text_or_json(value: object, text: str) -> None:
    assert result(value).text == text


def test_the_model_reads_a_frame_as_json_and_knows_that_it_is_seen() -> None:
    dates = pd.to_datetime(["2026-01-02", "2026-01-03"])
    frame = pd.DataFrame({"Ort": ["Köln", "Bonn"], "Grad": [12, np.nan]}, index=dates)
    text = result(frame).text
    assert text.endswith(SEEN) and "Köln" in text
    told = json.loads(text.removesuffix(SEEN))
    assert told["columns"] == ["Ort", "Grad"] and told["data"] == [["Köln", 12], ["Bonn", None]]
    assert told["index"][0].startswith("2026-01-02")
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert json.loads(result(twice).text.removesuffix(SEEN))["columns"] == ["a", "a"]


def test_large_things_are_cut_or_told_in_short() -> None:
    assert result("x" * MAX_TEXT).text == "x" * MAX_TEXT
    cut = result("x" * (MAX_TEXT + 1)).text
    assert len(cut) == MAX_TEXT and cut.endswith(CUT)
    assert len(result(list(range(MAX_TEXT))).text) == MAX_TEXT
    big = pd.DataFrame(np.zeros((50_000, 3)))
    assert "[50000 rows x 3 columns]" in result(big).text
    assert "..." in result(np.zeros(10**6)).text and len(result(np.zeros(10**6)).text) < 2_100


def test_what_cannot_be_read_is_told_somehow() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert result(ring).text == "[[...]]"
    assert "Rude" in result(Rude()).text
    assert repr(result(Rude())).startswith("<ToolResult weather(city='Köln', days=[1, 2]) → <Rude")
    assert result("\ud83d!").text == "\ufffd!"
    for value in (ring, Rude(), pd, Unit, print, object()):
        assert result(value).text and not result(value).rich_output


def test_a_line_says_it_all() -> None:
    assert str(result("12 °C, rain")) == "weather(city='Köln', days=[1, 2]) → 12 °C, rain · 0.3 s"
    assert str(result(Drawn())) == "weather(city='Köln', days=[1, 2]) → Drawn · 0.3 s"
    assert len(str(result("long\n" * 1000, ToolCall("1", "f" * 500, '{"x": "long"}' * 99)))) < 350
    failed = ToolResult.failed(CALL, ValueError("no\nsuch city"), 0)
    assert str(failed).endswith(" → failed: ValueError: no such city · 0.0 s")


@pytest.mark.parametrize("arguments", ["{broken", "[1]", '"x"', "3", "[" * 100_000, "", "\ud800"])
def test_arguments_that_are_none_are_shown_as_they_came(arguments: str) -> None:
    line = str(result("x", ToolCall("1", "f", arguments)))
    assert line.startswith(f"f({arguments[:50].replace(chr(0xD800), '')}") and len(line) < 200


def test_a_notebook_shows_the_picture_or_the_line() -> None:
    shown = result(Drawn())
    assert shown._repr_html_() == shown.rich_output and PIXEL in shown.rich_output
    assert result("12 °C")._repr_html_() is None and repr(result("12 °C")).startswith("<ToolResult")


def test_the_result_stays_what_it_was() -> None:
    value = {"a": 1}
    kept = result(value)
    value["a"] = 2
    assert kept.text == '{"a": 1}' and kept.value is value
