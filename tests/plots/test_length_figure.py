"""The figure of BLEU by source length: every number and name is in it, the same each time, read without colours."""

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import matplotlib
import matplotlib.image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.errors import S2SError, UsageError
from s2s.plots.files import FORMATS
from s2s.plots.lengths import COLOURS, LINE_HEIGHT, Curve, LengthGroup, _spread, draw_bleu_by_length

GROUPS = [LengthGroup("3–5", 4.5, 81), LengthGroup("6–10", 8.0, 1140), LengthGroup("11–30", 17.0, 69)]
CURVES = [
    Curve("gru, none", (80.0, 60.0, 40.0), colour=0, stroke=0),
    Curve("gru, additive", (81.0, 80.0, 79.0), colour=0, stroke=1),
    Curve("lstm, none", (79.0, 58.0, 40.1), colour=1, stroke=0),
]
SVG = "{http://www.w3.org/2000/svg}"


def texts(path: Path) -> list[str]:
    return ["".join(element.itertext()).strip() for element in ElementTree.parse(path).iter(f"{SVG}text")]


def lines(path: Path) -> list[tuple[str, list[tuple[float, float]], str]]:
    """The lines of models in the figure: stroke, points, and pattern of dashes."""
    found = []
    for element in ElementTree.parse(path).iter(f"{SVG}path"):
        style = dict(part.split(": ") for part in element.get("style", "").split("; ") if ": " in part)
        points = [(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.]+) ([\d.]+)", element.get("d", ""))]
        if style.get("stroke-width") == "1.4" and len(points) == len(GROUPS):
            found.append((style["stroke"].upper(), points, style.get("stroke-dasharray", "")))
    return found


def test_the_figure_holds_every_name_and_group(tmp_path: Path) -> None:
    draw_bleu_by_length(GROUPS, CURVES, tmp_path / "f.svg")
    written = texts(tmp_path / "f.svg")
    names = [curve.name for curve in CURVES]
    for expected in (*names, "BLEU", "source length in words (number of sentences)"):
        assert written.count(expected) == 1
    for group, count in (("3–5", "(81)"), ("6–10", "(1,140)"), ("11–30", "(69)")):
        assert any(text.startswith(group) for text in written)
        assert any(text.endswith(count) for text in written)


def test_points_stand_where_their_numbers_say(tmp_path: Path) -> None:
    """Straight in both directions: equal differences are equal distances."""
    draw_bleu_by_length(GROUPS, CURVES, tmp_path / "f.svg")
    drawn = [points for stroke, points, _ in lines(tmp_path / "f.svg")][: len(CURVES)]  # then the samples
    for points in drawn:
        (x0, _), (x1, _), (x2, _) = points
        assert (x1 - x0) / (x2 - x0) == pytest.approx(3.5 / 12.5, abs=1e-3)
    (_, top), (_, bottom) = drawn[0][0], drawn[0][2]
    for curve, points in zip(CURVES, drawn, strict=True):
        for bleu, (_, y) in zip(curve.bleu, points, strict=True):
            assert y == pytest.approx(top + (bottom - top) * (80.0 - bleu) / 40.0, abs=0.01)


def test_models_are_told_apart_without_colours(tmp_path: Path) -> None:
    many = [Curve(f"m{n}", (1.0 * n, 2.0 * n, 3.0 * n), n, n) for n in range(8)]
    draw_bleu_by_length(GROUPS, many, tmp_path / "f.svg")
    text = (tmp_path / "f.svg").read_text(encoding="utf-8")
    used = re.findall(r'<use xlink:href="#(m\w+)"[^>]*style="fill: (#\w+); stroke: (#\w+)', text)
    shapes = {(shape, stroke) for shape, _, stroke in used if stroke.upper() in COLOURS}
    assert len({shape for shape, _ in shapes}) >= len(many), "a marker of its own for each"
    assert len({dashes for _, _, dashes in lines(tmp_path / "f.svg")}) == 4
    assert any(fill == "#ffffff" for _, fill, stroke in used if stroke == "#000000"), "the first kind of line is open"


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_numbers_give_the_same_bytes_whatever_the_user_has_set(tmp_path: Path, suffix: str) -> None:
    draw_bleu_by_length(GROUPS, CURVES, tmp_path / f"one{suffix}")
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.grid": True, "lines.linewidth": 9}):
        draw_bleu_by_length(GROUPS, CURVES, tmp_path / f"two{suffix}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_names_are_taken_as_they_are(tmp_path: Path) -> None:
    odd = ("$x^2$", "<b>&", "a\x1bb", "x" * 99)
    draw_bleu_by_length(GROUPS, [Curve(name, (1.0, 2.0, 3.0), 0, 0) for name in odd], tmp_path / "f.svg")
    assert [*odd[:2], "a\N{REPLACEMENT CHARACTER}b", "x" * 47 + "…"] == texts(tmp_path / "f.svg")[-4:]


def test_one_group_and_equal_scores_are_drawn(tmp_path: Path) -> None:
    draw_bleu_by_length(GROUPS[:1], [Curve("a", (0.0,), 0, 0), Curve("b", (0.0,), 9, 9)], tmp_path / "f.png")
    assert matplotlib.image.imread(tmp_path / "f.png").std() > 0


@given(st.lists(st.floats(0, 3.5), min_size=1, max_size=18))
def test_names_do_not_cover_each_other(wanted: list[float]) -> None:
    places = _spread(wanted, LINE_HEIGHT, 3.5)
    ranked = sorted(range(len(wanted)), key=places.__getitem__)
    assert all(places[b] - places[a] > LINE_HEIGHT - 1e-9 for a, b in pairwise(ranked))
    assert [wanted[index] for index in ranked] == sorted(wanted), "in the order of their lines"
    assert min(places) >= 0
    assert max(places) <= 3.5 + 1e-9


def test_names_with_room_stand_at_their_lines() -> None:
    assert _spread([3.0, 1.0, 2.0], 0.2, 3.5) == [3.0, 1.0, 2.0]
    assert _spread([1.0, 1.0], 0.2, 3.5) == pytest.approx([0.9, 1.1])


def test_faults(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in \.png, \.svg or \.pdf, not '\.gif'"):
        draw_bleu_by_length(GROUPS, CURVES, tmp_path / "f.gif")
    with pytest.raises(S2SError, match="nothing to draw: no model was scored"):
        draw_bleu_by_length(GROUPS, [], tmp_path / "f.png")
    with pytest.raises(S2SError, match="The figure cannot be written: No such file"):
        draw_bleu_by_length(GROUPS, CURVES, tmp_path / "no" / "f.png")
