"""Base64 in chunks: each by itself, or one text cut anywhere, in whatever dress."""

import base64
import re
from itertools import pairwise
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomagic.protocol.base64_stream import Base64Stream

NOISE = np.random.default_rng(5).bytes(4_000)
TEXT = base64.b64encode(NOISE).decode()
DRESSES = {
    "as it is": TEXT,
    "without padding": TEXT.rstrip("="),
    "in the URL alphabet": base64.urlsafe_b64encode(NOISE).decode(),
    "with line breaks": base64.encodebytes(NOISE).decode(),
    "with a head": f"data:audio/wav;codecs=1;base64,{TEXT}",
    "with a head in capitals": f"DATA:Audio/WAV;BASE64,{TEXT}",
    "with a head in mixed case": f"Data:audio/wav;Base64,{TEXT}",
    "percent-encoded": "data:audio/wav;base64," + quote(TEXT, safe=""),
    "percent-encoded, with its head": quote(f"data:audio/wav;base64,{TEXT}", safe=""),
    "percent-encoded in small letters": re.sub(
        "%..", lambda escape: escape[0].lower(), quote(f"data:audio/wav;base64,{TEXT}", safe="")
    ),
    "percent-encoded without a head": quote(TEXT, safe=""),
    "after a byte order mark": f"\ufeff{TEXT}",
    "after a byte order mark, with a head": f"\ufeffdata:audio/wav;base64,{TEXT}",
    "before a NUL": f"{TEXT}\0",
    "with all of it": "data:audio/wav;base64,\r\n"
    + base64.encodebytes(NOISE).decode().translate(str.maketrans("+/\n", "-_ ")).rstrip("= "),
}


def decoded(chunks: list[str]) -> bytes:
    stream = Base64Stream()
    return b"".join([part for chunk in chunks for part in stream.add(chunk)] + stream.end())


def cut(text: str, *cuts: int) -> list[str]:
    return [text[a:b] for a, b in pairwise([0, *sorted(cuts), len(text)])]


@pytest.mark.parametrize("dress", DRESSES)
def test_one_text_may_be_cut_at_any_character(dress: str) -> None:
    text = DRESSES[dress]
    for at in range(len(text)):
        assert decoded(cut(text, at)) == NOISE, at
    for size in (1, 2, 3, 5, 7, 64, 1_001):
        assert decoded(cut(text, *range(size, len(text), size))) == NOISE, size


@pytest.mark.parametrize("size", [1, 2, 3, 4, 160, 400])
@pytest.mark.parametrize("padding", ["=", ""])
@pytest.mark.parametrize("head", ["", "data:audio/pcm;base64,", "\ufeffDATA:audio/pcm;BASE64,"])
def test_each_chunk_may_be_a_text_of_its_own(size: int, padding: str, head: str) -> None:
    texts = [base64.b64encode(NOISE[at : at + size]).decode() for at in range(0, len(NOISE), size)]
    assert decoded([head + text.replace("=", padding) for text in texts]) == NOISE


@pytest.mark.parametrize("size", [1_000, 4_000, 9_602])
def test_few_texts_without_padding_are_told_by_how_they_sound(size: int) -> None:
    random = np.random.default_rng(size)
    for _ in range(100):
        for count in (2, 3, 5):
            wave = np.sin(np.cumsum(random.uniform(0.02, 0.3, size * count // 2)))
            sound = (random.uniform(0.02, 0.9) * 32_767 * wave).astype("<i2")
            sound[random.integers(0, len(sound)) :] //= 256  # quiet: the last letter is often an A
            pcm = sound.tobytes()
            whole = base64.b64encode(pcm).decode().rstrip("=")
            own = [base64.b64encode(pcm[at : at + size]) for at in range(0, len(pcm), size)]
            assert decoded([text.decode().rstrip("=") for text in own]) == pcm
            assert decoded(cut(whole, *random.integers(0, len(whole), count - 1))) == pcm


def test_padding_may_be_cut_in_two() -> None:
    for at in range(3, 400):
        assert decoded(cut(TEXT, at, len(TEXT) - 1)) == NOISE
    parts = NOISE[:1_000], NOISE[1_000:1_997], NOISE[1_997:]
    for size in (999, 1_000, 1_001):
        own = [base64.b64encode(NOISE[at : at + size]).decode() for at in range(0, 4_000, size)]
        halves = [half for text in own for half in (text[:-1], text[-1:])]
        assert decoded(halves) == NOISE
    assert decoded([base64.b64encode(part).decode() for part in parts]) == NOISE


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=6), st.booleans())
def test_cuts_make_no_difference_where_there_is_padding(
    data: bytes, cuts: list[int], url: bool
) -> None:
    text = (base64.urlsafe_b64encode if url else base64.b64encode)(data).decode()
    if not text.endswith("="):
        text += base64.b64encode(b"!").decode()
        data += b"!"
    assert decoded(cut(text, *(at for at in cuts if at <= len(text)))) == data


def test_what_is_complete_is_not_held_back() -> None:
    stream = Base64Stream()
    assert [stream.add(text) for text in ("YWJj", "ZGVm", "Z2g=", "aWo=")] == [
        [b"abc"], [b"def"], [b"gh"], [b"ij"]
    ]  # fmt: skip
    stream = Base64Stream()
    assert [stream.add(text) for text in ("YWJjZ", "GVmZ2hp", "amt")] == [
        [b"abc"], [b"defghi"], []
    ]  # fmt: skip
    assert stream.end() == [b"jk"] and stream.end() == []


def test_several_texts_in_one_chunk_are_read() -> None:
    assert decoded(["YQ==YmM=ZGVm", "Z2g="]) == b"abcdefgh"


@pytest.mark.parametrize(
    "wrong",
    [
        "not base64!",
        "Ünicode",
        "\ud800",
        "data:audio/wav,abcd",
        "data:" + "x" * 300,
        "%zz",
        "%E9%E9",
        "data:audio/wav,%52%49%46%46",
    ],
)
def test_what_is_not_base64_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        decoded([wrong])


def test_what_is_cut_off_is_dropped() -> None:
    for end in ("%", "%3", "%3D%"):
        assert decoded(["YWJj" + end]) == b"abc"


@pytest.mark.parametrize("text", ["DATA", "data", "DAta", "DA", "da=="])
def test_what_begins_like_a_head_may_be_none(text: str) -> None:
    data = base64.b64decode(text + "=" * (-len(text) % 4))
    assert decoded([text]) == data
    padded = base64.b64encode(b"x").decode()
    assert decoded([text, "", *20 * [padded]]) == data + 20 * b"x"


def test_a_silence_that_could_be_cut_anywhere_is_read_in_a_linear_way() -> None:
    chunks = ["AA"] * 100_000
    assert set(decoded(chunks)) == {0}
