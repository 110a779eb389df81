"""Taped: calls that are recorded on a cassette, or answered from one."""

from copy import copy
from os import PathLike
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from .errors import CassetteError, one_line
from .files import reason
from .turn.client import Client, Tape

if TYPE_CHECKING:
    from typing import Self

    from .transports.cassette import Cassette


class Taped:
    """What a session does with cassettes."""

    _caller: Client

    def record(self, folder: str | PathLike[str]) -> "Cassette":
        """Keep every exchange from now on in a folder. Raises CassetteError."""
        from .transports.cassette import Cassette  # a fifth of a second, for those who use it

        cassette = Cassette(folder)
        try:
            cassette.folder.mkdir(exist_ok=True)
            with TemporaryFile(dir=cassette.folder):  # said now, not after a call that was paid for
                pass
        except OSError as error:
            said = f"{one_line(cassette.folder, 120)}: {reason(error)}"
            raise CassetteError(f"cannot record in {said}") from error
        self._caller.tape = tape = Tape(cassette, plays=False)
        return tape.cassette

    def replay(self, folder: str | PathLike[str], pace: bool = True) -> "Cassette":
        """Answer from a folder from now on, at the recorded pace or at once, at no cost.

        Raises CassetteError; a call raises NotRecorded for a request that is not in it.
        """
        from .transports.cassette import Cassette

        cassette = Cassette(folder)
        if not cassette.exchanges():
            name = one_line(cassette.folder, 120)
            refused = next(iter(cassette.refused.values()), "")
            why = f"no recording in {name} can be read: {refused}"
            raise CassetteError(why if refused else f"there are no recordings in {name}")
        self._caller.tape = Tape(cassette, True, pace)
        return cassette

    def live(self) -> None:
        """Call far ends again, and record nothing."""
        self._caller.tape = None

    @property
    def tape(self) -> "Tape | None":
        """The cassette that is recorded on or answers, if any."""
        return self._caller.tape

    def resuming(self) -> "Self":
        """Return it, sharing all that it has; a cassette that it records answers too."""
        again = copy(self)
        again._caller = self._caller.resuming()
        return again
