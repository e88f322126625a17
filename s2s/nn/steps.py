"""Matrix products inside a recurrence, whose weight gets its gradient from all time steps in one product.

Left to autograd, every step adds a whole matrix to the gradient of its weight. On a CPU, and with the few rows that a
step has, writing these matrices takes longer than computing them; one product over the rows of all steps writes one.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

Linear = Callable[[Tensor], Tensor]
"""Rows to rows: (rows, in) -> (rows, out)."""


class _Ledger:
    """The inputs and output gradients of the steps of one weight, gathered during one backward pass."""

    def __init__(self) -> None:
        self.inputs: list[Tensor] = []
        self.gradients: list[Tensor] = []


class _Settle(torch.autograd.Function):
    """The weight itself; its gradient is what the ledger holds. All its uses have run backward when it does."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, ledger: _Ledger) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.ledger = ledger
        return weight.view_as(weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, None]:
        ledger = ctx.ledger
        if not ledger.inputs:
            return None, None
        inputs, gradients = torch.cat(ledger.inputs), torch.cat(ledger.gradients)
        ledger.inputs.clear()
        ledger.gradients.clear()
        return gradients.t() @ inputs, None


class _Use(torch.autograd.Function):
    """x W^T; the gradient of W is left to the ledger."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, ledger: _Ledger) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        ctx.ledger = ledger
        return F.linear(inputs, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        inputs, weight = ctx.saved_tensors
        ctx.ledger.inputs.append(inputs)
        ctx.ledger.gradients.append(gradient)
        return gradient @ weight, None, None


def over_steps(weight: Tensor) -> Linear:
    """x -> x W^T for the steps of one pass over a sentence.

    Where no gradient is asked for, or autocast chooses the number format, it is torch's own product.
    """
    if not torch.is_grad_enabled() or torch.is_autocast_enabled(weight.device.type):
        return lambda inputs: F.linear(inputs, weight)
    ledger = _Ledger()
    settled: Tensor = _Settle.apply(weight, ledger)  # type: ignore[no-untyped-call]
    return lambda inputs: cast(Tensor, _Use.apply(inputs, settled, ledger))  # type: ignore[no-untyped-call]
