"""Dropout made of random bytes: the share, the mean, and whose random numbers they are."""

from math import prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s.nn.dropout import Dropout, WordDropout

MANY = 100_000


@given(st.floats(0.0, 0.99))
@settings(max_examples=30)
def test_share_and_mean(rate: float) -> None:
    """What is kept is scaled up by just as much as is missing; five standard deviations of room."""
    torch.manual_seed(1)
    share = round(rate * 256) / 256
    dropped = Dropout(rate)(torch.ones(MANY))
    kept = dropped[dropped != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - share)))
    deviation = (share * (1 - share) / MANY) ** 0.5
    assert float((dropped == 0).float().mean()) == pytest.approx(share, abs=5 * deviation + 1e-9)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=5 * deviation / (1 - share) + 1e-5)


def test_neighbours_are_dropped_independently() -> None:
    """Eight bytes of one random word serve eight elements."""
    kept = (Dropout(0.5)(torch.ones(MANY // 8, 8)) > 0).double()
    correlations = torch.corrcoef(kept.T) - torch.eye(8)
    assert float(correlations.abs().max()) < 0.06


@pytest.mark.parametrize("shape", [(), (1,), (3,), (8,), (9,), (2, 3, 5), (0, 4), (1, 1, 1, 17)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    inputs = torch.full(shape, 3.0)
    dropped = Dropout(0.25)(inputs)
    assert dropped.shape == shape
    assert ((dropped == 0) | (dropped == 4.0)).sum() == prod(shape)


def test_any_strides() -> None:
    dropout = Dropout(0.5)
    inputs = torch.randn(5, 7).T
    kept = dropout(inputs) != 0
    torch.manual_seed(3)
    one = dropout(inputs)
    torch.manual_seed(3)
    assert torch.equal(one, dropout(inputs.contiguous()))
    assert 0 < int(kept.sum()) < inputs.numel()


@pytest.mark.parametrize(("rate", "training"), [(0.0, True), (0.5, False)])
def test_where_nothing_is_dropped_the_input_itself_comes_back(rate: float, training: bool) -> None:
    inputs = torch.randn(3, 4)
    assert Dropout(rate).train(training)(inputs) is inputs


def test_gradient_is_that_of_the_elements_kept() -> None:
    inputs = torch.randn(50, requires_grad=True)
    dropped = Dropout(0.5)(inputs)
    (gradient,) = torch.autograd.grad(dropped.sum(), inputs)
    assert torch.equal(gradient, torch.where(dropped == 0, 0.0, 2.0))


def test_a_generator_of_its_own_is_all_that_it_draws_from() -> None:
    dropout = Dropout(0.5)
    dropout.generator = torch.Generator().manual_seed(7)
    before = torch.get_rng_state()
    first, second = dropout(torch.ones(100)), dropout(torch.ones(100))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(first, second)
    dropout.generator.manual_seed(7)
    assert torch.equal(dropout(torch.ones(100)), first)


@pytest.mark.parametrize("rate", [0.998, 0.9999])
def test_something_is_always_kept(rate: float) -> None:
    assert Dropout(rate)(torch.ones(4000)).isfinite().all()


def test_word_dropout_takes_whole_embeddings() -> None:
    """Each is zero, or scaled up, as a whole; the share is that of the words."""
    torch.manual_seed(1)
    dropped = WordDropout(0.25)(torch.ones(40, 250, 6))
    assert torch.equal(dropped, dropped[..., :1].expand_as(dropped))
    words = dropped[..., 0]
    torch.testing.assert_close(words[words != 0].unique(), torch.tensor([4 / 3]))
    assert float((words == 0).float().mean()) == pytest.approx(0.25, abs=5 * (0.25 * 0.75 / 10_000) ** 0.5)
