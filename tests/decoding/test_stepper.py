"""What search asks of a model, and what is kept of it from step to step."""

import pytest
import torch

from s2s.data.batches import Batch
from s2s.decoding import stepper
from s2s.decoding.stepper import ModelStepper, ProjectedWords
from s2s.nn.model import Seq2Seq


def counted(model: Seq2Seq, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The words of each table that is made."""
    made: list[int] = []
    project = model.decoder.project_words

    def counting() -> torch.Tensor:
        table = project()
        made.append(len(table))
        return table

    monkeypatch.setattr(model.decoder, "project_words", counting)
    return made


def test_a_step_says_the_models_log_probabilities(tiny_model: Seq2Seq, tiny_batch: Batch) -> None:
    """Before and after the projections of all words are known, step after step."""
    asked = ModelStepper(tiny_model.eval())
    state = asked.start(tiny_batch.src, tiny_batch.src_mask)
    plain = tiny_model.start(tiny_batch.src, tiny_batch.src_mask)
    for tokens in tiny_batch.trg_in.unbind(1):
        log_probs, state = asked.step(tokens, state)
        step = tiny_model.step(tokens, plain)
        plain = step.state
        torch.testing.assert_close(log_probs, step.logits.log_softmax(dim=1))
    assert asked._words.table is not None


def test_all_words_are_projected_once_as_many_were_asked_for(
    tiny_model: Seq2Seq, tiny_vocab: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, words = counted(tiny_model, monkeypatch), ProjectedWords(tiny_model.decoder)
    assert words.for_rows(tiny_vocab - 1) is None
    table = words.for_rows(1)
    assert table is not None
    assert words.for_rows(1) is table
    assert made == [tiny_vocab]
    every = torch.arange(tiny_vocab)
    torch.testing.assert_close(table, tiny_model.decoder.order.project(tiny_model.decoder.embedding(every)))


def test_those_of_a_large_vocabulary_are_never_kept(
    tiny_model: Seq2Seq, tiny_vocab: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, words = counted(tiny_model, monkeypatch), ProjectedWords(tiny_model.decoder)
    monkeypatch.setattr(stepper, "MOST_WORDS", tiny_vocab - 1)
    assert words.for_rows(10 * tiny_vocab) is None
    assert made == []


def test_projections_are_kept_in_the_format_of_the_products(tiny_model: Seq2Seq, tiny_vocab: int) -> None:
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        table = ProjectedWords(tiny_model.decoder).for_rows(tiny_vocab)
        every = tiny_model.decoder.order.project(tiny_model.decoder.embedding(torch.arange(tiny_vocab)))
    assert table is not None
    assert table.dtype == torch.bfloat16
    assert torch.equal(table.to(every.dtype), every)
