"""The walk through a translation: its numbers are those of the model, search and the forced pass."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small_runs import PAIRS, Finished

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.corpus import Pair
from s2s.data.tokenizer import BOS, EOS
from s2s.decoding.search import search
from s2s.decoding.stepper import ModelStepper
from s2s.decoding.translator import LONGEST
from s2s.errors import S2SError, UsageError
from s2s.nn.cells import CELLS
from s2s.workflow.alignment import align
from s2s.workflow.explain import END, START, Walk, explain
from s2s.workflow.translation import Run, load_run, translate

SRC, TRG = PAIRS[5]

ARCHITECTURES: list[dict[str, Any]] = [
    {"attend": "first", "cell": "lstm"},
    {"attend": "between", "hops": 3, "values": "lexical"},
    {"attend": "last", "attention": "dot", "num_layers": 2, "residual": True, "start": "last"},
    {"attend": "last", "attention": "general", "input_feeding": False, "cell": "cifg"},
    {"attend": "first", "attention": "none"},
    {"attend": "first", "attention": "none", "context": "start", "bidirectional": False, "cell": "rnn"},
]


@pytest.fixture(scope="module")
def trained(finished: Finished) -> Run:
    return load_run(finished.path, device="cpu", threads=1)


@pytest.fixture(params=ARCHITECTURES, ids=lambda s: "-".join(map(str, s.values())))
def run(trained: Run, request: pytest.FixtureRequest) -> Run:
    """The trained run with a fresh model of another architecture in the place of its own."""
    config = ModelConfig(embed_size=8, hidden_size=8, **request.param)
    vocab = trained.tokenizers.src.size
    model = build_model(config, src_vocab=vocab, trg_vocab=vocab).eval()
    return replace(trained, config=trained.config.model_copy(update={"model": config}), model=model)


@pytest.fixture
def walk(run: Run) -> Walk:
    return explain(run, SRC, TRG)


def test_each_piece_has_a_state_and_each_said_piece_a_step(run: Run, walk: Walk) -> None:
    src, trg = run.tokenizers.src.encode(SRC), run.tokenizers.trg.encode(TRG)
    assert [piece.id for piece in walk.source.pieces] == [*src, EOS]
    assert [piece.id for piece in walk.target.pieces] == [step.chosen.id for step in walk.steps] == [*trg, EOS]
    assert [step.number for step in walk.steps] == list(range(1, len(trg) + 2))
    assert [step.before for step in walk.steps] == [START, *(step.chosen.piece for step in walk.steps[:-1])]
    assert walk.target.pieces[-1].piece == END
    encoded = run.model.encoder(torch.tensor([[*src, EOS]]), torch.ones(1, len(src) + 1, dtype=torch.bool))
    np.testing.assert_allclose(walk.source.states, encoded.states[0].detach(), atol=1e-6)


def test_the_text_of_each_side_is_there_in_words(walk: Walk) -> None:
    assert (walk.source.text, walk.target.text, walk.target.given) == (SRC, TRG, True)
    assert list(walk.source.words) == SRC.split()
    for side in (walk.source, walk.target):
        numbers = [piece.word for piece in side.pieces]
        assert sorted({n for n in numbers if n is not None}) == list(range(len(side.words)))
        assert numbers[-1] is None


def test_each_hop_has_scores_and_weights_that_are_their_softmax(run: Run, walk: Walk) -> None:
    for step in walk.steps:
        assert len(step.hops) == run.model.hops
        for hop in step.hops:
            scores = np.array(hop.scores, dtype=np.float64)
            shares = np.exp(scores - scores.max())
            assert len(scores) == len(walk.source.pieces)
            np.testing.assert_allclose(sum(hop.weights), 1.0, atol=1e-5)
            np.testing.assert_allclose(hop.weights, shares / shares.sum(), atol=1e-5)
            np.testing.assert_allclose(hop.context, np.array(hop.weights) @ np.array(walk.source.states), atol=1e-5)
        if step.hops:
            assert step.hops[0].query == step.query
            assert step.hops[-1].context == step.context


def test_weights_are_those_of_the_forced_pass(run: Run, walk: Walk) -> None:
    if run.model.hops == 0:
        assert walk.alignment is None
        return
    [forced] = align(run, [Pair(SRC, TRG)])
    assert walk.alignment is not None
    assert (walk.alignment.src_words, walk.alignment.trg_words) == (forced.src_words, forced.trg_words)
    np.testing.assert_allclose(walk.alignment.weights, forced.weights, atol=1e-5)


def test_probabilities_are_those_of_the_forced_pass(run: Run, walk: Walk) -> None:
    src, trg = run.tokenizers.src.encode(SRC), run.tokenizers.trg.encode(TRG)
    trg_in = torch.tensor([[BOS, *trg]])
    source = torch.tensor([[*src, EOS]])
    with torch.inference_mode():
        logits = run.model(source, torch.ones_like(source).bool(), trg_in, torch.ones_like(trg_in).bool()).logits
    log_probs = torch.log_softmax(logits, dim=1)
    for step, expected in zip(walk.steps, log_probs, strict=True):
        for choice in (step.chosen, *step.runners_up):
            assert choice.log_prob == pytest.approx(float(expected[choice.id]), abs=1e-4)
            assert choice.probability == pytest.approx(math.exp(choice.log_prob))
            assert choice.rank == int((expected > expected[choice.id]).sum()) + 1
    assert walk.target.log_prob == pytest.approx(float(log_probs[range(len(trg) + 1), [*trg, EOS]].sum()), abs=1e-4)


def test_runners_up_are_the_likeliest_others(run: Run) -> None:
    for step in explain(run, SRC, TRG, runners_up=4).steps:
        others = [choice.id for choice in step.runners_up]
        assert len(others) == 4
        assert step.chosen.id not in others
        ranks = [choice.rank for choice in step.runners_up]
        assert ranks == [rank for rank in range(1, 6) if rank != step.chosen.rank][:4]
    assert all(step.runners_up == () for step in explain(run, SRC, TRG, runners_up=0).steps)


def test_states_are_handed_from_step_to_step(run: Run, walk: Walk) -> None:
    assert walk.steps[0].state_before == walk.start
    for before, after in zip(walk.steps, walk.steps[1:], strict=False):
        assert before.state_after == after.state_before
    for step in walk.steps:
        named = {"s_{i-1}": step.state_before, "s_i": step.state_after}
        assert step.query == named.get(walk.asks, step.query)
        assert (step.query in named.values()) == (walk.asks in named)


def test_what_words_add_is_told_of_a_lexical_reading_alone(run: Run, walk: Walk) -> None:
    lexical = run.config.model.values == "lexical"
    for step in walk.steps:
        assert bool(step.lexical) == lexical
        assert (step.chosen.id in {raised.id for raised in step.lexical}) == lexical


def test_without_attention_the_vector_is_fixed_or_none(run: Run, walk: Walk) -> None:
    contexts = {step.context for step in walk.steps}
    if run.model.hops == 0:
        assert len(contexts) == 1
        assert len(walk.steps[0].context) == (16 if run.config.model.context == "every_step" else 0)
    else:
        assert len(contexts) == len(walk.steps)


def test_the_model_s_own_translation_is_walked_as_search_found_it(trained: Run) -> None:
    walk = explain(trained, SRC)
    [translation] = translate(trained, [SRC])
    assert not walk.target.given
    assert walk.target.text == translation.text
    assert walk.target.log_prob == pytest.approx(translation.log_prob, abs=1e-4)
    assert walk.target.score == pytest.approx(translation.score, abs=1e-4)
    assert (walk.target.pieces[-1].id == EOS) == translation.ended


def test_another_beam_is_searched_with(trained: Run) -> None:
    source = torch.tensor([[*trained.tokenizers.src.encode(SRC), EOS]])
    with torch.inference_mode():
        mask = torch.ones_like(source, dtype=torch.bool)
        every_piece = torch.ones(trained.tokenizers.trg.size, dtype=torch.bool)
        plain = replace(trained.beam(1), repeats=0)
        [greedy] = search(ModelStepper(trained.model), source, mask, plain, every_piece)
    walk = explain(trained, SRC, beam=1)
    said = [step.chosen.id for step in walk.steps]
    assert said == [*greedy[0].tokens, *[EOS] * greedy[0].ended]
    assert walk.target.log_prob == pytest.approx(greedy[0].log_prob, abs=1e-4)


def test_it_walks_through_what_is_translated_copied_words_included(of_words: Run) -> None:
    sentence = "Zoltan sees Qwxz ."
    walk = explain(of_words, sentence)
    [translation] = translate(of_words, [sentence])
    assert (walk.source.text, walk.target.text) == (sentence, translation.text)
    assert walk.target.score == pytest.approx(translation.score, rel=1e-4)
    assert {"Zoltan", "Qwxz"} <= set(walk.target.text.split())
    assert set(walk.target.words) >= {"Zoltan", "Qwxz"}
    assert explain(of_words, sentence, "Zoltan est là").target.text == "Zoltan est là"


def test_an_empty_translation_is_one_step(trained: Run) -> None:
    walk = explain(trained, SRC, "")
    assert [step.chosen.piece for step in walk.steps] == [END]
    assert walk.alignment is not None
    assert walk.alignment.weights.shape == (1, len(walk.source.words) + 1)


@pytest.mark.parametrize("blank", ["", " \t ", "\0"])
def test_a_blank_sentence_is_refused(trained: Run, blank: str) -> None:
    with pytest.raises(UsageError, match=r"SENTENCE: the sentence is blank.*\n  Give a sentence, in quotes"):
        explain(trained, blank)


def test_a_sentence_that_would_be_cut_into_parts_is_refused(trained: Run) -> None:
    with pytest.raises(S2SError, match=r"the sentence has [\d,]+ pieces; beyond 1,000 .*\n  Give one of its sentences"):
        explain(trained, "a " * (LONGEST + 1))


@pytest.mark.parametrize("target", [None, TRG])
def test_a_model_that_says_no_numbers_is_told(trained: Run, target: str | None) -> None:
    config = ModelConfig(embed_size=8, hidden_size=8)
    vocab = trained.tokenizers.src.size
    model = build_model(config, src_vocab=vocab, trg_vocab=vocab).eval()
    torch.nn.init.constant_(model.decoder.output.bias, math.nan)
    with pytest.raises(S2SError, match=r"probabilities are not numbers.*\n  Train it again"):
        explain(replace(trained, model=model), SRC, target)


def test_every_cell_can_be_walked_through(trained: Run) -> None:
    vocab = trained.tokenizers.src.size
    for cell, reset in (*((name, "after") for name in CELLS if "-" not in name), ("gru", "before")):
        config = ModelConfig.model_validate({"embed_size": 8, "hidden_size": 8, "cell": cell, "reset": reset})
        model = build_model(config, src_vocab=vocab, trg_vocab=vocab).eval()
        walk = explain(replace(trained, model=model), SRC, TRG)
        assert math.isfinite(walk.target.log_prob)
