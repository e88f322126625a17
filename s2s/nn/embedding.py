"""Embeddings, and the output layer that may share their weights."""

from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2s.nn.linear import affine
from s2s.nn.speech import Addend


class Embedding(nn.Module):
    """A vector for each token: drawn from N(0, 1/size) and multiplied by sqrt(size) where it is read.

    So it has unit variance as an input and is small enough to serve as an output layer, too. Small corpora learn
    markedly faster with this scale than with small vectors used as they are.
    """

    def __init__(self, *, vocab_size: int, embed_size: int) -> None:
        super().__init__()
        self.scale = sqrt(embed_size)
        self.weight = nn.Parameter(torch.randn(vocab_size, embed_size) / self.scale)

    def forward(self, tokens: Tensor) -> Tensor:
        """(...) token ids -> (..., embed)."""
        return F.embedding(tokens, self.weight) * self.scale

    def begin_with(self, vectors: Tensor) -> None:
        """Take vectors of length 1, (vocab, embed), in place of those drawn; where one is 0, the drawn one stays."""
        take_rows(self.weight, vectors)


def take_rows(weight: Tensor, vectors: Tensor) -> None:
    """Put the vectors, (vocab, size), into the rows of a weight, but for those that are 0."""
    known = vectors.any(dim=1)
    weight.data[known] = vectors[known]


class OutputLayer(nn.Module):
    """Logits over the vocabulary from readouts.

    Args:
        weight: (vocab, readout); an embedding's own weight where the two are tied.
    """

    def __init__(self, *, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight
        self.bias = nn.Parameter(torch.zeros(weight.shape[0]))

    def forward(self, readouts: Tensor) -> Tensor:
        """(..., readout) -> (..., vocab)."""
        return affine(readouts, self.weight, self.bias)

    def addend(self, readouts: Tensor) -> Addend:
        """The same before it is computed."""
        return Addend(readouts, self.weight, self.bias)
