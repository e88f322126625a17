"""The linear layer: its first weights, and what it says beside PyTorch's own in both number formats."""

import pytest
import torch
import torch.nn.functional as F

from s2s.nn.linear import Linear, affine


def drawn(bias: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Inputs (2, 3, 40), a weight (7, 40) and perhaps a bias, all with gradient."""
    inputs, weight = torch.randn(2, 3, 40, requires_grad=True), torch.randn(7, 40, requires_grad=True)
    return inputs, weight, torch.randn(7, requires_grad=True) if bias else None


def test_it_starts_as_wide_as_glorot_says_and_without_a_bias() -> None:
    """Glorot & Bengio 2010, equation 16."""
    linear = Linear(60, 40)
    bound = (6 / 100) ** 0.5
    assert float(linear.weight.detach().abs().max()) <= bound
    assert float(linear.weight.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.05)
    assert not linear.bias.any()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("narrow", [True, False])
def test_it_is_pytorchs_own_up_to_rounding(bias: bool, narrow: bool) -> None:
    inputs, weight, offset = drawn(bias)
    leaves = [tensor for tensor in (inputs, weight, offset) if tensor is not None]
    results, gradients = [], []
    for layer in (affine, F.linear):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=narrow):
            results.append(layer(inputs, weight, offset))
        assert results[-1].dtype == (torch.bfloat16 if narrow else torch.float32)
        gradients.append(torch.autograd.grad(results[-1].float().square().sum(), leaves))
    rounding = 0.02 if narrow else 1e-6
    torch.testing.assert_close(*results, rtol=rounding, atol=rounding * 10)
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=rounding, atol=rounding * 200)


@pytest.mark.parametrize(("inputs", "outputs"), [(0, 3), (3, 0)])
@pytest.mark.parametrize("narrow", [True, False])
def test_either_side_may_be_0_wide(inputs: int, outputs: int, narrow: bool) -> None:
    layer = Linear(inputs, outputs)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=narrow):
        said = layer(torch.ones(2, inputs))
    assert said.shape == (2, outputs)
    assert not said.any()
