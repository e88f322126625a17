"""Attention: which source positions a decoder state reads, and what it reads there."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2s.nn.linear import Linear
from s2s.nn.readers import Readers
from s2s.nn.steps import additive_over_steps, exponentials, match_over_steps, mix_over_steps, over_steps


@dataclass(frozen=True)
class Memory:
    """Source sentences as attention sees them, made once per source.

    Attributes:
        keys: (sources, src, key), what a query is compared with.
        values: (sources, src, value), what is read.
        mask: (sources, src), True at real positions.
        readers: which source each row of a search reads; where there are none, each row has its own.
    """

    keys: Tensor
    values: Tensor
    mask: Tensor
    readers: Readers | None = None

    def select(self, sources: Tensor) -> "Memory":
        """The memory of the sources with these indices, each with one row."""
        keys, values, mask = (tensor.index_select(0, sources) for tensor in (self.keys, self.values, self.mask))
        return Memory(keys=keys, values=values, mask=mask)

    def of_rows(self, tensor: Tensor) -> Tensor:
        """What each row has of a tensor of the sources: (sources, ...) -> (rows, ...)."""
        return tensor if self.readers is None else self.readers.copy(tensor)


@dataclass(frozen=True)
class Reading:
    """What one query read.

    Attributes:
        context: (rows, value), the weighted sum of the values.
        weights: (rows, hops, src), each hop sums to 1 and is exactly 0 on padding.
    """

    context: Tensor
    weights: Tensor


Read = Callable[[Tensor], Reading]
"""A query (rows, query) -> what it reads."""


@dataclass(frozen=True)
class Hop:
    """One read of the memory, seen from the inside.

    Attributes:
        query: what asked, (rows, query).
        scores: e_ij of every position, also padding, (rows, src).
        weights: their softmax over the real positions, (rows, src).
        context: the values' mixture by these weights, (rows, value).
    """

    query: Tensor
    scores: Tensor
    weights: Tensor
    context: Tensor


@dataclass(frozen=True)
class Look:
    """A reading seen from the inside: what it found, and the hops that it took."""

    reading: Reading
    hops: tuple[Hop, ...]


Watch = Callable[[Tensor], Look]
"""A query (rows, query) -> what it reads, and how."""


class Score(nn.Module, ABC):
    """How well a query matches each position of a source."""

    @abstractmethod
    def keys(self, states: Tensor) -> Tensor:
        """What queries are compared with, made once per source: (rows, src, state) -> (rows, src, key)."""

    @abstractmethod
    def bind(self, memory: Memory) -> Callable[[Tensor], Tensor]:
        """Queries (rows, query) -> e_ij for every position, also padding: (rows, src); up to a constant of the row."""

    def bind_exact(self, memory: Memory) -> Callable[[Tensor], Tensor]:
        """`bind` with the constant: e_ij as the equation has it, for the eye; it cancels in the softmax."""
        return self.bind(memory)


class AdditiveScore(Score):
    """e_ij = v . tanh(W q + U h_j + b) (Bahdanau et al. 2015): the lesson's layer over [q; h_j].

    The tanh matters: were the layer linear, W q would be the same for every j and cancel in the softmax, and the
    weights would not depend on the decoder at all.
    """

    def __init__(self, *, query_size: int, state_size: int, key_size: int) -> None:
        super().__init__()
        self.query = Linear(query_size, key_size, bias=False)
        self.key = Linear(state_size, key_size)
        self.score = nn.Parameter(torch.empty(key_size).uniform_(-1.0, 1.0) * (3.0 / key_size) ** 0.5)

    def keys(self, states: Tensor) -> Tensor:
        """See `Score.keys`; they hold e^(-2 (U h_j + b)), as `additive_over_steps` wants them."""
        keys: Tensor = self.key(states)
        return exponentials(keys.to(states.dtype))

    def bind(self, memory: Memory) -> Callable[[Tensor], Tensor]:
        """See `Score.bind`."""
        ask, match = over_steps(self.query.weight), additive_over_steps(memory.keys, self.score, memory.readers)
        return lambda query: match(ask(query))

    def bind_exact(self, memory: Memory) -> Callable[[Tensor], Tensor]:
        """See `Score.bind_exact`; what `additive_over_steps` leaves out is the sum of v."""
        score, left_out = self.bind(memory), self.score.sum()
        return lambda query: score(query) - left_out


class DotScore(Score):
    """e_ij = q . h_j, or q . h_j / sqrt(width) (Luong et al. 2015; scaled: Vaswani et al. 2017)."""

    def __init__(self, *, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def keys(self, states: Tensor) -> Tensor:
        """See `Score.keys`."""
        return states * self.scale

    def bind(self, memory: Memory) -> Callable[[Tensor], Tensor]:
        """See `Score.bind`."""
        return match_over_steps(memory.keys, memory.readers)


class GeneralScore(Score):
    """e_ij = q . (W h_j) (Luong et al. 2015)."""

    def __init__(self, *, query_size: int, state_size: int) -> None:
        super().__init__()
        self.key = Linear(state_size, query_size, bias=False)

    def keys(self, states: Tensor) -> Tensor:
        """See `Score.keys`."""
        keys: Tensor = self.key(states)
        return keys.to(states.dtype)

    def bind(self, memory: Memory) -> Callable[[Tensor], Tensor]:
        """See `Score.bind`."""
        return match_over_steps(memory.keys, memory.readers)


class Attention(nn.Module, ABC):
    """A way to read a memory.

    Attributes:
        hops: how often a step reads it, which is how many rows of weights it leaves.
    """

    hops: int

    @abstractmethod
    def remember(self, states: Tensor, final: Tensor, mask: Tensor) -> Memory:
        """The memory of encoded sources.

        Args:
            states: the encoder's states, (batch, src, width).
            final: its last state, [h_last forward; h_first backward], (batch, width).
            mask: (batch, src), True at real positions.
        """

    @abstractmethod
    def bind(self, memory: Memory) -> Read:
        """How queries read this memory, made ready for the many steps of one pass (see `steps`)."""

    @abstractmethod
    def watch(self, memory: Memory) -> Watch:
        """`bind` with every hop in sight, and scores as the equation has them."""


class SoftAttention(Attention):
    """Reads everything a little: weights alpha_i = softmax_j(e_ij), context c_i = sum_j alpha_ij h_j."""

    hops = 1

    def __init__(self, *, score: Score) -> None:
        super().__init__()
        self.score = score

    def remember(self, states: Tensor, final: Tensor, mask: Tensor) -> Memory:
        """See `Attention.remember`."""
        return Memory(keys=self.score.keys(states), values=states, mask=mask)

    def bind(self, memory: Memory) -> Read:
        """See `Attention.bind`."""
        look = self._look(memory, self.score.bind(memory))
        return lambda query: look(query).reading

    def watch(self, memory: Memory) -> Watch:
        """See `Attention.watch`."""
        return self._look(memory, self.score.bind_exact(memory))

    def _look(self, memory: Memory, score: Callable[[Tensor], Tensor]) -> Watch:
        """How queries read this memory where `score` gives their e_ij."""
        hop = _hop(memory, score)

        def look(query: Tensor) -> Look:
            only = hop(query)
            return Look(Reading(context=only.context, weights=only.weights[:, None]), hops=(only,))

        return look


def _hop(memory: Memory, score: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Hop]:
    """Queries (rows, query) -> one read of this memory."""
    mix, padding = mix_over_steps(memory.values, memory.readers), ~memory.of_rows(memory.mask)

    def hop(query: Tensor) -> Hop:
        scores = score(query)
        weights = F.softmax(scores.masked_fill(padding, float("-inf")), dim=1)
        return Hop(query=query, scores=scores, weights=weights, context=mix(weights))

    return hop


class HoppingAttention(SoftAttention):
    """Reads a memory several times, each time asking with what it found before (Sukhbaatar et al. 2015).

    u^1 = q;  o^k is what u^k reads;  u^{k+1} = H u^k + R o^k;  the context is the last o. Hops share the score.

    Args:
        hops: reads, at least 2; with 1 there is no H and no R, and it is `SoftAttention`.
    """

    def __init__(self, *, score: Score, hops: int, query_size: int, state_size: int) -> None:
        super().__init__(score=score)
        self.hops = hops
        self.keep = Linear(query_size, query_size, bias=False)
        self.add = Linear(state_size, query_size, bias=False)
        nn.init.eye_(self.keep.weight)

    def _look(self, memory: Memory, score: Callable[[Tensor], Tensor]) -> Watch:
        """See `SoftAttention._look`."""
        hop = _hop(memory, score)
        keep, add = over_steps(self.keep.weight), over_steps(self.add.weight)

        def look(query: Tensor) -> Look:
            hops = [hop(query)]
            while len(hops) < self.hops:
                query = keep(query) + add(hops[-1].context)
                hops.append(hop(query))
            weights = torch.stack([taken.weights for taken in hops], dim=1)
            return Look(Reading(context=hops[-1].context, weights=weights), hops=tuple(hops))

        return look


class FixedVector(Attention):
    """No attention: the encoder's last state is the context of every step (Cho et al. 2014).

    This is the bottleneck that attention was made to remove: a whole sentence in one vector. Weights have no hop.
    """

    hops = 0

    def remember(self, states: Tensor, final: Tensor, mask: Tensor) -> Memory:
        """See `Attention.remember`; the only value is the last state."""
        return Memory(keys=final[:, None, :0], values=final[:, None], mask=mask)

    def bind(self, memory: Memory) -> Read:
        """See `Attention.bind`; the query changes nothing."""
        context = memory.of_rows(memory.values[:, 0])
        reading = Reading(context=context, weights=context.new_zeros(len(context), 0, memory.mask.shape[1]))
        return lambda query: reading

    def watch(self, memory: Memory) -> Watch:
        """See `Attention.watch`; there is no hop to see."""
        read = self.bind(memory)
        return lambda query: Look(read(query), hops=())


class NoContext(FixedVector):
    """Not even that: the source is in the decoder's start state alone (Sutskever et al. 2014). Contexts are 0 wide."""

    def remember(self, states: Tensor, final: Tensor, mask: Tensor) -> Memory:
        """See `Attention.remember`."""
        return super().remember(states, final[:, :0], mask)
