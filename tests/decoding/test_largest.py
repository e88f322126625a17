"""The few largest of a row beside `topk`."""

from math import inf, nan

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s.decoding.largest import BLOCK, largest


@given(st.integers(0, 3), st.integers(1, 5), st.integers(0, 7 * BLOCK), st.integers(0, 2**31), st.booleans())
@settings(max_examples=60)
def test_it_finds_what_topk_finds(rows: int, few: int, more: int, seed: int, has_ties: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(rows, few + more, generator=generator)
    if has_ties:
        scores = scores.round()
    values, places = largest(scores, few)
    assert torch.equal(values, scores.topk(few, dim=1).values)
    assert torch.equal(scores.gather(1, places), values)
    assert all(len(set(row)) == few for row in places.tolist())


@pytest.mark.parametrize("vocab", [4 * BLOCK, 4 * BLOCK + 1, 5 * BLOCK - 1])
def test_the_last_block_may_be_short(vocab: int) -> None:
    scores = torch.arange(float(vocab))[None].repeat(2, 1)
    scores[1] *= -1.0
    values, places = largest(scores, 3)
    assert places.tolist() == [[vocab - 1, vocab - 2, vocab - 3], [0, 1, 2]]
    assert values.tolist() == [[vocab - 1.0, vocab - 2.0, vocab - 3.0], [0.0, -1.0, -2.0]]


def test_impossible_pieces_fill_up() -> None:
    scores = torch.full((1, 6 * BLOCK + 5), -inf)
    scores[0, 100] = 0.0
    values, places = largest(scores, 3)
    assert values.tolist() == [[0.0, -inf, -inf]]
    assert places[0, 0] == 100
    assert len(set(places[0].tolist())) == 3


def test_what_is_not_a_number_comes_first_as_in_topk() -> None:
    scores = torch.zeros(1, 6 * BLOCK)
    scores[0, 200] = nan
    values, places = largest(scores, 2)
    assert values[0, 0].isnan()
    assert places[0, 0] == 200
    assert values[0, 1] == 0.0
