"""The few likeliest pieces of a whole vocabulary."""

import torch
from torch import Tensor

BLOCK = 64
"""Pieces whose largest is looked for first."""


def largest(scores: Tensor, few: int) -> tuple[Tensor, Tensor]:
    """The largest values of each row and their places, the largest first, as `scores.topk(few, dim=1)` has them.

    On a CPU `topk` moves every element; for a vocabulary of thousands that takes half as long as the product which
    made them. What is among the `few` largest is in one of the `few` blocks that have the largest maxima, so the
    others are passed over.

    Args:
        scores: (rows, vocab).

    Returns:
        Values and places, (rows, few) each; which of equal values come first is not said.
    """
    vocab = scores.shape[1]
    if vocab <= few * BLOCK:
        values, places = scores.topk(few, dim=1)
        return values, places
    whole = vocab - vocab % BLOCK
    blocks = scores[:, :whole].view(len(scores), whole // BLOCK, BLOCK).amax(dim=2).topk(few, dim=1).indices
    within = (blocks[:, :, None] * BLOCK + torch.arange(BLOCK, device=scores.device)).flatten(1)
    behind = torch.arange(whole, vocab, device=scores.device).expand(len(scores), -1)  # too few for a block
    places = torch.cat((within, behind), dim=1)
    values, nth = scores.gather(1, places).topk(few, dim=1)
    return values, places.gather(1, nth)
