"""The alignment matrix in a terminal: greys where it has them, shades of ink where it has not."""

import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style

from s2s.plots.panel import Panel, printable

CELL = 2
"""Columns of a cell: a character is about twice as high as it is wide, so that cells look square."""

LONGEST_SOURCE = 16
LONGEST_TARGET = 24
SMALLEST_TARGET = 4

SHADES = " ░▒▓█"
ASCII_SHADES = " .:*#"
"""The same five steps for a terminal whose encoding has no blocks."""

FRAME = ("┌", "┐", "└", "┘", "─", "│")
ASCII_FRAME = ("+", "+", "+", "+", "-", "|")
ELLIPSIS = "…"
ASCII_ELLIPSIS = "~"

GREY_SYSTEMS = ("256", "truecolor")
"""What rich calls the terminals that have enough greys; the sixteen colours have four."""

LABEL = Style()
LINES = Style(dim=True)
SCALE_STEPS = 16


def render_alignment(panel: Panel, width: int) -> RenderableType:
    """A sentence pair's weights as a matrix of grey cells, from 0 (black) to 1 (white).

    Source words stand along the top, their letters one below the other; target words stand on the left. A
    source that is too long for the width is cut into bands, one below the other. On a console without greys
    (NO_COLOR, a file, sixteen colours) weights are five shades of ink, from nothing for 0 to full for 1.

    Args:
        panel: what to draw.
        width: how many columns there are; no line is wider, if they are at least 9.
    """
    return _Matrix(panel, width)


@dataclass(frozen=True)
class _Pen:
    """How one console draws: a cell of a weight, the frame, the mark of a shortened word, and the scale."""

    cell: Callable[[float], Segment]
    frame: tuple[str, str, str, str, str, str]
    ellipsis: str
    scale_steps: int


@dataclass(frozen=True)
class _Matrix:
    panel: Panel
    width: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        pen = _pen(console, options)
        # Beside the label and the cells stand a space and the two sides of the frame.
        room = self.width - 3
        label_width = max((cell_len(printable(word)) for word in self.panel.trg_words), default=0)
        label_width = min(label_width, LONGEST_TARGET, max(room // 3, SMALLEST_TARGET))
        for columns in _bands(len(self.panel.src_words), max((room - label_width) // CELL, 1)):
            for line in _band(self.panel, columns, label_width, pen):
                yield from line
                yield Segment.line()
        yield from _scale(label_width, pen)
        yield Segment.line()


def _pen(console: Console, options: ConsoleOptions) -> _Pen:
    frame, ellipsis = (ASCII_FRAME, ASCII_ELLIPSIS) if options.ascii_only else (FRAME, ELLIPSIS)
    if console.color_system in GREY_SYSTEMS and not console.no_color:
        return _Pen(_grey, frame, ellipsis, SCALE_STEPS)
    shades = ASCII_SHADES if options.ascii_only else SHADES

    def shade(weight: float) -> Segment:
        return Segment(shades[round(_within(weight) * (len(shades) - 1))] * CELL)

    return _Pen(shade, frame, ellipsis, len(shades))


def _grey(weight: float) -> Segment:
    level = round(_within(weight) * 255)
    return Segment(" " * CELL, Style(bgcolor=f"#{level:02x}{level:02x}{level:02x}"))


def _within(weight: float) -> float:
    return min(max(weight, 0.0), 1.0)


def _bands(count: int, most: int) -> list[range]:
    """As few runs of columns as fit, of about the same length; one, of none, where there is no column."""
    bands = max(math.ceil(count / most), 1)
    return [range(count * band // bands, count * (band + 1) // bands) for band in range(bands)]


def _band(panel: Panel, columns: range, label_width: int, pen: _Pen) -> Iterator[list[Segment]]:
    margin = " " * (label_width + 1)
    corner_left, corner_right, foot_left, foot_right, flat, upright = pen.frame
    for letters in _upright([panel.src_words[column] for column in columns], pen.ellipsis):
        yield [Segment(f"{margin} {letters}".rstrip(), LABEL)]
    edge = flat * (len(columns) * CELL)
    yield [Segment(f"{margin}{corner_left}{edge}{corner_right}", LINES)]
    for row, word in enumerate(panel.trg_words):
        label = "".join(_shorten(_letters(word), label_width, pen.ellipsis))
        yield [
            Segment(" " * (label_width - cell_len(label)) + label + " ", LABEL),
            Segment(upright, LINES),
            *(pen.cell(float(panel.weights[row, column])) for column in columns),
            Segment(upright, LINES),
        ]
    yield [Segment(f"{margin}{foot_left}{edge}{foot_right}", LINES)]


def _scale(label_width: int, pen: _Pen) -> Iterator[Segment]:
    """What the darkest and the brightest cell mean."""
    yield Segment(" " * (label_width + 1) + "0 ", LINES)
    yield from (pen.cell(step / (pen.scale_steps - 1)) for step in range(pen.scale_steps))
    yield Segment(" 1", LINES)


def _upright(words: Sequence[str], ellipsis: str) -> list[str]:
    """Lines of text in which each word runs downwards, in `CELL` columns, and ends on the last line."""
    columns = []
    for word in words:
        letters = _letters(word)
        if len(letters) > LONGEST_SOURCE:
            letters = [*letters[: LONGEST_SOURCE - 1], ellipsis]
        columns.append(letters)
    height = max((len(letters) for letters in columns), default=0)
    columns = [[""] * (height - len(letters)) + letters for letters in columns]
    return ["".join(letter + " " * (CELL - cell_len(letter)) for letter in line) for line in zip(*columns, strict=True)]


def _letters(word: str) -> list[str]:
    """The word's letters, each with the marks that combine with it, and none wider than a cell.

    Joiners are dropped: terminals disagree about what they join.
    """
    letters: list[str] = []
    for char in printable(word):
        if unicodedata.category(char) == "Cf":
            continue
        combines = cell_len(char) == 0 or unicodedata.category(char).startswith("M")
        if not combines:
            letters.append(char)
        elif letters and cell_len(letters[-1] + char) <= CELL:
            letters[-1] += char
    return letters


def _shorten(letters: Sequence[str], width: int, ellipsis: str) -> list[str]:
    if cell_len("".join(letters)) <= width:
        return list(letters)
    kept = list(letters)
    while kept and cell_len("".join(kept)) + cell_len(ellipsis) > width:
        kept.pop()
    return [*kept, ellipsis]
