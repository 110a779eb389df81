import decimal
from collections.abc import Iterator

import pytest


@pytest.fixture
def hostile_decimals() -> Iterator[None]:
    """Decimals as a notebook may have set them: a low precision, and every rounding an error."""
    with decimal.localcontext(prec=3) as context:
        context.traps[decimal.Inexact] = context.traps[decimal.Rounded] = True
        yield
