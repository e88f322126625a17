"""A model whose attention can be watched at work."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from s2s.nn.attention import Attention, Look, Memory, Read, Reading
from s2s.nn.model import Seq2Seq


@dataclass(frozen=True)
class Question:
    """A query (rows, query) of the decoder, and what it found."""

    query: Tensor
    look: Look


class WatchedAttention(Attention):
    """An attention that tells what each query found, and changes nothing."""

    def __init__(self, attention: Attention, note: Callable[[Question], None]) -> None:
        super().__init__()
        self.attention = attention
        self.hops = attention.hops
        self.note = note

    def remember(self, states: Tensor, final: Tensor, mask: Tensor) -> Memory:
        """See `Attention.remember`."""
        return self.attention.remember(states, final, mask)

    def bind(self, memory: Memory) -> Read:
        """See `Attention.bind`."""
        watch = self.watch(memory)

        def read(query: Tensor) -> Reading:
            look = watch(query)
            self.note(Question(query, look))
            return look.reading

        return read

    def watch(self, memory: Memory) -> Callable[[Tensor], Look]:
        """See `Attention.watch`."""
        return self.attention.watch(memory)


def watch_attention(model: Seq2Seq, note: Callable[[Question], None]) -> Seq2Seq:
    """The same model, down to its parameters, that tells `note` of each question in the order they are asked.

    The model given stays as it is. For the forward pass alone: the scores shown are those of the equation, and
    equal the ones in training up to a number that the softmax takes away.
    """
    watched = copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})
    watched.decoder.order.attention = WatchedAttention(watched.decoder.order.attention, note)
    return watched
