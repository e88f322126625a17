"""The decoder's parts against their equations, each written out with plain tensor operations."""

import pytest
import torch

from s2s.nn.attention import FixedVector, Memory, Reading
from s2s.nn.cells import CELLS, Cell, State
from s2s.nn.decoder import AskBetween, AskFirst, Bridge, Readout, UpperLayers
from s2s.nn.embedding import Embedding, OutputLayer

ROWS, SRC, WIDTH, EMBED = 3, 5, 4, 2

each_cell = pytest.mark.parametrize("name", CELLS)


def cell_of(name: str, inputs: int) -> Cell:
    return CELLS[name](input_size=inputs, hidden_size=WIDTH)


def states_of(name: str, layers: int) -> tuple[State, ...]:
    tensors = CELLS[name].state_tensors
    return tuple(tuple(torch.randn(ROWS, WIDTH) for _ in range(tensors)) for _ in range(layers))


@each_cell
def test_asking_first_is_a_cell_over_embedding_and_context(name: str) -> None:
    """s_i = cell([E y; c_i], s_{i-1}): the two parts of the input matrix, side by side, are one matrix."""
    order = AskFirst(
        attention=FixedVector(),
        cell=cell_of(name, EMBED),
        context_size=WIDTH,
        upper=UpperLayers(cells=[], dropout=0.0),
    )
    whole = cell_of(name, EMBED + WIDTH)
    with torch.no_grad():
        for parameter, source in zip(whole.parameters(), order.cell.parameters(), strict=True):
            if parameter is not whole.input_weight:
                parameter.copy_(source)
        whole.input_weight.copy_(torch.cat((order.cell.input_weight, order.context.weight), dim=1))
    embedded, context, layers = torch.randn(ROWS, EMBED), torch.randn(ROWS, WIDTH), states_of(name, 1)
    memory = order.attention.remember(torch.randn(ROWS, SRC, WIDTH), context, torch.ones(ROWS, SRC).bool())
    advance = order.bind()(order.project(embedded), layers, memory)
    expected = whole.step(whole.project(torch.cat((embedded, context), dim=1)), layers[0])
    assert torch.equal(advance.reading.context, context)
    for tensor, expected_tensor in zip(advance.layers[0], expected, strict=True):
        torch.testing.assert_close(tensor, expected_tensor)


@each_cell
def test_asking_between_is_two_cells_one_after_the_other(name: str) -> None:
    """s'_i = cell1(E y, s_{i-1}); s_i = cell2(c_i, s'_i)."""
    first, second = cell_of(name, EMBED), cell_of(name, WIDTH)
    order = AskBetween(attention=FixedVector(), first=first, second=second, upper=UpperLayers(cells=[], dropout=0.0))
    embedded, context, layers = torch.randn(ROWS, EMBED), torch.randn(ROWS, WIDTH), states_of(name, 1)
    memory = order.attention.remember(torch.randn(ROWS, SRC, WIDTH), context, torch.ones(ROWS, SRC).bool())
    advance = order.bind()(order.project(embedded), layers, memory)
    expected = second.step(second.project(context), first.step(first.project(embedded), layers[0]))
    for tensor, expected_tensor in zip(advance.layers[0], expected, strict=True):
        torch.testing.assert_close(tensor, expected_tensor)


@each_cell
def test_upper_layers_read_the_new_state_below_and_their_own_old_one(name: str) -> None:
    cells = [cell_of(name, WIDTH), cell_of(name, WIDTH)]
    old = states_of(name, 3)
    (below,) = states_of(name, 1)
    states = UpperLayers(cells=cells, dropout=0.0).bind()(below, old)
    assert states[0] is below
    for depth, cell in enumerate(cells):
        expected = cell.step(cell.project(states[depth][0]), old[depth + 1])
        for tensor, expected_tensor in zip(states[depth + 1], expected, strict=True):
            torch.testing.assert_close(tensor, expected_tensor)


@pytest.mark.parametrize("tensors", [1, 2])
def test_a_bridge_makes_every_tensor_of_every_layer_from_that_layers_final_state(tensors: int) -> None:
    bridge = Bridge(encoder_size=6, hidden_size=WIDTH, num_layers=2, state_tensors=tensors)
    final = [torch.randn(ROWS, 6) for _ in range(2)]
    layers = bridge(final)
    for linear, vector, state in zip(bridge.layers, final, layers, strict=True):
        expected = torch.tanh(vector @ linear.weight.T + linear.bias)
        assert [tuple(tensor.shape) for tensor in state] == [(ROWS, WIDTH)] * tensors
        torch.testing.assert_close(torch.cat(state, dim=1), expected)


def test_a_readout_sees_state_context_and_embedding() -> None:
    """r_i = tanh(W_r [s_i; c_i; E y_{i-1}] + b_r), for one step or all."""
    readout = Readout(hidden_size=WIDTH, context_size=6, embed_size=EMBED, readout_size=3)
    parts = [torch.randn(ROWS, 7, width) for width in (WIDTH, 6, EMBED)]
    expected = torch.tanh(torch.cat(parts, dim=2) @ readout.linear.weight.T + readout.linear.bias)
    torch.testing.assert_close(readout(*parts), expected)
    torch.testing.assert_close(readout(*(part[:, 2] for part in parts)), expected[:, 2])


def test_an_embedding_has_unit_variance_and_serves_as_output_layer() -> None:
    embedding = Embedding(vocab_size=500, embed_size=64)
    embedded = embedding(torch.arange(500).view(50, 10))
    assert embedded.shape == (50, 10, 64)
    assert float(embedded.detach().std()) == pytest.approx(1.0, rel=0.03)
    output = OutputLayer(weight=embedding.weight)
    readouts = torch.randn(7, 64)
    torch.testing.assert_close(output(readouts), readouts @ embedding.weight.T)
    assert float(output(readouts).detach().std()) == pytest.approx(1.0, rel=0.15)


class Overheard(FixedVector):
    """Writes down who asks."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[torch.Tensor] = []

    def read(self, query: torch.Tensor, memory: Memory) -> Reading:
        self.queries.append(query)
        return super().read(query, memory)


@each_cell
def test_who_asks(name: str) -> None:
    """`first`: the top layer's state before the step; `between`: what the first cell makes of it in layer 1."""
    upper = UpperLayers(cells=[cell_of(name, WIDTH)], dropout=0.0)
    attention, embedded, layers = Overheard(), torch.randn(ROWS, EMBED), states_of(name, 2)
    memory = attention.remember(torch.randn(ROWS, SRC, WIDTH), torch.randn(ROWS, WIDTH), torch.ones(ROWS, SRC).bool())
    before = AskFirst(attention=attention, cell=cell_of(name, EMBED), context_size=WIDTH, upper=upper)
    before.bind()(before.project(embedded), layers, memory)
    first = cell_of(name, EMBED)
    inside = AskBetween(attention=attention, first=first, second=cell_of(name, WIDTH), upper=upper)
    inside.bind()(inside.project(embedded), layers, memory)
    assert attention.queries[0] is layers[-1][0]
    torch.testing.assert_close(attention.queries[1], first.step(first.project(embedded), layers[0])[0])
