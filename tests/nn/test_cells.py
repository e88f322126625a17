"""Cells against torch's own, against ONNX's operators, and against their equations written out in NumPy."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from s2s.nn.cells import CELLS, Cell, GRUCell, State

Array = NDArray[np.float64]

BATCH, TIME, INPUT, HIDDEN = 3, 6, 4, 5
SIZES = [(3, 6, 4, 5), (1, 1, 1, 1), (2, 4, 7, 3)]
"""Batch, time, input and hidden."""

each_cell = pytest.mark.parametrize("name", CELLS)
each_size = pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: "x".join(map(str, sizes)))


def cell_of(name: str, inputs: int = INPUT, hidden: int = HIDDEN) -> Cell:
    """A cell in float64 whose vectors are drawn, too: at zero a bias could be misplaced unseen."""
    cell = CELLS[name](input_size=inputs, hidden_size=hidden).double()
    for parameter in cell.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter)
    return cell


def inputs_of(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.double, requires_grad=True)


def random_state(cell: Cell, batch: int = BATCH) -> State:
    return tuple(inputs_of(batch, cell.hidden_size) for _ in range(cell.state_tensors))


def by_steps(cell: Cell, inputs: Tensor, state: State) -> Tensor:
    outputs = []
    for projected in cell.project(inputs).unbind(1):
        state = cell.step(projected, state)
        outputs.append(state[0])
    return torch.stack(outputs, dim=1)


def by_run(cell: Cell, inputs: Tensor, state: State) -> Tensor:
    return cell.run(inputs, state)


WAYS: dict[str, Callable[[Cell, Tensor, State], Tensor]] = {"step": by_steps, "run": by_run, "Cell.run": Cell.run}
"""Through a sequence step by step, by torch's kernel where the cell has one, and by the steps of one pass."""

each_way = pytest.mark.parametrize("way", WAYS)


def gradients(outputs: Tensor, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of a loss that looks at every output differently."""
    loss = (outputs * torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view_as(outputs)).sum()
    return dict(zip(tensors, torch.autograd.grad(loss, list(tensors.values())), strict=True))


def assert_all_close(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        torch.testing.assert_close(gradient, theirs[name], msg=lambda text, name=name: f"{name}: {text}")


# torch's own


TORCH: dict[str, type[nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def torch_layer_of(cell: Cell, name: str) -> nn.RNNBase:
    """Torch's layer with the cell's weights; it has a hidden bias at every gate, where ours has none but GRU's n."""
    layer = TORCH[name](cell.input_size, cell.hidden_size, batch_first=True).double()
    with torch.no_grad():
        layer.weight_ih_l0.copy_(cell.input_weight)
        layer.weight_hh_l0.copy_(cell.hidden_weight)
        layer.bias_ih_l0.copy_(cell.bias)
        layer.bias_hh_l0.zero_()
        if isinstance(cell, GRUCell):
            layer.bias_hh_l0[2 * cell.hidden_size :] = cell.hidden_bias
    return layer


@pytest.mark.parametrize("name", TORCH)
@each_size
@each_way
@pytest.mark.parametrize("training", [True, False])
def test_a_cell_equals_torch_from_any_state(
    name: str, sizes: tuple[int, int, int, int], way: str, training: bool
) -> None:
    """Values, and gradients by inputs, start state and all weights."""
    batch, time, width, hidden = sizes
    cell = cell_of(name, width, hidden).train(training)
    inputs, start = inputs_of(batch, time, width), random_state(cell, batch)
    layer = torch_layer_of(cell, name).train(training)
    theirs = tuple(tensor[None] for tensor in start)
    expected, _ = layer(inputs, theirs if len(theirs) > 1 else theirs[0])
    outputs = WAYS[way](cell, inputs, start)
    torch.testing.assert_close(outputs, expected)
    shared = {"inputs": inputs, **{f"start {place}": tensor for place, tensor in enumerate(start)}}
    found = gradients(outputs, shared | dict(cell.named_parameters()))
    reference = gradients(expected, shared | dict(layer.named_parameters()))
    of_hidden_bias = reference.pop("bias_hh_l0")
    if isinstance(cell, GRUCell):
        reference["hidden_bias"] = of_hidden_bias[2 * hidden :]
    names = {"weight_ih_l0": "input_weight", "weight_hh_l0": "hidden_weight", "bias_ih_l0": "bias"}
    assert_all_close(found, {names.get(name, name): gradient for name, gradient in reference.items()})


@pytest.mark.parametrize("name", TORCH)
def test_the_last_state_equals_torch(name: str) -> None:
    """Also the part of it that nobody outside sees."""
    cell = cell_of(name)
    inputs, state = inputs_of(BATCH, TIME, INPUT), random_state(cell)
    theirs = tuple(tensor[None] for tensor in state)
    _, final = torch_layer_of(cell, name)(inputs, theirs if len(theirs) > 1 else theirs[0])
    for projected in cell.project(inputs).unbind(1):
        state = cell.step(projected, state)
    for tensor, expected in zip(state, final if isinstance(final, tuple) else (final,), strict=True):
        torch.testing.assert_close(tensor, expected[0])


# The equations


BLOCKS = {"rnn": "h", "lstm": "ifgo", "peephole": "ifgo", "cifg": "fgo", "gru": "rzn", "gru-reset-before": "rzn"}
"""The gates in the order in which their weights are stacked."""


@dataclass(frozen=True)
class Weights:
    """A cell's parameters by gate, as the equations name them: W, U, b; p of peepholes; b_hn of a GRU."""

    w: dict[str, Array]
    u: dict[str, Array]
    b: dict[str, Array]
    p: dict[str, Array]
    b_hn: Array

    def sum(self, gate: str, x: Array, h: Array) -> Array:
        return self.w[gate] @ x + self.u[gate] @ h + self.b[gate]


def weights_of(cell: Cell, name: str) -> Weights:
    arrays = {key: tensor.detach().numpy() for key, tensor in cell.named_parameters()}

    def by_gate(key: str, gates: str) -> dict[str, Array]:
        return dict(zip(gates, np.split(arrays[key], len(gates)), strict=True)) if key in arrays else {}

    return Weights(
        w=by_gate("input_weight", BLOCKS[name]),
        u=by_gate("hidden_weight", BLOCKS[name]),
        b=by_gate("bias", BLOCKS[name]),
        p={gate: vector[0] for gate, vector in by_gate("peephole", "ifo").items()},
        b_hn=arrays.get("hidden_bias", np.zeros(0)),
    )


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


@dataclass(frozen=True)
class Told:
    """A step of one row: the state after it, and its gates in the order of `gate_names`."""

    state: tuple[Array, ...]
    gates: tuple[Array, ...]


def rnn_step(k: Weights, x: Array, h: Array) -> Told:
    return Told((np.tanh(k.sum("h", x, h)),), ())


def lstm_step(k: Weights, x: Array, h: Array, c: Array) -> Told:
    i, f, o = (sigmoid(k.sum(gate, x, h)) for gate in "ifo")
    g = np.tanh(k.sum("g", x, h))
    c = f * c + i * g
    return Told((o * np.tanh(c), c), (i, f, g, o))


def peephole_step(k: Weights, x: Array, h: Array, c: Array) -> Told:
    i = sigmoid(k.sum("i", x, h) + k.p["i"] * c)
    f = sigmoid(k.sum("f", x, h) + k.p["f"] * c)
    g = np.tanh(k.sum("g", x, h))
    c = f * c + i * g
    o = sigmoid(k.sum("o", x, h) + k.p["o"] * c)
    return Told((o * np.tanh(c), c), (i, f, g, o))


def cifg_step(k: Weights, x: Array, h: Array, c: Array) -> Told:
    f, o = (sigmoid(k.sum(gate, x, h)) for gate in "fo")
    g = np.tanh(k.sum("g", x, h))
    c = f * c + (1.0 - f) * g
    return Told((o * np.tanh(c), c), (f, g, o))


def gru_step(k: Weights, x: Array, h: Array) -> Told:
    r, z = (sigmoid(k.sum(gate, x, h)) for gate in "rz")
    n = np.tanh(k.w["n"] @ x + k.b["n"] + r * (k.u["n"] @ h + k.b_hn))
    return Told(((1.0 - z) * n + z * h,), (r, z, n))


def reset_before_step(k: Weights, x: Array, h: Array) -> Told:
    r, z = (sigmoid(k.sum(gate, x, h)) for gate in "rz")
    n = np.tanh(k.w["n"] @ x + k.b["n"] + k.u["n"] @ (r * h))
    return Told(((1.0 - z) * n + z * h,), (r, z, n))


EQUATIONS: dict[str, Callable[..., Told]] = {
    "rnn": rnn_step,
    "lstm": lstm_step,
    "peephole": peephole_step,
    "cifg": cifg_step,
    "gru": gru_step,
    "gru-reset-before": reset_before_step,
}


@each_cell
@each_size
def test_states_and_gates_are_what_the_equations_say(name: str, sizes: tuple[int, int, int, int]) -> None:
    """At each step from any state; and `step` makes the state that `watch` shows."""
    batch, time, width, hidden = sizes
    cell = cell_of(name, width, hidden)
    inputs, state = inputs_of(batch, time, width), random_state(cell, batch)
    weights, watch = weights_of(cell, name), cell.watch()
    for x, projected in zip(inputs.unbind(1), cell.project(inputs).unbind(1), strict=True):
        moment, after = watch(projected, state), cell.step(projected, state)
        assert len(moment.gates) == len(cell.gate_names)
        for row in range(batch):
            expected = EQUATIONS[name](weights, *(tensor[row].detach().numpy() for tensor in (x, *state)))
            shown = [tensor[row].detach().numpy() for tensor in (*moment.state, *moment.gates)]
            np.testing.assert_allclose(shown, [*expected.state, *expected.gates], atol=1e-12)
        assert all(map(torch.equal, after, moment.state))
        state = moment.state


@each_cell
@each_size
def test_a_run_is_its_steps(name: str, sizes: tuple[int, int, int, int]) -> None:
    """In values and gradients; every cell may have a way of its own to run over a sequence."""
    batch, time, width, hidden = sizes
    cell = cell_of(name, width, hidden)
    inputs, start = inputs_of(batch, time, width), random_state(cell, batch)
    tensors = {"inputs": inputs, **{f"start {place}": tensor for place, tensor in enumerate(start)}}
    tensors |= dict(cell.named_parameters())
    expected = by_steps(cell, inputs, start)
    for way in (by_run, Cell.run):
        outputs = way(cell, inputs, start)
        torch.testing.assert_close(outputs, expected)
        assert_all_close(gradients(outputs, tensors), gradients(by_steps(cell, inputs, start), tensors))


def test_gates_are_named_as_the_equations_name_them() -> None:
    """Which is what pictures of them are labelled with."""
    assert {name: "".join(cell.gate_names) for name, cell in CELLS.items()} == BLOCKS | {"rnn": ""}


# ONNX's operators


@dataclass(frozen=True)
class Operator:
    """An operator of ONNX that is one of our cells.

    Attributes:
        gates: the order in which it stacks its gates; `-f` is the forget gate's weights negated.
        settings: its attributes.
    """

    kind: str
    gates: tuple[str, ...]
    settings: dict[str, int]


OPERATORS = {
    "rnn": Operator("RNN", ("h",), {}),
    "lstm": Operator("LSTM", ("i", "o", "f", "g"), {}),
    "peephole": Operator("LSTM", ("i", "o", "f", "g"), {}),
    # It couples the other way round, f = 1 - i: so i is made our 1 - f = sigmoid(-x). Its own f is not read.
    "cifg": Operator("LSTM", ("-f", "o", "f", "g"), {"input_forget": 1}),
    "gru": Operator("GRU", ("z", "r", "n"), {"linear_before_reset": 1}),
    "gru-reset-before": Operator("GRU", ("z", "r", "n"), {"linear_before_reset": 0}),
}


def stacked(blocks: dict[str, Array], gates: tuple[str, ...]) -> Array:
    return np.concatenate([-blocks[gate[1]] if gate[0] == "-" else blocks[gate] for gate in gates])


def operator_inputs(name: str, weights: Weights, inputs: Tensor, start: State) -> dict[str, Array]:
    """All that ONNX's operator is given, by the names that it has for them; time comes first."""
    gates = OPERATORS[name].gates
    bias = stacked(weights.b, gates)
    hidden_bias = np.zeros_like(bias)
    if weights.b_hn.size:
        hidden_bias[-weights.b_hn.size :] = weights.b_hn
    arrays = {
        "X": inputs.detach().numpy().swapaxes(0, 1),
        "W": stacked(weights.w, gates)[None],
        "R": stacked(weights.u, gates)[None],
        "B": np.concatenate((bias, hidden_bias))[None],
        "initial_h": start[0].detach().numpy()[None],
    }
    if len(start) > 1:
        arrays["initial_c"] = start[1].detach().numpy()[None]
    if weights.p:
        arrays["P"] = stacked(weights.p, ("i", "o", "f"))[None]
    return {key: array.astype(np.float32) for key, array in arrays.items()}


def run_operator(operator: Operator, hidden: int, arrays: dict[str, Array]) -> Array:
    """What onnxruntime says the outer states are, (batch, time, hidden)."""
    order = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
    names = [name if name in arrays else "" for name in order]
    while not names[-1]:
        names.pop()
    node = onnx.helper.make_node(operator.kind, names, ["Y"], hidden_size=hidden, **operator.settings)
    given = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, a.shape) for n, a in arrays.items()]
    made = onnx.helper.make_tensor_value_info("Y", onnx.TensorProto.FLOAT, None)
    graph = onnx.helper.make_graph([node], "cell", given, [made])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    states: Array = session.run(["Y"], arrays)[0]
    return states[:, 0].swapaxes(0, 1)


@each_cell
@each_size
def test_a_cell_is_the_operator_of_onnx(name: str, sizes: tuple[int, int, int, int]) -> None:
    """In single precision, which is what onnxruntime computes these operators in."""
    batch, time, width, hidden = sizes
    cell = cell_of(name, width, hidden)
    inputs, start = inputs_of(batch, time, width), random_state(cell, batch)
    arrays = operator_inputs(name, weights_of(cell, name), inputs, start)
    expected = run_operator(OPERATORS[name], hidden, arrays)
    np.testing.assert_allclose(cell.run(inputs, start).detach().numpy(), expected, atol=2e-6)


# Identities


def copied(source: Cell, name: str) -> Cell:
    """Another kind of cell with all parameters that it shares with this one."""
    cell = cell_of(name)
    with torch.no_grad():
        for key, parameter in cell.named_parameters():
            parameter.copy_(source.get_parameter(key))
    return cell


def test_without_peepholes_the_cell_is_the_lstm() -> None:
    peephole = cell_of("peephole")
    nn.init.zeros_(peephole.get_parameter("peephole"))
    lstm = copied(peephole, "lstm")
    inputs, start = inputs_of(BATCH, TIME, INPUT), random_state(lstm)
    tensors = {"inputs": inputs, "h": start[0], "c": start[1]}
    ours, theirs = Cell.run(peephole, inputs, start), Cell.run(lstm, inputs, start)
    torch.testing.assert_close(ours, theirs)
    found = gradients(ours, tensors | dict(peephole.named_parameters()))
    assert found.pop("peephole").any()
    assert_all_close(found, gradients(theirs, tensors | dict(lstm.named_parameters())))


def test_peepholes_look_at_the_cell_state() -> None:
    cell = cell_of("peephole")
    inputs, (hidden, memory) = inputs_of(BATCH, INPUT), random_state(cell)
    one, other = (cell.watch()(cell.project(inputs), (hidden, c)) for c in (memory, memory + 1.0))
    changed = {gate: not torch.equal(a, b) for gate, a, b in zip("ifgo", one.gates, other.gates, strict=True)}
    assert changed == {"i": True, "f": True, "g": False, "o": True}


def test_coupled_gates_are_an_lstm_whose_input_gate_is_one_less_its_forget_gate() -> None:
    """1 - sigmoid(x) = sigmoid(-x): its input gate has the forget gate's weights negated."""
    cifg, lstm = cell_of("cifg"), cell_of("lstm")
    with torch.no_grad():
        for key, parameter in cifg.named_parameters():
            forget, new, read = parameter.chunk(3)
            lstm.get_parameter(key).copy_(torch.cat((-forget, forget, new, read)))
    inputs, start = inputs_of(BATCH, TIME, INPUT), random_state(lstm)
    tensors = {"inputs": inputs, "h": start[0], "c": start[1]}
    ours, theirs = cifg.run(inputs, start), lstm.run(inputs, start)
    torch.testing.assert_close(ours, theirs)
    expected = gradients(theirs, tensors | dict(lstm.named_parameters()))
    for key in dict(lstm.named_parameters()):
        write, forget, new, read = expected[key].chunk(4)
        expected[key] = torch.cat((forget - write, new, read))
    assert_all_close(gradients(ours, tensors | dict(cifg.named_parameters())), expected)


def test_where_a_gru_resets_makes_a_difference() -> None:
    """From a zero state there is nothing to reset, and none."""
    after = cell_of("gru")
    nn.init.zeros_(after.get_parameter("hidden_bias"))
    before = copied(after, "gru-reset-before")
    projected, state = after.project(inputs_of(BATCH, INPUT)), random_state(after)
    zero = after.zero_state(BATCH)
    torch.testing.assert_close(before.step(projected, zero), after.step(projected, zero))
    difference = before.step(projected, state)[0] - after.step(projected, state)[0]
    assert float(difference.detach().abs().max()) > 0.01


# Gradients, sizes, first weights, number formats


class Run(nn.Module):
    """A cell's steps as a function of inputs and a state, for `functional_call`."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, inputs: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        step = self.cell.bind()
        said = []
        for projected in self.cell.project(inputs).unbind(1):
            state = step(projected, state)
            said.append(state[0])
        return (*said, *state[1:])


@each_cell
def test_gradients_of_several_steps_equal_finite_differences(name: str) -> None:
    """By inputs, state and every parameter."""
    module = Run(cell_of(name, 2, 2))
    names, parameters = zip(*module.named_parameters(), strict=True)

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        weights = dict(zip(names, tensors, strict=False))
        found: tuple[Tensor, ...] = torch.func.functional_call(module, weights, tensors[len(names) :])
        return found

    assert torch.autograd.gradcheck(run, (*parameters, inputs_of(2, 3, 2), *random_state(module.cell, batch=2)))


@each_cell
def test_project_is_as_wide_as_it_says_for_any_number_of_steps(name: str) -> None:
    cell = cell_of(name)
    inputs = inputs_of(BATCH, TIME, INPUT)
    projected = cell.project(inputs)
    assert projected.shape == (BATCH, TIME, cell.projected_size)
    torch.testing.assert_close(projected[:, 2], cell.project(inputs[:, 2]))
    torch.testing.assert_close(projected[:, 2], cell.bind_project()(inputs[:, 2]))


@each_cell
def test_it_starts_from_zeros_in_the_format_of_its_weights(name: str) -> None:
    for cell in (cell_of(name), cell_of(name).float()):
        state = cell.zero_state(BATCH)
        assert [(tensor.shape, tensor.dtype) for tensor in state] == [
            ((BATCH, HIDDEN), cell.input_weight.dtype)
        ] * cell.state_tensors
        assert not any(tensor.any() for tensor in state)


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


@pytest.mark.parametrize("name", ["lstm", "peephole", "cifg"])
def test_a_fresh_lstm_forgets_little(name: str) -> None:
    """Its forget gate stands at sigmoid(1) where nothing comes in, the others at sigmoid(0)."""
    cell = CELLS[name](input_size=INPUT, hidden_size=HIDDEN)
    for key, parameter in cell.named_parameters():
        if key != "bias":
            nn.init.zeros_(parameter)
    moment = cell.watch()(cell.project(torch.ones(1, INPUT)), cell.zero_state(1))
    gates = dict(zip(cell.gate_names, moment.gates, strict=True))
    torch.testing.assert_close(gates.pop("f"), torch.full((1, HIDDEN), 1.0).sigmoid())
    assert not gates.pop("g").any()
    for gate in gates.values():
        torch.testing.assert_close(gate, torch.full((1, HIDDEN), 0.5))


@each_cell
def test_under_bf16_autocast_states_keep_their_format(name: str) -> None:
    """Products are narrow, states are not: what a state gains from one step would be lost in the next."""
    cell = cell_of(name).float()
    inputs, start = torch.randn(BATCH, TIME, INPUT), tuple(tensor.float() for tensor in random_state(cell))
    expected = cell.run(inputs, start)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ways = [way(cell, inputs, start) for way in WAYS.values()]
        assert {tensor.dtype for tensor in cell.step(cell.project(inputs[:, 0]), start)} == {torch.float32}
    for outputs in ways:
        assert outputs.dtype == torch.float32
        torch.testing.assert_close(outputs, expected, atol=0.05, rtol=0)
        assert not torch.equal(outputs, expected)
