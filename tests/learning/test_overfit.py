"""Every kind of model learns one batch by heart, and says it again in greedy search.

Two settings may each work and not work together, so that every pair of their values is tried; every combination of
all of them is tried in the slow tests.
"""

from contextlib import nullcontext
from itertools import combinations, product

import pytest
import torch

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.batches import EncodedPair, collate
from s2s.data.tokenizer import EOS
from s2s.decoding.search import Beam, search
from s2s.decoding.stepper import ModelStepper
from s2s.nn.model import Seq2Seq
from s2s.training.optim import build_adam, clip_gradients
from s2s.training.parallel import Replicas

Setting = dict[str, object]

CHOICES: list[list[Setting]] = [
    [{"cell": "gru"}, {"cell": "lstm"}],
    [
        {"attention": "additive", "attend": "first"},
        {"attention": "additive", "attend": "between"},
        {"attention": "none", "attend": "first"},
    ],
    [{"num_layers": 1}, {"num_layers": 2}],
    [{"bidirectional": True}, {"bidirectional": False}],
    [{"tie": "none"}, {"tie": "target"}, {"tie": "all"}],
]
"""Each setting and its values; attention and the order in which it is asked are one, since they do not all agree."""

GRID = list(product(*(range(len(values)) for values in CHOICES)))

Row = tuple[int, ...]


def pairs_of(row: Row) -> set[tuple[int, int, int, int]]:
    """The pairs of values that a combination tries: which two settings, and the value of each."""
    return {(a, row[a], b, row[b]) for a, b in combinations(range(len(row)), 2)}


def pairwise(grid: list[Row]) -> list[Row]:
    """Combinations that try every pair of values: the one that tries most new ones, until none is left."""
    left = set().union(*(pairs_of(row) for row in grid))
    chosen: list[Row] = []
    while left:
        chosen.append(max(grid, key=lambda row: len(pairs_of(row) & left)))
        left -= pairs_of(chosen[-1])
    return chosen


def config_of(row: Row) -> ModelConfig:
    settings: Setting = {"embed_size": 16, "hidden_size": 16, "dropout": 0.0}
    for values, place in zip(CHOICES, row, strict=True):
        settings |= values[place]
    return ModelConfig.model_validate(settings)


def name_of(row: Row) -> str:
    return "-".join(str(value) for values, place in zip(CHOICES, row, strict=True) for value in values[place].values())


VOCAB = 12
PAIRS = [
    EncodedPair(src=(4, 5, EOS), trg=(6, 7, 8)),
    EncodedPair(src=(5, 4, EOS), trg=(8, 7, 6, 6)),
    EncodedPair(src=(9, 10, 11, 4, EOS), trg=(4, 5)),
    EncodedPair(src=(9, 10, 11, 5, EOS), trg=(5, 9, 10, 4, 11)),
    EncodedPair(src=(7, EOS), trg=()),
]
"""What tells them apart is the order of words, or the last one alone; one says nothing."""

UPDATES = 70
BOUND = 0.1


def learn_by_heart(model: Seq2Seq) -> float:
    """The loss of the last update, in nats a token."""
    batch = collate(PAIRS)
    optimizer = build_adam(model)
    optimizer.param_groups[0]["lr"] = 0.02
    replicas = Replicas(model, count=1, seed=1, label_smoothing=0.0, autocast=nullcontext)
    loss = float("inf")
    for _ in range(UPDATES):
        loss = replicas.backward([batch], batch.tokens)[0] / batch.tokens
        clip_gradients(model, 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return loss


def check(row: Row) -> None:
    model = build_model(config_of(row), src_vocab=VOCAB, trg_vocab=VOCAB)
    assert learn_by_heart(model) < BOUND
    model.eval()
    batch = collate(PAIRS)
    with torch.inference_mode():
        found = search(ModelStepper(model), batch.src, batch.src_mask, Beam(size=1, length_penalty=1.0, max_length=2.0))
    assert [hypotheses[0].tokens for hypotheses in found] == [pair.trg for pair in PAIRS]


@pytest.mark.parametrize("row", pairwise(GRID), ids=name_of)
def test_every_pair_of_settings_learns_a_batch_by_heart(row: Row) -> None:
    check(row)


@pytest.mark.slow
@pytest.mark.parametrize("row", GRID, ids=name_of)
def test_every_combination_of_settings_learns_a_batch_by_heart(row: Row) -> None:
    check(row)
