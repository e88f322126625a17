"""The linear layer as this program starts and computes it."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from s2s.nn.packed import Packed, can_pack, packed_for

MANY = 800
"""Rows, of one pass altogether, from which on a packed weight gives back the time that packing takes."""


class Linear(nn.Linear):
    """W x + b, W drawn as Glorot & Bengio (2010) say and b zero; either side may be 0 wide."""

    def reset_parameters(self) -> None:
        """Draw the weights."""
        bound = (6.0 / (self.in_features + self.out_features)) ** 0.5
        self.weight.data.uniform_(-bound, bound)
        if self.bias is not None:
            self.bias.data.zero_()

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        return affine(inputs, self.weight, self.bias)


def affine(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """W x + b: (..., in) -> (..., out).

    A CPU adds the bias afterwards. In fp32 PyTorch would begin with a copy of it for each row, which for thousands of
    outputs takes longer; for each shape of a bf16 product with a bias oneDNN keeps memory of the result's size, unless
    the weight is packed.
    """
    if (packed := packed_for(weight)) is not None:
        return packed.product(inputs, weight, bias)
    if bias is None or inputs.device.type != "cpu":
        return F.linear(inputs, weight, bias)
    product = F.linear(inputs, weight)
    return product.add_(bias.to(product.dtype))


def affine_of(weight: Tensor, *, rows: int) -> Callable[[Tensor, Tensor | None], Tensor]:
    """`affine` with one weight as it is now, for parts of so many rows altogether; all in one number format."""
    if rows >= MANY and can_pack(weight):
        return Packed(weight.contiguous()).product
    return lambda inputs, bias: affine(inputs, weight, bias)
