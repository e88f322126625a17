"""Batches: each pair once in an order that only seed and epoch decide; masks that mark the real tokens."""

import random
from itertools import pairwise
from typing import TypeVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s.data.batches import EncodedPair, TrainingData, collate, group_by_length, pad, plan
from s2s.data.store import StoredEncodedPairs, StoredIds
from s2s.data.tokenizer import BOS, EOS, PAD

T = TypeVar("T")

LENGTHS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=300)
WORDS = st.lists(st.integers(4, 99), max_size=12).map(tuple)
PAIRS = st.lists(st.builds(EncodedPair, src=WORDS.map(lambda ids: (*ids, EOS)), trg=WORDS), min_size=1, max_size=8)


@settings(max_examples=50)
@given(LENGTHS, st.integers(1, 200), st.integers(0, 2**63 - 1), st.integers(0, 9))
def test_a_plan_has_each_pair_once_in_batches_of_bounded_size(
    lengths: list[tuple[int, int]], batch_tokens: int, seed: int, epoch: int
) -> None:
    batches = plan(seed=seed, epoch=epoch, lengths=lengths, batch_tokens=batch_tokens)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * max(lengths[index][1] for index in batch)
        assert batch
        assert padded <= batch_tokens or len(batch) == 1
    assert plan(seed=seed, epoch=epoch, lengths=lengths, batch_tokens=batch_tokens) == batches


def shuffled(items: list[T], rng: random.Random) -> list[T]:
    keys = [rng.random() for _ in items]
    return [items[i] for i in sorted(range(len(items)), key=keys.__getitem__)]


@settings(max_examples=50)
@given(LENGTHS, st.integers(1, 20), st.integers(0, 99), st.integers(0, 9))
def test_a_plan_is_what_it_always_was(lengths: list[tuple[int, int]], batch_tokens: int, seed: int, epoch: int) -> None:
    """Shuffled, sorted within pools, cut, shuffled; or a run that goes on would see other batches than before."""
    rng = random.Random(f"{seed} {epoch}")
    order = shuffled(list(range(len(lengths))), rng)
    mean = max(sum(trg for _, trg in lengths) / max(len(lengths), 1), 1.0)
    pool = max(int(64 * batch_tokens / mean), 1)
    batches: list[list[int]] = []
    for start in range(0, len(order), pool):
        similar = sorted(order[start : start + pool], key=lambda i: (lengths[i][1], lengths[i][0]))
        batches += group_by_length(similar, [trg for _, trg in lengths], batch_tokens)
    found = plan(seed=seed, epoch=epoch, lengths=lengths, batch_tokens=batch_tokens)
    assert [list(batch) for batch in found] == shuffled(batches, rng)


def test_the_order_changes_with_epoch_and_seed() -> None:
    lengths = [(n % 17 + 1, n % 13 + 1) for n in range(400)]
    plans = [
        plan(seed=seed, epoch=epoch, lengths=lengths, batch_tokens=60)
        for seed, epoch in [(1, 0), (1, 1), (2, 0), (11, 0)]
    ]
    assert all(a != b for n, a in enumerate(plans) for b in plans[:n])


def test_batches_are_not_in_the_order_of_their_length() -> None:
    lengths = [(n % 40 + 1, n % 40 + 1) for n in range(4000)]
    longest = [max(lengths[i][1] for i in b) for b in plan(seed=1, epoch=0, lengths=lengths, batch_tokens=400)]
    rises = sum(a < b for a, b in pairwise(longest))
    assert 0.3 < rises / len(longest) < 0.7


def test_little_of_a_batch_is_padding() -> None:
    lengths = [(n * 7 % 40 + 1, n * 7 % 40 + 1) for n in range(4000)]
    batches = plan(seed=1, epoch=0, lengths=lengths, batch_tokens=400)
    cells = sum(len(batch) * max(lengths[i][1] for i in batch) for batch in batches)
    assert sum(trg for _, trg in lengths) / cells > 0.9


@given(st.lists(st.integers(1, 40), min_size=1, max_size=80), st.integers(1, 100), st.randoms())
def test_grouping_keeps_the_order_and_the_bound(lengths: list[int], batch_tokens: int, rng: random.Random) -> None:
    order = list(range(len(lengths)))
    rng.shuffle(order)
    batches = group_by_length(order, lengths, batch_tokens)
    assert [index for batch in batches for index in batch] == order
    for batch, after in zip(batches, [*batches[1:], []], strict=True):
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= batch_tokens
        if after:  # a batch ends only where the next sentence does not fit
            assert (len(batch) + 1) * max(lengths[i] for i in [*batch, after[0]]) > batch_tokens


def test_nothing_makes_no_batches() -> None:
    assert group_by_length([], [], 10) == []
    assert plan(seed=1, epoch=0, lengths=[], batch_tokens=10) == []


@given(st.lists(WORDS, min_size=1, max_size=8))
def test_padding_stands_at_the_end_and_under_the_mask(sequences: list[tuple[int, ...]]) -> None:
    tokens, mask = pad(sequences)
    assert tokens.shape == mask.shape == (len(sequences), max(map(len, sequences)))
    assert (tokens[~mask] == PAD).all()
    for row, real, ids in zip(tokens, mask, sequences, strict=True):
        assert tuple(row[real].tolist()) == ids
        assert real[: len(ids)].all()


@given(PAIRS)
def test_a_batch_says_what_is_known_and_what_is_to_be_said(pairs: list[EncodedPair]) -> None:
    batch = collate(pairs)
    assert batch.trg_in.shape == batch.trg_out.shape == batch.trg_mask.shape
    assert batch.src.shape == batch.src_mask.shape
    assert batch.tokens == sum(len(pair.trg) + 1 for pair in pairs)
    for n, pair in enumerate(pairs):
        assert tuple(batch.src[n][batch.src_mask[n]].tolist()) == pair.src
        assert tuple(batch.trg_in[n][batch.trg_mask[n]].tolist()) == (BOS, *pair.trg)
        assert tuple(batch.trg_out[n][batch.trg_mask[n]].tolist()) == (*pair.trg, EOS)


@given(PAIRS, st.data())
def test_some_rows_are_the_batch_of_those_pairs(pairs: list[EncodedPair], data: st.DataObject) -> None:
    step = data.draw(st.integers(1, 3))
    which = range(data.draw(st.integers(0, len(pairs) - 1)), len(pairs), step)
    rows, alone = collate(pairs).rows(which), collate([pairs[n] for n in which])
    for name in ("src", "src_mask", "trg_in", "trg_out", "trg_mask"):
        assert torch.equal(getattr(rows, name), getattr(alone, name)), name


def test_a_batch_goes_to_a_device_as_a_new_one() -> None:
    batch = collate([EncodedPair((4, EOS), (5,))])
    moved = batch.to(torch.device("meta"))
    assert {getattr(moved, name).device.type for name in ("src", "src_mask", "trg_in", "trg_out", "trg_mask")} == {
        "meta"
    }
    assert batch.src.device.type == "cpu"


def test_a_plan_counts_the_end_of_sentence_and_its_batches_follow_it() -> None:
    pairs = StoredEncodedPairs(StoredIds([(4, EOS)] * 3), StoredIds([(5,) * 4] * 3))
    data = TrainingData(pairs=pairs, batch_tokens=10, seed=1)
    planned = data.plan(0)
    assert sorted(map(len, planned)) == [1, 2]
    assert [batch.src.shape[0] for batch in data.batches(planned)] == list(map(len, planned))
    assert [batch.src.shape[0] for batch in data.batches(planned[1:])] == list(map(len, planned[1:]))


def test_a_batch_of_nothing_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="empty"):
        collate([])
