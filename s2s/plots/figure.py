"""The alignment figure: attention weights as grey cells, as in Figure 3 of Bahdanau et al. (2015)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from s2s.errors import S2SError
from s2s.plots.files import check_format
from s2s.plots.panel import Panel
from s2s.plots.sheet import (
    FRAME_POINTS,
    MARGIN,
    POINTS,
    blank_sheet,
    label,
    place_axes,
    text_width,
    write_sheet,
    write_text,
)

# Lengths in inches. At 200 dots an inch a cell is 50 dots.
CELL = 0.25
WIDEST_MATRIX = 20.0
WIDEST_LINE = 14.0
MOST_IN_LINE = 4
PANEL_GAP = 0.35
LINE_GAP = 0.3

# Lengths in cells: what grows with the cell.
CAPTION = 1.7
CAPTION_BASE = 1.15
LABEL_GAP = 0.22
FONT_SIZE = 0.6
TICK = 0.2


@dataclass(frozen=True)
class _Box:
    """The room that a panel takes around its matrix; lengths in inches.

    Attributes:
        left: of the target words' labels.
        above: of the source words' labels.
        width, height: of the matrix.
    """

    left: float
    above: float
    width: float
    height: float

    @property
    def total_width(self) -> float:
        return self.left + self.width

    @property
    def total_height(self) -> float:
        return self.above + self.height


@dataclass(frozen=True)
class _Place:
    """Where a panel's matrix has its lower left corner, in inches from the figure's upper left."""

    left: float
    bottom: float


def draw_alignments(panels: Sequence[Panel], path: Path) -> frozenset[str]:
    """Write one figure with a matrix for each sentence pair; a file of that name is replaced.

    Source words stand along the top, target words down the left side; a cell is black for 0 and white for 1.
    All cells of a figure have the same size. Several panels stand side by side, in lines, as (a), (b) and so
    on. The same panels give the same bytes.

    Args:
        panels: at least one.
        path: the file; its suffix, one of `FORMATS`, says the format.

    Returns:
        The characters that no installed font has, which the picture shows as boxes. Always none for .svg,
        where the program that shows the picture looks for fonts.

    Raises:
        UsageError: the suffix is none of `FORMATS`.
        S2SError: there is no panel, or the file cannot be written.
    """
    check_format(path)
    if not panels:
        raise S2SError(
            "There is nothing to draw: no sentence was given.",
            where=str(path),
            hint="Give at least one sentence.",
        )
    words = {word for panel in panels for word in (*panel.src_words, *panel.trg_words)}
    return write_sheet(lambda: _draw(panels), words, path)


def _draw(panels: Sequence[Panel]) -> Figure:
    most_words = max(max(len(panel.src_words), len(panel.trg_words)) for panel in panels)
    cell = min(CELL, WIDEST_MATRIX / max(most_words, 1))
    boxes = [_measure(panel, cell) for panel in panels]
    caption = CAPTION * cell if len(panels) > 1 else 0.0
    lines = _wrap(boxes)
    widths = [sum(box.total_width for box in line) + PANEL_GAP * (len(line) - 1) for line in lines]
    heights = [max(box.total_height for box in line) + caption for line in lines]
    width = max(widths) + 2 * MARGIN
    height = sum(heights) + LINE_GAP * (len(lines) - 1) + 2 * MARGIN
    figure = blank_sheet(width, height)

    top, number = MARGIN, 0
    for line, line_height in zip(lines, heights, strict=True):
        left = MARGIN
        for box in line:
            # Matrices of a line stand on one ground line, so that their captions do, too.
            place = _Place(left + box.left, top + line_height - caption)
            _draw_panel(figure, panels[number], box, place, cell)
            if caption:
                _write_caption(figure, _letters(number), box, place, cell)
            left += box.total_width + PANEL_GAP
            number += 1
        top += line_height + LINE_GAP
    return figure


def _measure(panel: Panel, cell: float) -> _Box:
    gap = LABEL_GAP * cell
    return _Box(
        left=text_width(map(label, panel.trg_words), _points(cell)) + gap,
        above=text_width(map(label, panel.src_words), _points(cell)) + gap,
        width=len(panel.src_words) * cell,
        height=len(panel.trg_words) * cell,
    )


def _wrap(boxes: Sequence[_Box]) -> list[list[_Box]]:
    lines: list[list[_Box]] = []
    room = 0.0
    for box in boxes:
        room -= PANEL_GAP + box.total_width
        if not lines or room < 0 or len(lines[-1]) == MOST_IN_LINE:
            lines.append([])
            room = WIDEST_LINE - box.total_width
        lines[-1].append(box)
    return lines


def _draw_panel(figure: Figure, panel: Panel, box: _Box, place: _Place, cell: float) -> None:
    rows, columns = panel.weights.shape
    axes = place_axes(figure, place.left, place.bottom - box.height, box.width, box.height)
    if panel.weights.size:
        axes.imshow(panel.weights, cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    axes.set_xticks(range(columns))
    axes.set_yticks(range(rows))
    axes.tick_params(
        direction="in",
        length=TICK * cell * POINTS,
        width=FRAME_POINTS / 2,
        top=True,
        right=True,
        labelleft=False,
        labelbottom=False,
    )
    _write_words(figure, panel, box, place, cell)


def _write_words(figure: Figure, panel: Panel, box: _Box, place: _Place, cell: float) -> None:
    top, gap = place.bottom - box.height, LABEL_GAP * cell
    for column, word in enumerate(panel.src_words):
        text = write_text(figure, place.left + (column + 0.5) * cell, top - gap, label(word), _points(cell))
        text.set(rotation=90, horizontalalignment="center", verticalalignment="bottom")
    for row, word in enumerate(panel.trg_words):
        text = write_text(figure, place.left - gap, top + (row + 0.5) * cell, label(word), _points(cell))
        text.set(horizontalalignment="right", verticalalignment="center_baseline")


def _write_caption(figure: Figure, letters: str, box: _Box, place: _Place, cell: float) -> None:
    x, y = place.left + box.width / 2, place.bottom + CAPTION_BASE * cell
    caption = write_text(figure, x, y, f"({letters})", _points(cell))
    caption.set(horizontalalignment="center", verticalalignment="baseline")


def _letters(number: int) -> str:
    """a, b ... z, aa, ab ..."""
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("a") + letter) + letters
    return letters


def _points(cell: float) -> float:
    """The font's size beside cells of that size."""
    return FONT_SIZE * cell * POINTS
