"""Tokens of a text, counted as the audio models count them."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splintr import AnyTokenizer


def count(text: str) -> int:
    """Count the tokens of a text (o200k, the vocabulary of the gpt-4o family)."""
    whole = text.encode("utf-8", "replace").decode()  # lone surrogates have no bytes
    return len(_tokenizer().encode_ordinary(whole))


@cache
def _tokenizer() -> "AnyTokenizer":
    from splintr import Tokenizer  # 40 MB: not at import

    return Tokenizer.from_pretrained("o200k_base")
