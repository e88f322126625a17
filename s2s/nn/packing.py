"""The output layer's product as search asks for it: one large weight that stays as it is, and few rows at a time."""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from s2s.nn.embedding import OutputLayer
from s2s.nn.steps import Rows

MOST_ROWS = 128
"""Rows beyond which packing at every call is a small part of the product."""

ROUNDED = 16
"""Rows are filled up to a multiple of this: for each number of rows that it sees, oneDNN keeps memory for a result."""


def packed(layer: OutputLayer) -> Rows:
    """Readouts (rows, readout) -> logits (rows, vocab), as the layer says them, up to rounding.

    The usual product brings the whole weight into the order in which the processor reads it at every call. For a
    batch's few rows that takes a third of the time, so it is done here once (oneDNN's packed weights): what the layer
    learns afterwards is not seen. Where autocast is on, it is done in its number format. Where PyTorch cannot (on
    CUDA; without oneDNN; on a processor without that format), and for many rows, the layer answers itself.

    PyTorch has no public name for this product; its own compiler calls it where a model is frozen.
    """
    # PyTorch builds these names at run time, so no type checker knows them.
    onednn: Any = torch.ops.mkldnn
    weight, bias = layer.weight.detach(), layer.bias.detach()
    if weight.device.type != "cpu" or not _has_packed_products(onednn):
        return cast(Rows, layer)
    kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else weight.dtype
    try:
        turned, moved = onednn._reorder_linear_weight(weight.to(kind)), bias.to(kind)
    except RuntimeError:  # the processor does not know the format
        return cast(Rows, layer)

    def say(readouts: Tensor) -> Tensor:
        rows = len(readouts)
        if rows > MOST_ROWS:
            return cast(Tensor, layer(readouts))
        filled = F.pad(readouts.to(kind), (0, 0, 0, -rows % ROUNDED))
        return cast(Tensor, onednn._linear_pointwise(filled, turned, moved, "none", [], ""))[:rows]

    return say


def _has_packed_products(onednn: Any) -> bool:
    available: Any = torch.backends.mkldnn.is_available
    return bool(available()) and all(hasattr(onednn, name) for name in ("_reorder_linear_weight", "_linear_pointwise"))
