"""The alignment figure: attention weights as grey cells, as in Figure 3 of Bahdanau et al. (2015)."""

import math
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

from s2s.errors import S2SError, UsageError
from s2s.plots.panel import Panel, printable

FORMATS = (".png", ".svg", ".pdf")

SETTINGS = {
    "svg.fonttype": "none",  # text stays text: to be searched, copied and edited
    "svg.hashsalt": "s2s",  # names inside the file that do not change from run to run
    "pdf.fonttype": 42,  # whole TrueType outlines: what publishers accept
}
UNDATED: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""What keeps the time out of a file, so that the same weights give the same bytes."""

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

# Lengths in inches. At 200 dots an inch a cell is 50 dots.
CELL = 0.25
WIDEST_MATRIX = 20.0
WIDEST_LINE = 14.0
MOST_IN_LINE = 4
MARGIN = 0.1
PANEL_GAP = 0.35
LINE_GAP = 0.3

# Lengths in cells: what grows with the cell.
CAPTION = 1.7
CAPTION_BASE = 1.15
LABEL_GAP = 0.22
FONT_SIZE = 0.6
TICK = 0.2

FRAME_POINTS = 1.08  # three dots at 200 an inch
SMALLEST_FONT_POINTS = 1.0
LONGEST_LABEL = 32
POINTS = 72


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


def check_format(path: Path) -> str:
    """The suffix, in lower case, that says which format a figure is written in.

    Raises:
        UsageError: it is none of `FORMATS`.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        named = f"not '{path.suffix}'" if suffix else "and this name has none"
        raise UsageError(
            f"A figure's name must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, {named}.",
            where=str(path),
            hint=f"For example: {path.with_suffix('.png') if path.name else 'figure.png'}",
        )
    return suffix


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
    suffix = check_format(path)
    if not panels:
        raise S2SError(
            "There is nothing to draw: no sentence was given.",
            where=str(path),
            hint="Give at least one sentence.",
        )
    fonts = _installed_fonts()
    with matplotlib.style.context(["default", {**SETTINGS, "font.family": fonts}]), warnings.catch_warnings():
        # The answer names the missing characters once, instead of a warning for each.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        _write(_draw(panels), path, suffix)
    return frozenset() if suffix == ".svg" else _missing(panels, fonts)


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
    figure = Figure(figsize=(width, height), dpi=_dots_per_inch(width, height))

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


def _dots_per_inch(width: float, height: float) -> float:
    return min(DOTS_PER_INCH, LONGEST_SIDE_DOTS / max(width, height), math.sqrt(MOST_DOTS / (width * height)))


def _measure(panel: Panel, cell: float) -> _Box:
    gap = LABEL_GAP * cell
    return _Box(
        left=_longest(panel.trg_words, cell) + gap,
        above=_longest(panel.src_words, cell) + gap,
        width=len(panel.src_words) * cell,
        height=len(panel.trg_words) * cell,
    )


def _longest(words: Iterable[str], cell: float) -> float:
    """The longest label's length in inches, up to whole hundredths: whole dots, so that cells stay sharp."""
    sheet = Figure(dpi=DOTS_PER_INCH)
    FigureCanvasAgg(sheet)  # measures text for the figure that it is given
    lengths = [_text(sheet, 0, 0, _label(word), cell).get_window_extent().width for word in words]
    return math.ceil(max(lengths, default=0.0) / DOTS_PER_INCH * 100) / 100


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
    width, height = figure.get_size_inches()
    bounds = (place.left / width, 1 - place.bottom / height, box.width / width, box.height / height)
    rows, columns = panel.weights.shape
    axes = figure.add_axes(bounds)
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
    for side in axes.spines.values():
        side.set_linewidth(FRAME_POINTS)
    _write_words(figure, panel, box, place, cell)


def _write_words(figure: Figure, panel: Panel, box: _Box, place: _Place, cell: float) -> None:
    top, gap = place.bottom - box.height, LABEL_GAP * cell
    for column, word in enumerate(panel.src_words):
        label = _text(figure, place.left + (column + 0.5) * cell, top - gap, _label(word), cell)
        label.set(rotation=90, horizontalalignment="center", verticalalignment="bottom")
    for row, word in enumerate(panel.trg_words):
        label = _text(figure, place.left - gap, top + (row + 0.5) * cell, _label(word), cell)
        label.set(horizontalalignment="right", verticalalignment="center_baseline")


def _write_caption(figure: Figure, letters: str, box: _Box, place: _Place, cell: float) -> None:
    x, y = place.left + box.width / 2, place.bottom + CAPTION_BASE * cell
    _text(figure, x, y, f"({letters})", cell).set(horizontalalignment="center", verticalalignment="baseline")


def _text(figure: Figure, x: float, y: float, text: str, cell: float) -> Text:
    """Text at inches from the upper left, taken as it is: a `$` starts no formula."""
    width, height = figure.get_size_inches()
    return figure.text(x / width, 1 - y / height, text, fontproperties=_font(cell), parse_math=False)


def _letters(number: int) -> str:
    """a, b ... z, aa, ab ..."""
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("a") + letter) + letters
    return letters


def _label(word: str) -> str:
    word = printable(word)
    return word if len(word) <= LONGEST_LABEL else word[: LONGEST_LABEL - 1] + "…"


def _font(cell: float) -> FontProperties:
    return FontProperties(size=max(FONT_SIZE * cell * POINTS, SMALLEST_FONT_POINTS))


def _installed_fonts() -> list[str]:
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return [FONT, *(name for name in OTHER_SCRIPTS if name in installed)]


def _missing(panels: Sequence[Panel], fonts: Sequence[str]) -> frozenset[str]:
    words = {word for panel in panels for word in (*panel.src_words, *panel.trg_words)}
    chars = {char for word in words for char in _label(word)}
    for name in fonts:
        known = font_manager.get_font(font_manager.findfont(name)).get_charmap()
        chars -= {char for char in chars if ord(char) in known}
    return frozenset(chars)


def _write(figure: Figure, path: Path, suffix: str) -> None:
    """Beside its place under another name first: a reader never sees half a picture."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            figure.savefig(aside, format=suffix[1:], dpi=figure.dpi, metadata=UNDATED[suffix])
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise S2SError(
            f"The figure cannot be written: {error.strerror}.",
            where=str(path),
            hint="Name a file in a folder that exists and that you may write to.",
        ) from error
