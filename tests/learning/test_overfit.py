"""Every kind of model learns one batch by heart, and says it again in greedy search.

Two settings may each work and not work together, so that every pair of their values is tried; every combination of
all of them is tried in the slow tests.
"""

from contextlib import nullcontext
from itertools import combinations, product
from math import inf

import pytest
import torch
from model_grid import CHOICES, PAIRWISE, Row, config_of, makes_a_model, name_of, pairs_of

from s2s.build import build_model
from s2s.data.batches import EncodedPair, collate
from s2s.data.tokenizer import EOS
from s2s.decoding.search import Beam, search
from s2s.decoding.stepper import ModelStepper
from s2s.nn.model import Seq2Seq
from s2s.training.optim import build_adam, clip_gradients
from s2s.training.parallel import Replicas

GREEDY = Beam(size=1, length_penalty=1.0, max_length=2.0, margin=inf, repeats=0, copy_unknown=False)
VOCAB = 12
PAIRS = [
    EncodedPair(src=(4, 5, EOS), trg=(6, 7, 8)),
    EncodedPair(src=(5, 4, EOS), trg=(8, 7, 6, 6)),
    EncodedPair(src=(9, 10, 11, 4, EOS), trg=(4, 5)),
    EncodedPair(src=(9, 10, 11, 5, EOS), trg=(5, 9, 10, 4, 11)),
    EncodedPair(src=(7, EOS), trg=()),
]
"""What tells them apart is the order of words, or the last one alone; one says nothing."""

UPDATES = 250
BOUND = 0.03
"""Nats a token. The batch has 19: below ln 2 / 19 each of them is likelier than all else together, so that greedy
search must say it."""


def learn_by_heart(model: Seq2Seq) -> float:
    """The loss of the last update, in nats a token; it stops where that is below the bound."""
    batch = collate(PAIRS)
    optimizer = build_adam(model)
    optimizer.param_groups[0]["lr"] = 0.02
    replicas = Replicas(model, count=1, seed=1, label_smoothing=0.0, autocast=nullcontext)
    loss = float("inf")
    for _ in range(UPDATES):
        loss = replicas.backward([batch], batch.tokens)[0] / batch.tokens
        if loss < BOUND:  # of the weights as they are: another step might go too far
            break
        clip_gradients(model, 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return loss


def check(row: Row) -> None:
    config = config_of(row, embed_size=16, hidden_size=16)
    model = build_model(config, src_vocab=VOCAB, trg_vocab=VOCAB)
    assert learn_by_heart(model) < BOUND
    model.eval()
    batch = collate(PAIRS)
    with torch.inference_mode():
        found = search(ModelStepper(model), batch.src, batch.src_mask, GREEDY, torch.ones(VOCAB, dtype=torch.bool))
    assert [hypotheses[0].tokens for hypotheses in found] == [pair.trg for pair in PAIRS]


GRID = [
    (cell, attention, order, 0, 0, hops, values, 0, 2, 0)
    for cell, attention, order, hops, values in product(range(5), (0, 1, 3, 4), (0, 1, 2), range(3), range(2))
    if makes_a_model((cell, attention, order, 0, 0, hops, values, 0, 2, 0))
]
"""Every cell with every attention, order, number of hops and kind of values."""


def test_the_pairs_of_settings_are_all_there() -> None:
    """Each value of each setting is tried with each of every other one, but for what makes no model."""
    tried = set().union(*map(pairs_of, PAIRWISE))
    sizes = [len(values) for values in CHOICES]
    missing = {
        (a, i, b, j)
        for a, b in combinations(range(len(CHOICES)), 2)
        for i in range(sizes[a])
        for j in range(sizes[b])
        if (a, i, b, j) not in tried
    }
    assert all(makes_a_model(row) for row in PAIRWISE)
    # Without attention (the last two values of setting 1) nobody asks, hops or reads words; and a decoder that gets
    # the source as its start state alone does not start at zero. A decoder of its own width asks by no dot product
    # and does not start at the encoder's last state.
    without_attention = {(1, i, b, j) for i in (4, 5) for b, j in ((2, 1), (2, 2), (2, 3), (5, 1), (5, 2), (6, 1))}
    assert missing == without_attention | {(1, 5, 7, 2)} | {(1, 1, 9, 1), (1, 2, 9, 1), (7, 1, 9, 1)}


@pytest.mark.parametrize("row", PAIRWISE, ids=name_of)
def test_every_pair_of_settings_learns_a_batch_by_heart(row: Row) -> None:
    check(row)


@pytest.mark.slow
@pytest.mark.parametrize("row", GRID, ids=name_of)
def test_every_combination_of_settings_learns_a_batch_by_heart(row: Row) -> None:
    check(row)
