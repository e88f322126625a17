"""A sheet measured in inches: what is drawn cell by cell and word by word stands on one, in fonts that are there."""

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import matplotlib.style
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

from s2s.plots.files import SETTINGS, check_format, write_figure
from s2s.plots.panel import printable

FONT = "DejaVu Sans"
OTHER_SCRIPTS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
    "Noto Sans Thai",
    "Noto Sans Ethiopic",
    "Noto Emoji",
    "Arial Unicode MS",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Nirmala UI",
)
"""Where one of these is installed, it draws what `FONT`, which comes with matplotlib, has no shapes for."""

DOTS_PER_INCH = 200
MOST_DOTS = 32_000_000
LONGEST_SIDE_DOTS = 60_000
"""Agg draws no picture of 2^16 dots a side, and memory ends, too: a larger figure gets fewer dots an inch."""

MARGIN = 0.1
"""Inches left free around all that is drawn."""

FRAME_POINTS = 1.08
"""How thick the frame around a matrix is: three dots at 200 an inch."""

POINTS = 72
"""Points in an inch: what font sizes and lines are measured in."""

SMALLEST_FONT_POINTS = 1.0
LONGEST_LABEL = 32


def write_sheet(draw: Callable[[], Figure], words: Iterable[str], path: Path) -> frozenset[str]:
    """Draw a figure and write it; a file of that name is replaced. The same drawing gives the same bytes.

    Args:
        draw: makes the figure; is called under our settings, whatever those of the user are.
        words: what stands in it that did not come from the program.
        path: the file; its suffix, one of `FORMATS`, says the format.

    Returns:
        The characters of the words that no installed font has, which the picture shows as boxes. Always none for
        .svg, where the program that shows the picture looks for fonts.

    Raises:
        UsageError: the suffix is none of `FORMATS`.
        S2SError: the file cannot be written.
    """
    suffix = check_format(path)
    fonts = _installed_fonts()
    with matplotlib.style.context(["default", {**SETTINGS, "font.family": fonts}]), warnings.catch_warnings():
        # The answer names the missing characters once, instead of a warning for each.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        write_figure(draw(), path)
    return frozenset() if suffix == ".svg" else _missing(words, fonts)


def blank_sheet(width: float, height: float) -> Figure:
    """An empty figure of that size in inches."""
    dots = min(DOTS_PER_INCH, LONGEST_SIDE_DOTS / max(width, height), math.sqrt(MOST_DOTS / (width * height)))
    return Figure(figsize=(width, height), dpi=dots)


def place_axes(sheet: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes without ticks that fill a box, in inches from the upper left of the sheet."""
    sheet_width, sheet_height = sheet.get_size_inches()
    bounds = (left / sheet_width, 1 - (top + height) / sheet_height, width / sheet_width, height / sheet_height)
    axes = sheet.add_axes(bounds)
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set_linewidth(FRAME_POINTS)
    return axes


def write_text(sheet: Figure, x: float, y: float, text: str, points: float, *, weight: str = "normal") -> Text:
    """Text at inches from the upper left, taken as it is: a `$` starts no formula.

    Args:
        points: the font's size.
        weight: as matplotlib calls it.
    """
    width, height = sheet.get_size_inches()
    font = FontProperties(size=max(points, SMALLEST_FONT_POINTS), weight=weight)
    return sheet.text(x / width, 1 - y / height, text, fontproperties=font, parse_math=False)


def text_width(texts: Iterable[str], points: float, *, weight: str = "normal") -> float:
    """The longest text's length in inches, up to whole hundredths: whole dots, so that cells stay sharp."""
    sheet = Figure(dpi=DOTS_PER_INCH)
    FigureCanvasAgg(sheet)  # measures text for the figure that it is given
    lengths = [write_text(sheet, 0, 0, text, points, weight=weight).get_window_extent().width for text in texts]
    return math.ceil(max(lengths, default=0.0) / DOTS_PER_INCH * 100) / 100


def label(word: str) -> str:
    """A word as a figure shows it: without what a file may not hold, and shortened if it is very long."""
    word = printable(word)
    return word if len(word) <= LONGEST_LABEL else word[: LONGEST_LABEL - 1] + "…"


def _installed_fonts() -> list[str]:
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return [FONT, *(name for name in OTHER_SCRIPTS if name in installed)]


def _missing(words: Iterable[str], fonts: Sequence[str]) -> frozenset[str]:
    chars = {char for word in words for char in label(word)}
    for name in fonts:
        known = font_manager.get_font(font_manager.findfont(name)).get_charmap()
        chars -= {char for char in chars if ord(char) in known}
    return frozenset(chars)
