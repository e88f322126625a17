import os
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from s2s.errors import S2SError, UsageError
from s2s.plots.figure import draw_alignments
from s2s.plots.files import FORMATS
from s2s.plots.panel import Panel

CELL_DOTS = 50
SRC = ("the", "European", "Area", "<end>")
TRG = ("la", "zone", "européenne", ".", "<end>")


def panel(src: tuple[str, ...] = SRC, trg: tuple[str, ...] = TRG, seed: int = 1) -> Panel:
    return Panel(src, trg, np.random.default_rng(seed).uniform(0.25, 0.98, (len(trg), len(src))))


def read_grey(path: Path) -> np.ndarray:
    picture = matplotlib.image.imread(path)[..., :3]
    np.testing.assert_array_equal(picture.min(axis=-1), picture.max(axis=-1))
    return picture[..., 0]


def matrices(path: Path) -> list[tuple[int, int, int, int]]:
    """Where the black frames around lighter cells stand: left, top, width and height in dots."""
    black = read_grey(path) < 0.2
    found = []
    for row in range(len(black) - 1):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], black[row].astype(int), [0]])))
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            # An upper edge: a long black line with nothing black above it.
            if right - left >= CELL_DOTS and not black[row - 1, left:right].any():
                height = int(np.argmin(black[row:, left + 1]))
                found.append((int(left), row, int(right - left), height))
    return found


def svg_texts(path: Path) -> list[str]:
    tree = ElementTree.parse(path)
    return ["".join(element.itertext()).strip() for element in tree.iter("{http://www.w3.org/2000/svg}text")]


def test_each_cell_is_as_grey_as_its_weight(tmp_path: Path) -> None:
    drawn = panel()
    draw_alignments([drawn], tmp_path / "one.png")
    [(left, top, width, height)] = matrices(tmp_path / "one.png")
    assert round(width / CELL_DOTS) == len(SRC)
    assert round(height / CELL_DOTS) == len(TRG)
    picture = read_grey(tmp_path / "one.png")
    for (row, column), weight in np.ndenumerate(drawn.weights):
        y, x = top + int((row + 0.5) * CELL_DOTS), left + int((column + 0.5) * CELL_DOTS)
        cell = picture[y - 12 : y + 13, x - 12 : x + 13]
        np.testing.assert_allclose(cell, weight, rtol=0, atol=2 / 255)  # matplotlib rounds down, twice


def test_scale_is_fixed_and_not_stretched(tmp_path: Path) -> None:
    dim = Panel(("a",), ("b",), np.array([[0.25]]))
    draw_alignments([dim], tmp_path / "dim.png")
    [(left, top, width, height)] = matrices(tmp_path / "dim.png")
    assert read_grey(tmp_path / "dim.png")[top + height // 2, left + width // 2] == pytest.approx(0.25, abs=1 / 255)


def test_cells_of_all_panels_have_the_same_size_and_one_ground_line(tmp_path: Path) -> None:
    draw_alignments([panel(), panel(SRC[1:], TRG[2:])], tmp_path / "two.png")
    first, second = sorted(matrices(tmp_path / "two.png"))
    assert (round(first[2] / CELL_DOTS), round(first[3] / CELL_DOTS)) == (4, 5)
    assert (round(second[2] / CELL_DOTS), round(second[3] / CELL_DOTS)) == (3, 3)
    assert first[1] + first[3] == second[1] + second[3]


def test_many_panels_stand_in_lines(tmp_path: Path) -> None:
    draw_alignments([panel()] * 6, tmp_path / "six.png")
    found = matrices(tmp_path / "six.png")
    assert len(found) == 6
    assert sorted(top for _, top, _, _ in found) == [found[0][1]] * 4 + [found[-1][1]] * 2


def test_svg_holds_the_words_as_text(tmp_path: Path) -> None:
    draw_alignments([panel()], tmp_path / "one.svg")
    assert svg_texts(tmp_path / "one.svg") == [*SRC, *TRG]


def test_several_panels_are_lettered_and_one_is_not(tmp_path: Path) -> None:
    draw_alignments([Panel(("a",), ("b",), np.ones((1, 1)))] * 28, tmp_path / "many.svg")
    captions = [text for text in svg_texts(tmp_path / "many.svg") if text.startswith("(")]
    assert captions[:2] + captions[25:] == ["(a)", "(b)", "(z)", "(aa)", "(ab)"]


def test_no_word_is_a_formula_or_markup(tmp_path: Path) -> None:
    odd = ("$x^2$", "$", "a$b", r"\frac", "<b>&amp;</b>", "_", "%", "]]>")
    draw_alignments([panel(odd, odd)], tmp_path / "odd.svg")
    assert svg_texts(tmp_path / "odd.svg") == [*odd, *odd]
    draw_alignments([panel(odd, odd)], tmp_path / "odd.png")
    draw_alignments([panel(odd, odd)], tmp_path / "odd.pdf")


def test_characters_that_no_file_may_hold_are_replaced(tmp_path: Path) -> None:
    odd = ("a\x00b", "\x1b[31m", "c\ud800", "\ufffe", "d\ne", "f\u2028g")
    draw_alignments([panel(odd, odd)], tmp_path / "odd.svg")
    assert svg_texts(tmp_path / "odd.svg")[:6] == ["a�b", "�[31m", "c�", "�", "d�e", "f�g"]


def test_a_very_long_word_is_shortened(tmp_path: Path) -> None:
    draw_alignments([panel(("x" * 500,), ("y",))], tmp_path / "long.svg")
    assert svg_texts(tmp_path / "long.svg") == ["x" * 31 + "…", "y"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_any_script_is_drawn_and_missing_shapes_are_told(tmp_path: Path, suffix: str) -> None:
    private = "\U0010abcd"  # for private use: no font has it
    words = ("مرحبا", "नमस्ते", "漢字", "😀", "👩‍👩‍👧", f"x{private}", "")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        missing = draw_alignments([panel(words, words)], tmp_path / f"script{suffix}")
    assert (private in missing) == (suffix != ".svg")
    assert not missing & set("xم")


DRAW_IN_ALL_FORMATS = """
import sys
from pathlib import Path
import numpy
from s2s.plots.figure import draw_alignments
from s2s.plots.files import FORMATS
from s2s.plots.panel import Panel
panels = [Panel(("a", "<end>"), ("é", "<end>"), numpy.eye(2))] * 2
for suffix in FORMATS:
    draw_alignments(panels, Path(sys.argv[1]) / f"there{suffix}")
print("matplotlib.pyplot" in sys.modules)
"""


def test_same_panels_same_bytes_in_another_process_and_without_pyplot(tmp_path: Path) -> None:
    command = [sys.executable, "-c", DRAW_IN_ALL_FORMATS, str(tmp_path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"TZ": "Asia/Tokyo"})
    assert answer.stdout == "False\n"
    for suffix in FORMATS:
        draw_alignments([Panel(("a", "<end>"), ("é", "<end>"), np.eye(2))] * 2, tmp_path / f"here{suffix}")
        assert (tmp_path / f"here{suffix}").read_bytes() == (tmp_path / f"there{suffix}").read_bytes()


def test_settings_of_the_user_change_nothing(tmp_path: Path) -> None:
    draw_alignments([panel()], tmp_path / "plain.svg")
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "image.cmap": "jet", "axes.grid": True}):
        draw_alignments([panel()], tmp_path / "styled.svg")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "styled.svg").read_bytes() == (tmp_path / "plain.svg").read_bytes()


def test_pdf_fonts_are_embedded_as_truetype(tmp_path: Path) -> None:
    draw_alignments([panel()], tmp_path / "one.pdf")
    written = (tmp_path / "one.pdf").read_bytes()
    assert b"/FontFile2" in written
    assert b"/Type3" not in written


def test_panels_without_words(tmp_path: Path) -> None:
    nothing = [
        Panel((), (), np.ones((0, 0))),
        panel(("<end>",), ("<end>",)),
        panel(("a", "<end>"), ("<end>",)),
    ]
    for path in (tmp_path / "nothing.png", tmp_path / "nothing.svg"):
        draw_alignments(nothing, path)
    assert svg_texts(tmp_path / "nothing.svg").count("<end>") == 4


def test_long_sentences_have_smaller_cells(tmp_path: Path) -> None:
    words = tuple(f"w{number}" for number in range(160))
    draw_alignments([Panel(words, ("a", "b"), np.eye(2, 160))], tmp_path / "long.png")
    _, width = read_grey(tmp_path / "long.png").shape
    assert 4000 <= width <= 4100


def test_a_figure_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "FIG.PNG"
    path.write_text("old")
    draw_alignments([panel()], path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "found"), [("fig.jpg", r"not '\.jpg'"), ("fig", "this name has none")])
def test_other_formats(tmp_path: Path, name: str, found: str) -> None:
    with pytest.raises(UsageError, match=rf"must end in \.png, \.svg or \.pdf, .*{found}"):
        draw_alignments([panel()], tmp_path / name)


def test_no_panels(tmp_path: Path) -> None:
    with pytest.raises(S2SError, match="nothing to draw: no sentence was given"):
        draw_alignments([], tmp_path / "none.png")


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(S2SError, match=r"fig\.png: The figure cannot be written: No such file or directory"):
        draw_alignments([panel()], tmp_path / "none" / "fig.png")


def test_place_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "fig.png").mkdir()
    with pytest.raises(S2SError, match=r"fig\.png: The figure cannot be written: Is a directory"):
        draw_alignments([panel()], tmp_path / "fig.png")
    assert list(tmp_path.iterdir()) == [tmp_path / "fig.png"]
