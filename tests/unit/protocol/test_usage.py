"""Usage: the tokens of one call, from whatever tells them."""

import pytest
from openai.types import CompletionUsage

from audiomagic.protocol.usage import Usage

from ...support.fake_server import usage


def test_usage_is_read_from_the_client_and_from_a_dict() -> None:
    counted = usage(11, 20, 6, 10)
    for value in (counted, CompletionUsage(**counted), CompletionUsage.construct(**counted)):
        assert Usage.of(value) == Usage(31, 16, 20, 10, 0)
    whole = Usage(31, 16, 20, 10)
    assert (whole.input_text_tokens, whole.output_text_tokens, whole.consistent) == (11, 6, True)
    assert whole.wire() == counted and Usage.of(whole) is whole
    assert Usage.of(Usage(31, 16).wire()) == Usage(31, 16)  # an unknown part stays unknown


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        (None, None),
        ("16", None),
        ([], None),
        ({}, None),
        ({"prompt_tokens": 5}, None),
        ({"prompt_tokens": -1, "completion_tokens": 1}, None),
        ({"prompt_tokens": True, "completion_tokens": 1}, None),
        ({"prompt_tokens": 1.0, "completion_tokens": 1}, None),
        ({"prompt_tokens": 10**40, "completion_tokens": 1}, None),
        ({"prompt_tokens": 5, "completion_tokens": 7}, Usage(5, 7)),
        (usage() | {"prompt_tokens_details": None}, Usage(11, 16, None, 10)),
        (usage() | {"completion_tokens_details": {"audio_tokens": -3}}, Usage(11, 16, 0, None)),
        (usage() | {"completion_tokens_details": [1]}, Usage(11, 16, 0, None)),
        (CompletionUsage(prompt_tokens=1, completion_tokens=2, total_tokens=3), Usage(1, 2)),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("error::UserWarning")
def test_usage_that_is_partly_or_not_reported(value: object, read_as: Usage | None) -> None:
    assert Usage.of(value) == read_as


@pytest.mark.parametrize(
    "counts",
    [(5, 5, 6, 0), (5, 5, 0, 6), (5, 5, 0, 0, 6), (5, 5, -1, 0), (-1, 5), (5, -1),
     (9, 5, 4, 0, 3, 4), (9, 5, 1, 0, 3, 2), (9, 5, 7, 0, 4, 1), (9, 5, 4, 0, 3, -1)],
)  # fmt: skip
def test_parts_and_totals_that_contradict_each_other(counts: tuple[int, ...]) -> None:
    assert not Usage(*counts).consistent


def test_cached_sound_is_part_of_what_was_cached() -> None:
    assert Usage(9, 5, 4, 0, 5, 0).consistent and Usage(9, 5, 4, 0, 5, 4).consistent
    assert Usage(9, 5, None, 0, 5, 4).consistent  # of which kinds they were is not known


def test_cached_sound_is_added_up_where_both_are_known() -> None:
    known, untold = Usage(9, 5, 4, 2, 5, 3), Usage(9, 5, 4, 2, 5)
    assert (known + known).cached_audio_tokens == 6
    assert (known + Usage(9, 5, 4, 2)).cached_audio_tokens == 3  # nothing was cached there
    assert (known + untold).cached_audio_tokens is None
    assert (untold + known).cached_tokens == 10
