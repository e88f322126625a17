"""What looks wrong at a validation is told after it, and kept in the log."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_runs import Finished, Told, small

from s2s.data.corpus import Pair
from s2s.errors import S2SError
from s2s.workflow.health import LONGEST, SAMPLE, HealthWatch
from s2s.workflow.training import train
from s2s.workflow.translation import Run, load_run

Files = dict[str, list[str]]

PAIRS = [Pair(f"a man sees {n} small red houses .", f"un homme voit {n} petites maisons rouges .") for n in range(8)]
REFERENCES = [pair.trg for pair in PAIRS]


@pytest.fixture
def run(finished: Finished) -> Run:
    return load_run(finished.path, device="cpu", threads=1)


def told_at(watch: HealthWatch, finished: Finished, update: int) -> None:
    validation = finished.told.validations[0]
    watch.on_validation(replace(validation, update=update))


def test_a_finding_is_explained_once_and_named_as_long_as_it_lasts(run: Run, finished: Finished) -> None:
    with torch.no_grad():
        for parameter in run.model.decoder.order.attention.parameters():
            parameter.zero_()  # so that every score is 0
    warnings: list[str] = []
    watch = HealthWatch(run, PAIRS, warnings.append)
    for update in (2, 4):
        watch.look(REFERENCES)
        told_at(watch, finished, update)
    first, second = warnings
    assert first.startswith(
        "update 2: attention is flat (its entropy is 100% of the highest possible): the model looks"
    )
    assert "raise training.learning_rate" in first
    assert second == "update 4: attention is flat (its entropy is 100% of the highest possible)"
    told_at(watch, finished, 6)
    assert len(warnings) == 2, "nobody looked"


def test_gradients_are_counted_from_one_validation_to_the_next(run: Run, finished: Finished) -> None:
    warnings: list[str] = []
    watch = HealthWatch(run, PAIRS, warnings.append)
    update = finished.told.updates[0]
    for skipped in (True, False, True):
        watch.on_update(replace(update, skipped=skipped, gradient_norm=1e6))
    told_at(watch, finished, 1_000)
    assert [warning.split(":")[:2] for warning in warnings] == [
        ["update 1,000", " 2 of 3 updates were skipped"],
        ["update 1,000", " gradients explode (their norm is typically 1,000,000)"],
    ]
    watch.on_update(replace(update, skipped=False, gradient_norm=1.0))
    told_at(watch, finished, 1_001)
    assert len(warnings) == 2


def test_a_collapsed_model_is_told_of_while_it_trains_and_in_the_log(corpus: Files, tmp_path: Path) -> None:
    """After two updates it knows nothing; decoding is cut at 10 pieces at most."""
    told = Told()
    settings = {"max_updates": 4, "validate_every": 2, "learning_rate": 1e-9}
    train(small({"data": corpus, "training": settings}), tmp_path / "run", told)
    assert [warning for warning in told.warnings if warning.startswith("update 4: ")]
    log = (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")
    for warning in told.warnings:
        assert f" warning: {warning}\n" in log


def test_a_model_without_attention_has_none_to_look_at(corpus: Files, tmp_path: Path) -> None:
    told = Told()
    config = small({"data": corpus, "model": {"attention": "none", "attend": "first"}, "training": {"max_updates": 1}})
    train(config, tmp_path / "run", told)
    assert not [warning for warning in told.warnings if "attention" in warning]


def test_long_pairs_are_not_looked_at(run: Run, finished: Finished) -> None:
    warnings: list[str] = []
    watch = HealthWatch(run, [Pair("a " * LONGEST, "b"), Pair("a", "b " * LONGEST)] * SAMPLE, warnings.append)
    watch.look(["b", "b " * LONGEST] * SAMPLE)
    told_at(watch, finished, 2)
    assert warnings == []


def test_skipped_updates_are_told_and_in_the_metrics(
    corpus: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s2s.training.trainer.clip_gradients", lambda model, limit: float("nan"))
    told = Told()
    config = small({"data": corpus, "training": {"max_updates": 3, "validate_every": 3}})
    train(config, tmp_path / "run", told)
    assert all(update.skipped for update in told.updates)
    assert [warning for warning in told.warnings if warning.startswith("update 3: 3 of 3 updates were skipped")]
    assert (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").count('"skipped": true') == 3


def test_training_that_cannot_go_on_stops_with_advice(
    corpus: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s2s.training.trainer.clip_gradients", lambda model, limit: float("inf"))
    with pytest.raises(S2SError, match=r"update 10: loss or gradient were not finite 10 times in a row"):
        train(small({"data": corpus, "training": {"max_updates": 99}}), tmp_path / "run", Told())
