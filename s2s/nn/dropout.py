"""Dropout with a random state of its own."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zeroes a share of its input in training and scales the rest up, so that the mean stays (Srivastava et al. 2014).

    The mask is made of random bytes, several times cheaper than a draw per element; the share is therefore
    rounded to a multiple of 1/256, and the scale made to match it.

    Attributes:
        rests: whether nothing is zeroed although the model is in training.
        generator: where the bytes come from; None is torch's own. A replica of a model that runs beside others has
            one of its own, so that what it draws does not depend on who comes first.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.dropped = min(round(rate * 256), 255)
        self.rests = False
        self.generator: torch.Generator | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """Any shape."""
        if not self.training or self.rests or self.dropped == 0:
            return inputs
        drawn = self._bytes(self._drawn_together(inputs))
        return inputs * ((drawn >= self.dropped).to(inputs.dtype) * (256 / (256 - self.dropped)))

    def _drawn_together(self, inputs: Tensor) -> Tensor:
        """A view of the input with one element for each draw."""
        return inputs

    def _bytes(self, like: Tensor) -> Tensor:
        """A random byte for each element."""
        words = torch.empty((like.numel() + 7) // 8, dtype=torch.int64, device=like.device)
        words.random_(-(2**63), 2**63 - 1, generator=self.generator)
        return words.view(torch.uint8)[: like.numel()].view(like.shape)


class WordDropout(Dropout):
    """Zeroes whole embeddings: now and then a word is not there (Gal & Ghahramani 2016, Sennrich & Zhang 2019)."""

    def _drawn_together(self, inputs: Tensor) -> Tensor:
        """All of an embedding (..., embed): (..., 1)."""
        return inputs[..., :1]
