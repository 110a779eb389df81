"""The schema of a function: what a model reads about it, and what its calls are checked against."""

import inspect
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, get_type_hints

import docstring_parser
import pydantic
from pydantic_core import to_jsonable_python

from ..errors import OptionError, one_line
from ..protocol.tool_calls import Tool

Function = Callable[..., Any]

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_DESCRIPTION = 1024  # characters: the service refuses more
MAX_COMPLAINTS = 5  # about one call's arguments
OPAQUE = ("default", "const", "enum", "examples")  # their values are the user's, not schemas


class FunctionSchema:
    """A function as a tool.

    `tool` is what a model reads: descriptions are taken from the docstring (Google, numpy or reST
    style) and from `Annotated[..., Field(description=...)]`, types from the annotations.
    Arguments that a `functools.partial` has bound are hidden from the model.
    """

    def __init__(self, name: str, function: Function):
        if not NAME.fullmatch(name):
            wrong = f"a tool cannot be named '{one_line(name, 70)}'"
            raise OptionError(f"{wrong}; use 1 to 64 characters of A-Z a-z 0-9 _ -")
        if not callable(function) or inspect.isclass(function):
            raise OptionError(f"'{name}' is not a function; write one that does what it should")
        inner = function  # what holds annotations and docstring
        while isinstance(inner, partial):
            inner = inner.func
        inner = inner if inspect.isroutine(inner) else type(inner).__call__
        self.function = function
        self._parameters = _parameters(name, function)
        self._model = _model(name, self._parameters, _hints(name, inner))
        text = inspect.getdoc(inner) or ""
        try:
            doc = docstring_parser.parse(text)
        except docstring_parser.ParseError:  # in no known style
            doc = docstring_parser.Docstring()
            doc.short_description = text
        returns = f"Returns: {doc.returns.description}" if doc.returns else ""
        description = f"{doc.description or ''}\n{returns}".strip()[:MAX_DESCRIPTION]
        self.tool = Tool(name, description, self._schema(doc))

    def bind(self, arguments: str) -> tuple[list[Any], dict[str, Any]]:
        """Return what to call the function with; `arguments` is JSON as a model wrote it.

        Types are strict: "3" is not an integer; but strings become dates and enums, objects become
        dataclasses and models. Raises OptionError, from which a model can tell what to correct.
        """
        try:
            model = self._model.model_validate_json(arguments.strip() or "{}", strict=True)
        except pydantic.ValidationError as error:
            raise OptionError(f"{self.tool.name} was not called: {_complaints(error)}") from error
        given = {
            parameter.name: getattr(model, field)
            for field, parameter in zip(type(model).model_fields, self._parameters, strict=True)
            if field in model.model_fields_set
        }
        by_position = [
            given.pop(parameter.name, parameter.default)
            for parameter in self._parameters
            if parameter.kind is parameter.POSITIONAL_ONLY
        ]
        return by_position, given

    def _schema(self, doc: docstring_parser.Docstring) -> dict[str, Any]:
        schema: dict[str, Any] = _without_titles(self._model.model_json_schema())
        described = {param.arg_name: param.description for param in doc.params}
        for parameter in self._parameters:
            entry = schema["properties"][parameter.name]
            entry.pop("default", None)
            if description := described.get(parameter.name):
                entry.setdefault("description", description)
            if parameter.default is not None and parameter.default is not parameter.empty:
                with suppress(ValueError, TypeError):  # JSON cannot hold every default
                    entry["default"] = to_jsonable_python(parameter.default)
        return schema


def _parameters(name: str, function: Function) -> list[inspect.Parameter]:
    try:
        parameters = dict(inspect.signature(function).parameters)
    except (ValueError, TypeError):
        message = f"tool '{name}' has no signature that Python can read; wrap it in a function"
        raise OptionError(message) from None
    for parameter in parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise OptionError(
                f"tool '{name}' takes {parameter}, which a model cannot fill in; "
                "wrap it in a function that names each parameter"
            )
    while isinstance(function, partial):
        for bound in function.keywords:
            parameters.pop(bound, None)
        function = function.func
    return list(parameters.values())


def _model(
    name: str, parameters: list[inspect.Parameter], hints: dict[str, Any]
) -> type[pydantic.BaseModel]:
    fields: dict[str, Any] = {}
    for parameter in parameters:
        hint = hints.get(parameter.name, Any)
        try:
            pydantic.TypeAdapter(hint).json_schema()
        except Exception as error:  # a class of the user's may raise anything here
            raise OptionError(
                f"tool '{name}': a model cannot write a value for '{parameter.name}'; annotate it "
                "as str, int, list, a dataclass ..., or bind it with functools.partial"
            ) from error
        default = ... if parameter.default is parameter.empty else None
        # A field cannot be named `schema` or `_private`, but its alias can.
        field = pydantic.Field(default=default, alias=parameter.name)
        fields[f"argument_{len(fields)}"] = (hint, field)
    config = pydantic.ConfigDict(extra="forbid")
    return pydantic.create_model("Arguments", __config__=config, **fields)


def _hints(name: str, function: Function) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except Exception as error:  # an annotation in quotes is code of the user's
        raise OptionError(
            f"tool '{name}' has an annotation that cannot be read: {one_line(error, 120)}; "
            "import or define what it names"
        ) from error


def _without_titles(schema: Any) -> Any:
    """Remove the titles, which repeat the names: each is a token paid for at every call."""
    if isinstance(schema, list):
        return [_without_titles(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):  # here a "title" is a name
            kept[key] = {name: _without_titles(part) for name, part in value.items()}
        elif key != "title":
            kept[key] = value if key in OPAQUE else _without_titles(value)
    return kept


def _complaints(error: pydantic.ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in details[:MAX_COMPLAINTS]]
    return "; ".join(one_line(line.removeprefix(": "), 150) for line in lines)
