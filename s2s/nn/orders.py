"""Orders of attention: when in a step the memory is asked, and by which state."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from s2s.nn.activation import tanh
from s2s.nn.attention import Attention, Memory
from s2s.nn.cells import Cell, State
from s2s.nn.dropout import Dropout
from s2s.nn.linear import Linear
from s2s.nn.recurrent import Join
from s2s.nn.steps import over_steps


@dataclass(frozen=True)
class Advance:
    """What one step makes.

    Attributes:
        carried: what the next step needs.
        said: what the readout is made from, tensors of (rows, width).
        weights: (rows, hops, src).
    """

    carried: tuple[State, ...]
    said: tuple[Tensor, ...]
    weights: Tensor


AdvanceStep = Callable[[Tensor, tuple[State, ...]], Advance]
"""A projected input (rows, projected) and what the step before carried -> what this one makes."""


@dataclass(frozen=True)
class Course:
    """What all steps made: `said` are tensors of (batch, trg, width), `weights` is (batch, trg, hops, src)."""

    said: tuple[Tensor, ...]
    weights: Tensor


class Readout(nn.Module):
    """r_i = tanh(W_r [...] + b_r) over what a step says."""

    def __init__(self, *, said_size: int, readout_size: int) -> None:
        super().__init__()
        self.linear = Linear(said_size, readout_size)

    def forward(self, said: Sequence[Tensor]) -> Tensor:
        """Tensors of (..., width) -> (..., readout)."""
        return tanh(self.linear(torch.cat(tuple(said), dim=-1)))


class UpperLayers(nn.Module):
    """The decoder's layers above the first, each reading what the one below says at the same step."""

    def __init__(self, *, cells: Sequence[Cell], join: Join, dropout: float) -> None:
        super().__init__()
        self.cells = nn.ModuleList(cells)
        self.join = join
        self.dropout = Dropout(dropout)

    def top(self, layers: Sequence[State]) -> Tensor:
        """What the top layer says, (rows, hidden), where the layers stand at these states."""
        said = layers[0][0]
        for state in layers[1:]:
            said = self.join(state[0], said)
        return said

    def bind(self) -> Callable[[State, Sequence[State]], tuple[State, ...]]:
        """The new state of the first layer and the old states of all layers -> the new states of all layers."""
        bound = [(cell.bind_project(), cell.bind()) for cell in self._typed_cells()]

        def climb(below: State, layers: Sequence[State]) -> tuple[State, ...]:
            states, said = [below], below[0]
            for (project, step), state in zip(bound, layers[1:], strict=True):
                states.append(step(project(self.dropout(said)), state))
                said = self.join(states[-1][0], said)
            return tuple(states)

        return climb

    def run(self, said: Tensor, starts: Sequence[State]) -> Tensor:
        """What the top layer says at all steps, where the first says `said`, (batch, trg, hidden)."""
        for cell, start in zip(self._typed_cells(), starts[1:], strict=True):
            said = self.join(cell.run(self.dropout(said), start), said)
        return said

    def _typed_cells(self) -> list[Cell]:
        return [cell for cell in self.cells if isinstance(cell, Cell)]


class Order(nn.Module, ABC):
    """When in a step the memory is asked, and by which state.

    Args:
        attention: how the memory is read.
        upper: the layers above the first.
        readout: what the output layer sees.
    """

    asks: str
    """The state that is the query of step i, as equations write it."""

    def __init__(self, *, attention: Attention, upper: UpperLayers, readout: Readout) -> None:
        super().__init__()
        self.attention = attention
        self.upper = upper
        self.readout = readout

    def start(self, layers: tuple[State, ...]) -> tuple[State, ...]:
        """What the first step is carried, from the start states of the layers."""
        return layers

    def top(self, carried: tuple[State, ...]) -> Tensor:
        """s_i, where a step left this to be carried: what the top layer says, (rows, hidden)."""
        return self.upper.top(carried)

    @abstractmethod
    def project(self, embedded: Tensor) -> Tensor:
        """The embeddings' share of the first cell's input, for all steps at once: (..., projected)."""

    @abstractmethod
    def bind(self, memory: Memory) -> AdvanceStep:
        """One step of the recurrence over this memory, made ready for the many steps of one pass (see `steps`)."""

    def say(self, said: tuple[Tensor, ...], embedded: Tensor) -> Tensor:
        """The readout r_i = tanh(W_r [s_i; c_i; E y_{i-1}] + b_r) of any steps: (..., readout)."""
        readout: Tensor = self.readout((*said, embedded))
        return readout

    def unroll(self, embedded: Tensor, carried: tuple[State, ...], memory: Memory) -> Course:
        """All steps of sentences whose words are known: (batch, trg, embed) embeddings of the words before."""
        step = self.bind(memory)
        advances = []
        for projected in self.project(embedded).unbind(1):
            advances.append(step(projected, carried))
            carried = advances[-1].carried
        said = zip(*(advance.said for advance in advances), strict=True)
        return Course(
            said=tuple(torch.stack(tensors, dim=1) for tensors in said),
            weights=torch.stack([advance.weights for advance in advances], dim=1),
        )


class AskFirst(Order):
    """Bahdanau et al. (2015), the lesson: q = s_{i-1} of the top layer; s_i = cell([E y_{i-1}; c_i], s_{i-1}).

    The cell's input matrix is kept in two parts, W [E y; c] = W_e E y + W_c c, so that the first is done for all
    steps at once.
    """

    asks = "s_{i-1}"

    def __init__(
        self, *, attention: Attention, cell: Cell, context_size: int, upper: UpperLayers, readout: Readout
    ) -> None:
        super().__init__(attention=attention, upper=upper, readout=readout)
        self.cell = cell
        self.context = Linear(context_size, cell.projected_size, bias=False)

    def project(self, embedded: Tensor) -> Tensor:
        """See `Order.project`."""
        return self.cell.project(embedded)

    def bind(self, memory: Memory) -> AdvanceStep:
        """See `Order.bind`."""
        read, step, climb = self.attention.bind(memory), self.cell.bind(), self.upper.bind()
        add_context = over_steps(self.context.weight)

        def advance(projected: Tensor, layers: tuple[State, ...]) -> Advance:
            reading = read(self.upper.top(layers))
            after = climb(step(projected + add_context(reading.context), layers[0]), layers)
            return Advance(after, said=(self.upper.top(after), reading.context), weights=reading.weights)

        return advance


class AskBetween(Order):
    """The conditional cell of Nematus (Firat & Cho 2016), inside layer 1.

    s'_i = cell1(E y_{i-1}, s_{i-1});  q = s'_i;  s_i = cell2(c_i, s'_i).
    """

    asks = "s'_i"

    def __init__(
        self, *, attention: Attention, first: Cell, second: Cell, upper: UpperLayers, readout: Readout
    ) -> None:
        super().__init__(attention=attention, upper=upper, readout=readout)
        self.first = first
        self.second = second

    def project(self, embedded: Tensor) -> Tensor:
        """See `Order.project`."""
        return self.first.project(embedded)

    def bind(self, memory: Memory) -> AdvanceStep:
        """See `Order.bind`."""
        read, climb = self.attention.bind(memory), self.upper.bind()
        first, second, project = self.first.bind(), self.second.bind(), self.second.bind_project()

        def advance(projected: Tensor, layers: tuple[State, ...]) -> Advance:
            asking = first(projected, layers[0])
            reading = read(asking[0])
            after = climb(second(project(reading.context), asking), layers)
            return Advance(after, said=(self.upper.top(after), reading.context), weights=reading.weights)

        return advance


class AskLast(Order):
    """Luong et al. (2015): s_i = cell(E y_{i-1}, s_{i-1}); q = s_i of the top layer; feed_i = tanh(W_c [s_i; c_i] + b).

    feed_i is the readout; the subclasses say whether the next step gets it, too.
    """

    asks = "s_i"

    def __init__(self, *, attention: Attention, cell: Cell, upper: UpperLayers, readout: Readout) -> None:
        super().__init__(attention=attention, upper=upper, readout=readout)
        self.cell = cell

    def project(self, embedded: Tensor) -> Tensor:
        """See `Order.project`."""
        return self.cell.project(embedded)

    def bind(self, memory: Memory) -> AdvanceStep:
        """See `Order.bind`."""
        read, step, climb = self.attention.bind(memory), self.cell.bind(), self.upper.bind()

        def advance(projected: Tensor, layers: tuple[State, ...]) -> Advance:
            after = climb(step(projected, layers[0]), layers)
            top = self.upper.top(after)
            reading = read(top)
            return Advance(after, said=(top, reading.context), weights=reading.weights)

        return advance


class AskLastUnfed(AskLast):
    """No state waits for what was read: the layers run over a whole sentence in one call each."""

    def say(self, said: tuple[Tensor, ...], embedded: Tensor) -> Tensor:
        """The readout tanh(W_c [s_i; c_i] + b) of any steps; the embedding has no share in it."""
        readout: Tensor = self.readout(said)
        return readout

    def unroll(self, embedded: Tensor, carried: tuple[State, ...], memory: Memory) -> Course:
        """See `Order.unroll`."""
        top = self.upper.run(self.cell.run(embedded, carried[0]), carried)
        readings = list(map(self.attention.bind(memory), top.unbind(1)))
        contexts = torch.stack([reading.context for reading in readings], dim=1)
        return Course(said=(top, contexts), weights=torch.stack([reading.weights for reading in readings], dim=1))


class AskLastFed(AskLast):
    """Input feeding: s_i = cell([E y_{i-1}; feed_{i-1}], s_{i-1}), feed_0 = 0.

    The feed is carried from step to step behind the layers' states.
    """

    def __init__(
        self, *, attention: Attention, cell: Cell, feed_size: int, upper: UpperLayers, readout: Readout
    ) -> None:
        super().__init__(attention=attention, cell=cell, upper=upper, readout=readout)
        self.feed = Linear(feed_size, cell.projected_size, bias=False)

    def start(self, layers: tuple[State, ...]) -> tuple[State, ...]:
        """See `Order.start`."""
        hidden = layers[0][0]
        return (*layers, (hidden.new_zeros(hidden.shape[0], self.feed.in_features),))

    def top(self, carried: tuple[State, ...]) -> Tensor:
        """See `Order.top`."""
        *layers, _ = carried
        return super().top(tuple(layers))

    def bind(self, memory: Memory) -> AdvanceStep:
        """See `Order.bind`."""
        step, add_feed = super().bind(memory), over_steps(self.feed.weight)
        combine, bias = over_steps(self.readout.linear.weight), self.readout.linear.bias

        def advance(projected: Tensor, carried: tuple[State, ...]) -> Advance:
            *layers, (feed,) = carried
            asked = step(projected + add_feed(feed), tuple(layers))
            feed = tanh(combine(torch.cat(asked.said, dim=1)) + bias)
            return Advance((*asked.carried, (feed,)), said=(feed,), weights=asked.weights)

        return advance

    def say(self, said: tuple[Tensor, ...], embedded: Tensor) -> Tensor:
        """The feed itself."""
        (feed,) = said
        return feed
