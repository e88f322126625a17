import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib
import matplotlib.image
import numpy as np
import pytest

from s2s.errors import S2SError, UsageError
from s2s.plots.files import FORMATS
from s2s.plots.gradients import STYLES, Captions, Curve, draw_gradients

WORDS = ("the", "dog", "runs", "<end>")
CAPTIONS = Captions(title="how much arrives", norm="the norm", note="a note")


def curve(name: str = "rnn", rate: float = 0.1, words: int = len(WORDS)) -> Curve:
    return Curve(name, np.arange(words, dtype=float), rate ** np.arange(words - 1.0, -1.0, -1.0))


def svg_texts(path: Path) -> list[str]:
    tree = ElementTree.parse(path)
    return ["".join(element.itertext()).strip() for element in tree.iter("{http://www.w3.org/2000/svg}text")]


def markers(path: Path, style: int) -> np.ndarray:
    """Rows and columns of the dots of a curve's colour."""
    picture = matplotlib.image.imread(path)[..., :3]
    colour = np.array([int(STYLES[style][0][i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.argwhere(np.abs(picture - colour).max(axis=-1) < 0.02)


def test_words_names_and_captions_are_in_the_picture(tmp_path: Path) -> None:
    draw_gradients(WORDS, [curve("rnn"), curve("lstm", 0.9)], CAPTIONS, tmp_path / "g.svg")
    texts = svg_texts(tmp_path / "g.svg")
    assert {*WORDS, "rnn", "lstm", "how much arrives", "the norm", "a note"} <= set(texts)
    assert [text for text in texts if text in ("1", "0.1", "0.01", "10⁻³")] == ["1", "0.1", "0.01", "10⁻³"]


def test_the_scale_is_logarithmic(tmp_path: Path) -> None:
    """What falls by the same factor at each word is a straight line."""
    draw_gradients(WORDS, [curve()], CAPTIONS, tmp_path / "g.png")
    dots = markers(tmp_path / "g.png", 0)
    dots = dots[dots[:, 1] < dots[:, 1].max() * 0.6]  # without the key in the legend
    slope, start = np.polyfit(dots[:, 1], dots[:, 0], 1)
    assert np.abs(dots[:, 0] - (slope * dots[:, 1] + start)).max() < 12
    assert slope < 0


def test_what_is_too_small_to_tell_from_nothing_is_left_out(tmp_path: Path) -> None:
    norms = np.array([0.0, 1e-30, 1e-2, 1.0])
    draw_gradients(WORDS, [Curve("rnn", np.arange(4.0), norms)], CAPTIONS, tmp_path / "g.svg")
    assert "0.01" in svg_texts(tmp_path / "g.svg")
    assert "10⁻³" not in svg_texts(tmp_path / "g.svg")
    draw_gradients(WORDS, [Curve("rnn", np.arange(4.0), np.zeros(4))], CAPTIONS, tmp_path / "none.png")


def test_what_grows_is_shown_too(tmp_path: Path) -> None:
    draw_gradients(WORDS, [curve(rate=10.0)], CAPTIONS, tmp_path / "g.svg")
    assert {"10³", "10²", "10", "1"} <= set(svg_texts(tmp_path / "g.svg"))


def test_many_decades_have_at_most_nine_numbers(tmp_path: Path) -> None:
    draw_gradients(["a", "b"], [curve(rate=1e-12, words=2)], CAPTIONS, tmp_path / "g.svg")
    numbers = [text for text in svg_texts(tmp_path / "g.svg") if text.startswith("10") or text in ("1", "0.1", "0.01")]
    assert 4 < len(numbers) <= 9


def test_nothing_is_cut_off(tmp_path: Path) -> None:
    long = "x" * 32
    for words, name, captions in (
        (["a"], long * 2, CAPTIONS),
        ([long, "b"], "rnn", CAPTIONS),
        (["a"], "rnn", Captions("t" * 90, "n", "n")),
        (["a"], "rnn", Captions("t", "n", "n" * 90)),
        (["a"] * 90, "rnn", CAPTIONS),
    ):
        draw_gradients(words, [curve(name, 0.5, len(words))] * 9, captions, tmp_path / "g.png")
        picture = matplotlib.image.imread(tmp_path / "g.png")[..., :3]
        for edge in (picture[:6], picture[-6:], picture[:, :6], picture[:, -6:]):
            assert edge.min() == 1.0


def test_odd_words_and_names_are_neither_formulas_nor_harmful(tmp_path: Path) -> None:
    draw_gradients(["$x^2$", "a\x00b"], [curve("_r$1$", words=2)], CAPTIONS, tmp_path / "g.svg")
    assert {"$x^2$", "a�b", "_r$1$"} <= set(svg_texts(tmp_path / "g.svg"))


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_gives_the_same_bytes_whatever_the_settings_of_the_user(tmp_path: Path, suffix: str) -> None:
    draw_gradients(WORDS, [curve()], CAPTIONS, tmp_path / f"one{suffix}")
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.grid": True}):
        draw_gradients(WORDS, [curve()], CAPTIONS, tmp_path / f"two{suffix}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_faults(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must end in \.png, \.svg or \.pdf, and this name has none"):
        draw_gradients(WORDS, [curve()], CAPTIONS, tmp_path / "g")
    with pytest.raises(S2SError, match="cannot be written: No such file"):
        draw_gradients(WORDS, [curve()], CAPTIONS, tmp_path / "none" / "g.png")
