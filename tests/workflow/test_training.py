"""Training as a whole: what it leaves behind, and going on as if it had never stopped."""

import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from rewriting import rewrite_config
from safetensors.torch import load_file
from small_runs import Finished, Told, small

from s2s.compute import SEARCH_PRODUCT
from s2s.config import check_config, read_config
from s2s.data.tokenizer import Trained, train_tokenizer
from s2s.errors import S2SError, UsageError
from s2s.training.disk import write_atomically
from s2s.training.tensorfile import read_tensors, serialise
from s2s.training.trainer import DivergedError, End, Update
from s2s.workflow.changes import MAY_CHANGE
from s2s.workflow.lock import Lock
from s2s.workflow.run import FILES
from s2s.workflow.training import resume, train

Files = dict[str, list[str]]


def after(updates: int) -> Callable[[], bool]:
    """Stops training after so many updates of this sitting."""
    asked = iter(range(1, 10**6))
    return lambda: next(asked) >= updates


def events(run: Path, kind: str) -> list[dict[str, Any]]:
    """What was measured, but for the time it took."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    found = [entry for entry in map(json.loads, lines) if entry["event"] == kind]
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in found]


def assert_same_run(one: Path, other: Path) -> None:
    """To the bit: weights, optimiser, random states, measurements and scores."""
    for name in ("last.safetensors", "best.safetensors"):
        ours, theirs = load_file(one / name), load_file(other / name)
        assert ours.keys() == theirs.keys()
        assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []
    for kind in ("update", "validation"):
        assert events(one, kind) == events(other, kind)
    results = [json.loads((run / "results.json").read_text(encoding="utf-8")) for run in (one, other)]
    assert {**results[0], "seconds": 0} == {**results[1], "seconds": 0}


# What a run is


def test_an_outcome_has_the_scores_of_the_best_checkpoint(finished: Finished) -> None:
    outcome = finished.outcome
    assert (outcome.end, outcome.updates) == (End.BUDGET, 6)
    assert outcome.dev is not None
    assert outcome.test is not None
    assert (outcome.dev.sentences, outcome.test.sentences) == (10, 10)
    assert [score.name for score in outcome.dev.scores] == ["BLEU", "chrF2"]
    assert all("version:" in score.signature for score in outcome.dev.scores)
    assert outcome.dev.loss == pytest.approx(min(v.scores["loss"] for v in finished.told.validations), abs=1e-5)
    assert outcome.dev.search == "beam 2, margin 2.5, repeats 2, length penalty 1, max length 0.1 x source + 10"


def test_it_tells_of_each_update_and_validation(finished: Finished) -> None:
    assert [update.update for update in finished.told.updates] == list(range(1, 7))
    assert [validation.update for validation in finished.told.validations] == [2, 4, 6]
    assert finished.told.updates[-1].loss < finished.told.updates[0].loss
    told = "\n".join(finished.told.notes)
    for expected in (
        "device: cpu, fp32, CPU threads: 1",
        "train: 108 pairs",
        "dev: 10 pairs",
        "test: 10 pairs",
        "tokenizer: joint bpe, 310 pieces",
    ):
        assert expected in told
    assert all(re.match(r"update \d: ", warning) for warning in finished.told.warnings), "of its health, so early"


def test_the_files_of_a_run(finished: Finished) -> None:
    assert sorted(path.name for path in finished.path.iterdir()) == [
        "best.safetensors",
        "config.toml",
        "last.safetensors",
        "log.txt",
        "manifest.json",
        "metrics.jsonl",
        "results.json",
        "tokenizer.model",
        "written.toml",
    ]
    assert {path.name for path in finished.path.iterdir()} < set(FILES)
    assert check_config(read_config(finished.path / "config.toml")) == finished.config
    assert (finished.path / "written.toml").read_text(encoding="utf-8") == "# mine\n"


def test_a_run_says_what_it_was_made_of(finished: Finished, corpus: Files) -> None:
    manifest = json.loads((finished.path / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["src_lang"], manifest["trg_lang"]) == ("en", "fr")
    assert manifest["pairs"] == {"train": 108, "dev": 10, "test": 10}
    assert set(manifest["data"]) == {path for paths in corpus.values() for path in paths}
    assert all(len(digest) == 64 for digest in manifest["data"].values())
    assert manifest["command"] == ["s2s", "x"]
    assert {"s2s", "python", "torch", "sentencepiece", "sacrebleu"} <= set(manifest["versions"])


def test_nothing_of_a_run_is_pickled(finished: Finished) -> None:
    """Text is UTF-8, weights are safetensors (a length and JSON), the tokenizer is a protocol buffer's first field."""
    for path in finished.path.iterdir():
        content = path.read_bytes()
        if path.suffix == ".safetensors":
            assert content[8:9] == b"{"
            json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        elif path.suffix == ".model":
            assert content[:1] == b"\x0a"
        else:
            content.decode("utf-8")


def test_the_log_keeps_what_was_said(finished: Finished) -> None:
    log = (finished.path / "log.txt").read_text(encoding="utf-8")
    for message in finished.told.notes:
        assert message in log
    assert "update 2: loss " in log
    assert "training ended at update 6: the budget is used up\n" in log


def test_a_vocabulary_for_each_side(corpus: Files, tmp_path: Path) -> None:
    config = small(
        {
            "data": corpus,
            "tokenizer": {"joint": False, "kind": "word", "size": 5000},
            "model": {"tie": "target"},
            "training": {"max_updates": 1},
        }
    )
    told = Told()
    outcome = train(config, tmp_path / "run", told)
    assert {path.name for path in outcome.run.path.glob("*.model")} == {"src.model", "trg.model"}
    tokenizers = outcome.run.read_tokenizers(outcome.run.read_manifest(), config)
    assert not tokenizers.joint
    assert tokenizers.src.pieces(tokenizers.src.encode("the dog")) == ["▁the", "▁dog"]
    assert tokenizers.trg.pieces(tokenizers.trg.encode("le chien")) == ["▁le", "▁chien"]
    assert [w for w in told.warnings if "fewer than the 5,000 pieces that tokenizer.size asks for" in w] != []


def test_nobody_is_warned_that_a_corpus_has_no_more_characters(corpus: Files, tmp_path: Path) -> None:
    config = small({"data": corpus, "tokenizer": {"kind": "char", "size": 5000}, "training": {"max_updates": 1}})
    told = Told()
    outcome = train(config, tmp_path / "run", told, should_stop=lambda: True)
    assert outcome.run.read_manifest().vocabulary["src"] < 5000
    assert not [warning for warning in told.warnings if "tokenizer.size" in warning]


def test_the_same_settings_give_the_same_run(finished: Finished, tmp_path: Path) -> None:
    again = train(finished.config, tmp_path / "again", Told(), written="# mine\n", command=["s2s", "x"])
    assert_same_run(finished.path, again.run.path)


def test_another_seed_gives_another_run(finished: Finished, corpus: Files, tmp_path: Path) -> None:
    config = small({"data": corpus, "training": {"validate_every": 2, "seed": 2}})
    other = train(config, tmp_path / "run", Told())
    ours, theirs = (load_file(path / "last.safetensors") for path in (finished.path, other.run.path))
    assert any(not torch.equal(ours[key], theirs[key]) for key in ours)


def test_training_ends_when_patience_is_lost(corpus: Files, tmp_path: Path) -> None:
    """At a learning rate of almost nothing the first validation stays the best, to two digits of BLEU."""
    config = small(
        {
            "data": corpus,
            "training": {"validate_every": 1, "patience": 2, "metric": "bleu", "learning_rate": 1e-9},
        }
    )
    outcome = train(config, tmp_path / "run", Told())
    assert (outcome.end, outcome.updates) == (End.PATIENCE, 3)
    log = (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")
    assert "training ended at update 3: the dev score stopped improving\n" in log


def test_the_log_says_what_training_died_of(corpus: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2s.training.trainer.clip_gradients", lambda model, limit: float("nan"))
    config = small({"data": corpus, "training": {"max_updates": 20}})
    with pytest.raises(DivergedError):
        train(config, tmp_path / "run", Told())
    log = (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")
    assert "training ended: update 10: loss or gradient were not finite 10 times in a row" in log


@pytest.mark.parametrize(("kind", "size", "learnt"), [("bpe", 300, 5), ("word", 30, 108)])
def test_a_tokenizer_learns_from_a_part_of_a_large_corpus(
    kind: str, size: int, learnt: int, corpus: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evenly taken; but for one of words, which cannot spell what it has not seen."""
    seen: list[list[str]] = []

    def watched(lines: Iterable[str], **settings: Any) -> Trained:
        seen.append(list(lines))
        return train_tokenizer(seen[-1], **settings)

    monkeypatch.setattr("s2s.workflow.tokenizers.train_tokenizer", watched)
    monkeypatch.setattr("s2s.workflow.tokenizers.LEARNT_FROM", 5)
    told = Told()
    config = small(
        {"data": corpus, "tokenizer": {"kind": kind, "size": size, "joint": False}, "model": {"tie": "target"}},
        {"training": {"max_updates": 1}},
    )
    train(config, tmp_path / "run", told)
    lines = Path(corpus["train"][0]).read_text(encoding="utf-8").splitlines()
    assert seen[0] == [lines[number * 108 // learnt] for number in range(learnt)]
    assert ("the tokenizer learns from 5 of the pairs, evenly taken" in told.notes) == (kind == "bpe")


def test_a_cuda_device_that_lies_idle_is_told(corpus: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    told = Told()
    train(small({"data": corpus, "training": {"max_updates": 1}}), tmp_path / "run", told)
    assert "training on the CPU while a CUDA device lies idle; --set training.device=cuda uses it" in told.warnings


# Going on


@pytest.mark.parametrize("stop", [1, 2, 3, 5])
def test_going_on_is_as_if_it_had_never_stopped(finished: Finished, tmp_path: Path, stop: int) -> None:
    run = tmp_path / "run"
    first = train(finished.config, run, Told(), written="# mine\n", should_stop=after(stop))
    assert (first.end, first.updates, first.dev) == (End.INTERRUPTED, stop, None)
    log = (run / "log.txt").read_text(encoding="utf-8")
    assert f"training ended at update {stop}: interrupted\n" in log
    second = resume(run, Told())
    assert (second.end, second.updates) == (End.BUDGET, 6)
    assert_same_run(finished.path, run)


@pytest.mark.parametrize("cell", sorted({"rnn", "lstm", "peephole", "cifg", "gru"}))
def test_going_on_with_all_that_is_random(corpus: Files, tmp_path: Path, cell: str) -> None:
    """Dropout of each kind, other spellings in each epoch, averages, and several batches an update.

    It is stopped at an epoch's end, and in the middle of one.
    """
    config = small(
        {
            "data": corpus,
            "model": {"cell": cell, "dropout": 0.3, "word_dropout": 0.1},
            "training": {
                "subword_dropout": 0.2,
                "average": 0.1,
                "dropout_after": 0,
                "accumulate": 2,
                "max_updates": 0,
                "max_epochs": 2,
            },
        }
    )
    whole = train(config, tmp_path / "whole", Told())
    epochs = [update["epoch"] for update in events(tmp_path / "whole", "update")]
    assert (epochs[whole.updates // 2 - 1], epochs[whole.updates // 2]) == (1, 2)
    for stop in (whole.updates // 2, whole.updates - 1):
        run = tmp_path / f"stopped-{stop}"
        assert train(config, run, Told(), should_stop=after(stop)).updates == stop
        resume(run, Told())
        assert_same_run(tmp_path / "whole", run)


def test_a_run_can_stop_at_each_update(finished: Finished, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(finished.config, run, Told(), should_stop=after(1))
    for done in range(2, 7):
        assert resume(run, Told(), should_stop=after(1)).updates == done
    resume(run, Told())
    assert_same_run(finished.path, run)


def test_the_last_scoring_can_be_stopped_and_made_up_for(finished: Finished, tmp_path: Path) -> None:
    """Training is over by then, and nothing of it is lost."""
    run, told = tmp_path / "run", Told()
    note = "translating dev and test with beam search for the final scores"
    first = train(finished.config, run, told, written="# mine\n", should_stop=lambda: note in told.notes)
    assert (first.end, first.updates, first.dev) == (End.BUDGET, 6, None)
    assert not (run / "results.json").exists()
    second = resume(run, Told())
    assert second.dev == finished.outcome.dev
    assert_same_run(finished.path, run)


def test_after_a_crash_it_goes_on_from_the_last_checkpoint(finished: Finished, tmp_path: Path) -> None:
    """Updates since the checkpoint are done again, and counted once."""

    class Crash(Told):
        def on_update(self, update: Update) -> None:
            super().on_update(update)
            if update.update == 5:
                raise RuntimeError("power cut")

    run = tmp_path / "run"
    with pytest.raises(RuntimeError, match="power cut"):
        train(finished.config, run, Crash())
    assert [entry["update"] for entry in events(run, "update")] == [1, 2, 3, 4, 5]
    told = Told()
    resume(run, told)
    assert [update.update for update in told.updates] == [5, 6]
    assert_same_run(finished.path, run)


def test_a_finished_run_goes_on_with_more_budget(finished: Finished, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    told = Told()
    outcome = resume(run, told, overrides={"training": {"max_updates": 8, "validate_every": 4}})
    assert outcome.updates == 8
    assert [update.update for update in told.updates] == [7, 8]
    assert "training.max_updates: 8 (was 6): allowed" in told.notes
    assert [entry["update"] for entry in events(run, "update")] == list(range(1, 9))
    assert [entry["update"] for entry in events(run, "validation")] == [2, 4, 6, 8]
    assert check_config(read_config(run / "config.toml")).training.max_updates == 8


def test_a_finished_run_without_more_budget_only_scores_again(finished: Finished, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    told = Told()
    outcome = resume(run, told)
    assert outcome.updates == 6
    assert outcome.best_update == finished.outcome.best_update
    assert "nothing was left to train; training.max_updates is used up" in told.notes
    assert told.updates == []
    assert_same_run(finished.path, run)


@pytest.mark.parametrize(("setting", "budget", "done"), [("max_updates", 5, "6"), ("max_minutes", 1e-9, ".*")])
def test_a_budget_that_is_used_up_already_is_refused(
    finished: Finished, setting: str, budget: float, done: str
) -> None:
    before = (finished.path / "config.toml").read_bytes()
    told = Told()
    message = rf"training\.{setting}: {budget:g} counts from the start of the run, which is at {done} already"
    with pytest.raises(UsageError, match=message):
        resume(finished.path, told, overrides={"training": {setting: budget}})
    assert told.notes == []
    assert (finished.path / "config.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        ({"model": {"hidden_size": 32}}, [r"model\.hidden_size: 32 \(was 16\): refused"]),
        (
            {"training": {"seed": 2, "max_updates": 9}},
            [r"training\.max_updates: 9 \(was 6\): allowed", r"training\.seed: 2 \(was 1\): refused"],
        ),
        (
            {"training": {"clip": 2.0}, "data": {"pairs": 300}},
            [r"data\.pairs: 300 \(was 20000\): refused", r"training\.clip: 2\.0 \(was 1\.0\): refused"],
        ),
    ],
)
def test_each_setting_that_differs_is_named_with_whether_it_may(
    finished: Finished, overrides: dict[str, Any], lines: list[str]
) -> None:
    before = (finished.path / "config.toml").read_bytes()
    named = r"\n  ".join(["cannot be resumed with these settings:", *lines, r"These may change: data\.dev, "])
    with pytest.raises(UsageError, match=named) as caught:
        resume(finished.path, Told(), overrides=overrides)
    assert all(name in str(caught.value) for name in MAY_CHANGE)
    assert (finished.path / "config.toml").read_bytes() == before


def test_other_threads_are_allowed_and_change_the_digits(finished: Finished, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    told = Told()
    resume(run, told, overrides={"training": {"threads": 2, "max_updates": 7}})
    assert "with another training.threads the run goes on, but not to the same bits" in told.warnings
    assert "device: cpu, fp32, CPU threads: 2" in told.notes


def test_what_was_chosen_by_measuring_is_kept(corpus: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads and number formats, on a machine where all would come out otherwise."""
    monkeypatch.setattr("s2s.compute.available_cores", lambda: 2)
    monkeypatch.setattr("s2s.compute._bf16_is_faster", lambda device, *product: product == SEARCH_PRODUCT)
    config = small({"data": corpus, "training": {"threads": 0, "precision": "auto", "max_updates": 4}})
    whole = train(config, tmp_path / "whole", Told())
    train(config, tmp_path / "run", Told(), should_stop=after(2))
    monkeypatch.setattr("s2s.compute.available_cores", lambda: 1)
    monkeypatch.setattr("s2s.compute._bf16_is_faster", lambda device, *product: product != SEARCH_PRODUCT)
    told = Told()
    resume(tmp_path / "run", told)
    assert "device: cpu, fp32 (search: bf16), CPU threads: 2" in told.notes
    assert_same_run(whole.run.path, tmp_path / "run")


def test_after_its_old_end_it_goes_on_where_patience_was_lost(corpus: Files, tmp_path: Path) -> None:
    settings = {"validate_every": 1, "patience": 1, "metric": "bleu", "learning_rate": 1e-9}
    config = small({"data": corpus, "training": settings})
    assert train(config, tmp_path / "run", Told()).end is End.PATIENCE
    outcome = resume(tmp_path / "run", Told(), overrides={"training": {"patience": 0}})
    assert (outcome.end, outcome.updates) == (End.BUDGET, 6)
    assert [entry["update"] for entry in events(tmp_path / "run", "validation")] == list(range(1, 7))


def test_what_was_changed_in_a_configuration_by_hand_is_told(finished: Finished, tmp_path: Path) -> None:
    """It would be another training, and no checkpoint knows."""
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    path = run / "config.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("label_smoothing = 0.1", "label_smoothing = 0.9"), "utf-8")
    message = r"config\.toml: the run's configuration is not as training wrote it: .*\n  Put back a copy"
    with pytest.raises(S2SError, match=message):
        resume(run, Told(), overrides={"training": {"max_updates": 9}})


def test_measurements_that_are_gone_are_told(finished: Finished, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    lines = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (run / "metrics.jsonl").write_bytes(b"".join(lines[2:]))
    told = Told()
    resume(run, told, overrides={"training": {"max_updates": 7}})
    assert "metrics.jsonl lacks 2 of the 6 updates done before" in told.warnings


@pytest.mark.parametrize("updates", [0, 2])
def test_without_its_best_weights_a_run_keeps_the_best_from_then_on(
    updates: int, finished: Finished, tmp_path: Path
) -> None:
    """Whether there is more to train, or only the scores to be made."""
    shutil.copytree(finished.path, tmp_path / "run")
    (tmp_path / "run" / "best.safetensors").unlink()
    told = Told()
    budget = finished.config.training.max_updates + updates
    outcome = resume(tmp_path / "run", told, overrides={"training": {"max_updates": budget}})
    assert "best.safetensors is missing: from now on the best weights are kept anew" in told.warnings
    assert outcome.best_update > 0
    assert outcome.dev is not None
    assert (tmp_path / "run" / "best.safetensors").exists()


def test_damaged_best_weights_are_told_before_training_goes_on(finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.path, tmp_path / "run")
    best = tmp_path / "run" / "best.safetensors"
    best.write_bytes(best.read_bytes()[:-1] + b"?")
    told = Told()
    with pytest.raises(S2SError, match=r"best\.safetensors: the checkpoint is damaged.*\n.*or delete it and go on"):
        resume(tmp_path / "run", told, overrides={"training": {"max_updates": 100}})
    assert told.updates == []


def test_what_a_killed_process_left_is_cleared_away(finished: Finished, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    (run / ".last.safetensors.123.tmp").write_bytes(b"half")
    resume(run, Told())
    assert not [path for path in run.iterdir() if path.name.startswith(".")]


def test_a_random_state_of_something_else_is_refused(finished: Finished, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    content = read_tensors(run / "last.safetensors", 10**8)
    tensors = {**content.tensors, "random.replica.0": torch.zeros(3, dtype=torch.uint8)}
    write_atomically(run / "last.safetensors", *serialise(tensors, content.metadata))
    with pytest.raises(S2SError, match=r"last\.safetensors: the checkpoint is damaged, or not one of ours \(.*RNG"):
        resume(run, Told())


def test_a_checkpoint_without_its_average_is_refused(corpus: Files, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(small({"data": corpus, "training": {"average": 0.1}}), run, Told())
    content = read_tensors(run / "last.safetensors", 10**8)
    tensors = {name: tensor for name, tensor in content.tensors.items() if not name.startswith("average.")}
    write_atomically(run / "last.safetensors", *serialise(tensors, content.metadata))
    with pytest.raises(S2SError, match=r"last\.safetensors: the checkpoint is damaged, or not one of ours"):
        resume(run, Told())


def test_a_checkpoint_of_another_model_is_refused_before_the_model_is_made(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    rewrite_config(run, "hidden_size = 16", "hidden_size = 10000000")
    monkeypatch.setattr("s2s.workflow.training.build_model", None)
    with pytest.raises(S2SError, match=r"last\.safetensors: the checkpoint is of another model"):
        resume(run, Told())


def test_saying_the_same_again_is_no_change(finished: Finished, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    assert resume(run, Told(), overrides={"model": {"hidden_size": 16}}).updates == 6


def test_changed_data_are_refused(finished: Finished, corpus: Files, tmp_path: Path) -> None:
    files = {name: [shutil.copy(path, tmp_path) for path in paths] for name, paths in corpus.items()}
    config = small({"data": files})
    train(config, tmp_path / "run", Told(), should_stop=after(1))
    with Path(files["train"][0]).open("a", encoding="utf-8") as stream:
        stream.write("one more .\n")
    with Path(files["train"][1]).open("a", encoding="utf-8") as stream:
        stream.write("encore un .\n")
    with pytest.raises(S2SError, match=r"train\.en: the file is not the one .* SHA-256 differs\)\n  Put the old"):
        resume(tmp_path / "run", Told())


def test_missing_data_are_told(corpus: Files, tmp_path: Path) -> None:
    files = {name: [shutil.copy(path, tmp_path) for path in paths] for name, paths in corpus.items()}
    train(small({"data": files}), tmp_path / "run", Told(), should_stop=after(1))
    Path(files["dev"][1]).unlink()
    with pytest.raises(S2SError, match=r"dev\.fr: There is no such file"):
        resume(tmp_path / "run", Told())


def test_only_a_run_goes_on(tmp_path: Path) -> None:
    with pytest.raises(S2SError, match=r"there is no run here \(no manifest\.json\)\n  A run is the directory"):
        resume(tmp_path, Told())


# What is refused before anything starts


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("folder", r"run: the directory is not empty, and nothing is overwritten\n  Choose another --out\.$"),
        ("file", r"run: this is a file, and a run is a directory\n  Choose another --out\.$"),
        ("run", r"run: the run directory exists already, and nothing is overwritten\n  Choose .*--resume \S+run\), or"),
    ],
)
def test_what_exists_is_not_overwritten(kind: str, message: str, corpus: Files, tmp_path: Path) -> None:
    out = tmp_path / "run"
    keep = out if kind == "file" else out / ("manifest.json" if kind == "run" else "mine")
    keep.parent.mkdir(exist_ok=True)
    keep.write_text("precious", encoding="utf-8")
    with pytest.raises(S2SError, match=message):
        train(small({"data": corpus}), out, Told())
    assert keep.read_text(encoding="utf-8") == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_an_empty_folder_may_become_a_run(corpus: Files, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    outcome = train(small({"data": corpus, "training": {"max_updates": 1}}), tmp_path / "run", Told())
    assert outcome.run.exists()


def test_a_run_is_there_whole_or_not_at_all(corpus: Files, tmp_path: Path) -> None:
    with pytest.raises(S2SError, match=r"a bpe vocabulary of 50 pieces is too small"):
        train(small({"data": corpus, "tokenizer": {"size": 50}}), tmp_path / "run", Told())
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_no_run_can_be_made(corpus: Files, tmp_path: Path) -> None:
    """Told before the corpus is read."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    told = Told()
    with pytest.raises(S2SError, match=r"the run directory cannot be made: \S+file is a file\n  Choose another --out"):
        train(small({"data": corpus}), tmp_path / "file" / "run", told)
    assert told.notes == []


def test_a_place_that_cannot_be_written_to(corpus: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """root may write anywhere, so the answer is the test's."""
    monkeypatch.setattr("s2s.workflow.creation.os.access", lambda path, mode: path != tmp_path)
    with pytest.raises(S2SError, match=r"the run directory cannot be made: \S+ cannot be written to\n  Choose"):
        train(small({"data": corpus}), tmp_path / "a" / "run", Told())
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_a_run_is_trained_is_told_as_such(corpus: Files, finished: Finished, tmp_path: Path) -> None:
    """Going on with it, or replacing it, would be no advice."""
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    with (
        Lock(run),
        pytest.raises(S2SError, match=r"a run stands here, and it is being trained now\n  .* or wait for it"),
    ):
        train(small({"data": corpus}), run, Told())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"model": {"attention": "none"}}, r"without attention nobody asks.*: set attend = \"first\""),
        ({"training": {"device": "warp"}}, r"device: 'warp' is no device"),
        ({"training": {"device": "meta"}}, r"device: 'meta' is not supported"),
        ({"training": {"device": "cuda:99"}}, r"device: 'cuda:99' was asked for, and torch sees"),
        ({"data": {"train": ()}}, r"data\.train: the configuration names no training data\n  Use --train SRC TRG"),
    ],
)
def test_settings_that_cannot_be_met(table: dict[str, Any], message: str, corpus: Files, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        train(small({"data": corpus}, table), tmp_path / "run", Told())
    assert list(tmp_path.iterdir()) == []


# The held-out part


def test_a_held_out_part_is_named_and_is_not_trained_on(corpus: Files, tmp_path: Path) -> None:
    told = Told()
    config = small({"data": {"train": corpus["train"]}, "training": {"max_updates": 1}})
    outcome = train(config, tmp_path / "run", told)
    assert "dev: 10 pairs held out of train (seed 1)" in told.notes
    assert outcome.run.read_manifest().pairs == {"train": 98, "dev": 10, "test": 0}
    assert outcome.test is None


def test_a_run_on_the_held_out_part_goes_on_with_the_same(corpus: Files, tmp_path: Path) -> None:
    config = small({"data": {"train": corpus["train"], "dev_size": 5}, "training": {"max_updates": 2}})
    whole = train(config, tmp_path / "whole", Told())
    train(config, tmp_path / "run", Told(), should_stop=after(1))
    resume(tmp_path / "run", Told())
    assert_same_run(whole.run.path, tmp_path / "run")
