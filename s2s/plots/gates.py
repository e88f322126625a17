"""The gate figure: what each gate of a cell let through at each token, as a heatmap with the words along the top."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from s2s.plots.sheet import MARGIN, POINTS, blank_sheet, label, place_axes, text_width, write_sheet, write_text

# Lengths in inches. At 200 dots an inch a cell is 72 dots.
CELL = 0.36
WIDEST_MATRIX = 24.0

# Lengths in cells: what grows with the cell.
FONT_SIZE = 0.42
NUMBER_SIZE = 0.3
LABEL_GAP = 0.2
BAND_GAP = 0.16
PANEL_GAP = 0.55
LINE = 0.72
BAR_WIDTH = 4.0
BAR_HEIGHT = 0.4
MEANING = 5.5
"""Where what a colour bar means begins, from the bar's own beginning."""

BAR_STEPS = 256

LUMINANCE = np.array([0.299, 0.587, 0.114])
"""How bright red, green and blue look (ITU-R BT.601)."""

PALE = 0.5
"""The luminance from which on a cell is written on in black."""

MINUS = "\N{MINUS SIGN}"

GREY_TEXT = "#555555"


@dataclass(frozen=True)
class Scale:
    """How numbers become colours.

    Attributes:
        meaning: of the numbers, for the colour bar.
        colours: matplotlib's name of the colour map.
        lowest: the number at its lower end, as a share of the one at its upper end.
        stretches: whether the upper end is a round number that holds all that is shown, instead of 1.
    """

    meaning: str
    colours: str
    lowest: float
    stretches: bool

    def limits(self, values: npt.NDArray[np.floating]) -> tuple[float, float]:
        """The numbers at both ends, where these values are shown."""
        high = _round_up(float(np.abs(values).max())) if self.stretches else 1.0
        return self.lowest * high, high


@dataclass(frozen=True, eq=False)
class GateRow:
    """A row of the heatmap: its name, a number for each word, and the scale that they are on."""

    name: str
    values: npt.NDArray[np.floating]
    scale: Scale


@dataclass(frozen=True, eq=False)
class GatePanel:
    """Rows that belong together.

    Attributes:
        heading: the first line above their names, in bold; may be empty.
        subheading: the second line.
        rows: at least one; neighbours on one scale stand without a gap.
    """

    heading: str
    subheading: str
    rows: tuple[GateRow, ...]


def draw_gates(words: Sequence[str], panels: Sequence[GatePanel], note: str, path: Path) -> frozenset[str]:
    """Write one figure with the panels one below the other; a file of that name is replaced.

    Each cell has the colour of its number, and the number in it. The same arguments give the same bytes.

    Args:
        words: the columns from left to right, at least one; every row has a number for each.
        panels: at least one.
        note: a line below all, which says what the columns are.
        path: the file; its suffix, one of `FORMATS`, says the format.

    Returns:
        The characters that no installed font has, as `write_sheet` does.

    Raises:
        UsageError: the suffix is none of `FORMATS`.
        S2SError: the file cannot be written.
    """
    return write_sheet(lambda: _draw(list(map(label, words)), panels, note), words, path)


@dataclass(frozen=True)
class _Layout:
    """Where things stand; lengths in inches.

    Attributes:
        cell: the side of a cell of the heatmap.
        left: from the sheet's edge to the heatmap.
        above: what stands above the first panel's rows.
        limits: of each scale in use.
    """

    cell: float
    left: float
    above: float
    limits: dict[Scale, tuple[float, float]]

    @property
    def points(self) -> float:
        """The font's size beside the heatmap."""
        return FONT_SIZE * self.cell * POINTS

    @property
    def gap(self) -> float:
        """Between a name or a word and the heatmap."""
        return LABEL_GAP * self.cell

    def heading_height(self, panel: GatePanel) -> float:
        """The lines above the rows of a panel."""
        return LINE * self.cell * len(_heading_lines(panel)) + self.gap

    def rows_height(self, panel: GatePanel) -> float:
        """All rows of a panel, gaps between its bands included."""
        return len(panel.rows) * self.cell + (len(_bands(panel)) - 1) * BAND_GAP * self.cell


def _draw(words: Sequence[str], panels: Sequence[GatePanel], note: str) -> Figure:
    layout = _measure(words, panels)
    heights = [layout.rows_height(panel) for panel in panels]
    gaps = [layout.heading_height(panel) + PANEL_GAP * layout.cell for panel in panels[1:]]
    legend_height = PANEL_GAP * CELL + LINE * CELL * (len(layout.limits) + 1)
    sheet = blank_sheet(
        _width(layout, words, note), 2 * MARGIN + layout.above + sum(heights) + sum(gaps) + legend_height
    )
    top = MARGIN + layout.above
    _write_words(sheet, layout, words, top)
    for panel, height, gap in zip(panels, heights, [*gaps, 0.0], strict=True):
        _draw_panel(sheet, layout, panel, top)
        top += height + gap
    _draw_legend(sheet, layout, note, top + PANEL_GAP * CELL)
    return sheet


def _measure(words: Sequence[str], panels: Sequence[GatePanel]) -> _Layout:
    cell = min(CELL, WIDEST_MATRIX / len(words))
    points = FONT_SIZE * cell * POINTS
    names = text_width((row.name for panel in panels for row in panel.rows), points)
    headings = text_width((panel.heading for panel in panels), points, weight="bold")
    subheadings = text_width((panel.subheading for panel in panels), points)
    gap = LABEL_GAP * cell
    return _Layout(
        cell=cell,
        left=MARGIN + max(names, headings, subheadings) + gap,
        above=max(text_width(words, points), LINE * cell * len(_heading_lines(panels[0]))) + gap,
        limits=_limits(panels),
    )


def _limits(panels: Sequence[GatePanel]) -> dict[Scale, tuple[float, float]]:
    """Of each scale, in the order in which rows use them; one scale means the same in all panels."""
    values: dict[Scale, list[npt.NDArray[np.floating]]] = {}
    for panel in panels:
        for row in panel.rows:
            values.setdefault(row.scale, []).append(row.values)
    return {scale: scale.limits(np.concatenate(shown)) for scale, shown in values.items()}


def _round_up(value: float) -> float:
    """The smallest of 0.1, 0.2, 0.5, 1, 2, 5, 10 ... that is not below the value."""
    candidates = (digit * 10.0**power for power in itertools.count(-1) for digit in (1, 2, 5))
    return next(candidate for candidate in candidates if candidate >= value)


def _width(layout: _Layout, words: Sequence[str], note: str) -> float:
    meanings = text_width((scale.meaning for scale in layout.limits), FONT_SIZE * CELL * POINTS)
    legend = max(text_width([note], FONT_SIZE * CELL * POINTS), MEANING * CELL + meanings)
    return layout.left + max(len(words) * layout.cell, legend) + MARGIN


def _heading_lines(panel: GatePanel) -> list[tuple[str, str]]:
    """The lines that are not empty, each with its weight."""
    return [line for line in ((panel.heading, "bold"), (panel.subheading, "normal")) if line[0]]


def _bands(panel: GatePanel) -> list[list[GateRow]]:
    """The rows, neighbours on one scale together."""
    return [list(rows) for _, rows in itertools.groupby(panel.rows, key=lambda row: row.scale)]


def _write_words(sheet: Figure, layout: _Layout, words: Sequence[str], bottom: float) -> None:
    for column, word in enumerate(words):
        x = layout.left + (column + 0.5) * layout.cell
        text = write_text(sheet, x, bottom - layout.gap, word, layout.points)
        text.set(rotation=90, horizontalalignment="center", verticalalignment="bottom")


def _draw_panel(sheet: Figure, layout: _Layout, panel: GatePanel, top: float) -> None:
    right = layout.left - layout.gap
    for number, (line, weight) in enumerate(reversed(_heading_lines(panel))):
        baseline = top - layout.gap - LINE * layout.cell * number
        text = write_text(sheet, right, baseline, line, layout.points, weight=weight)
        text.set(horizontalalignment="right", verticalalignment="baseline")
    for band in _bands(panel):
        for number, row in enumerate(band):
            text = write_text(sheet, right, top + (number + 0.5) * layout.cell, row.name, layout.points)
            text.set(horizontalalignment="right", verticalalignment="center_baseline", color=GREY_TEXT)
        _draw_band(sheet, layout, band, top)
        top += (len(band) + BAND_GAP) * layout.cell


def _draw_band(sheet: Figure, layout: _Layout, band: Sequence[GateRow], top: float) -> None:
    values = np.stack([row.values for row in band])
    scale = band[0].scale
    rows, columns = values.shape
    low, high = layout.limits[scale]
    axes = place_axes(sheet, layout.left, top, columns * layout.cell, rows * layout.cell)
    axes.imshow(values, cmap=scale.colours, vmin=low, vmax=high, interpolation="nearest", aspect="auto")
    shades = matplotlib.colormaps[scale.colours]((values - low) / (high - low))
    for (row, column), value in np.ndenumerate(values):
        text = write_text(
            sheet,
            layout.left + (column + 0.5) * layout.cell,
            top + (row + 0.5) * layout.cell,
            _short(float(value)),
            NUMBER_SIZE * layout.cell * POINTS,
        )
        ink = "black" if shades[row, column, :3] @ LUMINANCE > PALE else "white"
        text.set(horizontalalignment="center", verticalalignment="center_baseline", color=ink)


def _draw_legend(sheet: Figure, layout: _Layout, note: str, top: float) -> None:
    """A bar for each scale, from its lowest number to its highest, with what they mean; and the note."""
    points = FONT_SIZE * CELL * POINTS
    for scale, (low, high) in layout.limits.items():
        middle = top + LINE * CELL / 2
        bar = place_axes(sheet, layout.left, middle - BAR_HEIGHT * CELL / 2, BAR_WIDTH * CELL, BAR_HEIGHT * CELL)
        bar.imshow(np.linspace(0, 1, BAR_STEPS)[None], cmap=scale.colours, aspect="auto")
        ends = write_text(sheet, layout.left - LABEL_GAP * CELL, middle, _number(low), points)
        ends.set(horizontalalignment="right", verticalalignment="center_baseline", color=GREY_TEXT)
        x = layout.left + (BAR_WIDTH + LABEL_GAP) * CELL
        write_text(sheet, x, middle, _number(high), points).set(verticalalignment="center_baseline", color=GREY_TEXT)
        x = layout.left + MEANING * CELL
        write_text(sheet, x, middle, scale.meaning, points).set(verticalalignment="center_baseline")
        top += LINE * CELL
    text = write_text(sheet, layout.left, top + LINE * CELL / 2, note, points)
    text.set(verticalalignment="center_baseline", color=GREY_TEXT)


def _short(value: float) -> str:
    """Two digits of a number, such as .47, -.05, 1.0 and 12: what has room in a cell."""
    hundredths = round(100 * abs(value))
    if hundredths >= 995:
        digits = f"{abs(value):.0f}"
    elif hundredths >= 100:
        digits = f"{abs(value):.1f}"
    else:
        digits = f".{hundredths:02}"
    return f"{MINUS}{digits}" if value < 0 and hundredths else digits


def _number(value: float) -> str:
    return f"{value:g}".replace("-", MINUS)
