"""Cells that IPython would read differently: a question asked of a magic, a cell magic without a
body, under other lines or with options on several lines, and a cell that waits.

IPython takes any line that ends in a question mark for a request for help, so that
`%speak How are you?` would look up `you`; it refuses a cell magic with nothing below it, and under
a comment or code it reads the cell's text as Python; it joins continued lines of line magics alone;
and a magic cannot wait for messages from the page, but a cell with an `await` can.
"""

from collections.abc import Callable, Iterator
from tokenize import TokenInfo
from typing import Any

from IPython.core.inputtransformer2 import MagicAssign, TokenTransformBase
from IPython.core.interactiveshell import InteractiveShell

from .arguments import MAGICS

OURS = "get_ipython().magics_manager.registry['AudioMagics']"
AWAITED = f"await {OURS}.awaited"
MISPLACED = f"{OURS}.misplaced"
CELLS = [f"%%{magic}" for magic in MAGICS]


class HelpLikeLine(MagicAssign):
    """`%speak How are you?` or `reply = %speak How are you?`: the magic, not a request for help."""

    def __init__(self, start: tuple[int, int]):
        super().__init__(start)  # type: ignore[no-untyped-call]
        self._column = self.start_col
        self.start_col = -1  # IPython takes the leftmost first, and help starts at the first word

    def transform(self, lines: list[str]) -> list[str]:
        self.start_col = self._column
        return list(super().transform(lines))

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> Any:
        for tokens in _beginnings(tokens_by_line):
            words = [token.string for token in tokens]
            percent, magic, *text = words if len(words) > 3 else ("", "", "")
            if percent == "%" and magic in MAGICS and text[0] != "?" and text[-1] == "?":
                return cls(tokens[0].start)
        return None


class MisplacedCell(TokenTransformBase):
    """`%%speak` below a comment or code, or in an assignment: an error of ours, and nothing else.

    What stands above it is not run: it belongs to a cell that is wrong, as with a syntax error.
    """

    def __init__(self, start: tuple[int, int], magic: str):
        super().__init__(start)  # type: ignore[no-untyped-call]
        self.start_col = -1  # before IPython, which takes it for a line magic named `%speak`
        self._magic = magic

    def transform(self, lines: list[str]) -> list[str]:
        return [f"{MISPLACED}({self._magic!r})\n"]

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> Any:
        for tokens in _beginnings(tokens_by_line):
            words = [token.string for token in tokens]
            first, second, magic, *text = [*words, "", "", ""]
            if first == second == "%" and magic in MAGICS and text[0] != "?":
                return cls(tokens[0].start, magic)
        return None


def _beginnings(tokens_by_line: list[list[TokenInfo]]) -> Iterator[list[TokenInfo]]:
    """Yield the tokens of each line, and those of what it assigns: either may be a magic."""
    for line in tokens_by_line:
        tokens = [token for token in line if token.string.strip()]
        words = [token.string for token in tokens]
        yield tokens
        if "=" in words:
            yield tokens[words.index("=") + 1 :]


def joined_options(lines: list[str]) -> list[str]:
    """Join a cell's first line with those that it goes on in, after a backslash each.

    Whatever blank is behind the magic, a tab or one of a web page, becomes IPython's: a space.
    """
    first, rest = (lines[0].rstrip(), lines[1:]) if lines else ("", [])
    if first.removesuffix("\\").split()[:1] not in [[cell] for cell in CELLS]:
        return lines
    while first.endswith("\\"):
        following = rest.pop(0) if rest else ""
        first = f"{first[:-1].rstrip()} {following.strip()}".rstrip()
    return [" ".join(first.split(maxsplit=1)) + "\n", *rest]


def bare_cell(lines: list[str]) -> list[str]:
    """Turn a cell of nothing but `%%listen ...` into the line `%listen ...`: the same request.

    `%%converse`, which has no line form, gets an empty line below it, for its instructions.
    """
    written = [line for line in lines if line.strip()]
    if len(written) != 1 or written[0].rstrip().endswith("?"):
        return lines
    if written[0].split()[0] == "%%converse":
        return [written[0], "\n"]
    if written[0].split()[0] in CELLS:
        return [written[0][1:]]
    return lines


def waiting_cell(
    shell: InteractiveShell, waits: Callable[[str], bool]
) -> Callable[[list[str]], list[str]]:
    """Make the transformer of a cell whose first line is a `%listen` that `waits`."""

    def transform(lines: list[str]) -> list[str]:
        magic, _, line = lines[0].strip().partition(" ") if lines else ("", "", "")
        body = "".join(lines[1:])
        if magic != "%%listen" and (magic != "%listen" or body.strip()):
            return lines
        if shell.display_trap.is_active:  # inside another magic's cell, where nothing may await
            return lines
        if (magic == "%%listen" and line.endswith("?")) or line == "?" or not waits(line):
            return lines
        return [f"{AWAITED}({line.strip()!r}, {body if magic == '%%listen' else None!r})\n"]

    return transform


def install(shell: InteractiveShell, waits: Callable[[str], bool]) -> None:
    uninstall(shell)
    cells = (joined_options, bare_cell, waiting_cell(shell, waits))
    shell.input_transformers_cleanup.extend(cells)
    shell.input_transformer_manager.token_transformers.extend((HelpLikeLine, MisplacedCell))


def uninstall(shell: InteractiveShell) -> None:
    manager = shell.input_transformer_manager
    for transformers in (shell.input_transformers_cleanup, manager.token_transformers):
        transformers[:] = [
            one for one in transformers if getattr(one, "__module__", "") != __name__
        ]
