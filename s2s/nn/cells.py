"""Recurrent cells.

A cell splits its work: `project` does the input side of all time steps in one matrix product, `step` does what
must wait for the state before. A state is a tuple of (batch, hidden) tensors; the first is what the outside sees.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2s.nn.steps import Linear, over_steps

State = tuple[Tensor, ...]
"""What a cell carries from one time step to the next: tensors of shape (batch, hidden)."""

Step = Callable[[Tensor, State], State]
"""A time step: projected input (batch, projected) and the state before -> the state after."""


class Cell(nn.Module, ABC):
    """A recurrent cell with `gates` blocks of weights, stacked as torch stacks those of its own cells.

    Args:
        input_size: width of x_t.
        hidden_size: width of every tensor of the state.
    """

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
        return F.linear(inputs, self.input_weight, self.bias)

    def bind(self) -> "Step":
        """`step`, made ready for the many steps of one pass: see `over_steps`."""
        recur = over_steps(self.hidden_weight)
        return lambda projected, state: self.advance(projected, state, recur(state[0]))

    def bind_project(self) -> Linear:
        """`project`, made ready for the many steps of one pass; for inputs that are known step by step only."""
        product = over_steps(self.input_weight)
        return lambda inputs: product(inputs) + self.bias

    def step(self, projected: Tensor, state: State) -> State:
        """One time step: projected input (batch, projected) and the state before -> the state after."""
        return self.advance(projected, state, F.linear(state[0], self.hidden_weight))

    @abstractmethod
    def advance(self, projected: Tensor, state: State, recurrent: Tensor) -> State:
        """The equations of a time step, from W x_t + b and U h_{t-1}, (batch, projected) each."""

    def zero_state(self, batch: int) -> State:
        """The state before anything was read: zeros of (batch, hidden)."""
        return tuple(self.input_weight.new_zeros(batch, self.hidden_size) for _ in range(self.state_tensors))

    def run(self, inputs: Tensor) -> Tensor:
        """The outer states of all time steps from a zero state: (batch, time, input) -> (batch, time, hidden).

        A cell for which torch has a fused kernel calls it here: the same function, fewer launches.
        """
        state = self.zero_state(inputs.shape[0])
        step = self.bind()
        outputs = []
        for projected in self.project(inputs).unbind(1):
            state = step(projected, state)
            outputs.append(state[0])
        return torch.stack(outputs, dim=1)


def _full_precision_on_cpu() -> torch.autocast:
    """Torch has a bf16 kernel for recurrent layers on few CPUs, and raises on the others; CUDA's autocast stays on."""
    return torch.autocast("cpu", enabled=False)


class GRUCell(Cell):
    """Gated recurrent unit (Cho et al. 2014) in cuDNN's form, equal to `torch.nn.GRU`; blocks r, z, n.

    r, z = sigmoid(W x_t + U h_{t-1} + b);  n = tanh(W_n x_t + b_n + r * (U_n h_{t-1} + b_hn));
    h_t = (1 - z) * n + z * h_{t-1}.
    """

    gates = 3
    state_tensors = 1

    def __init__(self, *, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size=input_size, hidden_size=hidden_size)
        self.hidden_bias = nn.Parameter(torch.zeros(hidden_size))

    def advance(self, projected: Tensor, state: State, recurrent: Tensor) -> State:
        """See `Cell.advance`."""
        (hidden,) = state
        blocks = [2 * self.hidden_size, self.hidden_size]
        # split and not slices: its gradient is one concatenation, that of a slice a tensor of zeros each.
        input_gates, input_new = torch.split(projected, blocks, dim=1)
        hidden_gates, hidden_new = torch.split(recurrent, blocks, dim=1)
        reset, update = torch.sigmoid(input_gates + hidden_gates).chunk(2, dim=1)
        new = torch.tanh(input_new + reset * (hidden_new + self.hidden_bias))
        # Under autocast the three differ in their number format, and lerp wants one.
        return (torch.lerp(new, hidden.to(new.dtype), update.to(new.dtype)),)

    def run(self, inputs: Tensor) -> Tensor:
        """See `Cell.run`; torch's kernel."""
        (start,) = self.zero_state(inputs.shape[0])
        # torch adds a bias to the hidden side of every gate; ours differ from 0 in the last block only.
        hidden_bias = torch.cat((self.hidden_bias.new_zeros(2 * self.hidden_size), self.hidden_bias))
        weights = [self.input_weight, self.hidden_weight, self.bias, hidden_bias]
        with _full_precision_on_cpu():
            inputs = inputs.to(self.bias.dtype)
            outputs, _ = torch.gru(inputs, start[None], weights, True, 1, 0.0, self.training, False, True)
        return outputs


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997; Gers et al. 2000), equal to `torch.nn.LSTM`.

    Blocks i, f, g, o: i, f, o = sigmoid(W x_t + U h_{t-1} + b);  g = tanh(W_g x_t + U_g h_{t-1} + b_g);
    c_t = f * c_{t-1} + i * g;  h_t = o * tanh(c_t). The forget gate's bias starts at 1.
    """

    gates = 4
    state_tensors = 2

    def __init__(self, *, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size=input_size, hidden_size=hidden_size)
        self.bias.data[hidden_size : 2 * hidden_size] = 1.0

    def advance(self, projected: Tensor, state: State, recurrent: Tensor) -> State:
        """See `Cell.advance`; the state is (h, c)."""
        _, cell = state
        gates = projected + recurrent
        write, forget, new, read = gates.chunk(4, dim=1)
        cell = torch.sigmoid(forget) * cell + torch.sigmoid(write) * torch.tanh(new)
        return torch.sigmoid(read) * torch.tanh(cell), cell

    def run(self, inputs: Tensor) -> Tensor:
        """See `Cell.run`; torch's kernel."""
        start = [tensor[None] for tensor in self.zero_state(inputs.shape[0])]
        weights = [self.input_weight, self.hidden_weight, self.bias, torch.zeros_like(self.bias)]
        with _full_precision_on_cpu():
            inputs = inputs.to(self.bias.dtype)
            outputs, _, _ = torch.lstm(inputs, start, weights, True, 1, 0.0, self.training, False, True)
        return outputs


CELLS: dict[str, type[Cell]] = {"gru": GRUCell, "lstm": LSTMCell}
"""Every cell by the name that the configuration gives it."""
