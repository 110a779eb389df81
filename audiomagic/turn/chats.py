"""Chats: the conversations of a session, by name; kept in files of JSON where the user says so."""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from decimal import Decimal
from os import PathLike

from pydantic import TypeAdapter, ValidationError

from .. import suggestions
from ..costs.pricing import LEAST
from ..decoding.limit import together
from ..errors import OptionError, one_line
from ..files import contents, file_path, reason
from ..sound import Sound
from .conversation import Conversation, Exchange
from .options import must_be

MOST = 10**12  # of any number in a file: of seconds, tokens, dollars
LONGEST_NAME = 80  # characters
LARGEST = 500_000_000  # bytes of a file worth reading
FILE = TypeAdapter(tuple[Exchange, ...])


class Chats:
    """Conversations by name, of which only what can be seen counts."""

    def __init__(self) -> None:
        self._chats: dict[str, Conversation] = {}

    def __iter__(self) -> Iterator[Conversation]:
        return iter(list(self._chats.values()))

    def open(self, name: str) -> Conversation:
        """Return the conversation of that name, a new one if there is none."""
        name = one_line(name, LONGEST_NAME)
        return self._chats.setdefault(name, Conversation(name))

    def get(self, name: str) -> Conversation:
        """Return a conversation. Raises OptionError, with the nearest name, for an unknown one."""
        must_be(str, name=name)
        if chat := self._chats.get(one_line(name, LONGEST_NAME)):
            return chat
        if self._chats:
            raise OptionError(suggestions.unknown("chat", name, self._chats))
        raise OptionError(f"no chat '{one_line(name, 40)}' yet; begin it: %%speak --chat NAME")

    def forget(self, name: str) -> Conversation:
        return self._chats.pop(self.get(name).name)

    def save(self, name: str, path: str | PathLike[str]) -> None:
        """Write a conversation into a file of JSON, its sound as mp3. Raises OptionError."""
        data = FILE.dump_json(self.get(name).exchanges, indent=1, exclude_defaults=True)
        try:
            file_path(path).write_bytes(data)
        except OSError as error:
            raise OptionError(f"cannot write {one_line(path, 120)}: {reason(error)}") from error

    def load(self, name: str, path: str | PathLike[str]) -> Conversation:
        """Read a conversation that `save` wrote, in place of any of that name.

        Raises OptionError when the file cannot be read, or is not a saved chat.
        """
        must_be(str, name=name)
        shown, file = one_line(path, 120), file_path(path)
        try:
            with together() as limit:
                exchanges = FILE.validate_json(contents(file, LARGEST))
        except OSError as error:
            raise OptionError(f"cannot read {shown}: {reason(error)}") from error
        except RecursionError as error:
            raise OptionError(f"{shown} is not a saved chat (its lists are too deep)") from error
        except ValidationError as error:
            if limit.exceeded:
                line = f"the sounds in {shown} are too long together; take some of them out"
                raise OptionError(line) from None
            found = error.errors(include_url=False, include_input=False)
            # A part that is not a sound is no text either, which is the first to be said.
            first = next((one for one in found if one["type"] == "value_error"), found[0])
            names = map(str, first["loc"])
            where = ".".join(name for name in names if "[" not in name) or "the whole"
            why = one_line(f"{where}: {first['msg'].removeprefix('Value error, ')}", 120)
            raise OptionError(f"{shown} is not a saved chat ({why})") from error
        if not all(map(_plausible, exchanges)):
            raise OptionError(f"{shown} is not a saved chat (one of its numbers is out of range)")
        if not all(exchange.well_formed for exchange in exchanges):
            why = "a message in a role that it cannot have"
            raise OptionError(f"{shown} is not a saved chat ({why})")
        chat = Conversation(one_line(name, LONGEST_NAME), exchanges)
        self._chats[chat.name] = chat
        return chat


def _plausible(value: object) -> bool:
    """Whether all numbers in an exchange are such as can be added up and shown."""
    if isinstance(value, Decimal):
        return value.is_finite() and 0 <= value <= MOST and (value == 0 or value >= LEAST)
    if isinstance(value, int | float):
        return -MOST <= value <= MOST
    if isinstance(value, tuple):
        return all(map(_plausible, value))
    if isinstance(value, Mapping):
        return all(map(_plausible, value.values()))
    return isinstance(value, Sound) or not is_dataclass(value) or _plausible(vars(value))
