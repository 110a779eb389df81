"""Chats: the conversations of a session, by name; kept in files of JSON where the user says so."""

from collections.abc import Iterator
from os import PathLike

from pydantic import TypeAdapter, ValidationError

from .. import suggestions
from ..decoding.limit import together
from ..errors import OptionError, one_line
from ..files import contents, file_path, reason
from .conversation import Conversation, Exchange
from .options import must_be

LARGEST = 500_000_000  # bytes of a file worth reading
FILE = TypeAdapter(tuple[Exchange, ...])


class Chats:
    """Conversations by name."""

    def __init__(self) -> None:
        self._chats: dict[str, Conversation] = {}

    def __iter__(self) -> Iterator[Conversation]:
        return iter(list(self._chats.values()))

    def open(self, name: str) -> Conversation:
        """Return the conversation of that name, a new one if there is none."""
        return self._chats.setdefault(name, Conversation(name))

    def get(self, name: str) -> Conversation:
        """Return a conversation. Raises OptionError, with the nearest name, for an unknown one."""
        must_be(str, name=name)
        if name in self._chats:
            return self._chats[name]
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
        except ValidationError as error:
            if limit.exceeded:
                line = f"the sounds in {shown} are too long together; take some of them out"
                raise OptionError(line) from None
            found = error.errors(include_url=False, include_input=False)
            # A part that is not a sound is no text either, which is the first to be said.
            first = next((one for one in found if one["type"] == "value_error"), found[0])
            where = ".".join(map(str, first["loc"])) or "the whole"
            why = one_line(f"{where}: {first['msg']}", 120)
            raise OptionError(f"{shown} is not a saved chat ({why})") from error
        if not all(exchange.well_formed for exchange in exchanges):
            why = "a message in a role that it cannot have"
            raise OptionError(f"{shown} is not a saved chat ({why})")
        self._chats[name] = Conversation(name, exchanges)
        return self._chats[name]
