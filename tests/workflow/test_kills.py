"""Killed at any moment, also in the middle of writing a file, a run goes on and ends as if nothing had happened."""

import random
from pathlib import Path
from typing import Any

import pytest
from sittings import BeforeFileOperation, Blow, InTheMiddleOfAFile, Never, draw_blow, sit, traces
from small_runs import small

from s2s.config import Config, check_config, merge
from s2s.nn.cells import CELLS

Files = dict[str, list[str]]


def tiny(corpus: Files, **training: Any) -> Config:
    """Ten updates, with dropout, a checkpoint after each."""
    table = {"model": {"embed_size": 4, "hidden_size": 4, "dropout": 0.3}, "tokenizer": {"size": 310}}
    settings = {"max_updates": 10, "checkpoint_every": 1, "validate_every": 4, "batch_tokens": 120}
    return small({"data": corpus}, table, {"training": {**settings, **training}})


def kill_until_it_ends(config: Config, path: Path, rng: random.Random) -> list[Blow]:
    """Every blow that it survived."""
    path.parent.mkdir()
    struck: list[Blow] = []
    while not sit(config, path, blow := draw_blow(rng)):
        struck.append(blow)
    return struck


def test_a_run_survives_a_kill_of_each_kind(corpus: Files, tmp_path: Path) -> None:
    config = tiny(corpus)
    for folder in ("straight", "killed"):
        (tmp_path / folder).mkdir()
    assert sit(config, tmp_path / "straight" / "run", Never())
    run = tmp_path / "killed" / "run"
    blows = [
        BeforeFileOperation(6),  # while the run is made, aside
        InTheMiddleOfAFile(8, 0.5),  # a checkpoint
        BeforeFileOperation(17),
        InTheMiddleOfAFile(4, 0.99),
        BeforeFileOperation(30),
    ]
    assert [sit(config, run, blow) for blow in blows] == [False] * len(blows)
    assert sit(config, run, Never())
    assert traces(run) == traces(tmp_path / "straight" / "run")


PACES: list[dict[str, Any]] = [
    {},
    {"accumulate": 2},
    {"checkpoint_every": 3, "patience": 1, "subword_dropout": 0.2, "dropout_after": 0, "average": 0.2},
    {"validate_every": 0, "max_updates": 0, "max_epochs": 2},
]


CELL_SETTINGS = {"gru-reset-before": {"cell": "gru", "reset": "before"}}
"""Of the cells whose name is no value of `model.cell`."""


@pytest.mark.slow
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_it_survives_any_kill(cell: str, corpus: Files, tmp_path: Path) -> None:
    """At least 200 over all cells, drawn with a seed; how far a sitting came when it was struck is the machine's."""
    rng = random.Random(f"kills {cell}")
    kills = 0
    wanted = -(-200 // len(CELLS) // len(PACES))
    for number, pace in enumerate(PACES):
        table = tiny(corpus, **pace).model_dump(mode="json")
        config = check_config(merge(table, {"model": CELL_SETTINGS.get(cell, {"cell": cell})}))
        straight = tmp_path / f"straight-{number}" / "run"
        straight.parent.mkdir()
        assert sit(config, straight, Never())
        expected = traces(straight)
        for turn in range(1000):
            run = tmp_path / f"killed-{number}-{turn}" / "run"
            struck = kill_until_it_ends(config, run, rng)
            assert traces(run) == expected, f"after {struck}"
            kills += len(struck)
            if kills >= wanted * (number + 1):
                break
    assert kills >= 200 / len(CELLS)
