"""Lines that IPython would read differently: a question asked of a magic, and a cell with no body.

IPython takes any line that ends in a question mark for a request for help, so that
`%speak How are you?` would look up `you`; and it refuses a cell magic with nothing below it.
"""

from tokenize import TokenInfo
from typing import Any

from IPython.core.inputtransformer2 import EscapedCommand, MagicAssign
from IPython.core.interactiveshell import InteractiveShell

from .settings import MAGICS


class Question(EscapedCommand):
    """`%speak How are you?`"""

    priority = 1  # before IPython's own, help first among them

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> Any:
        """Return the first such line, or None."""
        for line in tokens_by_line:
            start = _asked(line, 0)
            if start is not None:
                return cls(start)
        return None


class AssignedQuestion(MagicAssign):
    """`reply = %speak How are you?`"""

    def __init__(self, start: tuple[int, int]):
        super().__init__(start)  # type: ignore[no-untyped-call]
        self._column = self.start_col
        self.start_col = -1  # IPython takes the leftmost first, and help starts at the name

    def transform(self, lines: list[str]) -> list[str]:
        """Rewrite it as IPython does an assigned magic."""
        self.start_col = self._column
        return list(super().transform(lines))

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> Any:
        """Return the first such line, or None."""
        for line in tokens_by_line:
            equals = next((i for i, token in enumerate(line) if token.string == "="), None)
            start = None if equals is None else _asked(line, equals + 1)
            if start is not None:
                return cls(start)
        return None


def _asked(line: list[TokenInfo], at: int) -> tuple[int, int] | None:
    """Return where `%speak ...?` starts, when that is what stands in a line from token `at`."""
    tokens = [token for token in line[at:] if token.string.strip()]
    words = [token.string for token in tokens]
    if len(words) > 3 and words[0] == "%" and words[1] in MAGICS and words[2] != "?":
        return tokens[0].start if words[-1] == "?" else None
    return None


def bare_cell(lines: list[str]) -> list[str]:
    """Turn a cell of nothing but `%%listen ...` into the line `%listen ...`: the same request."""
    written = [line for line in lines if line.strip()]
    if len(written) != 1 or written[0].rstrip().endswith("?"):
        return lines
    for magic in MAGICS:
        if written[0].split()[0] == f"%%{magic}":
            return [written[0][1:]]
    return lines


def teach(shell: InteractiveShell) -> None:
    """Let a shell read our lines as meant."""
    unteach(shell)
    shell.input_transformers_cleanup.append(bare_cell)
    shell.input_transformer_manager.token_transformers.extend((Question, AssignedQuestion))


def unteach(shell: InteractiveShell) -> None:
    """Take it back."""
    for taught in (
        shell.input_transformers_cleanup,
        shell.input_transformer_manager.token_transformers,
    ):
        taught[:] = [item for item in taught if getattr(item, "__module__", "") != __name__]
