"""Packed weights: laid out once as the products of a CPU read them, and not anew for each of thousands of them.

oneDNN, which PyTorch computes with, brings a weight into blocks before it multiplies. For the few rows of a step of a
search that takes as long as the product itself. In training a weight stays as it is for one pass: it is packed where
it is large and met often enough.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

import torch
from torch import Tensor


class Packed:
    """The packed form of one weight as it is now, (out, in), in bf16 or fp32."""

    def __init__(self, weight: Tensor) -> None:
        self._blocks: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), None)

    def product(self, rows: Tensor, bias: Tensor | None = None) -> Tensor:
        """W x + b, all in one number format: (..., in) -> (..., out)."""
        found: Tensor = torch.ops.mkldnn._linear_pointwise(rows, self._blocks, bias, "none", [], "")
        return found


WORTH = 2**18
"""Numbers of the smallest weight that is packed for one pass: to pack it, and to prepare products with it for another
number of rows, takes a millisecond, which smaller ones do not give back."""


def laid_out(weight: Tensor) -> Callable[[Tensor], Tensor]:
    """x -> x W^T, (rows, in) -> (rows, out), for the many steps of one pass over sentences.

    The weight, (out, in), is brought once into the form that such products read best on this device.
    """
    if can_pack(weight):
        return Packed(weight.contiguous()).product
    turned = weight.t().contiguous()
    return lambda rows: rows @ turned


def can_pack(weight: Tensor) -> bool:
    """Whether it has a packed form, and one that may be worth its time for a single pass."""
    return weight.is_cpu and weight.numel() >= WORTH and _packs(weight.dtype)


class PackedWeights:
    """The packed form of every weight of a model that has met a row; the weights themselves must stay as they are."""

    def __init__(self) -> None:
        # By where and what the weight is, beside which it is kept, so that nothing else can come to be there.
        self._packed: dict[tuple[int, torch.Size], tuple[Tensor, Packed]] = {}

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Inside, bf16 products of a CPU that need no gradient use them."""
        before = _AT_HAND.set(self)
        try:
            yield
        finally:
            _AT_HAND.reset(before)

    def product(self, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """W x + b in bf16: (..., in) -> (..., out)."""
        key = (weight.data_ptr(), weight.shape)
        if key not in self._packed:
            self._packed[key] = weight, Packed(weight.to(torch.bfloat16))
        _, packed = self._packed[key]
        return packed.product(rows.to(torch.bfloat16), None if bias is None else bias.to(torch.bfloat16))


_AT_HAND: ContextVar[PackedWeights | None] = ContextVar("packed weights", default=None)


def packed_for(weight: Tensor) -> PackedWeights | None:
    """The packed weights that a product with this weight is to use; None: it is to use the weight as it is.

    In fp32 it is: PyTorch has a library for it that packing is sometimes slower than, and oneDNN would keep memory for
    each shape of a product.
    """
    packed = _AT_HAND.get()
    if packed is None or torch.is_grad_enabled() or not (_is_narrow() and weight.is_cpu and weight.numel()):
        return None
    return packed


def _is_narrow() -> bool:
    """Whether products of a CPU are bf16 here, and of packed weights."""
    return (
        torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and _packs(torch.bfloat16)
    )


@cache
def _packs(kind: torch.dtype) -> bool:
    """Whether this processor and this build of PyTorch multiply packed weights of this number format."""
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    if kind == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return kind == torch.float32 and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
