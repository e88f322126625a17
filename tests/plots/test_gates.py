import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from s2s.errors import S2SError, UsageError
from s2s.plots.files import FORMATS
from s2s.plots.gates import GatePanel, GateRow, Scale, draw_gates

WORDS = ("the", "dog", "runs", "<end>")
SHARE = Scale("a gate", "gray", lowest=0.0, stretches=False)
SIGNED = Scale("a value", "RdBu_r", lowest=-1.0, stretches=True)
NOTE = "Columns: pieces."
CELL_DOTS = 72


def panel(heading: str = "encoder layer 1", words: int = len(WORDS), seed: int = 1) -> GatePanel:
    rng = np.random.default_rng(seed)
    return GatePanel(
        heading,
        "mean of 4 units",
        (
            GateRow("input gate  i", rng.uniform(0.1, 0.9, words), SHARE),
            GateRow("forget gate  f", rng.uniform(0.1, 0.9, words), SHARE),
            GateRow("new content  g", rng.uniform(-0.3, 0.3, words), SIGNED),
        ),
    )


def svg_texts(path: Path) -> list[str]:
    tree = ElementTree.parse(path)
    return ["".join(element.itertext()).strip() for element in tree.iter("{http://www.w3.org/2000/svg}text")]


def frames(path: Path) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height in dots of what has a black frame: a band or a colour bar."""
    black = matplotlib.image.imread(path)[..., :3].max(axis=-1) < 0.05
    found = []
    for row in range(len(black) - 1):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], black[row].astype(int), [0]])))
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            if right - left >= CELL_DOTS and not black[row - 1, left:right].any():
                found.append((int(left), row, int(right - left), int(np.argmin(black[row:, left + 1]))))
    return found


def test_words_names_numbers_and_meanings_are_in_the_picture(tmp_path: Path) -> None:
    row = GateRow("input gate  i", np.array([0.0, 0.5, 1.0, 0.124]), SHARE)
    draw_gates(WORDS, [GatePanel("encoder", "mean", (row,))], NOTE, tmp_path / "g.svg")
    texts = svg_texts(tmp_path / "g.svg")
    assert texts[:4] == list(WORDS)
    assert {"encoder", "mean", "a gate", NOTE} <= set(texts)
    assert [text.split() for text in texts if text.startswith("input")] == [["input", "gate", "i"]]
    assert texts[-8:-4] == [".00", ".50", "1.0", ".12"]
    assert texts[-4:] == ["0", "1", "a gate", NOTE]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, ".00"),
        (-0.004, ".00"),
        (-0.05, "−.05"),
        (0.994, ".99"),
        (0.996, "1.0"),
        (-1.26, "−1.3"),
        (9.94, "9.9"),
        (12.4, "12"),
        (-345.6, "−346"),
    ],
)
def test_a_number_has_two_digits(tmp_path: Path, value: float, shown: str) -> None:
    draw_gates(["a"], [GatePanel("", "", (GateRow("g", np.array([value]), SIGNED),))], NOTE, tmp_path / "g.svg")
    assert svg_texts(tmp_path / "g.svg")[2] == shown


def test_cells_are_as_grey_as_their_numbers_on_a_scale_from_0_to_1(tmp_path: Path) -> None:
    values = np.array([0.0, 0.25, 0.5, 1.0])
    draw_gates(WORDS, [GatePanel("", "", (GateRow("i", values, SHARE),))], NOTE, tmp_path / "g.png")
    picture = matplotlib.image.imread(tmp_path / "g.png")
    left, top, width, _ = frames(tmp_path / "g.png")[0]
    assert round(width / CELL_DOTS) == len(WORDS)
    for column, value in enumerate(values):
        corner = picture[top + 8 : top + 14, left + column * CELL_DOTS + 8 : left + column * CELL_DOTS + 14, :3]
        np.testing.assert_allclose(corner, value, atol=2 / 255)


@pytest.mark.parametrize(
    ("largest", "end"), [(0.03, "0.1"), (0.1, "0.1"), (0.11, "0.2"), (0.3, "0.5"), (1.2, "2"), (17.0, "20")]
)
def test_a_stretched_scale_ends_at_a_round_number_above_all_values(tmp_path: Path, largest: float, end: str) -> None:
    row = GateRow("g", np.array([-largest, largest / 2]), SIGNED)
    draw_gates(["a", "b"], [GatePanel("", "", (row,))], NOTE, tmp_path / "g.svg")
    assert svg_texts(tmp_path / "g.svg")[-4:-1] == [f"−{end}", end, "a value"]


def test_a_scale_means_the_same_in_all_panels(tmp_path: Path) -> None:
    rows = [GateRow("g", np.array([value]), SIGNED) for value in (0.05, 1.7)]
    draw_gates(["a"], [GatePanel("", "", (row,)) for row in rows], NOTE, tmp_path / "g.svg")
    assert svg_texts(tmp_path / "g.svg").count("a value") == 1
    assert svg_texts(tmp_path / "g.svg")[-4:-2] == ["−2", "2"]


def test_rows_of_one_scale_share_a_frame_and_panels_stand_below_each_other(tmp_path: Path) -> None:
    draw_gates(WORDS, [panel("one"), panel("two")], NOTE, tmp_path / "g.png")
    *bands, _, _ = frames(tmp_path / "g.png")  # and the two colour bars
    assert [round(height / CELL_DOTS) for _, _, _, height in bands] == [2, 1, 2, 1]
    assert len({left for left, _, _, _ in bands}) == 1


def test_nothing_is_cut_off(tmp_path: Path) -> None:
    """Around everything there is a white edge, whatever is longest."""
    long = "x" * 32
    for words, name, note in (
        (["a"], long, "n"),
        ([long, "b"], "i", "n"),
        (["a"], "i", "n" * 90),
        (["a"] * 90, "i", ""),
    ):
        shown = GatePanel(long, "", (GateRow(name, np.zeros(len(words)), SHARE),))
        draw_gates(words, [shown], note, tmp_path / "g.png")
        picture = matplotlib.image.imread(tmp_path / "g.png")[..., :3]
        for edge in (picture[:6], picture[-6:], picture[:, :6], picture[:, -6:]):
            assert edge.min() == 1.0


def test_odd_words_are_neither_formulas_nor_harmful(tmp_path: Path) -> None:
    odd = ["$x^2$", "<b>&amp;</b>", "a\x00b", "\ud800", "", "漢"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for suffix in FORMATS:
            draw_gates(odd, [panel(words=len(odd))], NOTE, tmp_path / f"g{suffix}")
    assert svg_texts(tmp_path / "g.svg")[:5] == ["$x^2$", "<b>&amp;</b>", "a�b", "�", "漢"]  # and nothing for nothing


@pytest.mark.parametrize("suffix", FORMATS)
def test_missing_shapes_are_told(tmp_path: Path, suffix: str) -> None:
    missing = draw_gates(["\U0010abcd"], [panel(words=1)], NOTE, tmp_path / f"g{suffix}")
    assert missing == (set() if suffix == ".svg" else {"\U0010abcd"})


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_gives_the_same_bytes_whatever_the_settings_of_the_user(tmp_path: Path, suffix: str) -> None:
    draw_gates(WORDS, [panel()], NOTE, tmp_path / f"one{suffix}")
    with matplotlib.rc_context({"font.size": 30, "image.cmap": "jet", "axes.grid": True}):
        draw_gates(WORDS, [panel()], NOTE, tmp_path / f"two{suffix}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_faults(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in \.png, \.svg or \.pdf, not '\.gif'"):
        draw_gates(WORDS, [panel()], NOTE, tmp_path / "g.gif")
    with pytest.raises(S2SError, match="cannot be written: No such file"):
        draw_gates(WORDS, [panel()], NOTE, tmp_path / "none" / "g.png")
    assert list(tmp_path.iterdir()) == []
