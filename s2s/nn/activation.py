"""The activation that PyTorch computes slowly."""

import torch
from torch import Tensor

FEW = 2**14
"""Elements up to which the cost of a call outweighs the slower arithmetic of tanh."""


def tanh(x: Tensor) -> Tensor:
    """tanh(x); many elements on a CPU as 2 sigmoid(2 x) - 1, which it computes several times faster."""
    return torch.tanh(x) if x.is_cuda or x.numel() <= FEW else 2.0 * torch.sigmoid(2.0 * x) - 1.0
