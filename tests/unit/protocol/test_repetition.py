"""Text that comes more than once is read once."""

import pytest

from audiomagic.protocol.repetition import Said, beyond


@pytest.mark.parametrize(
    ("pieces", "complete", "shown"),
    [
        (["Hello, ", "Ada.", "Hello, Ada."], True, "Hello, Ada."),
        (["Hello, ", "Ada.", " Hello, Ada.\n"], True, "Hello, Ada."),
        (["Hello, ", "Ada.", "Hello, Ada."], False, "Hello, Ada.Hello, Ada."),  # it was cut off
        (["Hello, ", "Ada.", "Hello, Ada.", " Bye."], True, "Hello, Ada.Hello, Ada. Bye."),
        (["Bye.", "Bye."], True, "Bye.Bye."),  # a word that is said twice
        (["Bye ", "", "now", "", "Bye now"], True, "Bye now"),
        ([], True, ""),
    ],
)
def test_a_last_piece_that_says_all_once_more_is_left_out(
    pieces: list[str], complete: bool, shown: str
) -> None:
    said = Said()
    assert "".join([*map(said.add, pieces), said.end(complete)]) == shown


@pytest.mark.parametrize(
    ("text", "other", "added"),
    [
        ("Hello, Ada.", "Hello, Ada.", ""),
        ("hello ada", "Hello, Ada!", ""),
        ("Hello, ", "hello Ada.", "Ada."),
        ("Hello", "Hello, Ada.", ", Ada."),
        ("Hello, Ada.", "It is Paris.", " It is Paris."),
        ("Hello, Ada.\n", "It is Paris.", "It is Paris."),
        ("Hello", "", ""),
    ],
)
def test_only_what_another_text_adds_is_added(text: str, other: str, added: str) -> None:
    assert beyond(text, other) == added
