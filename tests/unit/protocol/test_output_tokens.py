"""Output tokens: what arrives is counted at the fewest tokens it can be."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.protocol.output_tokens import OutputTokens


def counted(source: str, *pieces: str, seconds: float = 0.0) -> int:
    tokens = OutputTokens()
    for piece in pieces:
        tokens.add(source, piece)
    return tokens.total(seconds)


@pytest.mark.parametrize(
    ("pieces", "tokens"),
    [
        ((), 0),
        (("one two three",), 3),
        (("one t", "wo", " three", ""), 3),  # in whatever pieces
        (("on", "e ", "two"), 2),
        (("  \n",), 0),
        (("\n" * 1_200,), 100),  # no words at all
        (("词" * 400,), 100),  # a script without spaces
        (("supercalifragilisticexpialidocious",), 2),
    ],
)
def test_text_is_counted_by_its_words_or_its_bytes(pieces: tuple[str, ...], tokens: int) -> None:
    assert counted("written", *pieces) == tokens


def test_what_is_said_and_written_is_one_text_and_the_rest_is_added() -> None:
    tokens = OutputTokens()
    tokens.add("written", "one two three")
    tokens.add("spoken", "one two")
    assert tokens.total(0) == 3
    tokens.add("reasoning", "hm well")
    tokens.add("tool calls", '{"a": 1}')
    assert tokens.total(0) == 3 + 2 + 2
    assert tokens.total(1.0) == 7 + 20
    assert tokens.total(1.049) == 7 + 20  # not rounded up


@given(st.text(), st.data())
def test_pieces_count_like_the_whole(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    ends = [0, *cuts, len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(ends)]
    assert counted("spoken", *pieces) == counted("spoken", text)
