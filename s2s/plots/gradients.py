"""The gradient figure: how much of a gradient arrives at each piece on its way back, a curve for each model."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from s2s.plots.panel import printable
from s2s.plots.sheet import (
    FRAME_POINTS,
    MARGIN,
    blank_sheet,
    label,
    place_axes,
    text_width,
    write_sheet,
    write_text,
)

# Lengths in inches.
COLUMN = 0.36
WIDEST_CURVES = 24.0
NARROWEST_CURVES = 3.6
HEIGHT = 2.9
LINE = 0.26
GAP = 0.08
HEADROOM = 0.04
"""The share of the decades that is added to them above and below."""

KEY = 0.45
"""The piece of line before a name in the legend."""

KEY_GAP = 0.35
FONT_POINTS = 10.9
SMALL_POINTS = 9.0

CURVE_POINTS = 1.8
MARKER_POINTS = 5.0

SMALLEST = 1e-12
"""Norms below are not told from nothing, and left out of the picture."""

GREY_TEXT = "#555555"
GRID = "#dddddd"
STYLES = (
    ("#0072b2", "o"),
    ("#d55e00", "s"),
    ("#009e73", "^"),
    ("#cc79a7", "D"),
    ("#e69f00", "v"),
    ("#56b4e9", "P"),
    ("#000000", "X"),
)
"""A colour and a marker for each curve: the colours of Okabe & Ito (2008), which colour-blind readers tell apart."""

SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True, eq=False)
class Curve:
    """How a gradient's norm changes over a sentence.

    Attributes:
        name: for the legend.
        positions: (steps), rising; word k of the axis stands at k.
        norms: (steps), not negative.
    """

    name: str
    positions: npt.NDArray[np.floating]
    norms: npt.NDArray[np.floating]


@dataclass(frozen=True)
class Captions:
    """What is written around the curves: above them, beside the scale, and below the words."""

    title: str
    norm: str
    note: str


def draw_gradients(words: Sequence[str], curves: Sequence[Curve], captions: Captions, path: Path) -> frozenset[str]:
    """Write one figure with all curves, their norms on a logarithmic scale; a file of that name is replaced.

    The same arguments give the same bytes.

    Args:
        words: along the axis, at least one.
        curves: at least one.
        path: the file; its suffix, one of `FORMATS`, says the format.

    Returns:
        The characters that no installed font has, as `write_sheet` does.

    Raises:
        UsageError: the suffix is none of `FORMATS`.
        S2SError: the file cannot be written.
    """
    names = [curve.name for curve in curves]
    return write_sheet(lambda: _draw(list(map(label, words)), curves, captions), [*words, *names], path)


@dataclass(frozen=True)
class _Layout:
    """Where the frame around the curves stands; lengths in inches, but for the font's size and the decades.

    Attributes:
        left, top: from the sheet's upper left.
        width: of the frame.
        slot: the width of a word's place along it.
        points: the size of the words' font.
        lowest, highest: the decades between which the curves lie.
    """

    left: float
    top: float
    width: float
    slot: float
    points: float
    lowest: int
    highest: int

    @property
    def edges(self) -> tuple[float, float]:
        """The logarithms at the frame's lower and upper edge: some more than there are, for whole markers."""
        spare = HEADROOM * (self.highest - self.lowest)
        return self.lowest - spare, self.highest + spare

    def height_of(self, decade: int) -> float:
        """From the sheet's upper edge to where the numbers have this power of ten."""
        low, high = self.edges
        return self.top + HEIGHT * (high - decade) / (high - low)

    def ticks(self) -> range:
        """The decades that are named: at most nine."""
        return range(self.highest, self.lowest - 1, -math.ceil((self.highest - self.lowest) / 8))


def _draw(words: Sequence[str], curves: Sequence[Curve], captions: Captions) -> Figure:
    layout = _measure(words, curves)
    names = [printable(curve.name) for curve in curves]
    right = layout.left + layout.width + KEY_GAP
    width = max(
        right + KEY + GAP + text_width(names, FONT_POINTS),
        layout.left + text_width([captions.title], FONT_POINTS),
        layout.left + text_width([captions.note], SMALL_POINTS),
    )
    below = layout.top + HEIGHT + GAP + text_width(words, layout.points) + 2 * GAP
    height = max(below + LINE, layout.top + LINE * len(names)) + MARGIN
    sheet = blank_sheet(width + MARGIN, height)
    title = write_text(sheet, layout.left, MARGIN + LINE / 2, captions.title, FONT_POINTS)
    title.set(verticalalignment="center_baseline")
    note = write_text(sheet, layout.left, below + LINE / 2, captions.note, SMALL_POINTS)
    note.set(verticalalignment="center_baseline", color=GREY_TEXT)
    _write_scale(sheet, layout, captions.norm)
    _write_words(sheet, layout, words)
    _draw_curves(sheet, layout, curves)
    _draw_legend(sheet, names, right, layout.top)
    return sheet


def _measure(words: Sequence[str], curves: Sequence[Curve]) -> _Layout:
    shown = np.concatenate([curve.norms for curve in curves])
    shown = shown[shown >= SMALLEST]
    lowest = math.floor(math.log10(shown.min())) if shown.size else -1
    highest = max(math.ceil(math.log10(shown.max())) if shown.size else 0, lowest + 1)
    column = min(COLUMN, WIDEST_CURVES / len(words))
    width = max(column * len(words), NARROWEST_CURVES)
    numbers = text_width(map(_power, range(lowest, highest + 1)), SMALL_POINTS)
    return _Layout(
        left=MARGIN + LINE + numbers + GAP,
        top=MARGIN + LINE + GAP,
        width=width,
        slot=width / len(words),
        points=FONT_POINTS * column / COLUMN,
        lowest=lowest,
        highest=highest,
    )


def _write_scale(sheet: Figure, layout: _Layout, norm: str) -> None:
    for decade in layout.ticks():
        number = write_text(sheet, layout.left - GAP, layout.height_of(decade), _power(decade), SMALL_POINTS)
        number.set(horizontalalignment="right", verticalalignment="center_baseline", color=GREY_TEXT)
    text = write_text(sheet, MARGIN, layout.top + HEIGHT / 2, norm, FONT_POINTS)
    text.set(rotation=90, horizontalalignment="left", verticalalignment="center", color=GREY_TEXT)


def _write_words(sheet: Figure, layout: _Layout, words: Sequence[str]) -> None:
    for number, word in enumerate(words):
        x = layout.left + (number + 0.5) * layout.slot
        text = write_text(sheet, x, layout.top + HEIGHT + GAP, word, layout.points)
        text.set(rotation=90, horizontalalignment="center", verticalalignment="top")


def _draw_curves(sheet: Figure, layout: _Layout, curves: Sequence[Curve]) -> None:
    axes = place_axes(sheet, layout.left, layout.top, layout.width, HEIGHT)
    axes.set(xlim=(-0.5, layout.width / layout.slot - 0.5), ylim=layout.edges)
    for decade in layout.ticks():
        axes.axhline(decade, color=GRID, linewidth=FRAME_POINTS / 2, zorder=0)
    for curve, (colour, marker) in zip(curves, itertools.cycle(STYLES), strict=False):
        told = curve.norms >= SMALLEST
        decades = np.log10(curve.norms, where=told, out=np.full(curve.norms.shape, np.nan))
        _draw_line(axes, curve.positions, decades, colour, marker)


def _draw_legend(sheet: Figure, names: Sequence[str], left: float, top: float) -> None:
    axes = place_axes(sheet, left, top, KEY, LINE * len(names))
    axes.set(xlim=(0, 1), ylim=(len(names), 0))
    axes.set_axis_off()
    for number, (name, (colour, marker)) in enumerate(zip(names, itertools.cycle(STYLES), strict=False)):
        middle = number + 0.5
        _draw_line(axes, np.array([0.0, 0.5, 1.0]), np.full(3, middle), colour, marker)
        text = write_text(sheet, left + KEY + GAP, top + middle * LINE, name, FONT_POINTS)
        text.set(verticalalignment="center_baseline")


def _draw_line(
    axes: Axes, xs: npt.NDArray[np.floating], ys: npt.NDArray[np.floating], colour: str, marker: str
) -> None:
    [line] = axes.plot(xs, ys, color=colour, linewidth=CURVE_POINTS, solid_capstyle="round", clip_on=False)
    line.set(marker=marker, markersize=MARKER_POINTS, markeredgecolor="white", markeredgewidth=CURVE_POINTS / 3)


def _power(decade: int) -> str:
    """1, 0.1 and 10 as they are, others as powers of ten."""
    return {0: "1", -1: "0.1", -2: "0.01", 1: "10"}.get(decade, f"10{str(decade).translate(SUPERSCRIPTS)}")
