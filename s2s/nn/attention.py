"""Attention: which source positions a decoder state reads, and what it reads there."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2s.nn.steps import over_steps


@dataclass(frozen=True)
class Memory:
    """A source sentence as attention sees it, made once per source.

    Attributes:
        keys: (rows, src, attention), what a query is compared with.
        values: (rows, src, value), what is read.
        mask: (rows, src), True at real positions.
    """

    keys: Tensor
    values: Tensor
    mask: Tensor

    def select(self, rows: Tensor) -> "Memory":
        """The memory of the rows with these indices."""
        return Memory(self.keys[rows], self.values[rows], self.mask[rows])


@dataclass(frozen=True)
class Reading:
    """What one query read.

    Attributes:
        context: (rows, value), the weighted sum of the values.
        weights: (rows, hops, src), each hop sums to 1 and is exactly 0 on padding.
    """

    context: Tensor
    weights: Tensor


Read = Callable[[Tensor, Memory], Reading]
"""A query (rows, query) and a memory -> what is read."""


class Attention(nn.Module, ABC):
    """A way to read a memory."""

    @abstractmethod
    def remember(self, states: Tensor, final: Tensor, mask: Tensor) -> Memory:
        """The memory of encoded sources.

        Args:
            states: the encoder's states, (batch, src, width).
            final: its last state, [h_last forward; h_first backward], (batch, width).
            mask: (batch, src), True at real positions.
        """

    @abstractmethod
    def read(self, query: Tensor, memory: Memory) -> Reading:
        """What a query (rows, query) reads from a memory."""

    def bind(self) -> Read:
        """`read`, made ready for the many steps of one pass: see `over_steps`."""
        return self.read


class AdditiveAttention(Attention):
    """e_ij = v . tanh(W q + U h_j + b), weights alpha_i = softmax_j(e_ij) (Bahdanau et al. 2015).

    The tanh matters: were the layer linear, W q would be the same for every j and cancel in the softmax, and the
    weights would not depend on the decoder at all.
    """

    def __init__(self, *, query_size: int, state_size: int, attention_size: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_size, attention_size, bias=False)
        self.key = nn.Linear(state_size, attention_size)
        self.score = nn.Parameter(torch.empty(attention_size).uniform_(-1.0, 1.0) * (3.0 / attention_size) ** 0.5)
        nn.init.xavier_uniform_(self.query.weight)
        nn.init.xavier_uniform_(self.key.weight)
        nn.init.zeros_(self.key.bias)

    def remember(self, states: Tensor, final: Tensor, mask: Tensor) -> Memory:
        """See `Attention.remember`; the keys hold 2 (U h_j + b), as `scores` wants them."""
        return Memory(keys=2.0 * self.key(states), values=states, mask=mask)

    def scores(self, asked: Tensor, memory: Memory) -> Tensor:
        """e_ij for every position, also padding: (rows, src); `asked` is W q, (rows, attention).

        tanh(x) is written 2 sigmoid(2 x) - 1, which a CPU computes several times faster; the doubling inside is
        done on the small tensors before they meet.
        """
        doubled = memory.keys + 2.0 * asked[:, None]
        return torch.sigmoid(doubled) @ (2.0 * self.score) - self.score.sum()

    def read(self, query: Tensor, memory: Memory) -> Reading:
        """See `Attention.read`."""
        return self._read(self.query(query), memory)

    def bind(self) -> Read:
        """See `Attention.bind`."""
        ask = over_steps(self.query.weight)
        return lambda query, memory: self._read(ask(query), memory)

    def _read(self, asked: Tensor, memory: Memory) -> Reading:
        scores = self.scores(asked, memory)
        # bf16 has too few digits for weights that are to sum to 1.
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        scores = scores.masked_fill(~memory.mask, float("-inf"))
        weights = F.softmax(scores, dim=1)[:, None]
        return Reading(context=(weights.to(memory.values.dtype) @ memory.values)[:, 0], weights=weights)


class FixedVector(Attention):
    """No attention: the encoder's last state is the context of every step (Cho et al. 2014).

    This is the bottleneck that attention was made to remove: a whole sentence in one vector. Weights have no hop.
    """

    def remember(self, states: Tensor, final: Tensor, mask: Tensor) -> Memory:
        """See `Attention.remember`; the only value is the last state."""
        return Memory(keys=final[:, None, :0], values=final[:, None], mask=mask)

    def read(self, query: Tensor, memory: Memory) -> Reading:
        """See `Attention.read`; the query changes nothing."""
        rows, positions = memory.mask.shape
        return Reading(context=memory.values[:, 0], weights=memory.values.new_zeros(rows, 0, positions))
