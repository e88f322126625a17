"""Lines of text on standard output, the same for a terminal and, without colours, for a file."""

import json
import sys
import textwrap
from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

FILE_WIDTH = 80
"""How wide lines are where standard output is no terminal."""

NARROWEST = 60
"""A narrower terminal breaks lines itself."""

NO_BREAK = "\xa0"


class Output:
    """Standard output. Colours only on a terminal and without NO_COLOR; no line is ever broken by it.

    Attributes:
        width: how many columns a line may have.
    """

    def __init__(self) -> None:
        # A terminal that has no α shows a question mark; the numbers beside it are worth more than an error.
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        self._console = Console(highlight=False)
        self.width = max(self._console.width, NARROWEST) if self._console.is_terminal else FILE_WIDTH

    def show(self, lines: Iterable[Text]) -> None:
        """Write the lines, without the spaces at their ends."""
        for line in lines:
            line.rstrip()
            self._console.print(line, soft_wrap=True)


def show_json(value: object) -> None:
    """Write a value as JSON, which is UTF-8 wherever it goes.

    Raises:
        ValueError: a number of it is infinite or none.
    """
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def fit(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly so many columns: filled up with spaces, or cut with an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(width - 1, 0)) + "…"[:width]
    return " " * (width - length) + text if right else text + " " * (width - length)


def hanging(label: str, text: str, *, indent: int, hang: int, width: int, style: str = "") -> list[Text]:
    """A label, and beside it a text that is broken between words; its lines begin `hang` columns after the label.

    A label that is too long for its room gets a line of its own.
    """
    margin = " " * indent
    broken = textwrap.wrap(text, max(width - indent - hang, 20), break_on_hyphens=False) or [""]
    if label and cell_len(label) >= hang:
        broken.insert(0, "")
    first, *others = (line.replace(NO_BREAK, " ") for line in broken)
    lines = [Text.assemble(margin, (fit(label, max(hang, cell_len(label))), style), first)]
    return lines + [Text(f"{margin}{' ' * hang}{line}") for line in others]


def whole_clauses(text: str) -> str:
    """The text for `hanging` to break after a `;` alone, where its clauses are short enough for a line."""
    clauses = text.split(";  ")
    return ";  ".join(clause.replace(" ", NO_BREAK) for clause in clauses) if len(clauses) > 1 else text
