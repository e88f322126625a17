"""`s2s tune`: what it prints is what `s2s eval` says, and what it finds is kept."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s2s.workflow.lock import Lock
from s2s.workflow.tuning import LENGTH_PENALTIES, SIZES

S2S = Callable[..., Any]


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


def bleu(s2s: S2S, run: Path, corpus: Path, name: str) -> tuple[float, str]:
    done = s2s("eval", run, "--src", corpus / f"{name}.en", "--ref", corpus / f"{name}.fr", "--json")
    result = json.loads(done.out)
    return result["scores"][0]["value"], result["search"]


def test_what_is_best_on_dev_is_kept_and_searched_with(s2s: S2S, copy: Path, corpus: Path) -> None:
    before = (copy / "config.toml").read_text()
    done = s2s("tune", copy, "--json")
    assert done.code == 0
    told = json.loads(done.out)
    assert {(trial["beam"], trial["length_penalty"]) for trial in told["trials"]} == {
        (size, penalty) for size in SIZES for penalty in (LENGTH_PENALTIES if size > 1 else (1.0,))
    }
    best = told["best"]
    assert best["bleu"] == pytest.approx(max(trial["bleu"] for trial in told["trials"]), abs=0.01)
    value, search = bleu(s2s, copy, corpus, "dev")
    assert value == pytest.approx(best["bleu"])
    assert search.startswith(f"beam {best['beam']}, ")
    assert f"length penalty {best['length_penalty']:g}," in search
    changed = [line for line in (copy / "config.toml").read_text().splitlines() if line not in before.splitlines()]
    assert {line.split(" =")[0] for line in changed} <= {"beam", "length_penalty", "# SHA-256 of the lines above"} | {
        line for line in changed if line.startswith("# SHA-256")
    }
    assert "by hand" not in s2s("info", copy).out


def test_the_table_has_a_row_for_each_beam(s2s: S2S, copy: Path, corpus: Path) -> None:
    before = (copy / "config.toml").read_bytes()
    files = ("--src", corpus / "test.en", "--ref", corpus / "test.fr")
    done = s2s("tune", copy, *files, "--dry-run")
    assert (copy / "config.toml").read_bytes() == before
    head, *rows = (line.split() for line in done.out.splitlines())
    assert head == ["beam", *(f"{penalty:g}" for penalty in LENGTH_PENALTIES)]
    assert [row[0] for row in rows] == [str(size) for size in SIZES]
    assert [len(row) for row in rows] == [2] + [len(head)] * (len(SIZES) - 1)
    of_beam_5 = dict(zip(head, rows[SIZES.index(5)], strict=True))
    assert of_beam_5["1"] == f"{bleu(s2s, copy, corpus, 'test')[0]:.2f}"
    *told, best = done.err.splitlines()
    assert told == [f"beam {size}: 4 sentences translated" for size in SIZES]
    assert re.fullmatch(r"best: beam \d, length penalty [\d.]+, BLEU [\d.]+ \(it had beam 5, length penalty 1\)", best)


def test_a_run_that_is_being_trained_is_left_alone(s2s: S2S, copy: Path) -> None:
    with Lock(copy):
        done = s2s("tune", copy)
    assert done.code == 1
    assert done.out == ""
    assert "another process trains or tunes this run" in done.err


@pytest.mark.parametrize("given", [("--src", "test.en"), ("--ref", "test.fr")])
def test_sources_without_references_are_refused(s2s: S2S, run: Path, given: tuple[str, str]) -> None:
    done = s2s("tune", run, *given)
    assert done.code == 2
    assert "sources and references come together" in done.err


def test_empty_files_are_told(s2s: S2S, run: Path, tmp_path: Path) -> None:
    for name in ("no.en", "no.fr"):
        (tmp_path / name).touch()
    done = s2s("tune", run, "--src", tmp_path / "no.en", "--ref", tmp_path / "no.fr")
    assert done.code == 1
    assert "there is nothing to tune on: the files have no line" in done.err
