"""Cells against torch's own, which the equations of cells.py claim to equal."""

import pytest
import torch
from torch import Tensor, nn

from s2s.nn.cells import CELLS, Cell, GRUCell, LSTMCell, State

BATCH, TIME, INPUT, HIDDEN = 3, 6, 4, 5
REFERENCES: dict[str, type[nn.GRU] | type[nn.LSTM]] = {"gru": nn.GRU, "lstm": nn.LSTM}

each_cell = pytest.mark.parametrize("name", CELLS)


def cell_of(name: str) -> Cell:
    """A cell in float64 whose biases are drawn, too: at zero they could be misplaced unseen."""
    cell = CELLS[name](input_size=INPUT, hidden_size=HIDDEN).double()
    for parameter in cell.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter)
    return cell


def reference_of(cell: Cell, name: str) -> nn.RNNBase:
    """Torch's layer with the cell's weights; it has a hidden bias at every gate, where ours has none but GRU's n."""
    layer = REFERENCES[name](cell.input_size, cell.hidden_size, batch_first=True).double()
    with torch.no_grad():
        layer.weight_ih_l0.copy_(cell.input_weight)
        layer.weight_hh_l0.copy_(cell.hidden_weight)
        layer.bias_ih_l0.copy_(cell.bias)
        layer.bias_hh_l0.zero_()
        if isinstance(cell, GRUCell):
            layer.bias_hh_l0[2 * cell.hidden_size :] = cell.hidden_bias
    return layer


def random_state(cell: Cell, batch: int = BATCH) -> State:
    return tuple(torch.randn(batch, cell.hidden_size, dtype=torch.double) for _ in range(cell.state_tensors))


def by_steps(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    outputs = []
    for projected in cell.project(inputs).unbind(1):
        state = cell.step(projected, state)
        outputs.append(state[0])
    return torch.stack(outputs, dim=1), state


def gradients(outputs: Tensor, inputs: Tensor, module: nn.Module) -> dict[str, Tensor]:
    """Of a loss that looks at every output differently."""
    loss = (outputs * torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view_as(outputs)).sum()
    names, parameters = zip(*module.named_parameters(), strict=True)
    found = torch.autograd.grad(loss, (inputs, *parameters))
    return dict(zip(("inputs", *names), found, strict=True))


def assert_same_gradients(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    torch.testing.assert_close(ours["inputs"], theirs["inputs"])
    torch.testing.assert_close(ours["input_weight"], theirs["weight_ih_l0"])
    torch.testing.assert_close(ours["hidden_weight"], theirs["weight_hh_l0"])
    torch.testing.assert_close(ours["bias"], theirs["bias_ih_l0"])
    if "hidden_bias" in ours:
        torch.testing.assert_close(ours["hidden_bias"], theirs["bias_hh_l0"][2 * HIDDEN :])


@each_cell
def test_steps_equal_torch_from_any_state(name: str) -> None:
    cell = cell_of(name)
    inputs = torch.randn(BATCH, TIME, INPUT, dtype=torch.double, requires_grad=True)
    start = random_state(cell)
    outputs, state = by_steps(cell, inputs, start)
    reference = reference_of(cell, name)
    theirs = tuple(tensor[None] for tensor in start)
    expected, final = reference(inputs, theirs if len(theirs) > 1 else theirs[0])
    torch.testing.assert_close(outputs, expected)
    for tensor, reference_tensor in zip(state, final if isinstance(final, tuple) else (final,), strict=True):
        torch.testing.assert_close(tensor, reference_tensor[0])
    assert_same_gradients(gradients(outputs, inputs, cell), gradients(expected, inputs, reference))


@each_cell
@pytest.mark.parametrize("training", [True, False])
def test_run_equals_torch_and_its_own_steps_from_zero(name: str, training: bool) -> None:
    cell = cell_of(name).train(training)
    inputs = torch.randn(BATCH, TIME, INPUT, dtype=torch.double, requires_grad=True)
    outputs = cell.run(inputs)
    reference = reference_of(cell, name)
    expected, _ = reference(inputs)
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(outputs, by_steps(cell, inputs, cell.zero_state(BATCH))[0])
    torch.testing.assert_close(outputs, Cell.run(cell, inputs))
    assert_same_gradients(gradients(outputs, inputs, cell), gradients(expected, inputs, reference))


class OneStep(nn.Module):
    """A cell's step as a function of an input and a state, for `functional_call`."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, inputs: Tensor, *state: Tensor) -> State:
        return self.cell.step(self.cell.project(inputs), state)


@each_cell
def test_gradients_of_a_step_equal_finite_differences(name: str) -> None:
    """By inputs, state and every parameter."""
    module = OneStep(cell_of(name))
    names, parameters = zip(*module.named_parameters(), strict=True)

    def step(*tensors: Tensor) -> State:
        weights = dict(zip(names, tensors, strict=False))
        found: State = torch.func.functional_call(module, weights, tensors[len(names) :])
        return found

    inputs = torch.randn(2, INPUT, dtype=torch.double, requires_grad=True)
    state = [tensor.requires_grad_() for tensor in random_state(module.cell, batch=2)]
    assert torch.autograd.gradcheck(step, (*parameters, inputs, *state))


@each_cell
def test_project_is_as_wide_as_it_says_for_any_number_of_steps(name: str) -> None:
    cell = cell_of(name)
    inputs = torch.randn(BATCH, TIME, INPUT, dtype=torch.double)
    projected = cell.project(inputs)
    assert projected.shape == (BATCH, TIME, cell.projected_size)
    torch.testing.assert_close(projected[:, 2], cell.project(inputs[:, 2]))


@each_cell
def test_every_block_starts_orthogonal_and_as_wide_as_glorot_says(name: str) -> None:
    """Glorot & Bengio 2010 for what comes in, Saxe et al. 2014 for what recurs: block by block, not all in one."""
    size, width = 40, 60
    cell = CELLS[name](input_size=size, hidden_size=width)
    for block in cell.hidden_weight.chunk(cell.gates):
        torch.testing.assert_close(block @ block.T, torch.eye(width), atol=1e-5, rtol=0)
    bound = (6 / (size + width)) ** 0.5
    for block in cell.input_weight.chunk(cell.gates):
        assert float(block.detach().abs().max()) <= bound
        assert float(block.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.05)


def test_a_fresh_lstm_forgets_little() -> None:
    """Its forget gate stands at sigmoid(1) where nothing comes in, the others at sigmoid(0)."""
    cell = LSTMCell(input_size=INPUT, hidden_size=HIDDEN)
    nn.init.zeros_(cell.input_weight)
    nn.init.zeros_(cell.hidden_weight)
    before = torch.ones(1, HIDDEN)
    hidden, after = cell.step(cell.project(torch.ones(1, INPUT)), (before, before))
    torch.testing.assert_close(after, torch.sigmoid(before))
    torch.testing.assert_close(hidden, 0.5 * torch.tanh(after))


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_computes_under_bf16_autocast(name: str) -> None:
    cell = cell_of(name).float()
    inputs = torch.randn(3, 6, cell.input_size)
    expected = cell.run(inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(Cell.run(cell, inputs).float(), expected, atol=0.05, rtol=0)
        torch.testing.assert_close(cell.run(inputs).float(), expected, atol=0.05, rtol=0)
