"""The linear layer's first weights, and that a side of it may be 0 wide."""

import pytest
import torch

from s2s.nn.linear import Linear


def test_it_starts_as_wide_as_glorot_says_and_without_a_bias() -> None:
    """Glorot & Bengio 2010, equation 16."""
    linear = Linear(60, 40)
    bound = (6 / 100) ** 0.5
    assert float(linear.weight.detach().abs().max()) <= bound
    assert float(linear.weight.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.05)
    assert not linear.bias.any()


def test_what_is_0_wide_adds_nothing() -> None:
    assert torch.equal(Linear(0, 3, bias=False)(torch.randn(2, 0)), torch.zeros(2, 3))
    assert Linear(3, 0)(torch.randn(2, 3)).shape == (2, 0)
