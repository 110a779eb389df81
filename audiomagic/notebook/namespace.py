"""Variables of the notebook, looked up by the names that a line gives."""

from collections.abc import Callable, Mapping
from typing import Any

from .. import suggestions
from ..errors import OptionError, one_line


def variable(name: str, variables: Mapping[str, Any]) -> Any:
    """Return a variable of the notebook. Raises OptionError, with the nearest name."""
    if name in variables:
        return variables[name]
    close = suggestions.nearest(name, [known for known in variables if not known.startswith("_")])
    hint = f"did you mean '{close}'?" if close else "define it in a cell above"
    raise OptionError(f"no variable '{one_line(name, 60)}'; {hint}")


def functions_named(names: str, variables: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Return the functions that `names` (`f,g`) refer to.

    Raises OptionError for an unknown name, and for a variable that cannot be called.
    """
    functions: dict[str, Callable[..., Any]] = {}
    for name in filter(None, map(str.strip, names.split(","))):
        functions[name] = found = variable(name, variables)
        if not callable(found):
            raise OptionError(
                f"'{name}' is not a function: its type is {type(found).__name__}; "
                "name functions of the notebook"
            )
    if not functions:
        raise OptionError("--tools needs the names of functions in the notebook: --tools f,g")
    return functions
