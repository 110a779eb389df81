"""Text that comes more than once is read once."""

import pytest

from audiomagic.protocol.repetition import Said, beyond


@pytest.mark.parametrize(
    ("pieces", "complete", "shown"),
    [
        (["Hello, ", "Ada.", "Hello, Ada."], True, "Hello, Ada."),
        (["Hello", " there!", " Hello there!"], True, "Hello there! Hello there!"),
        (["1,", " 2,", " 3", "\n1, 2, 3"], True, "1, 2, 3\n1, 2, 3"),
        (["你好，", "世界。", "你好，世界。"], True, "你好，世界。你好，世界。"),
        (["0", "1", "01"], True, "0101"),
        (["Hello, ", "Ada.", "Hello, Ada."], False, "Hello, Ada.Hello, Ada."),  # it was cut off
        (["Hello, ", "Ada.", "Hello, Ada.", " Bye."], True, "Hello, Ada.Hello, Ada. Bye."),
        (["Bye.", "Bye."], True, "Bye.Bye."),  # a word that is said twice
        (["Bye for ", "", "now", "", "Bye for now"], True, "Bye for now"),
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
