"""A small parallel corpus on disk, and a run that was trained on it."""

from pathlib import Path

import pytest
from small_runs import PAIRS, Compared, Finished, Told, Watched, small, small_grid, write_pairs

from s2s.data.tokenizer import UNK
from s2s.workflow.comparison import Trained, compare
from s2s.workflow.training import train
from s2s.workflow.translation import Run, load_run


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Files of pairs: train (108), dev (10), test (10)."""
    folder = tmp_path_factory.mktemp("corpus")
    mixed = [PAIRS[n * 37 % len(PAIRS)] for n in range(len(PAIRS))]
    return {
        "train": write_pairs(folder, "train", mixed[20:]),
        "dev": write_pairs(folder, "dev", mixed[:10]),
        "test": write_pairs(folder, "test", mixed[10:20]),
    }


@pytest.fixture(scope="session")
def finished(corpus: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Six updates, a validation after every second; not to be changed by a test."""
    config = small({"data": corpus, "training": {"validate_every": 2}})
    told = Told()
    outcome = train(config, tmp_path_factory.mktemp("runs") / "done", told, written="# mine\n", command=["s2s", "x"])
    return Finished(config, outcome, told)


@pytest.fixture(scope="session")
def compared(corpus: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """Two models with two seeds, three updates each; not to be changed by a test."""
    told = Watched()
    out = tmp_path_factory.mktemp("compared") / "compare-small"
    trained = compare(small_grid(corpus), out, told, written="# mine\n", command=["s2s", "compare", "x"])
    assert isinstance(trained, Trained)
    return Compared(trained, told)


@pytest.fixture
def of_words(corpus: dict[str, list[str]], tmp_path: Path) -> Run:
    """A run whose pieces are words, and whose model says "unknown" as often as it may."""
    config = small({"data": corpus, "tokenizer": {"kind": "word"}, "training": {"max_updates": 2}})
    train(config, tmp_path / "words", Told())
    run = load_run(tmp_path / "words", threads=1)
    run.model.decoder.output.bias.data[UNK] = 50.0
    return run
