"""`s2s tune`: what it prints is what `s2s eval` says, and what it finds is kept."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s2s.data.corpus import Pair
from s2s.workflow.lock import Lock
from s2s.workflow.run import RunDirectory
from s2s.workflow.tuning import FEWEST, LENGTH_PENALTIES, SIZES, Trial

S2S = Callable[..., Any]


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


def bleu(s2s: S2S, run: Path, corpus: Path, name: str) -> tuple[float, str]:
    done = s2s("eval", run, "--src", corpus / f"{name}.en", "--ref", corpus / f"{name}.fr", "--json")
    result = json.loads(done.out)
    return result["scores"][0]["value"], result["search"]


def decoding(run: Path) -> tuple[int, float]:
    config = RunDirectory(run).read_config().decoding
    return config.beam, config.length_penalty


def test_what_is_better_than_chance_is_kept_and_searched_with(
    s2s: S2S, copy: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four sentences are too few for that: so any difference is taken for one."""
    monkeypatch.setattr("s2s.workflow.tuning.LEVEL", 1.1)
    monkeypatch.setattr("s2s.workflow.tuning.FEWEST", 1)
    assert s2s("tune", copy, "--length-penalty", 0.1, "--beam", 7).code == 0
    assert decoding(copy) == (7, 0.1)
    done = s2s("tune", copy, "--json")
    assert done.code == 0
    told = json.loads(done.out)
    assert {(trial["beam"], trial["length_penalty"]) for trial in told["trials"]} == {
        (size, penalty) for size in (*SIZES, 7) for penalty in ((*LENGTH_PENALTIES, 0.1) if size > 1 else (0.1,))
    }
    best, own = told["best"], told["own"]
    assert best["bleu"] == max(trial["bleu"] for trial in told["trials"])
    assert (own["beam"], own["length_penalty"]) == (7, 0.1)
    assert decoding(copy) == (best["beam"], best["length_penalty"])
    value, search = bleu(s2s, copy, corpus, "dev")
    assert value == pytest.approx(best["bleu"])
    assert search.startswith(f"beam {best['beam']}, ")
    assert f"length penalty {best['length_penalty']:g}," in search
    assert f"beam {best['beam']}, length penalty {best['length_penalty']:g}" in s2s("info", copy).out


def test_the_way_back_is_told(s2s: S2S, copy: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two searches the run's own has one word in each translation wrong."""
    right = tuple(f"le chat numéro {n} dort sur la table rouge" for n in range(2 * FEWEST))
    wrong = tuple(line.replace("rouge", "verte") for line in right)
    monkeypatch.setattr("s2s.workflow.tuning.tuning_pairs", lambda run, given: [Pair("a", line) for line in right])
    both = [Trial(5, 1.0, 80.0, wrong), Trial(8, 0.6, 100.0, right)]
    monkeypatch.setattr("s2s.workflow.tuning.trials", lambda run, pairs: both)
    before = (copy / "config.toml").read_text()
    done = s2s("tune", copy)
    assert decoding(copy) == (8, 0.6)
    kept, back = done.err.splitlines()[-1].split("; back: s2s ")
    told = "beam 8, length penalty 0.6, BLEU 100.00, beside its own, beam 5, length penalty 1, BLEU 80.00"
    assert kept.startswith(f"kept with the run: {told} (p = 0.00")
    assert s2s(*back.split()).code == 0
    assert (copy / "config.toml").read_text() == before


def test_chance_changes_nothing(s2s: S2S, copy: Path, corpus: Path) -> None:
    before = (copy / "config.toml").read_bytes()
    files = ("--src", corpus / "test.en", "--ref", corpus / "test.fr")
    done = s2s("tune", copy, *files)
    assert (copy / "config.toml").read_bytes() == before
    head, *rows = (line.split() for line in done.out.splitlines())
    assert head == ["beam", *(f"{penalty:g}" for penalty in LENGTH_PENALTIES)]
    assert [row[0] for row in rows] == [str(size) for size in SIZES]
    assert {len(row) for row in rows} == {len(head)}
    assert len(set(rows[0][1:])) == 1
    of_beam_5 = dict(zip(head, rows[SIZES.index(5)], strict=True))
    assert of_beam_5["1"] == f"{bleu(s2s, copy, corpus, 'test')[0]:.2f}"
    *told, verdict = done.err.splitlines()
    assert told == [f"beam {size}: 4 sentences translated" for size in SIZES]
    assert re.match(r"the run('s own search is the best: beam 5| keeps its own search: the best is beam \d)", verdict)


def test_a_dry_run_changes_nothing(s2s: S2S, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2s.workflow.tuning.LEVEL", 1.1)
    monkeypatch.setattr("s2s.workflow.tuning.FEWEST", 1)
    before = (copy / "config.toml").read_bytes()
    assert s2s("tune", copy, "--dry-run").code == 0
    assert (copy / "config.toml").read_bytes() == before


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


def test_what_is_set_by_hand_is_checked(s2s: S2S, copy: Path) -> None:
    before = (copy / "config.toml").read_bytes()
    for wrong, told in (
        (("--length-penalty", "inf"), "decoding.length_penalty"),
        (("--length-penalty", "nan"), "--length-penalty"),
        (("--beam", 0), "--beam"),
        (("--beam", 3, "--dry-run"), "--beam and --length-penalty are kept as they are"),
    ):
        done = s2s("tune", copy, *wrong)
        assert done.code == 2
        assert told in done.err
    assert (copy / "config.toml").read_bytes() == before
    done = s2s("tune", copy, "--beam", 3)
    back = f"back: s2s tune {copy} --beam 5 --length-penalty 1"
    assert done.err == f"kept with the run; it had beam 5, length penalty 1; {back}\n"
    assert decoding(copy) == (3, 1.0)
