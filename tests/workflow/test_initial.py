"""Beginning with the weights and the vocabulary of another run."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_runs import Finished, Told, small, write_pairs

from s2s.errors import S2SError, UsageError
from s2s.workflow.initial import initial_settings
from s2s.workflow.training import resume, train
from s2s.workflow.translation import load_run, translate

Files = dict[str, list[str]]


@pytest.fixture
def other_corpus(tmp_path: Path) -> Files:
    """Words that the first corpus has not."""
    pairs = [(f"my cat number {n} sleeps .", f"mon chat numéro {n} dort .") for n in range(60)]
    return {"train": write_pairs(tmp_path, "other", pairs)}


def weights(path: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in load_file(path).items() if name.startswith("model.")}


def test_it_begins_with_the_best_weights_of_the_other_and_no_memory_of_its_training(
    finished: Finished, other_corpus: Files, tmp_path: Path
) -> None:
    told = Told()
    settings = {"learning_rate": 1e-9, "max_updates": 2, "seed": 5, "dictionary": True}
    config = small({"data": other_corpus, "training": settings})
    outcome = train(config, tmp_path / "run", told, init_from=finished.path)
    ours, theirs = (weights(run / "best.safetensors") for run in (outcome.run.path, finished.path))
    assert ours.keys() == theirs.keys()
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-7) for name in ours)
    assert (outcome.run.path / "tokenizer.model").read_bytes() == (finished.path / "tokenizer.model").read_bytes()
    assert [update.update for update in told.updates] == [1, 2]
    assert f"beginning with the weights of {finished.path}, after its update 6" in told.notes
    assert "training.dictionary is out of force: these weights take its place" in told.notes
    lines = ["a man sees the sea .", "my cat sleeps ."]
    both = [[t.text for t in translate(load_run(path, threads=1), lines)] for path in (outcome.run.path, finished.path)]
    assert both[0] == both[1]


def test_where_it_came_from_is_recorded_and_no_longer_needed(
    finished: Finished, other_corpus: Files, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(finished.path, tmp_path / "source"))
    config = small({"data": other_corpus, "training": {"max_updates": 4}})
    whole = train(config, tmp_path / "whole", Told(), init_from=source)
    origin = whole.run.read_manifest().init_from
    assert origin is not None
    assert (origin.run, origin.updates) == (str(source), 6)
    assert origin.checksum.encode() in (source / "best.safetensors").read_bytes()
    train(config, tmp_path / "run", Told(), init_from=source, should_stop=lambda: True)
    shutil.rmtree(source)
    resume(tmp_path / "run", Told())
    ours, theirs = (load_file(run / "last.safetensors") for run in (tmp_path / "run", tmp_path / "whole"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_settings_that_weights_and_vocabulary_hang_on_must_agree(
    finished: Finished, corpus: Files, tmp_path: Path
) -> None:
    table: dict[str, Any] = {"data": corpus, "model": {"hidden_size": 32, "dropout": 0.5}, "tokenizer": {"size": 320}}
    with pytest.raises(
        UsageError,
        match=r"--init-from \S+done: the weights of another run do not fit these settings:\n"
        r"  tokenizer\.size: 320 here, 310 there\n  model\.hidden_size: 32 here, 16 there\n  Leave these settings out",
    ):
        train(small(table), tmp_path / "run", Told(), init_from=finished.path)
    assert list(tmp_path.iterdir()) == []


def test_dropout_is_the_new_runs_own(finished: Finished, corpus: Files, tmp_path: Path) -> None:
    config = small({"data": corpus, "model": {"dropout": 0.5}, "training": {"max_updates": 1}})
    assert train(config, tmp_path / "run", Told(), init_from=finished.path).run.read_config().model.dropout == 0.5


def test_the_settings_to_share_are_told(finished: Finished) -> None:
    table = initial_settings(finished.path)
    assert set(table) == {"tokenizer", "model"}
    assert (table["tokenizer"]["size"], table["model"]["hidden_size"]) == (310, 16)


def test_a_run_without_trained_weights_is_refused(corpus: Files, tmp_path: Path) -> None:
    train(small({"data": corpus}), tmp_path / "early", Told(), should_stop=lambda: True)
    with pytest.raises(S2SError, match=r"early: the run has no trained weights yet: .*\n  Go on with it: s2s train"):
        train(small({"data": corpus}), tmp_path / "run", Told(), init_from=tmp_path / "early")
    assert [path.name for path in tmp_path.iterdir()] == ["early"]


def test_damaged_weights_are_refused(finished: Finished, corpus: Files, tmp_path: Path) -> None:
    source = Path(shutil.copytree(finished.path, tmp_path / "source"))
    content = bytearray((source / "best.safetensors").read_bytes())
    content[-1] ^= 1
    (source / "best.safetensors").write_bytes(content)
    with pytest.raises(S2SError, match=r"source/best\.safetensors: the checkpoint is damaged"):
        train(small({"data": corpus}), tmp_path / "run", Told(), init_from=source)


def test_a_run_may_be_replaced_by_one_that_begins_with_it(finished: Finished, corpus: Files, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished.path, tmp_path / "run"))
    config = small({"data": corpus, "training": {"max_updates": 1}})
    train(config, run, Told(), init_from=run, overwrite=True)
    assert json.loads((run / "results.json").read_text(encoding="utf-8"))["updates"] == 1


# A dictionary


def learnt(corpus: Files, out: Path, **training: object) -> tuple[Told, Path]:
    told = Told()
    settings = {"batch_tokens": 60, "max_updates": 40, "learning_rate": 1e-2, "dictionary": True, **training}
    model = {"values": "lexical", "tie": "target", "embed_size": 32}
    config = small({"data": corpus, "model": model, "tokenizer": {"joint": False}, "training": settings})
    outcome = train(config, out, told)
    return told, outcome.run.best


def test_with_a_dictionary_it_learns_faster(corpus: Files, tmp_path: Path) -> None:
    with_it, _ = learnt(corpus, tmp_path / "with")
    without, _ = learnt(corpus, tmp_path / "without", dictionary=False)
    assert with_it.validations[-1].scores["loss"] < without.validations[-1].scores["loss"]
    [note] = [note for note in with_it.notes if note.startswith("dictionary: ")]
    assert note.endswith(" translations, counted in 108 pairs")
    assert not [note for note in without.notes if note.startswith("dictionary: ")]


def test_the_same_seed_begins_with_the_same_embeddings(corpus: Files, tmp_path: Path) -> None:
    once, again = (learnt(corpus, tmp_path / str(number), max_updates=1)[1].read_bytes() for number in range(2))
    assert once == again


def test_the_weights_of_another_run_are_left_as_they_are(
    finished: Finished, other_corpus: Files, tmp_path: Path
) -> None:
    told = Told()
    settings = {"learning_rate": 1e-9, "max_updates": 1, "dictionary": True}
    outcome = train(
        small({"data": other_corpus, "training": settings}), tmp_path / "run", told, init_from=finished.path
    )
    ours, theirs = (weights(run / "best.safetensors") for run in (outcome.run.path, finished.path))
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-7) for name in ours)
    assert not [note for note in told.notes if note.startswith("dictionary: ")]
