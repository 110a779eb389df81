"""The ids of the Realtime protocol: what it is an id of, and 21 letters and digits."""

import secrets
import string
from typing import Literal

LETTERS = string.ascii_letters + string.digits
LENGTH = 21  # as in the service's own ids

Kind = Literal["sess", "conv", "item", "resp", "call", "event"]


def new_id(kind: Kind) -> str:
    """Return an id that nothing has yet, such as "item_C9G8yqg8hSvOxQJcQKsuP"."""
    return f"{kind}_" + "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
