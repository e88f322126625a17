"""`s2s plot-gates`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

S2S = Callable[..., Any]

MAGIC = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


@pytest.mark.parametrize("ending", MAGIC)
@pytest.mark.parametrize("kind", [[], ["--gradient"]], ids=["gates", "gradient"])
def test_a_figure_in_each_format(s2s: S2S, run: Path, tmp_path: Path, ending: str, kind: list[str]) -> None:
    done = s2s("plot-gates", run, "a man sees it .", "--out", f"fig{ending}", *kind)
    assert (done.code, done.out, done.err) == (0, "", f"wrote fig{ending}\n")
    assert (tmp_path / f"fig{ending}").read_bytes().startswith(MAGIC[ending])


def test_words_cells_and_units_are_in_the_picture(s2s: S2S, run: Path, tmp_path: Path) -> None:
    done = s2s("plot-gates", run, "a man sees it .", "--units", "3, 15,3", "--out", "fig.svg")
    assert done.code == 0
    svg = (tmp_path / "fig.svg").read_text(encoding="utf-8")
    for text in (">it<", "&lt;end&gt;", "layer 1, forward", "layer 1, backward", "reset gate", "unit 3", "unit 15"):
        assert text in svg
    assert svg.count(">unit 3<") == 2


def test_one_direction_alone(s2s: S2S, run: Path, tmp_path: Path) -> None:
    assert s2s("plot-gates", run, "a man", "--direction", "backward", "--out", "fig.svg").code == 0
    svg = (tmp_path / "fig.svg").read_text(encoding="utf-8")
    assert "layer 1, backward" in svg
    assert "layer 1, forward" not in svg


def test_the_decoder_says_its_translation_or_a_given_one(s2s: S2S, run: Path, tmp_path: Path) -> None:
    own = s2s("plot-gates", run, "a man sees it .", "--part", "decoder", "--out", "own.svg")
    assert (own.code, own.out) == (0, s2s("translate", run, "a man sees it .").out)
    given = s2s("plot-gates", run, "a man", "--part", "decoder", "--target", "un homme .", "--out", "given.svg")
    assert (given.code, given.out) == (0, "")
    svg = (tmp_path / "given.svg").read_text(encoding="utf-8")
    for text in (">.<", "first cell", "second cell", "pieces of the translation"):
        assert text in svg


def test_runs_are_laid_side_by_side(s2s: S2S, run: Path, fixed_vector_run: Path, tmp_path: Path) -> None:
    done = s2s("plot-gates", run, "a man sees it .", "--gradient", "--with", fixed_vector_run, "--out", "fig.svg")
    assert (done.code, done.out) == (0, "")
    svg = (tmp_path / "fig.svg").read_text(encoding="utf-8")
    for text in ("gru (attending)", "gru (fixed)", "sees", "Encoder layer 1, forward"):
        assert text in svg


def test_the_same_command_writes_the_same_bytes(s2s: S2S, run: Path, tmp_path: Path) -> None:
    for kind in ([], ["--gradient"]):
        for name in ("one.png", "two.png"):
            assert s2s("plot-gates", run, "a man", "--out", name, *kind).code == 0
        assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--out", "fig.gif"], r"fig\.gif: A figure's name must end in \.png, \.svg or \.pdf"),
        (["", "--out", "f.png"], "error: SENTENCE: the sentence is blank: there is nothing to read\n  Give it some"),
        (["", "--out", "f.png", "--part", "decoder"], "error: SENTENCE: the sentence is blank"),
        (["", "--out", "f.png", "--gradient"], "error: SENTENCE: the sentence is blank"),
        (["a", "--out", "f.png", "--layer", "2"], "error: --layer: the encoder of .* has 1 layer, and none with"),
        (["a", "--out", "f.png", "--units", "16"], "error: --units: there is no unit 16: .*\n.*from 0 to 15"),
        (
            ["a", "--out", "f.png", "--units", "3,x"],
            "error: --units: 'x' is no unit\n  Give numbers from 0 with commas",
        ),
        (["a", "--out", "f.png", "--units", "²"], "error: --units: '²' is no unit"),
        (["a", "--out", "f.png", "--units", "32", "--part", "decoder"], "no unit 32: the decoder layer 1, first cell"),
        (["a", "--out", "f.png", "--part", "decoder", "--direction", "forward"], "--direction: a decoder writes in"),
        (["a", "--out", "f.png", "--target", "b"], "--target: an encoder does not read the translation\n  Add --part"),
        (["a", "--out", "f.png", "--gradient", "--part", "decoder"], "--part: gradients are followed through an enc"),
        (["a", "--out", "f.png", "--gradient", "--units", "1"], "--units: a gradient's norm is one of all units"),
        (["a", "--out", "f.png", "--with", "r"], "--with: runs are laid side by side with --gradient alone\n  Add"),
        (["a"], "Missing option"),
    ],
)
def test_faults_of_the_command(s2s: S2S, run: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = s2s("plot-gates", run, *arguments)
    assert (done.code, done.out) == (2, "")
    assert re.search(message, done.err)
    assert list(tmp_path.iterdir()) == []


def test_a_figure_that_cannot_be_written_is_refused_before_anything_is_computed(s2s: S2S, run: Path) -> None:
    done = s2s("plot-gates", run, "a man", "--part", "decoder", "--out", "no/such/fig.png")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: no/such/fig.png: The figure cannot be written: No such file or directory.\n")


def test_a_run_that_is_not_there(s2s: S2S, run: Path) -> None:
    done = s2s("plot-gates", run, "a", "--gradient", "--with", "nowhere", "--out", "f.png")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: nowhere: there is no run here")
