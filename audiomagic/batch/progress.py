"""Progress: how far a batch is: items, seconds of sound, dollars, failures."""

from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any

from IPython.display import HTML, display

from ..costs.pricing import dollars
from ..errors import AudiomagicError
from ..turn.reply import Reply

if TYPE_CHECKING:
    from typing import Self


class Progress:
    """A bar in a notebook or a terminal, while it is entered; it leaves nothing behind."""

    def __init__(self, count: int, shown: bool = True):
        from tqdm.auto import tqdm

        options: dict[str, Any] = {"total": count, "unit": "item", "leave": False}
        notebook = any(kind.__name__ == "tqdm_notebook" for kind in tqdm.__mro__)
        if notebook:  # which would save a dead widget: shown here, it can be taken away again
            options["display"] = False
        bar: Any = tqdm
        self._bar = bar(disable=not shown, **options)
        self._shown: Any = None
        if notebook and shown:
            self._shown = display(self._bar.container, display_id=True)  # type: ignore[no-untyped-call]
        self._seconds, self._paid, self._failed = 0.0, Decimal(0), 0

    def add(self, result: Reply | AudiomagicError) -> None:
        """Count one more item."""
        if isinstance(result, Reply):
            self._seconds += result.seconds
            self._paid += result.cost or 0
        else:
            self._failed += 1
        failed = f", {self._failed} failed" if self._failed else ""
        self._bar.set_postfix_str(
            f"{self._seconds:.0f} s of sound, {dollars(self._paid)}{failed}", refresh=False
        )
        self._bar.update()

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()
        if self._shown:
            self._shown.update(HTML(""))  # type: ignore[no-untyped-call]
