"""The output layer's product as search asks for it: one large weight that stays as it is, and few rows at a time."""

from typing import Any, cast

import torch
from torch import Tensor

from s2s.nn.embedding import OutputLayer
from s2s.nn.steps import Rows


def packed(layer: OutputLayer) -> Rows:
    """Readouts (rows, readout) -> logits (rows, vocab), as the layer says them, up to rounding.

    The usual product brings the whole weight into the order in which the processor reads it at every call. For a
    batch's few rows that takes a third of the time, so it is done here once (oneDNN's packed weights): what the layer
    learns afterwards is not seen. Where PyTorch cannot (on CUDA; without oneDNN), or where autocast wants another
    number format, the layer answers itself.

    PyTorch has no public name for this product; its own compiler calls it where a model is frozen.
    """
    # PyTorch builds these names at run time, so no type checker knows them.
    onednn: Any = torch.ops.mkldnn
    weight, bias = layer.weight.detach(), layer.bias.detach()
    if weight.device.type != "cpu" or not _has_packed_products(onednn):
        return cast(Rows, layer)
    turned = onednn._reorder_linear_weight(weight)

    def say(readouts: Tensor) -> Tensor:
        if readouts.dtype != weight.dtype or torch.is_autocast_enabled("cpu"):
            return cast(Tensor, layer(readouts))
        return cast(Tensor, onednn._linear_pointwise(readouts, turned, bias, "none", [], ""))

    return say


def _has_packed_products(onednn: Any) -> bool:
    available: Any = torch.backends.mkldnn.is_available
    return bool(available()) and all(hasattr(onednn, name) for name in ("_reorder_linear_weight", "_linear_pointwise"))
