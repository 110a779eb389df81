"""The schema of a function, and how a model's arguments are checked against it."""

import datetime as dt
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import partial, wraps
from typing import Annotated, Any, Literal, Optional

import jsonschema
import pandas as pd
import pytest
from pydantic import BaseModel, Field, validate_call

from audiomagic.errors import OptionError
from audiomagic.tools.schema import FunctionSchema

STRING, INTEGER = {"type": "string"}, {"type": "integer"}
WORDS = "Say the weather. In words. Returns: A sentence."


class Unit(Enum):
    CELSIUS = "C"
    KELVIN = "K"


@dataclass
class Place:
    city: str
    title: str = "Mr"


class Trip(BaseModel):
    """A journey."""

    stops: list[Place]
    start: dt.date


def told(function: Callable[..., Any]) -> dict[str, Any]:
    """The schema that a model is told, checked to be one."""
    schema = dict(FunctionSchema("f", function).tool.parameters)
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def taken(function: Callable[..., Any], arguments: str) -> Any:
    """What the function gets of these arguments, or the complaint."""
    try:
        by_position, named = FunctionSchema("f", function).bind(arguments)
    except OptionError as error:
        return str(error)
    return function(*by_position, **named)


def google(city: str, days: int = 3) -> str:
    """Say the weather.

    In words.

    Args:
        city: The city,
            in its own language.
        days (int, optional): How many.

    Returns:
        str: A sentence.
    """


def numpy(city: str, days: int = 3) -> str:
    """Say the weather.

    In words.

    Parameters
    ----------
    city : str
        The city,
        in its own language.
    days : int, optional
        How many.

    Returns
    -------
    str
        A sentence.
    """


def rest(city: str, days: int = 3) -> str:
    """Say the weather.

    In words.

    :param city: The city,
        in its own language.
    :param int days: How many.
    :returns: A sentence.
    """


@pytest.mark.parametrize("function", [google, numpy, rest])
def test_what_a_model_is_told(function: Callable[..., Any]) -> None:
    tool = FunctionSchema(function.__name__, function).tool
    assert tool.name == function.__name__
    assert " ".join(tool.description.split()) == WORDS
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "city": STRING | {"description": "The city,\nin its own language."},
            "days": INTEGER | {"description": "How many.", "default": 3},
        },
        "required": ["city"],
        "additionalProperties": False,
    }


def test_a_function_without_words_is_told_without() -> None:
    def bare(a, b=2):  # type: ignore[no-untyped-def]
        return a, b

    assert FunctionSchema("bare", bare).tool.description == ""
    assert told(bare)["properties"] == {"a": {}, "b": {"default": 2}}
    assert taken(bare, '{"a": {"x": [null]}}') == ({"x": [None]}, 2)


def test_odd_docstrings_are_no_obstacle() -> None:
    def odd(a: int) -> None: ...

    for text in ("Args:\n  a", "Parameters\n---\n", ":param", ":param a b c d: x", "Returns:\n\n:"):
        odd.__doc__ = text
        assert isinstance(FunctionSchema("odd", odd).tool.description, str)
    odd.__doc__ = "x" * 5000
    assert len(FunctionSchema("odd", odd).tool.description) == 1024


@pytest.mark.parametrize(
    ("hint", "schema", "good", "value", "bad"),
    [
        (str, STRING, '"Köln"', "Köln", "3"),
        (int, INTEGER, "3", 3, '"3"'),
        (int, INTEGER, "3", 3, "3.5"),
        (float, {"type": "number"}, "3", 3.0, '"3"'),
        (bool, {"type": "boolean"}, "true", True, "1"),
        (Optional[int], {"anyOf": [INTEGER, {"type": "null"}]}, "null", None, '"x"'),  # noqa: UP045
        (int | str, {"anyOf": [INTEGER, STRING]}, '"x"', "x", "1.5"),
        (Literal["a", "b"], {"enum": ["a", "b"], "type": "string"}, '"a"', "a", '"c"'),
        (Unit, None, '"K"', Unit.KELVIN, '"F"'),
        (list[int], {"type": "array", "items": INTEGER}, "[1, 2]", [1, 2], '["1"]'),
        (set[int], {"type": "array", "items": INTEGER, "uniqueItems": True}, "[1]", {1}, "1"),
        (tuple[int, str], None, '[1, "a"]', (1, "a"), "[1]"),
        (dict[str, int], {"type": "object", "additionalProperties": INTEGER}, '{"a": 1}', {"a": 1},
         '{"a": "b"}'),
        (dt.datetime, STRING | {"format": "date-time"}, '"2026-01-02T03:04:00"',
         dt.datetime(2026, 1, 2, 3, 4), '"tomorrow"'),
        (dt.date, STRING | {"format": "date"}, '"2026-01-02"', dt.date(2026, 1, 2), "5"),
        (Decimal, None, '"1.10"', Decimal("1.10"), '"a"'),
        (Annotated[int, Field(description="How many.", ge=1, le=7)],
         INTEGER | {"description": "How many.", "minimum": 1, "maximum": 7}, "7", 7, "8"),
        (Place, None, '{"city": "Köln"}', Place("Köln"), '{"town": "Köln"}'),
        (Trip, None, '{"stops": [{"city": "Köln"}], "start": "2026-01-02"}',
         Trip(stops=[Place("Köln")], start=dt.date(2026, 1, 2)), '{"stops": [1]}'),
        ("list[Place]", None, '[{"city": "Köln"}]', [Place("Köln")], "[1]"),  # as in quotes
        (Any, {}, "[1, null]", [1, None], None),
    ],
)  # fmt: skip
def test_types(hint: Any, schema: Any, good: str, value: object, bad: str | None) -> None:
    def function(x):  # type: ignore[no-untyped-def]
        return x

    function.__annotations__ = {"x": hint}
    whole = told(function)
    if schema is not None:
        assert whole["properties"]["x"] == schema
    jsonschema.validate({"x": json.loads(good)}, whole)
    assert taken(function, f'{{"x": {good}}}') == value
    if bad:
        assert taken(function, f'{{"x": {bad}}}').startswith("f was not called: x")


def test_titles_are_left_out_but_for_names() -> None:
    def f(title: str, trip: Trip, unit: Unit = Unit.KELVIN) -> None: ...

    schema = told(f)
    assert schema["properties"]["title"] == STRING
    assert schema["properties"]["unit"]["default"] == "K"
    assert schema["$defs"]["Place"] == {
        "properties": {"city": STRING, "title": STRING | {"default": "Mr"}},
        "required": ["city"],
        "type": "object",
    }
    assert '"title": "' not in json.dumps(schema)


def test_the_docstring_does_not_overrule_the_annotation() -> None:
    def f(n: Annotated[int, Field(description="this")]) -> None:
        """Do.

        :param n: that
        """

    assert told(f)["properties"]["n"]["description"] == "this"


def test_a_default_is_the_functions_own() -> None:
    kept: list[int] = []

    def f(
        frame=pd.DataFrame({"a": [1]}),  # type: ignore[no-untyped-def] # noqa: B008
        kept: list[int] = kept,
        none: int | None = None,
    ):
        return kept

    assert taken(f, "{}") is kept
    properties = told(f)["properties"]
    assert properties["frame"] == {} and properties["kept"]["default"] == []
    assert "default" not in properties["none"]


def test_every_kind_of_parameter_and_of_function() -> None:
    class Station:
        def weather(self, city: str) -> str:
            """Say it."""
            return f"{city}!"

        def __call__(self, city: str) -> str:
            """Say it loud."""
            return f"{city}!!"

        @staticmethod
        def aloud(city: str) -> str:
            return city.upper()

    def mixed(a: int, b: int = 2, /, c: int = 3, *, d: int) -> tuple[int, ...]:
        return a, b, c, d

    def connect(query: str, table: object, limit: int = 5) -> tuple[object, ...]:
        """Ask."""
        return query, table, limit

    def logged(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @validate_call
    def checked(x: int = Field(3, gt=2)) -> int:
        return x

    bound = partial(connect, table=pd.DataFrame())
    assert list(told(bound)["properties"]) == ["query", "limit"]
    assert FunctionSchema("f", bound).tool.description == "Ask."
    assert taken(bound, '{"query": "x", "limit": 1}')[::2] == ("x", 1)
    assert "table: Extra" in taken(bound, '{"query": "x", "table": 1}')
    assert taken(Station().weather, '{"city": "A"}') == "A!"
    assert FunctionSchema("f", Station()).tool.description == "Say it loud."
    assert told(Station())["properties"] == {"city": STRING}
    assert taken(Station(), '{"city": "A"}') == "A!!"
    assert taken(Station.aloud, '{"city": "a"}') == "A"
    assert taken(mixed, '{"a": 1, "c": 4, "d": 5}') == (1, 2, 4, 5)
    assert taken(math.sqrt, '{"x": 9}') == 3
    assert taken(lambda x: x, '{"x": 9}') == 9
    assert told(logged(google)) == told(google)
    assert taken(checked, "{}") == 3
    assert taken(mixed, '{"d": "5"}') == (
        "f was not called: a: Field required; d: Input should be a valid integer"
    )


def test_parameters_may_be_named_like_anything() -> None:
    def f(schema: int, model_config: int, _private: int, self: int, größe: int) -> int:
        return schema + model_config + _private + self + größe

    names = ("schema", "model_config", "_private", "self", "größe")
    assert tuple(told(f)["properties"]) == names
    assert taken(f, json.dumps(dict.fromkeys(names, 1))) == 5


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ('{"city": "Köln", "planet": 1}', "planet: Extra inputs are not permitted"),
        ("{}", "city: Field required"),
        ("", "city: Field required"),
        ("[1]", "Input should be an object"),
        ('{"city": ', "Invalid JSON: EOF while parsing a value"),
        ("[" * 100_000, "Invalid JSON: recursion limit exceeded"),
        ('{"city": "Köln", "days": "3"}', "days: Input should be a valid integer"),
        ('{"city": "\ud800"}', "Input should be a valid string"),
    ],
)
def test_wrong_arguments_are_told_in_a_line(arguments: str, complaint: str) -> None:
    said = taken(google, arguments)
    assert said.startswith(f"f was not called: {complaint}")
    assert "http" not in said and "\n" not in said


def test_many_complaints_stay_few() -> None:
    extra = ", ".join(f'"{"x" * 500}{i}": 1' for i in range(100))
    assert len(taken(google, f"{{{extra}}}")) < 1000


class Fresh:
    def __init__(self, x: int):
        pass


def all_of(*cities: str) -> None: ...
def any_of(**cities: str) -> None: ...
def framed(name: str, frame: pd.DataFrame) -> None: ...
def called(back: Callable[[int], int]) -> None: ...
def quoted(x: "Nowhere") -> None: ...  # type: ignore[name-defined] # noqa: F821


@pytest.mark.parametrize(
    ("name", "function", "complaint"),
    [
        ("größe", google, "a tool cannot be named 'größe'"),
        ("a b", google, "cannot be named"),
        ("x" * 65, google, "cannot be named"),
        ("f\n", google, "cannot be named"),
        ("f", Fresh, "'f' is not a function"),
        ("f", 3, "'f' is not a function"),
        ("f", max, "tool 'f' has no signature that Python can read; wrap it"),
        ("f", all_of, r"tool 'f' takes \*cities: str, which a model cannot fill in; wrap it"),
        ("f", any_of, r"tool 'f' takes \*\*cities: str"),
        ("f", framed, "tool 'f': a model cannot write a value for 'frame'; annotate"),
        ("f", called, "tool 'f': a model cannot write a value for 'back'"),
        ("f", quoted, "annotation that cannot be read: name 'Nowhere' is not defined; import"),
    ],
)
def test_what_cannot_be_told_is_refused(name: str, function: Any, complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        FunctionSchema(name, function)
