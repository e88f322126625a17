"""`s2s eval`, `align`, `plot-alignment`, `settings` and `tokenizer`, and what all commands have in common."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s2s import __version__
from s2s.data.tokenizer import Tokenizer
from s2s.data.words import split_words

S2S = Callable[..., Any]

ROOT = Path(__file__).resolve().parent.parent.parent

MAGIC = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


# eval


def test_a_run_is_scored(s2s: S2S, run: Path, corpus: Path) -> None:
    done = s2s("eval", run, "--src", corpus / "test.en", "--ref", corpus / "test.fr")
    assert done.code == 0
    names = [line.split()[0] for line in done.out.splitlines()]
    assert names == ["BLEU", "chrF2", "TER", "perplexity"]
    assert done.err == "4 sentences, beam 5, margin 2.5, repeats 2, length penalty 1, max length 0.1 x source + 10\n"


def test_scores_are_a_json_object_where_asked(s2s: S2S, run: Path, corpus: Path) -> None:
    files = ["--src", corpus / "test.en", "--ref", corpus / "test.fr"]
    done = s2s("eval", run, *files, "--beam", 2, "--json")
    result = json.loads(done.out)
    assert set(result) == {"sentences", "search", "scores", "perplexity"}
    assert result["sentences"] == 4
    assert result["search"].startswith("beam 2, ")
    assert [set(score) for score in result["scores"]] == [{"name", "value", "signature"}] * 3
    assert result["perplexity"] > 1.0


def test_a_file_of_translations_is_scored(s2s: S2S, corpus: Path) -> None:
    perfect = s2s("eval", "--hyp", corpus / "test.fr", "--ref", corpus / "test.fr", "--json")
    result = json.loads(perfect.out)
    assert set(result) == {"sentences", "scores"}
    values = {score["name"]: score["value"] for score in result["scores"]}
    assert values == pytest.approx({"BLEU": 100.0, "chrF2": 100.0, "TER": 0.0})
    assert perfect.err == ""


def test_what_a_run_translates_scores_the_same_as_a_file(s2s: S2S, run: Path, corpus: Path, tmp_path: Path) -> None:
    s2s("translate", run, "--input", corpus / "test.en", "--output", tmp_path / "hyp.fr")
    by_run = s2s("eval", run, "--src", corpus / "test.en", "--ref", corpus / "test.fr", "--json")
    by_file = s2s("eval", "--hyp", "hyp.fr", "--ref", corpus / "test.fr", "--json")
    assert json.loads(by_run.out)["scores"] == json.loads(by_file.out)["scores"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["RUN", "--src", "CORPUS/test.en"], 2, "error: --ref: there is nothing to compare with\n  Give --ref FILE"),
        (["--ref", "x"], 2, "error: one of RUN and --hyp is to be scored"),
        (["RUN", "--hyp", "x", "--ref", "x"], 2, "error: one of RUN and --hyp is to be scored"),
        (["RUN", "--ref", "x"], 2, "error: --src: a run needs sources to translate\n  Give --src FILE"),
        (["--hyp", "x", "--ref", "x"], 1, "error: x: There is no such file"),
        (["--hyp", "CORPUS/test.fr", "--ref", "CORPUS/train.fr"], 1, r"test\.fr has 4 lines and .*train\.fr has 56"),
    ],
)
def test_faults_of_eval(s2s: S2S, run: Path, corpus: Path, arguments: list[str], code: int, message: str) -> None:
    done = s2s("eval", *(a.replace("RUN", str(run)).replace("CORPUS", str(corpus)) for a in arguments))
    assert (done.code, done.out) == (code, "")
    assert re.search(message, done.err)


# align


def test_each_pair_has_a_line_of_links_inside_it(s2s: S2S, run: Path, corpus: Path) -> None:
    done = s2s("align", run, "--src", corpus / "test.en", "--trg", corpus / "test.fr")
    assert (done.code, done.err) == (0, "")
    sides = [(corpus / f"test.{lang}").read_text(encoding="utf-8").splitlines() for lang in ("en", "fr")]
    found = done.out.split("\n")[:-1]
    assert len(found) == 4
    for line, src, trg in zip(found, *sides, strict=True):
        for link in line.split():
            left, right = map(int, link.split("-"))
            assert left < len(split_words(src, "en"))
            assert right < len(split_words(trg, "fr"))


def test_blank_and_tokenized_pairs_keep_their_lines(s2s: S2S, run: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a man .\n\nx y\n", encoding="utf-8")
    (tmp_path / "b").write_text("l'homme .\nun\n\n", encoding="utf-8")
    natural = s2s("align", run, "--src", "a", "--trg", "b").out.split("\n")
    assert natural[1:] == ["", "", ""]
    space = s2s("align", run, "--src", "a", "--trg", "b", "--words", "space").out.split("\n")
    assert {link.split("-")[1] for link in space[0].split()} <= {"0", "1"}


def test_gold_links_add_the_error_rate(s2s: S2S, run: Path, corpus: Path, tmp_path: Path) -> None:
    files = ["--src", corpus / "test.en", "--trg", corpus / "test.fr"]
    plain = s2s("align", run, *files)
    (tmp_path / "own").write_text(plain.out, encoding="utf-8")
    done = s2s("align", run, *files, "--gold", "own")
    assert done.out == plain.out
    assert done.err == "precision 1.000, recall 1.000, AER 0.000\n"
    (tmp_path / "none").write_text("\n" * 4, encoding="utf-8")
    assert "AER 1.000" in s2s("align", run, *files, "--gold", "none").err


@pytest.mark.parametrize(
    ("gold", "message"),
    [
        ("0-0\n", "There are 4 aligned sentence pairs but 1 lines of gold links"),
        ("0:0\n\n\n\n", "gold:1: '0:0' is no link"),
        ("99-0\n\n\n\n", "gold:1: The link 99-0 lies outside its sentence pair"),
    ],
)
def test_gold_links_of_something_else(
    s2s: S2S, run: Path, corpus: Path, tmp_path: Path, gold: str, message: str
) -> None:
    (tmp_path / "gold").write_text(gold, encoding="utf-8")
    done = s2s("align", run, "--src", corpus / "test.en", "--trg", corpus / "test.fr", "--gold", "gold")
    assert done.code == 1
    assert message in done.err


def test_without_attention_there_is_no_alignment(s2s: S2S, fixed_vector_run: Path, corpus: Path) -> None:
    for command in (
        ["align", fixed_vector_run, "--src", corpus / "test.en", "--trg", corpus / "test.fr"],
        ["plot-alignment", fixed_vector_run, "a man", "--terminal"],
    ):
        done = s2s(*command)
        assert (done.code, done.out) == (1, "")
        assert f"error: {fixed_vector_run}: the model has no attention" in done.err
    assert s2s("translate", fixed_vector_run, "a man", "").code == 0


# plot-alignment


@pytest.mark.parametrize("ending", MAGIC)
def test_a_figure_in_each_format(s2s: S2S, run: Path, tmp_path: Path, ending: str) -> None:
    sentence = "a man sees it ."
    done = s2s("plot-alignment", run, sentence, "the dog", "--out", f"fig{ending}")
    assert (done.code, done.err.splitlines()[-1]) == (0, f"wrote fig{ending}")
    assert (tmp_path / f"fig{ending}").read_bytes().startswith(MAGIC[ending])
    assert done.out == s2s("translate", run, sentence, "the dog").out


def test_a_given_translation_is_drawn(s2s: S2S, run: Path, tmp_path: Path) -> None:
    targets = ["--target", "Zut alors", "--target", "le chien"]
    done = s2s("plot-alignment", run, "a man", "the dog", *targets, "--out", "fig.svg")
    assert (done.code, done.out) == (0, "")
    svg = (tmp_path / "fig.svg").read_text(encoding="utf-8")
    for word in ("man", "dog", "Zut", "alors", "chien", "end"):
        assert word in svg


def test_a_terminal_shows_it(s2s: S2S, run: Path) -> None:
    done = s2s("plot-alignment", run, "a man", "--target", "un homme", "--terminal")
    assert (done.code, done.err) == (0, "")
    assert [line.split(" │")[0].split()[-1] for line in done.out.splitlines() if " │" in line] == [
        "un",
        "homme",
        "<end>",
    ]
    assert "\x1b" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a"], r"error: there is nowhere to draw\n  Give --out FIG\.png"),
        (["a", "b", "--target", "x", "--terminal"], "error: --target: there are 2 sentences and 1 targets"),
        (["a", "--terminal", "--words", "x"], "error: --words: 'x' is no way to split words\n  One of natural, space"),
        (["a", "--out", "fig.gif"], r"fig\.gif"),
        (["a", "--out", "fig"], "fig"),
        (
            ["a", "--terminal", "--hop", "2"],
            r"there is no hop 2: this model's model\.hops is 1\n  Hops are counted from 1; 0",
        ),
        (["--terminal"], "Missing argument"),
    ],
)
def test_faults_of_plot_alignment(s2s: S2S, run: Path, arguments: list[str], message: str) -> None:
    done = s2s("plot-alignment", run, *arguments)
    assert (done.code, done.out) == (2, "")
    assert re.search(message, done.err)


@pytest.mark.parametrize(
    ("place", "reason"), [("no/such/fig.png", "No such file or directory"), ("taken.png", "Is a directory")]
)
def test_where_nothing_can_be_drawn_nothing_is_translated(
    s2s: S2S, run: Path, tmp_path: Path, place: str, reason: str
) -> None:
    (tmp_path / "taken.png").mkdir()
    done = s2s("plot-alignment", run, "a man", "--out", place)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"error: {place}: The figure cannot be written: {reason}.\n  Name a file in a folder")


# settings


def test_every_setting_is_explained(s2s: S2S) -> None:
    done = s2s("settings")
    assert (done.code, done.err) == (0, "")
    for section in ("data", "tokenizer", "model", "training", "decoding"):
        assert f"\n{section}." in f"\n{done.out}"
    one = s2s("settings", "training.learning_rate").out
    assert one.startswith("training.learning_rate = 0.002\n    Highest learning rate of Adam")
    assert one.endswith("allowed: number > 0.0 <= 1.0\n")
    assert one in done.out


def test_a_setting_that_is_none(s2s: S2S) -> None:
    done = s2s("settings", "learnin_rate")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: no setting is called 'learnin_rate'\n  Did you mean learning_rate?\n"


# tokenizer


def test_a_tokenizer_is_trained_and_shows_its_pieces(s2s: S2S, corpus: Path) -> None:
    done = s2s("tokenizer", "train", corpus / "train.en", corpus / "train.fr", "--out", "t.model", "--size", 310)
    assert (done.code, done.out, done.err) == (0, "", "t.model: 310 pieces\n")
    shown = s2s("tokenizer", "encode", "t.model", stdin="the dog 🙂\n\nit\u2028it\n".encode())
    assert shown.code == 0
    tokenizer = Tokenizer.load(Path("t.model"))
    lines = shown.out.split("\n")[:-1]
    assert lines == [" ".join(tokenizer.pieces(tokenizer.encode(t))) for t in ("the dog 🙂", "", "it it")]


def test_a_vocabulary_is_sized_down_with_a_warning(s2s: S2S, corpus: Path) -> None:
    done = s2s("tokenizer", "train", corpus / "train.en", "--out", "t.model", "--kind", "word")
    assert done.code == 0
    assert done.err.startswith("warning: the corpus has fewer than 4,000 pieces: the vocabulary is sized down\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "CORPUS/train.en", "--out", "there"], 1, "error: there: the file exists already, and nothing is"),
        (["train", "nowhere", "--out", "t"], 1, "error: nowhere: There is no such file"),
        (["train", "there", "--out", "t"], 1, "error: the tokenizer has no text to learn from\n  Every line is blank"),
        (["train", "CORPUS/train.en", "--out", "no/t", "--size", "300"], 1, "no/t: the tokenizer cannot be written"),
        (["train", "CORPUS/train.en", "--out", "t", "--size", "9"], 1, "vocabulary of 9 pieces is too small"),
        (["train", "CORPUS/train.en", "--out", "t", "--kind", "bep"], 2, "tokenizer.kind: input should be 'bpe'"),
        (["train", "CORPUS/train.en"], 2, "Missing option"),
        (["encode", "nowhere"], 1, "error: nowhere: the tokenizer cannot be read: No such file"),
        (["encode", "CORPUS/train.en"], 1, "train.en: the file is damaged, or not a sentencepiece model"),
    ],
)
def test_faults_of_tokenizer(
    s2s: S2S, corpus: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "there").write_text("\n", encoding="utf-8")
    done = s2s("tokenizer", *(argument.replace("CORPUS", str(corpus)) for argument in arguments))
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


# The program


def test_the_version(s2s: S2S) -> None:
    assert s2s("--version").out == f"s2s {__version__}\n"


@pytest.mark.parametrize(
    "command",
    ["", "train", "translate", "eval", "align", "plot-alignment", "plot-gates", "info", "settings", "data"],
)
def test_help_goes_to_standard_output(s2s: S2S, command: str) -> None:
    done = s2s(*([command] if command else []), "--help")
    assert (done.code, done.err) == (0, "")
    assert "Usage: s2s" in done.out


def test_an_unknown_command(s2s: S2S) -> None:
    done = s2s("trian")
    assert (done.code, done.out) == (2, "")
    assert "trian" in done.err


def test_a_traceback_is_shown_where_asked(s2s: S2S) -> None:
    with pytest.raises(Exception, match="no setting is called 'x'"):
        s2s("--debug", "settings", "x")


def test_ctrl_c_ends_any_command_with_130_and_no_traceback(s2s: S2S, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(key: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("s2s.config.settings", interrupted)
    done = s2s("settings")
    assert (done.code, done.out) == (130, "")
    assert "Traceback" not in done.err


def test_nothing_to_score_is_told(s2s: S2S, run: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("")
    done = s2s("eval", run, "--src", empty, "--ref", empty)
    assert done.code == 1
    assert "there is nothing to score" in done.err


def test_no_pairs_have_no_error_rate(s2s: S2S, run: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("")
    done = s2s("align", run, "--src", empty, "--trg", empty, "--gold", empty)
    assert (done.code, done.out) == (1, "")
    assert "there is nothing to score: the file has no line" in done.err


@pytest.mark.parametrize("sentence", ["", "  "])
def test_a_blank_sentence_has_no_picture(s2s: S2S, run: Path, tmp_path: Path, sentence: str) -> None:
    done = s2s("plot-alignment", run, "a man", sentence, "--out", tmp_path / "a.png")
    assert (done.code, done.out) == (2, "")
    assert "error: a sentence is blank: there is nothing to draw\n" in done.err


@pytest.mark.parametrize(
    ("closed", "code", "message"),
    [("<&-", 0, ""), (">&-", 1, "error: standard output is closed\n  Give it a place"), ("2>&-", 0, "")],
)
def test_a_stream_that_was_closed_before(run: Path, closed: str, code: int, message: str) -> None:
    arguments = "" if closed == "<&-" else "'a man'"
    command = f"{sys.executable} -m s2s translate {run} {arguments} {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert done.returncode == code
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr
