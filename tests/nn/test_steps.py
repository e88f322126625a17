"""The gradient of a weight that every time step uses, gathered and made in one product."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from s2s.nn.steps import Linear, over_steps


def recurrence(product: Linear, start: Tensor, steps: int) -> Tensor:
    """A nonlinear function of `steps` uses of one weight."""
    state = start
    for _ in range(steps):
        state = torch.tanh(product(state))
    return state.square().sum()


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_values_and_gradients_are_those_of_plain_products(steps: int) -> None:
    weight = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    start = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    plain = recurrence(lambda rows: F.linear(rows, weight), start, steps)
    ours = recurrence(over_steps(weight), start, steps)
    assert torch.equal(ours, plain)
    for one, other in zip(
        torch.autograd.grad(ours, (weight, start)), torch.autograd.grad(plain, (weight, start)), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_gradients_equal_finite_differences() -> None:
    weight = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    start = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda w, s: recurrence(over_steps(w), s, 3), (weight, start))


def test_two_passes_before_one_backward_do_not_mix() -> None:
    weight = torch.randn(4, 4, requires_grad=True)
    start = torch.randn(3, 4)
    one, two = recurrence(over_steps(weight), start, 2), recurrence(over_steps(weight), start, 3)
    (both,) = torch.autograd.grad(one + two, weight)
    apart = [torch.autograd.grad(recurrence(lambda rows: F.linear(rows, weight), start, n), weight)[0] for n in (2, 3)]
    torch.testing.assert_close(both, apart[0] + apart[1])


def test_a_weight_that_no_step_used_has_no_gradient() -> None:
    weight = torch.randn(4, 4, requires_grad=True)
    over_steps(weight)
    (gradient,) = torch.autograd.grad(weight.sum() * 0 + 1, weight, allow_unused=True)
    assert not gradient.any()


def test_without_gradients_and_under_autocast_it_is_the_plain_product() -> None:
    weight = torch.randn(4, 4, requires_grad=True)
    rows = torch.randn(3, 4)
    with torch.inference_mode():
        assert torch.equal(over_steps(weight)(rows), F.linear(rows, weight))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert over_steps(weight)(rows).dtype == torch.bfloat16
