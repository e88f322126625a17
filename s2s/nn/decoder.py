"""The decoder: one target token after the other, each step asking the memory of the source."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from s2s.nn.attention import Attention, Memory, Reading
from s2s.nn.cells import Cell, State
from s2s.nn.dropout import Dropout
from s2s.nn.embedding import Embedding, OutputLayer
from s2s.nn.encoder import Encoded
from s2s.nn.steps import over_steps


@dataclass(frozen=True)
class DecoderState:
    """All that the next step needs; rows are sentences times hypotheses.

    Attributes:
        layers: each layer's state, tensors of (rows, hidden).
        memory: the source of each row.
    """

    layers: tuple[State, ...]
    memory: Memory

    def select(self, rows: Tensor) -> "DecoderState":
        """The state of the rows with these indices: the whole of beam bookkeeping."""
        layers = tuple(tuple(tensor[rows] for tensor in state) for state in self.layers)
        return DecoderState(layers=layers, memory=self.memory.select(rows))


@dataclass(frozen=True)
class Step:
    """What one decoder step says: logits (rows, vocab), weights (rows, hops, src), and the state after it."""

    logits: Tensor
    weights: Tensor
    state: DecoderState


@dataclass(frozen=True)
class Unrolled:
    """A teacher-forced pass: logits (tokens, vocab) of the real tokens, weights (batch, trg, hops, src)."""

    logits: Tensor
    weights: Tensor


class Bridge(nn.Module):
    """Start states from the encoder: s_0 = tanh(W [h_last forward; h_first backward] + b).

    One W and b per layer and per tensor of the cell's state.
    """

    def __init__(self, *, encoder_size: int, hidden_size: int, num_layers: int, state_tensors: int) -> None:
        super().__init__()
        self.state_tensors = state_tensors
        self.layers = nn.ModuleList(nn.Linear(encoder_size, hidden_size * state_tensors) for _ in range(num_layers))

    def forward(self, final: Sequence[Tensor]) -> tuple[State, ...]:
        """The encoder's final states, (batch, encoder) per layer -> the decoder's start state per layer."""
        return tuple(
            torch.tanh(layer(state)).to(state.dtype).chunk(self.state_tensors, dim=1)
            for layer, state in zip(self.layers, final, strict=True)
        )


@dataclass(frozen=True)
class Advance:
    """The layers' states after a step, and what was read on the way."""

    layers: tuple[State, ...]
    reading: Reading


AdvanceStep = Callable[[Tensor, tuple[State, ...], Memory], Advance]
"""A projected input (rows, projected), the layers' states and the memory -> the states after."""


class Order(nn.Module, ABC):
    """When in a step the memory is asked, and by which state."""

    attention: Attention

    @abstractmethod
    def project(self, embedded: Tensor) -> Tensor:
        """The embeddings' share of the first cell's input, for all steps at once: (..., projected)."""

    @abstractmethod
    def bind(self) -> AdvanceStep:
        """One step of the recurrence, made ready for the many steps of one pass: see `over_steps`."""


class UpperLayers(nn.Module):
    """The decoder's layers above the first, each reading the state below it at the same step."""

    def __init__(self, *, cells: Sequence[Cell], dropout: float) -> None:
        super().__init__()
        self.cells = nn.ModuleList(cells)
        self.dropout = Dropout(dropout)

    def bind(self) -> Callable[[State, tuple[State, ...]], tuple[State, ...]]:
        """The new state of the first layer and the old states of all layers -> the new states of all layers."""
        bound = [(cell.bind_project(), cell.bind()) for cell in self.cells if isinstance(cell, Cell)]

        def climb(below: State, layers: tuple[State, ...]) -> tuple[State, ...]:
            states = [below]
            for (project, step), state in zip(bound, layers[1:], strict=True):
                states.append(step(project(self.dropout(states[-1][0])), state))
            return tuple(states)

        return climb


class AskFirst(Order):
    """Bahdanau et al. (2015), the lesson: q = s_{i-1} of the top layer; s_i = cell([E y_{i-1}; c_i], s_{i-1}).

    The cell's input matrix is kept in two parts, W [E y; c] = W_e E y + W_c c, so that the first is done for all
    steps at once.
    """

    def __init__(self, *, attention: Attention, cell: Cell, context_size: int, upper: UpperLayers) -> None:
        super().__init__()
        self.attention = attention
        self.cell = cell
        self.context = nn.Linear(context_size, cell.projected_size, bias=False)
        nn.init.xavier_uniform_(self.context.weight)
        self.upper = upper

    def project(self, embedded: Tensor) -> Tensor:
        """See `Order.project`."""
        return self.cell.project(embedded)

    def bind(self) -> AdvanceStep:
        """See `Order.bind`."""
        read, step, climb = self.attention.bind(), self.cell.bind(), self.upper.bind()
        add_context = over_steps(self.context.weight)

        def advance(projected: Tensor, layers: tuple[State, ...], memory: Memory) -> Advance:
            reading = read(layers[-1][0], memory)
            state = step(projected + add_context(reading.context), layers[0])
            return Advance(layers=climb(state, layers), reading=reading)

        return advance


class AskBetween(Order):
    """The conditional cell of Nematus (Firat & Cho 2016), inside layer 1.

    s'_i = cell1(E y_{i-1}, s_{i-1});  q = s'_i;  s_i = cell2(c_i, s'_i).
    """

    def __init__(self, *, attention: Attention, first: Cell, second: Cell, upper: UpperLayers) -> None:
        super().__init__()
        self.attention = attention
        self.first = first
        self.second = second
        self.upper = upper

    def project(self, embedded: Tensor) -> Tensor:
        """See `Order.project`."""
        return self.first.project(embedded)

    def bind(self) -> AdvanceStep:
        """See `Order.bind`."""
        first, second, project = self.first.bind(), self.second.bind(), self.second.bind_project()
        read, climb = self.attention.bind(), self.upper.bind()

        def advance(projected: Tensor, layers: tuple[State, ...], memory: Memory) -> Advance:
            asking = first(projected, layers[0])
            reading = read(asking[0], memory)
            state = second(project(reading.context), asking)
            return Advance(layers=climb(state, layers), reading=reading)

        return advance


class Readout(nn.Module):
    """r_i = tanh(W_r [s_i; c_i; E y_{i-1}] + b_r)."""

    def __init__(self, *, hidden_size: int, context_size: int, embed_size: int, readout_size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden_size + context_size + embed_size, readout_size)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, hidden: Tensor, context: Tensor, embedded: Tensor) -> Tensor:
        """(..., hidden), (..., context), (..., embed) -> (..., readout)."""
        return torch.tanh(self.linear(torch.cat((hidden, context, embedded), dim=-1)))


class Decoder(nn.Module):
    """Puts embedding, order of attention, readout and output layer together."""

    def __init__(
        self,
        *,
        embedding: Embedding,
        bridge: Bridge,
        order: Order,
        readout: Readout,
        output: OutputLayer,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.bridge = bridge
        self.order = order
        self.readout = readout
        self.output = output
        self.dropout = Dropout(dropout)

    def start(self, encoded: Encoded) -> DecoderState:
        """The state before the first target token; one row per source."""
        memory = self.order.attention.remember(encoded.states, encoded.final[-1], encoded.mask)
        return DecoderState(layers=self.bridge(encoded.final), memory=memory)

    def step(self, tokens: Tensor, state: DecoderState) -> Step:
        """Read the tokens before (rows), say what comes next."""
        embedded = self.dropout(self.embedding(tokens))
        advance = self.order.bind()(self.order.project(embedded), state.layers, state.memory)
        readout = self.readout(advance.layers[-1][0], advance.reading.context, embedded)
        return Step(
            logits=self.output(self.dropout(readout)),
            weights=advance.reading.weights,
            state=DecoderState(layers=advance.layers, memory=state.memory),
        )

    def unroll(self, tokens: Tensor, mask: Tensor, state: DecoderState) -> Unrolled:
        """The steps of whole target sentences, whose tokens are known beforehand.

        The same recurrence as `step`; what need not wait for the state (the input side before it, readouts and
        logits after it) is done for all steps at once, and the latter for real tokens only.

        Args:
            tokens: the token before each, (batch, trg).
            mask: (batch, trg), True at real tokens; logits are for these, in the mask's row-major order.
            state: the start state of the same sentences.
        """
        embedded = self.dropout(self.embedding(tokens))
        layers = state.layers
        hidden, contexts, weights = [], [], []
        step = self.order.bind()
        for projected in self.order.project(embedded).unbind(1):
            advance = step(projected, layers, state.memory)
            layers = advance.layers
            hidden.append(layers[-1][0])
            contexts.append(advance.reading.context)
            weights.append(advance.reading.weights)
        real = mask.flatten().nonzero()[:, 0]
        parts = (torch.stack(hidden, dim=1), torch.stack(contexts, dim=1), embedded)
        readout = self.readout(*(part.flatten(0, 1).index_select(0, real) for part in parts))
        return Unrolled(logits=self.output(self.dropout(readout)), weights=torch.stack(weights, dim=1))
