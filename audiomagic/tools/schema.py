"""A function's signature: as a model is told of it, and as a model's call is checked against it."""

import inspect
import re
from collections.abc import Callable
from functools import partial
from typing import Any, NotRequired, get_type_hints

import docstring_parser
import pydantic
from pydantic_core import to_jsonable_python
from typing_extensions import TypedDict  # pydantic reads the standard one only from Python 3.12 on

from ..errors import OptionError, one_line
from ..protocol.tool_calls import Tool

Function = Callable[..., Any]

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST_DESCRIPTION = 1024  # characters: the service refuses more
MOST_COMPLAINTS = 5  # about one call's arguments
OPAQUE = ("default", "const", "enum", "examples")  # their values are the user's, not schemas


class FunctionSchema:
    """What a function is called, does and takes.

    `tool` is what a model is told; descriptions are read from the docstring (Google, numpy or
    reST style) and from `Annotated[..., Field(description=...)]`, types from the annotations.
    What a `functools.partial` has bound is not told, and not for the model to choose.
    """

    def __init__(self, name: str, function: Function):
        """Read it. Raises OptionError for a function that a model cannot be told of."""
        if not NAME.fullmatch(name):
            raise OptionError(
                f"a tool cannot be named '{one_line(name, 70)}'; "
                "name it with at most 64 of A-Z a-z 0-9 _ -"
            )
        if not callable(function) or inspect.isclass(function):
            raise OptionError(f"'{name}' is no function; write one that does what the tool should")
        self._name, self._parameters = name, _parameters(name, function)
        self._arguments = self._read_types(_hints(name, function))
        doc = _docstring(function)
        self.tool = Tool(name, _description(doc), self._schema(doc))

    def bind(self, arguments: str) -> tuple[list[Any], dict[str, Any]]:
        """Return what to call the function with; `arguments` is JSON as a model wrote it.

        Types are taken at their word, as the schema states them: "3" is no integer. Strings become
        dates, enums and the like, objects become dataclasses and models. Defaults are left to the
        function. Raises OptionError, in words that help the model to call again.
        """
        try:
            named = self._arguments.validate_json(arguments.strip() or "{}", strict=True)
        except pydantic.ValidationError as error:
            raise OptionError(f"{self._name} was not called: {_complaints(error)}") from error
        by_position = [
            named.pop(name, parameter.default)
            for name, parameter in self._parameters.items()
            if parameter.kind is parameter.POSITIONAL_ONLY
        ]
        return by_position, named

    def _read_types(self, hints: dict[str, Any]) -> pydantic.TypeAdapter[dict[str, Any]]:
        fields = {name: hints.get(name, Any) for name in self._parameters}
        for name, parameter in self._parameters.items():
            if parameter.default is not parameter.empty:  # left out, the function's own holds
                fields[name] = NotRequired[fields[name]]
        try:
            return _adapter(fields)
        except Exception as error:  # a class of the user's may raise anything here
            culprit = next((name for name, hint in fields.items() if not _writable(hint)), "it")
            raise OptionError(
                f"tool '{self._name}': no model can write a value for '{culprit}'; annotate it as "
                "str, int, list, a dataclass ..., or bind it with functools.partial"
            ) from error

    def _schema(self, doc: docstring_parser.Docstring) -> dict[str, Any]:
        schema: dict[str, Any] = _slim(self._arguments.json_schema())
        properties = schema["properties"]
        for described in doc.params:
            if described.arg_name in properties and described.description:
                properties[described.arg_name].setdefault("description", described.description)
        for name, parameter in self._parameters.items():
            if name in properties:
                properties[name] |= _default(parameter.default)
        return schema


def _parameters(name: str, function: Function) -> dict[str, inspect.Parameter]:
    try:
        parameters = dict(inspect.signature(function).parameters)
    except (ValueError, TypeError):
        raise OptionError(
            f"tool '{name}' does not say what it takes; wrap it in a function of your own"
        ) from None
    for parameter in parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise OptionError(
                f"tool '{name}' takes {parameter}, which tells a model nothing; "
                "wrap it in a function that names each parameter"
            )
    while isinstance(function, partial):
        for bound in function.keywords:
            parameters.pop(bound, None)
        function = function.func
    return parameters


def _hints(name: str, function: Function) -> dict[str, Any]:
    try:
        return get_type_hints(_inner(function), include_extras=True)
    except Exception as error:  # an annotation in quotes is code of the user's
        raise OptionError(
            f"tool '{name}' has an annotation that cannot be read: {one_line(error, 120)}; "
            "import or define what it names"
        ) from error


def _docstring(function: Function) -> docstring_parser.Docstring:
    text = inspect.getdoc(_inner(function)) or ""
    try:
        return docstring_parser.parse(text)
    except docstring_parser.ParseError:  # in no known style
        plain = docstring_parser.Docstring()
        plain.short_description = text
        return plain


def _description(doc: docstring_parser.Docstring) -> str:
    gives = f"Returns: {doc.returns.description}" if doc.returns else ""
    return f"{doc.description or ''}\n{gives}".strip()[:LONGEST_DESCRIPTION]


def _inner(function: Function) -> Function:
    """Return what holds annotations and docstring: of a partial, and of an object with a call."""
    while isinstance(function, partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _adapter(fields: dict[str, Any]) -> pydantic.TypeAdapter[dict[str, Any]]:
    make: Any = TypedDict  # out of fields that are known only now
    arguments = make("Arguments", fields)
    arguments.__pydantic_config__ = pydantic.ConfigDict(extra="forbid")
    adapter = pydantic.TypeAdapter[dict[str, Any]](arguments)
    adapter.json_schema()  # some types can be checked, but have no schema
    return adapter


def _writable(hint: Any) -> bool:
    try:
        return bool(_adapter({"value": hint}))
    except Exception:
        return False


def _default(value: object) -> dict[str, Any]:
    """Return a schema's word on a default; nothing where there is none that JSON can hold."""
    if value is None or value is inspect.Parameter.empty:
        return {}
    try:
        return {"default": to_jsonable_python(value)}
    except (ValueError, TypeError):
        return {}


def _slim(schema: Any) -> Any:
    """Take out the titles, which repeat the names: each is a token paid for at every call."""
    if isinstance(schema, list):
        return [_slim(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    slim = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):  # here a "title" is a name
            slim[key] = {name: _slim(part) for name, part in value.items()}
        elif key != "title":
            slim[key] = value if key in OPAQUE else _slim(value)
    return slim


def _complaints(error: pydantic.ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [
        ": ".join(filter(None, (".".join(map(str, detail["loc"])), detail["msg"])))
        for detail in details[:MOST_COMPLAINTS]
    ]
    return "; ".join(one_line(line, 150) for line in lines)
