"""Lines that IPython would read differently: a question asked of a magic, a cell with no body,
and a cell that waits.

IPython takes any line that ends in a question mark for a request for help, so that
`%speak How are you?` would look up `you`; it refuses a cell magic with nothing below it; and a
magic cannot wait for a message of the page, but a cell with an `await` can.
"""

from collections.abc import Callable
from tokenize import COMMENT, TokenInfo
from typing import Any

from IPython.core.inputtransformer2 import (
    EscapedCommand,
    MagicAssign,
    TokenTransformBase,
    assemble_continued_line,
    find_end_of_continued_line,
)
from IPython.core.interactiveshell import InteractiveShell

from .arguments import MAGICS

AWAIT = "await get_ipython().magics_manager.registry['AudioMagics'].awaited"
Waits = Callable[[str], bool]  # whether a line of %listen asks to wait


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


def awaited_line(waits: Waits) -> type[TokenTransformBase]:
    """Make the transformer of `%listen --wait`, alone or assigned."""

    class AwaitedLine(TokenTransformBase):
        def __init__(self, start: tuple[int, int]):
            super().__init__(start)  # type: ignore[no-untyped-call]
            self._column, self.start_col = self.start_col, -2  # before AssignedQuestion

        @classmethod
        def find(cls, tokens_by_line: list[list[TokenInfo]]) -> Any:
            for number, line in enumerate(tokens_by_line):
                words = [token.string for token in line if token.string.strip()]
                at = 2 if words[1:2] == ["="] else 0
                if words[at : at + 2] != ["%", "listen"] or _in_function(tokens_by_line, number):
                    continue
                start = next(token for token in line if token.string == "%")
                if words[at + 2 : at + 3] != ["?"] and waits(
                    start.line[start.start[1] :].removeprefix("%listen").strip()
                ):
                    return cls(start.start)
            return None

        def transform(self, lines: list[str]) -> list[str]:
            start, end = self.start_line, find_end_of_continued_line(lines, self.start_line)
            line = assemble_continued_line(lines, (start, self._column), end)
            head, rest = lines[start][: self._column], line.removeprefix("%listen").strip()
            return [*lines[:start], f"{head}{AWAIT}({rest!r})\n", *lines[end + 1 :]]

    return AwaitedLine


def _in_function(tokens_by_line: list[list[TokenInfo]], number: int) -> bool:
    """Say whether a line stands in a function or class, where an `await` may not."""
    column = None
    for line in reversed(tokens_by_line[: number + 1]):
        words = [t for t in line if t.string.strip() and t.type != COMMENT]
        if not words or (column is not None and words[0].start[1] >= column):
            continue
        first = [word.string for word in words[:2]]
        if column is not None and (first[0] in ("def", "class") or first == ["async", "def"]):
            return True
        column = words[0].start[1]
    return False


def awaited_cell(waits: Waits) -> Callable[[list[str]], list[str]]:
    """Make the transformer of a cell that begins with `%%listen --wait`."""

    def transform(lines: list[str]) -> list[str]:
        first = lines[0].split(maxsplit=1) if lines else []
        line = first[1].strip() if len(first) > 1 else ""
        if first[:1] != ["%%listen"] or line.endswith("?") or not waits(line):
            return lines
        return [f"{AWAIT}({line!r}, {''.join(lines[1:])!r})\n"]

    return transform


class Cell:
    """Whether a cell runs just now."""

    runs = False

    def begin(self, *_: object) -> None:
        """Note that one begins."""
        self.runs = True

    def end(self, *_: object) -> None:
        """Note that it has ended."""
        self.runs = False


def bare_cell(lines: list[str]) -> list[str]:
    """Turn a cell of nothing but `%%listen ...` into the line `%listen ...`: the same request."""
    written = [line for line in lines if line.strip()]
    if len(written) != 1 or written[0].rstrip().endswith("?"):
        return lines
    for magic in MAGICS:
        if written[0].split()[0] == f"%%{magic}":
            return [written[0][1:]]
    return lines


def install(shell: InteractiveShell, waits: Waits) -> None:
    """Let a shell read our lines as meant."""
    uninstall(shell)
    cell = Cell()
    shell.events.register("pre_run_cell", cell.begin)
    shell.events.register("post_run_cell", cell.end)

    def may_wait(line: str) -> bool:
        return not cell.runs and waits(line)  # what %%time runs is no cell, and may not await

    shell.input_transformers_cleanup.extend((bare_cell, awaited_cell(may_wait)))
    shell.input_transformer_manager.token_transformers.extend(
        (awaited_line(may_wait), Question, AssignedQuestion)
    )


def uninstall(shell: InteractiveShell) -> None:
    """Take it back."""
    for taught in (
        shell.events.callbacks["pre_run_cell"],
        shell.events.callbacks["post_run_cell"],
        shell.input_transformers_cleanup,
        shell.input_transformer_manager.token_transformers,
    ):
        taught[:] = [item for item in taught if getattr(item, "__module__", "") != __name__]
