"""`s2s explain` and `s2s explain-cell`."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from s2s.config import ModelConfig, TokenizerConfig
from s2s.explanations.table import EXPLANATIONS

S2S = Callable[..., Any]
ROOT = Path(__file__).resolve().parent.parent.parent
DOC = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")


def keys_of(value: object) -> set[str]:
    """All keys of a JSON value, inner ones included."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


# explain


def test_a_translation_is_walked_through(s2s: S2S, run: Path) -> None:
    done = s2s("explain", run, "a man sees it .", "--target", "un homme voit cela .")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:3] == ["source  a man sees it .", "target  un homme voit cela .", "        (given)"]
    steps = [line for line in lines if re.match(r"step \d+ ", line)]
    said = [line.split()[-1] for line in lines if re.match(r"  y_\d+ ", line.split("(only")[0])]
    assert len(steps) == len(said)
    assert re.search(r"^ +1  ▁a +[+-]\d+\.\d\d +[01]\.\d{3}", done.out, re.MULTILINE)
    for name in ("e_1j", "α_1j", "|c_1|", "|s'_1|", "runners-up", "log P = "):
        assert name in done.out


def test_it_is_plain_where_it_is_no_terminal(s2s: S2S, run: Path) -> None:
    done = s2s("explain", run, "the child hears a red house .")
    assert "\x1b" not in done.out
    assert max(map(cell_len, done.out.splitlines())) <= 80
    assert all(line == line.rstrip() for line in done.out.splitlines())
    assert s2s("translate", run, "the child hears a red house .").out.strip() in done.out


def test_where_beam_search_took_a_less_likely_piece_it_is_told_why(s2s: S2S, run: Path) -> None:
    """Whatever this small model says: a rank is shown exactly where the head tells why."""
    heads = set()
    for sentence in ("the child hears a red house .", "a man sees it .", "two dogs", "fish", "", "the the the red ."):
        own = s2s("explain", run, sentence).out
        told = " ".join(own.split("decoder")[0].split())
        assert ("it looks ahead, so that a chosen piece may be less likely" in told) == ("(only the" in own)
        heads.add("it looks ahead" in told)
        given = s2s("explain", run, sentence, "--target", "un homme voit un homme .").out
        assert "it looks ahead" not in " ".join(given.split())
    assert heads == {True, False}


def test_every_number_is_in_the_json_object(s2s: S2S, run: Path) -> None:
    done = s2s("explain", run, "a man sees it .", "--target", "un homme .", "--json", "--runners-up", 2)
    assert (done.code, done.err) == (0, "")
    walk = json.loads(done.out)
    assert set(walk) == {"model", "source", "target", "asks", "start", "steps"}
    pieces, width = len(walk["source"]["pieces"]), 32
    assert [len(state) for state in walk["source"]["states"]] == [width] * pieces
    assert len(walk["steps"]) == len(walk["target"]["pieces"])
    for step in walk["steps"]:
        assert len(step["query"]) == len(step["context"]) == len(step["state_after"]) == width
        assert [len(hop["scores"]) for hop in step["hops"]] == [pieces]
        assert sum(step["hops"][0]["weights"]) == pytest.approx(1.0, abs=1e-5)
        assert len(step["runners_up"]) == 2
    assert sum(step["chosen"]["log_prob"] for step in walk["steps"]) == pytest.approx(walk["target"]["log_prob"])


def test_the_page_on_the_command_names_each_key(s2s: S2S, run: Path) -> None:
    walk = json.loads(s2s("explain", run, "a man", "--json").out)
    del walk["model"]
    documented = set(re.findall(r"`(\w+)`", DOC))
    assert keys_of(walk) <= documented
    explained = json.loads(s2s("explain-cell", "lstm", "--json").out)
    del explained[0]["sizes"]
    assert keys_of(explained) <= documented


def test_the_first_steps_alone(s2s: S2S, run: Path) -> None:
    arguments = ["explain", run, "a man sees it .", "--target", "un homme voit cela .", "--steps", 2]
    done = s2s(*arguments)
    assert "\nstep 2 " in done.out
    assert "\nstep 3 " not in done.out
    assert re.search(r"\d+ more steps are not shown", done.out)
    assert len(json.loads(s2s(*arguments, "--json").out)["steps"]) == 2


def test_one_fixed_vector_has_no_scores(s2s: S2S, fixed_vector_run: Path) -> None:
    done = s2s("explain", fixed_vector_run, "a man", "--target", "un homme")
    assert (done.code, done.err) == (0, "")
    assert "Nobody asks: no scores e_ij, no weights α_ij." in done.out
    assert "|c| " in done.out
    assert "e_1j" not in done.out
    walk = json.loads(s2s("explain", fixed_vector_run, "a man", "--target", "un homme", "--json").out)
    assert [step["hops"] for step in walk["steps"]] == [[]] * len(walk["steps"])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["explain", "RUN", " "], 2, "error: SENTENCE: the sentence is blank"),
        (["explain", "RUN"], 2, "Missing argument 'SENTENCE'"),
        (["explain", "nowhere", "a"], 1, "error: nowhere: there is no run here"),
        (["explain", "RUN", "a", "--steps", "0"], 2, "--steps"),
        (["explain-cell", "lstmm"], 2, "error: NAME: there is nothing .* called 'lstmm'\n  Did you mean lstm?"),
        (["explain-cell", "lstm", "--hidden-size", "0"], 2, "--hidden-size"),
    ],
)
def test_faults(s2s: S2S, run: Path, arguments: list[str], code: int, message: str) -> None:
    done = s2s(*(argument.replace("RUN", str(run)) for argument in arguments))
    assert (done.code, done.out) == (code, "")
    assert re.search(message, done.err)


# explain-cell


def test_a_cell_has_its_equations_gates_parameters_and_paper(s2s: S2S) -> None:
    done = s2s("explain-cell", "lstm", "--input-size", 10, "--hidden-size", 20)
    assert (done.code, done.err) == (0, "")
    for told in (
        "cell = lstm   Long short-term memory",
        "c_t = f * c_{t-1} + i * g",
        "forget gate: ",
        f"4EH + 4H² + 4H = {4 * (10 * 20 + 20 * 20 + 20):,}: one cell",
        "Hochreiter & Schmidhuber (1997). Long short-term memory.",
    ):
        assert told in done.out


@pytest.mark.parametrize("explanation", EXPLANATIONS, ids=lambda e: e.name)
def test_every_explanation_fits_its_width(s2s: S2S, explanation: Any) -> None:
    done = s2s("explain-cell", f"{explanation.setting}={explanation.value}")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{explanation.name}   {explanation.title}\n")
    assert max(map(cell_len, done.out.splitlines())) <= 80
    assert "\n\n\n" not in done.out


def test_without_a_name_all_are_listed(s2s: S2S) -> None:
    done = s2s("explain-cell")
    assert (done.code, done.err) == (0, "")
    assert max(map(cell_len, done.out.splitlines())) <= 80
    assert "…" not in done.out
    for explanation in EXPLANATIONS:
        assert explanation.title in done.out
    assert len(json.loads(s2s("explain-cell", "--json").out)) == len(EXPLANATIONS)


def test_sizes_are_those_of_a_default_model(s2s: S2S) -> None:
    model = ModelConfig()
    told = {"E": model.embed_size, "H": model.hidden_size, "V": TokenizerConfig().size}
    for explanation in json.loads(s2s("explain-cell", "--json").out):
        assert {letter: told.get(letter, size) for letter, size in explanation["sizes"].items()} == explanation["sizes"]


@pytest.mark.parametrize("arguments", [["additive"], ["additive", "--json"]], ids=" ".join)
def test_an_encoding_without_greek_is_no_error(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "s2s", "explain-cell", *arguments]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60, env=environment)
    assert b"v ? tanh(W q + U h_j + b)" in done.stdout or json.loads(done.stdout)[0]["value"] == "additive"


def test_it_answers_without_the_slow_libraries() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "s2s", "explain-cell", "lstm"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    imported = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "s2s.explanations.table" in imported
    assert not imported & {"torch", "numpy", "sentencepiece", "matplotlib", "sacrebleu"}
