"""Recurrent cells.

A cell splits its work: `project` does the input side of all time steps in one matrix product, `step` does what
must wait for the state before. A state is a tuple of (batch, hidden) tensors; the first is what the outside sees.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from s2s.nn.activation import tanh
from s2s.nn.linear import affine
from s2s.nn.steps import Rows, over_steps, without_autocast

State = tuple[Tensor, ...]
"""What a cell carries from one time step to the next: tensors of shape (batch, hidden)."""

Step = Callable[[Tensor, State], State]
"""A time step: projected input (batch, projected) and the state before -> the state after."""


@dataclass(frozen=True)
class Moment:
    """A time step seen from the inside.

    Attributes:
        state: the state after it.
        gates: what each of the cell's `gate_names` let through, (batch, hidden) each.
    """

    state: State
    gates: tuple[Tensor, ...]


Watch = Callable[[Tensor, State], Moment]
"""A time step that shows its gates: projected input (batch, projected) and the state before -> what happened."""


class Cell(nn.Module, ABC):
    """A recurrent cell with `gates` blocks of weights, stacked as torch stacks those of its own cells.

    Args:
        input_size: width of x_t.
        hidden_size: width of every tensor of the state.
    """

    gate_names: tuple[str, ...]
    """What `watch` shows: the gates, and g or n, what they let in."""
    gates: int
    """Blocks of `hidden_size` rows in the weights."""
    state_tensors: int
    """Tensors in a state."""

    def __init__(self, *, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        rows = self.gates * hidden_size
        self.input_weight = nn.Parameter(torch.empty(rows, input_size))
        self.hidden_weight = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias = nn.Parameter(torch.zeros(rows))
        for block in self.input_weight.data.chunk(self.gates):
            nn.init.xavier_uniform_(block)
        for block in self.hidden_weight.data.chunk(self.gates):
            nn.init.orthogonal_(block)

    @property
    def projected_size(self) -> int:
        """Width of what `project` makes and `step` takes."""
        return self.gates * self.hidden_size

    def project(self, inputs: Tensor) -> Tensor:
        """W x + b for any number of steps: (..., input) -> (..., projected)."""
        return affine(inputs, self.input_weight, self.bias).to(inputs.dtype)

    def bind_project(self) -> Rows:
        """`project`, made ready for the many steps of one pass; for inputs that are known step by step only."""
        product = over_steps(self.input_weight)
        return lambda inputs: product(inputs) + self.bias

    def step(self, projected: Tensor, state: State) -> State:
        """One time step: projected input (batch, projected) and the state before -> the state after."""
        return self.bind()(projected, state)

    def bind(self) -> Step:
        """`step`, made ready for the many steps of one pass: see `over_steps`."""
        watch = self.watch()
        return lambda projected, state: watch(projected, state).state

    @abstractmethod
    def watch(self) -> Watch:
        """The cell's equations, with all gates in sight; made ready for many steps as `bind` is."""

    def zero_state(self, batch: int) -> State:
        """The state before anything was read: zeros of (batch, hidden)."""
        return tuple(self.input_weight.new_zeros(batch, self.hidden_size) for _ in range(self.state_tensors))

    def run(self, inputs: Tensor, start: State) -> Tensor:
        """The outer states of all time steps: (batch, time, input) and the state before -> (batch, time, hidden)."""
        step, state = self.bind(), start
        outputs = []
        for projected in self.project(inputs).unbind(1):
            state = step(projected, state)
            outputs.append(state[0])
        return torch.stack(outputs, dim=1)


class RNNCell(Cell):
    """The simple recurrent network (Elman 1990), equal to `torch.nn.RNN`: h_t = tanh(W x_t + U h_{t-1} + b)."""

    gate_names = ()
    gates = 1
    state_tensors = 1

    def watch(self) -> Watch:
        """See `Cell.watch`."""
        recur = over_steps(self.hidden_weight)
        return lambda projected, state: Moment(state=(tanh(projected + recur(state[0])),), gates=())

    def run(self, inputs: Tensor, start: State) -> Tensor:
        """See `Cell.run`; torch's kernel, where it is the faster."""
        if products_are_narrow(inputs):
            return super().run(inputs, start)
        weights = [self.input_weight, self.hidden_weight, self.bias, torch.zeros_like(self.bias)]
        with without_autocast(inputs):  # which would make CUDA take half, whatever was asked for
            outputs, _ = torch.rnn_tanh(inputs, start[0][None], weights, True, 1, 0.0, self.training, False, True)
        return outputs


class GRUCell(Cell):
    """Gated recurrent unit (Cho et al. 2014) in cuDNN's form, equal to `torch.nn.GRU`; blocks r, z, n.

    r, z = sigmoid(W x_t + U h_{t-1} + b);  n = tanh(W_n x_t + b_n + r * (U_n h_{t-1} + b_hn));
    h_t = (1 - z) * n + z * h_{t-1}.
    """

    gate_names = ("r", "z", "n")
    gates = 3
    state_tensors = 1

    def __init__(self, *, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size=input_size, hidden_size=hidden_size)
        self.hidden_bias = nn.Parameter(torch.zeros(hidden_size))

    def watch(self) -> Watch:
        """See `Cell.watch`."""
        recur = over_steps(self.hidden_weight)
        blocks = [2 * self.hidden_size, self.hidden_size]

        def watch(projected: Tensor, state: State) -> Moment:
            (hidden,) = state
            # split and not slices: its gradient is one concatenation, that of a slice a tensor of zeros each.
            input_gates, input_new = torch.split(projected, blocks, dim=1)
            hidden_gates, hidden_new = torch.split(recur(hidden), blocks, dim=1)
            reset, update = torch.sigmoid(input_gates + hidden_gates).chunk(2, dim=1)
            new = tanh(input_new + reset * (hidden_new + self.hidden_bias))
            return Moment(state=(torch.lerp(new, hidden, update),), gates=(reset, update, new))

        return watch

    def run(self, inputs: Tensor, start: State) -> Tensor:
        """See `Cell.run`; torch's kernel, where it is the faster."""
        if products_are_narrow(inputs):
            return super().run(inputs, start)
        # torch adds a bias to the hidden side of every gate; ours differ from 0 in the last block only.
        hidden_bias = torch.cat((self.hidden_bias.new_zeros(2 * self.hidden_size), self.hidden_bias))
        weights = [self.input_weight, self.hidden_weight, self.bias, hidden_bias]
        with without_autocast(inputs):  # which would make CUDA take half, whatever was asked for
            outputs, _ = torch.gru(inputs, start[0][None], weights, True, 1, 0.0, self.training, False, True)
        return outputs


class ResetBeforeGRUCell(Cell):
    """The GRU as the lesson and Cho et al. (2014) draw it: it resets before the product; blocks r, z, n.

    r, z = sigmoid(W x_t + U h_{t-1} + b);  n = tanh(W_n x_t + b_n + U_n (r * h_{t-1}));
    h_t = (1 - z) * n + z * h_{t-1}. It is ONNX's `GRU` with `linear_before_reset` 0.
    """

    gate_names = ("r", "z", "n")
    gates = 3
    state_tensors = 1

    def watch(self) -> Watch:
        """See `Cell.watch`."""
        blocks = [2 * self.hidden_size, self.hidden_size]
        recur_gates, recur_new = map(over_steps, torch.split(self.hidden_weight, blocks))

        def watch(projected: Tensor, state: State) -> Moment:
            (hidden,) = state
            input_gates, input_new = torch.split(projected, blocks, dim=1)
            reset, update = torch.sigmoid(input_gates + recur_gates(hidden)).chunk(2, dim=1)
            new = tanh(input_new + recur_new(reset * hidden))
            return Moment(state=(torch.lerp(new, hidden, update),), gates=(reset, update, new))

        return watch


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997; Gers et al. 2000), equal to `torch.nn.LSTM`.

    Blocks i, f, g, o: i, f, o = sigmoid(W x_t + U h_{t-1} + b);  g = tanh(W_g x_t + U_g h_{t-1} + b_g);
    c_t = f * c_{t-1} + i * g;  h_t = o * tanh(c_t). The forget gate's bias starts at 1.
    """

    gate_names = ("i", "f", "g", "o")
    gates = 4
    state_tensors = 2

    def __init__(self, *, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size=input_size, hidden_size=hidden_size)
        self.bias.data[hidden_size : 2 * hidden_size] = 1.0

    def watch(self) -> Watch:
        """See `Cell.watch`; the state is (h, c)."""
        recur = over_steps(self.hidden_weight)

        def watch(projected: Tensor, state: State) -> Moment:
            hidden, cell = state
            write, forget, new, read = (projected + recur(hidden)).chunk(4, dim=1)
            write, forget, new, read = torch.sigmoid(write), torch.sigmoid(forget), tanh(new), torch.sigmoid(read)
            cell = forget * cell + write * new
            return Moment(state=(read * tanh(cell), cell), gates=(write, forget, new, read))

        return watch

    def run(self, inputs: Tensor, start: State) -> Tensor:
        """See `Cell.run`; torch's kernel, where it is the faster."""
        if products_are_narrow(inputs):
            return super().run(inputs, start)
        weights = [self.input_weight, self.hidden_weight, self.bias, torch.zeros_like(self.bias)]
        state = [tensor[None] for tensor in start]
        with without_autocast(inputs):  # which would make CUDA take half, whatever was asked for
            outputs, _, _ = torch.lstm(inputs, state, weights, True, 1, 0.0, self.training, False, True)
        return outputs


class PeepholeCell(Cell):
    """The LSTM whose gates see the cell state (Gers & Schmidhuber 2000); p_* are vectors, that is, diagonal matrices.

    f, i = sigmoid(W x_t + U h_{t-1} + p * c_{t-1} + b);  o = sigmoid(W x_t + U h_{t-1} + p_o * c_t + b), with the NEW
    cell state; the rest as in `LSTMCell`. With p_* = 0 it is the LSTM.
    """

    gate_names = ("i", "f", "g", "o")
    gates = 4
    state_tensors = 2

    def __init__(self, *, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size=input_size, hidden_size=hidden_size)
        self.bias.data[hidden_size : 2 * hidden_size] = 1.0
        self.peephole = nn.Parameter(torch.empty(3, hidden_size).uniform_(-1.0, 1.0) * hidden_size**-0.5)
        """p_i, p_f, p_o."""

    def watch(self) -> Watch:
        """See `Cell.watch`; the state is (h, c)."""
        recur = over_steps(self.hidden_weight)
        of_write, of_forget, of_read = self.peephole.unbind(0)

        def watch(projected: Tensor, state: State) -> Moment:
            hidden, cell = state
            write, forget, new, read = (projected + recur(hidden)).chunk(4, dim=1)
            write = torch.sigmoid(torch.addcmul(write, of_write, cell))
            forget = torch.sigmoid(torch.addcmul(forget, of_forget, cell))
            new = tanh(new)
            cell = forget * cell + write * new
            read = torch.sigmoid(torch.addcmul(read, of_read, cell))
            return Moment(state=(read * tanh(cell), cell), gates=(write, forget, new, read))

        return watch


class CIFGCell(Cell):
    """The LSTM with coupled input and forget gates, i = 1 - f: it forgets only where it writes (Greff et al. 2017).

    Blocks f, g, o: f, o = sigmoid(W x_t + U h_{t-1} + b);  g = tanh(W_g x_t + U_g h_{t-1} + b_g);
    c_t = f * c_{t-1} + (1 - f) * g;  h_t = o * tanh(c_t). The forget gate's bias starts at 1.
    """

    gate_names = ("f", "g", "o")
    gates = 3
    state_tensors = 2

    def __init__(self, *, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size=input_size, hidden_size=hidden_size)
        self.bias.data[:hidden_size] = 1.0

    def watch(self) -> Watch:
        """See `Cell.watch`; the state is (h, c)."""
        recur = over_steps(self.hidden_weight)

        def watch(projected: Tensor, state: State) -> Moment:
            hidden, cell = state
            forget, new, read = (projected + recur(hidden)).chunk(3, dim=1)
            forget, new, read = torch.sigmoid(forget), tanh(new), torch.sigmoid(read)
            cell = torch.lerp(new, cell, forget)
            return Moment(state=(read * tanh(cell), cell), gates=(forget, new, read))

        return watch


def products_are_narrow(inputs: Tensor) -> bool:
    """Whether autocast asks a CPU for bf16, where torch's kernels for whole sequences do not follow it."""
    return inputs.device.type == "cpu" and torch.is_autocast_enabled("cpu")


CELLS: dict[str, type[Cell]] = {
    "rnn": RNNCell,
    "lstm": LSTMCell,
    "peephole": PeepholeCell,
    "cifg": CIFGCell,
    "gru": GRUCell,
    "gru-reset-before": ResetBeforeGRUCell,
}
"""Every cell by its name; the configuration's `cell` and `reset` together say which."""
