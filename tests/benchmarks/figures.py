"""Figures: what a benchmark is told on its command line, and the table that it prints."""

import argparse
from collections.abc import Iterable

Row = tuple[str, str, str]  # what, how much, and its goal or its peer


def command(description: str | None) -> argparse.ArgumentParser:
    """Make the command of a module that has such a docstring."""
    form = argparse.RawTextHelpFormatter
    return argparse.ArgumentParser(description=description, formatter_class=form)


def show(rows: Iterable[Row]) -> None:
    """Print the table."""
    rows = list(rows)
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
