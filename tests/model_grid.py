"""Every setting of a model with its values, and a selection of models in which every pair of values occurs.

Two settings may each work and not work together; a fault of three at once is left to the slow tests.
"""

import random
from collections.abc import Iterator
from itertools import combinations, islice

from s2s.build import check_model
from s2s.config import ModelConfig
from s2s.errors import UsageError

Setting = dict[str, object]

CHOICES: list[list[Setting]] = [
    [
        {"cell": "rnn"},
        {"cell": "lstm"},
        {"cell": "peephole"},
        {"cell": "cifg"},
        {"cell": "gru"},
        {"cell": "gru", "reset": "before"},
    ],
    [
        {"attention": "additive"},
        {"attention": "dot"},
        {"attention": "dot", "scaled": True},
        {"attention": "general"},
        {"attention": "none"},
        {"attention": "none", "context": "start"},
    ],
    [{"attend": "first"}, {"attend": "between"}, {"attend": "last"}, {"attend": "last", "input_feeding": False}],
    [{"num_layers": 1}, {"num_layers": 2}, {"num_layers": 2, "residual": True}],
    [{"bidirectional": True}, {"bidirectional": False}],
    [{"hops": 1}, {"hops": 2}, {"hops": 3}],
    [{"values": "states"}, {"values": "lexical"}],
    [{"start": "bridge"}, {"start": "last"}, {"start": "zero"}],
    [{"tie": "none"}, {"tie": "target"}, {"tie": "all"}],
    [{"decoder_size": 0}, {"decoder_size": 12}],
]
"""Each setting and its values; settings that make sense only together are one."""

Row = tuple[int, ...]
"""A combination: the place of each setting's value in its list."""

Pair = tuple[int, int, int, int]
"""Two settings, each with one of its values."""

SAMPLES = 400
"""Combinations drawn in the search for one with a given pair; the rarest possible ones are one in thirty."""


def config_of(row: Row, *, embed_size: int, hidden_size: int) -> ModelConfig:
    settings: Setting = {"embed_size": embed_size, "hidden_size": hidden_size, "dropout": 0.0}
    for values, place in zip(CHOICES, row, strict=True):
        settings |= values[place]
    return ModelConfig.model_validate(settings)


def name_of(row: Row) -> str:
    return "-".join(str(value) for values, place in zip(CHOICES, row, strict=True) for value in values[place].values())


def pairs_of(row: Row) -> set[Pair]:
    """The pairs of values that a combination tries."""
    return {(a, row[a], b, row[b]) for a, b in combinations(range(len(row)), 2)}


def makes_a_model(row: Row) -> bool:
    try:
        check_model(config_of(row, embed_size=1, hidden_size=1))
    except UsageError:
        return False
    return True


def rows_with(pair: Pair, rng: random.Random) -> Iterator[Row]:
    """Combinations that try this pair of values, the other settings drawn at random."""
    first, value, second, other = pair
    for _ in range(SAMPLES):
        row = [rng.randrange(len(values)) for values in CHOICES]
        row[first], row[second] = value, other
        if makes_a_model(tuple(row)):
            yield tuple(row)


def pairwise() -> list[Row]:
    """Combinations that together try every pair of values which can stand together in a model."""
    rng = random.Random(1)
    sizes = [range(len(values)) for values in CHOICES]
    pairs = [(a, i, b, j) for a, b in combinations(range(len(CHOICES)), 2) for i in sizes[a] for j in sizes[b]]
    chosen: list[Row] = []
    tried: set[Pair] = set()
    for pair in pairs:
        if pair not in tried and (rows := list(islice(rows_with(pair, rng), 25))):
            chosen.append(max(rows, key=lambda row: len(pairs_of(row) - tried)))
            tried |= pairs_of(chosen[-1])
    return chosen


PAIRWISE = pairwise()
