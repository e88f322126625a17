"""BLEU by source length, a line a model: Figure 2 of Bahdanau et al. (2015)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from s2s.errors import S2SError
from s2s.plots.files import SETTINGS, check_format, write_figure
from s2s.plots.panel import printable

COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666")
"""Okabe & Ito's: told apart with any kind of colour vision."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
"""Each colour has its own, so that a print without colours is read as well."""

STROKES: tuple[Literal["--", "-", ":", "-."], ...] = ("--", "-", ":", "-.")
"""The first kind of line is the broken one, with open markers: what is compared with is listed first."""

DOTS_PER_INCH = 200

# Lengths in inches.
NARROWEST, WIDEST, HEIGHT = 4.6, 10.0, 3.5
LEFT, RIGHT, BELOW, ABOVE = 0.6, 0.1, 0.72, 0.12
LEADER = 0.3
SAMPLE = 0.36
LABEL_GAP = 0.06
LINE_HEIGHT = 0.19
EDGE = 0.17

FONT_SIZE = 9
SMALL_FONT_SIZE = 8
LONGEST_NAME = 48
LEAST_RANGE = 10.0
"""Points of BLEU that the figure shows at least: a difference of 0.1 is not to look like one."""


@dataclass(frozen=True)
class LengthGroup:
    """Sentences of about one length.

    Attributes:
        name: the lengths, such as `6–10`.
        mean: their mean length in words: where the group stands.
        sentences: how many there are.
    """

    name: str
    mean: float
    sentences: int


@dataclass(frozen=True)
class Curve:
    """A model's BLEU in each group.

    Attributes:
        colour: which colour and marker; models with the same one have something in common.
        stroke: which kind of line; the same.
    """

    name: str
    bleu: tuple[float, ...]
    colour: int
    stroke: int


def draw_bleu_by_length(groups: Sequence[LengthGroup], curves: Sequence[Curve], path: Path) -> None:
    """Write one figure: source length to the right, BLEU upwards, a line with its name for each model.

    The names stand at the right ends of their lines. The same numbers give the same bytes.

    Args:
        groups: from short to long, at least one.
        curves: at least one, with a BLEU for each group.
        path: the file; its suffix, one of `FORMATS`, says the format; a file of that name is replaced.

    Raises:
        UsageError: the suffix is none of `FORMATS`.
        S2SError: there is nothing to draw, or the file cannot be written.
    """
    check_format(path)
    if not (groups and curves):
        raise S2SError("There is nothing to draw: no model was scored.", where=str(path), hint="Compare at least one.")
    with matplotlib.style.context(["default", {**SETTINGS, "font.size": FONT_SIZE, "axes.linewidth": 0.8}]):
        write_figure(_draw(groups, curves), path)


@dataclass(frozen=True)
class _Plot:
    """The rectangle with the lines in it: its size in inches, and the numbers that it shows."""

    width: float
    height: float
    left: float
    right: float
    low: float
    high: float

    def x(self, length: float) -> float:
        """Inches from the left side of the figure."""
        return LEFT + EDGE + (self.width - 2 * EDGE) * (length - self.left) / ((self.right - self.left) or 1.0)

    def y(self, bleu: float) -> float:
        """Inches from the lower side of the figure."""
        return BELOW + self.height * (bleu - self.low) / (self.high - self.low)


def _draw(groups: Sequence[LengthGroup], curves: Sequence[Curve]) -> Figure:
    plot = _measure(groups, curves)
    names = LEADER + SAMPLE + LABEL_GAP + _widest([_short(curve.name) for curve in curves], FONT_SIZE)
    width, height = LEFT + plot.width + names + RIGHT, BELOW + plot.height + ABOVE
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH)
    axes = figure.add_axes((LEFT / width, BELOW / height, plot.width / width, plot.height / height))
    axes.set_xlim(0, plot.width)
    axes.set_ylim(plot.low, plot.high)
    axes.set_xticks(
        [plot.x(group.mean) - LEFT for group in groups], [_tick(group) for group in groups], fontsize=SMALL_FONT_SIZE
    )
    axes.set_xlabel("source length in words (number of sentences)")
    axes.set_ylabel("BLEU")
    axes.grid(axis="y", color="0.88", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    for curve in curves:
        points = [(plot.x(group.mean), plot.y(bleu)) for group, bleu in zip(groups, curve.bleu, strict=True)]
        figure.add_artist(_line(figure, points, curve))
    _write_names(figure, plot, curves)
    return figure


def _measure(groups: Sequence[LengthGroup], curves: Sequence[Curve]) -> _Plot:
    """As wide as the labels below it need, side by side."""
    means = [group.mean for group in groups]
    steps = [after - before for before, after in pairwise(means)]
    label = _widest([line for group in groups for line in _tick(group).split("\n")], SMALL_FONT_SIZE) + LABEL_GAP
    needed = 2 * EDGE + label * (means[-1] - means[0]) / min(steps) if steps else 0.0
    low, high = _range([value for curve in curves for value in curve.bleu])
    return _Plot(
        width=min(max(needed, NARROWEST), WIDEST),
        height=max(HEIGHT, LINE_HEIGHT * len(curves)),
        left=means[0],
        right=means[-1],
        low=low,
        high=high,
    )


def _tick(group: LengthGroup) -> str:
    return f"{group.name}\n({group.sentences:,})"


def _range(values: Sequence[float]) -> tuple[float, float]:
    """All values with a little room, `LEAST_RANGE` at least, and nothing below 0."""
    low, high = min(values), max(values)
    missing = max(LEAST_RANGE - (high - low), 0.0)
    room = 0.05 * max(high - low, LEAST_RANGE)
    low = low - room - missing / 2
    return (low, high + room + missing / 2) if low >= 0 else (0.0, max(high + room, LEAST_RANGE))


def _line(figure: Figure, points: Sequence[tuple[float, float]], curve: Curve) -> Line2D:
    """A line through points that are given in inches."""
    colour = COLOURS[curve.colour % len(COLOURS)]
    stroke = curve.stroke % len(STROKES)
    return Line2D(
        [x for x, _ in points],
        [y for _, y in points],
        transform=figure.dpi_scale_trans,
        color=colour,
        linestyle=STROKES[stroke],
        linewidth=1.4,
        marker=MARKERS[curve.colour % len(MARKERS)],
        markersize=5,
        markerfacecolor="white" if stroke == 0 else colour,
        markeredgecolor=colour,
        markeredgewidth=1.0,
    )


def _write_names(figure: Figure, plot: _Plot, curves: Sequence[Curve]) -> None:
    """Each name at the end of its line, with a sample of the line; a thin leader tells which end is meant."""
    ends = [plot.y(curve.bleu[-1]) - BELOW for curve in curves]
    end_x, start = plot.x(plot.right), LEFT + plot.width + LEADER
    for curve, end, place in zip(curves, ends, _spread(ends, LINE_HEIGHT, plot.height), strict=True):
        y = BELOW + place
        sample = _line(figure, [(start, y), (start + SAMPLE / 2, y), (start + SAMPLE, y)], curve)
        sample.set_markevery([1])
        leader = Line2D(
            (end_x + 0.06, start - 0.04),
            (BELOW + end, y),
            transform=figure.dpi_scale_trans,
            color="0.7",
            linewidth=0.6,
        )
        figure.add_artist(leader)
        figure.add_artist(sample)
        figure.text(
            start + SAMPLE + LABEL_GAP,
            y,
            _short(curve.name),
            transform=figure.dpi_scale_trans,
            verticalalignment="center_baseline",
            parse_math=False,
        )


def _spread(wanted: Sequence[float], gap: float, height: float) -> list[float]:
    """Places at least `gap` apart in a column of this height, each as near to the wanted one as that allows.

    With the gaps taken out, places need only be in order: the nearest such numbers are the means of the runs that
    are out of order (isotonic regression, pool adjacent violators).
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    pools: list[tuple[float, int]] = []  # the mean of a run, and how many it has
    for rank, index in enumerate(order):
        mean, count = wanted[index] - rank * gap, 1
        while pools and pools[-1][0] >= mean:
            before, many = pools.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        pools.append((mean, count))
    highest = max(height - gap * (len(wanted) - 1), 0.0)
    flat = [min(max(mean, 0.0), highest) for mean, count in pools for _ in range(count)]
    places = [0.0] * len(wanted)
    for rank, index in enumerate(order):
        places[index] = flat[rank] + rank * gap
    return places


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _widest(texts: Sequence[str], font_size: float) -> float:
    """The longest text's length in inches."""
    sheet = Figure(dpi=DOTS_PER_INCH)
    FigureCanvasAgg(sheet)  # measures text for the figure that it is given
    written = [sheet.text(0, 0, text, fontsize=font_size, parse_math=False) for text in texts]
    return max(text.get_window_extent().width for text in written) / DOTS_PER_INCH
