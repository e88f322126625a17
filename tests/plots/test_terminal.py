import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from s2s.plots.panel import Panel
from s2s.plots.terminal import render_alignment


def plain(panel: Panel, width: int = 80, encoding: str = "utf-8") -> list[str]:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=stream, width=width, no_color=True).print(render_alignment(panel, width))
    stream.seek(0)
    return stream.read().split("\n")[:-1]


def coloured(panel: Panel, color_system: str = "truecolor", no_color: bool = False) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=80,
        force_terminal=True,
        color_system=color_system,
        no_color=no_color,
        legacy_windows=False,
    )
    console.print(render_alignment(panel, 80))
    return stream.getvalue()


def test_the_whole_picture_without_colour() -> None:
    panel = Panel(("The", "agreement"), ("L'", "accord"), np.array([[1.0, 0.5], [0.25, 0.0]]))
    assert plain(panel) == [
        "          a",
        "          g",
        "          r",
        "          e",
        "          e",
        "          m",
        "        T e",
        "        h n",
        "        e t",
        "       ┌────┐",
        "    L' │██▒▒│",
        "accord │░░  │",
        "       └────┘",
        "       0   ░░▒▒▓▓██ 1",
    ]


def test_greys_of_24_bits() -> None:
    picture = coloured(Panel(("a", "b", "c"), ("x",), np.array([[0.0, 0.5, 1.0]])))
    row = next(line for line in picture.splitlines() if line.startswith("x"))
    cells = [f"\x1b[48;2;{level};{level};{level}m  \x1b[0m" for level in (0, 128, 255)]
    assert "".join(cells) in row


@pytest.mark.parametrize(("color_system", "no_color"), [("truecolor", True), ("standard", False)])
def test_shades_where_there_are_no_greys(color_system: str, no_color: bool) -> None:
    picture = coloured(Panel(("a", "b"), ("x",), np.array([[1.0, 0.5]])), color_system, no_color)
    assert "██▒▒" in picture
    assert "\x1b[48" not in picture


def test_ascii_where_the_encoding_has_no_blocks() -> None:
    lines = plain(Panel(("a", "b"), ("x" * 40,), np.array([[1.0, 0.5]])), encoding="ascii")
    assert lines[1].strip() == "+----+"
    assert lines[2] == "x" * 23 + "~ |##::|"


def test_a_long_source_is_cut_into_bands_that_show_each_word_once() -> None:
    words = tuple(chr(ord("a") + number) for number in range(26))
    lines = plain(Panel(words, ("trg",), np.zeros((1, 26))), width=30)
    heads = [lines[number - 1].split() for number, line in enumerate(lines) if "┌" in line]
    assert len(heads) == 3
    assert tuple(letter for head in heads for letter in head) == words


def test_long_words_are_shortened() -> None:
    lines = plain(Panel(("s" * 50,), ("t" * 50,), np.ones((1, 1))))
    assert [line.strip() for line in lines[:16]] == ["s"] * 15 + ["…"]
    assert lines[17] == "t" * 23 + "… │██│"


def test_wide_letters_and_combining_marks_keep_the_columns() -> None:
    panel = Panel(("漢字", "e\u0301te", "😀"), ("é", "日本", "e\u0301"), np.ones((3, 3)))
    lines = plain(panel)
    assert {cell_len(line.split("│")[0]) for line in lines if "│" in line} == {5}
    assert lines[:3] == ["        e\u0301", "      漢t", "      字e 😀"]


def test_controls_do_not_reach_the_terminal() -> None:
    panel = Panel(("\x1b[31m", "a\u202e"), ("\x1b]0;title\x07", "b\nc"), np.ones((2, 2)))
    text = "\n".join(plain(panel))
    assert not set(text) & {"\x1b", "\x07", "\u202e"}
    assert "b�c │" in text


@pytest.mark.parametrize("shape", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_empty_sentences(shape: tuple[int, int]) -> None:
    lines = plain(Panel(("s",) * shape[1], ("t",) * shape[0], np.ones(shape)))
    assert sum("│" in line for line in lines) == shape[0]


# Any words but those with the lines of the frame in them, by which the frame's own are counted.
WORDS = st.lists(st.text(st.characters(exclude_characters="┌│"), max_size=30), max_size=40).map(tuple)


@given(WORDS, WORDS, st.integers(24, 100))
def test_no_line_is_wider_than_asked_and_each_word_has_its_row(
    src: tuple[str, ...], trg: tuple[str, ...], width: int
) -> None:
    lines = plain(Panel(src, trg, np.zeros((len(trg), len(src)))), width)
    assert max(cell_len(line) for line in lines) <= width
    bands = sum("┌" in line for line in lines)
    assert len([line for line in lines if line.endswith("│")]) == bands * len(trg)
