"""Rows taken from a tensor, with a gradient that a CPU makes quickly."""

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class _SelectRows(torch.autograd.Function):
    """`index_select`, whose gradient is added up row by row.

    PyTorch's own adds it element by element where it is a part of a wider tensor, as that of a concatenation is:
    2.2 ms in place of 0.3 for 2,000 rows of 512.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, indices: Tensor) -> Tensor:
        ctx.save_for_backward(indices)
        ctx.rows = rows.shape[0]
        return rows.index_select(0, indices)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (indices,) = ctx.saved_tensors
        whole = gradient.new_zeros(ctx.rows, gradient.shape[1])
        return whole.index_add_(0, indices, gradient.contiguous()), None


def select_rows(rows: Tensor, indices: Tensor) -> Tensor:
    """The rows with these indices: (all, width) -> (indices, width)."""
    return cast(Tensor, _SelectRows.apply(rows, indices))  # type: ignore[no-untyped-call]
