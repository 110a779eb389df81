"""Variables and functions of the notebook, looked up by name."""

from functools import partial

import pytest

from audiomagic.errors import OptionError
from audiomagic.notebook.namespace import functions_named, variable


def weather(place: str, days: int = 1) -> str:
    """Say what the weather will be."""
    return f"sunny in {place} for {days} days"


def test_tools_are_chosen_by_the_names_of_variables() -> None:
    twice = partial(weather, days=2)
    variables = {"weather": weather, "twice": twice, "n": 3, "In": []}
    assert functions_named("weather, twice,", variables) == {"weather": weather, "twice": twice}
    assert list(functions_named("twice,weather,twice", variables)) == ["twice", "weather"]


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ("wether", "no variable 'wether'; did you mean 'weather'?"),
        ("weather,zzz", "no variable 'zzz'; define it in a cell above"),
        ("n", "'n' is not a function: its type is int; name functions of the notebook"),
        (" , ", "--tools needs the names of functions in the notebook: --tools f,g"),
    ],
)
def test_a_tool_that_cannot_be_called_is_refused(names: str, complaint: str) -> None:
    with pytest.raises(OptionError) as error:
        functions_named(names, {"weather": weather, "n": 3})
    assert str(error.value) == complaint


def test_a_variable_and_the_nearest_name() -> None:
    variables = {"take": 1, "_take": 2, "None": None}
    assert variable("_take", variables) == 2 and variable("None", variables) is None
    with pytest.raises(OptionError, match=r"^no variable 'tske'; did you mean 'take'\?$"):
        variable("tske", variables)
    with pytest.raises(OptionError) as error:  # hidden names are not suggested
        variable("a\nb" * 60, variables)
    assert "\n" not in str(error.value) and len(str(error.value)) < 120
