"""Scores of a run: those of its translations, and what it thinks of the references."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from small_runs import PAIRS, Finished, Told

from s2s.data.corpus import Pair
from s2s.data.tokenizer import EOS
from s2s.evaluation.metrics import score_translations
from s2s.workflow.evaluation import BATCH_TOKENS, evaluate, reference_loss, validator
from s2s.workflow.translation import Run, load_run

SOME = [Pair(*pair) for pair in PAIRS[:6]]


@pytest.fixture(scope="module")
def run(finished: Finished) -> Run:
    return load_run(finished.path, device="cpu", threads=1)


def test_what_is_scored_is_what_it_translates(run: Run) -> None:
    result = evaluate(run, SOME, run.beam())
    said = [best[0].text for best in run.translator(run.beam()).translate(pair.src for pair in SOME)]
    assert result.translations == said
    assert result.scores == score_translations(said, [pair.trg for pair in SOME])
    assert [score.name for score in result.scores] == ["BLEU", "chrF2", "TER"]
    assert result.sentences == 6


@torch.inference_mode()
def test_perplexity_is_that_of_the_references_piece_by_piece(run: Run) -> None:
    total, count = 0.0, 0
    for pair in SOME:
        src = torch.tensor([[*run.tokenizers.src.encode(pair.src), EOS]])
        said = [*run.tokenizers.trg.encode(pair.trg), EOS]
        state = run.model.start(src, torch.ones_like(src, dtype=torch.bool))
        before = 2
        for token in said:
            step = run.model.step(torch.tensor([before]), state)
            total -= float(torch.log_softmax(step.logits, dim=1)[0, token])
            state, before = step.state, token
        count += len(said)
    assert reference_loss(run, SOME) == pytest.approx(total / count, abs=1e-5)
    result = evaluate(run, SOME, run.beam())
    assert result.loss == pytest.approx(total / count, abs=1e-5)
    assert result.perplexity == pytest.approx(math.exp(total / count), rel=1e-4)


def test_batches_change_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    together = reference_loss(run, SOME)
    assert BATCH_TOKENS > 1
    monkeypatch.setattr("s2s.workflow.evaluation.BATCH_TOKENS", 1)
    assert reference_loss(run, SOME) == pytest.approx(together, abs=1e-5)


def test_blank_sides_are_scored_like_others(run: Run) -> None:
    result = evaluate(run, [Pair("", ""), Pair("a man", ""), Pair("", "un homme")], run.beam(), ("BLEU",))
    assert result.sentences == 3
    assert (result.translations[0], result.translations[2]) == ("", "")
    assert math.isfinite(result.loss)


def test_a_validation_has_every_score_that_can_choose_the_best(run: Run, finished: Finished) -> None:
    shown: list[Sequence[str]] = []
    scores = validator(run, SOME, shown.append)()
    assert set(scores) == {"loss", "perplexity", "bleu", "chrf"}
    greedy = evaluate(run, SOME, replace(run.beam(size=1), repeats=0), ("BLEU", "chrF2"))
    assert shown == [greedy.translations]
    assert [scores["bleu"], scores["chrf"]] == [score.value for score in greedy.scores]
    told: Told = finished.told
    assert all(set(validation.scores) == set(scores) for validation in told.validations)
