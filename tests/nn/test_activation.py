"""The tanh of many elements beside PyTorch's own."""

import pytest
import torch

from s2s.nn.activation import FEW, tanh


@pytest.mark.parametrize("elements", [FEW - 1, FEW, FEW + 1])
def test_tanh_is_tanh(elements: int) -> None:
    x = torch.linspace(-50.0, 50.0, elements, dtype=torch.double, requires_grad=True)
    torch.testing.assert_close(tanh(x), torch.tanh(x), atol=1e-15, rtol=1e-15)
    ours, theirs = (torch.autograd.grad(function(x).sum(), x)[0] for function in (tanh, torch.tanh))
    torch.testing.assert_close(ours, theirs, atol=1e-15, rtol=1e-15)
