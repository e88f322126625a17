"""Who asks, and when: each order against its equations, written out with the steps of its cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from s2s.nn.attention import AdditiveScore, Attention, DotScore, HoppingAttention, Memory, Read, Reading, SoftAttention
from s2s.nn.cells import CELLS, Cell, State
from s2s.nn.linear import Linear
from s2s.nn.orders import AskBetween, AskFirst, AskLastFed, AskLastUnfed, Course, Order, Readout, UpperLayers
from s2s.nn.recurrent import Join, plain, residual

ROWS, TRG, SRC, WIDTH, EMBED, READOUT = 3, 4, 5, 4, 2, 3
MASK = torch.arange(SRC)[None] < torch.tensor((5, 1, 3))[:, None]

JOINS: dict[str, Join] = {"plain": plain, "residual": residual}

each_cell = pytest.mark.parametrize("cell", CELLS)
each_join = pytest.mark.parametrize("join", JOINS)
each_depth = pytest.mark.parametrize("layers", [1, 3])


def cell_of(name: str, inputs: int, width: int = WIDTH) -> Cell:
    return CELLS[name](input_size=inputs, hidden_size=width)


def upper_of(cell: str, layers: int, join: str) -> UpperLayers:
    return UpperLayers(cells=[cell_of(cell, WIDTH) for _ in range(layers - 1)], join=JOINS[join], dropout=0.0)


def ask_first(attention: Attention, cell: str, upper: UpperLayers) -> AskFirst:
    readout = Readout(said_size=2 * WIDTH + EMBED, readout_size=READOUT)
    return AskFirst(attention=attention, cell=cell_of(cell, EMBED), context_size=WIDTH, upper=upper, readout=readout)


def ask_between(attention: Attention, cell: str, upper: UpperLayers) -> AskBetween:
    readout = Readout(said_size=2 * WIDTH + EMBED, readout_size=READOUT)
    first, second = cell_of(cell, EMBED), cell_of(cell, WIDTH)
    return AskBetween(attention=attention, first=first, second=second, upper=upper, readout=readout)


def ask_last_unfed(attention: Attention, cell: str, upper: UpperLayers) -> AskLastUnfed:
    readout = Readout(said_size=2 * WIDTH, readout_size=READOUT)
    return AskLastUnfed(attention=attention, cell=cell_of(cell, EMBED), upper=upper, readout=readout)


def ask_last_fed(attention: Attention, cell: str, upper: UpperLayers) -> AskLastFed:
    readout = Readout(said_size=2 * WIDTH, readout_size=READOUT)
    return AskLastFed(attention=attention, cell=cell_of(cell, EMBED), feed_size=READOUT, upper=upper, readout=readout)


# The equations. An attention here is the dot product's, whose context is softmax_j(q . h_j) over real positions.


@dataclass(frozen=True)
class Told:
    """What a step makes by its equations, and who asked."""

    layers: tuple[State, ...]
    query: Tensor
    context: Tensor
    weights: Tensor
    readout: Tensor


def look(query: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    scores = (states * query[:, None]).sum(dim=2).masked_fill(~MASK, float("-inf"))
    weights = torch.softmax(scores, dim=1)
    return (weights[:, :, None] * states).sum(dim=1), weights


def said_by(layers: Sequence[State], adds: bool) -> list[Tensor]:
    """What each layer hands up: its outer state, and from the second on with what it read where it is residual."""
    said = [layers[0][0]]
    for state in layers[1:]:
        said.append(state[0] + said[-1] if adds else state[0])
    return said


def climb(order: Order, lowest: State, before: Sequence[State], adds: bool) -> tuple[State, ...]:
    """The upper layers: each reads what the one below hands up at this step, and its own state before."""
    layers = [lowest]
    for cell, state in zip(order.upper.cells, before[1:], strict=True):
        assert isinstance(cell, Cell)
        layers.append(cell.step(cell.project(said_by(layers, adds)[-1]), state))
    return tuple(layers)


def with_input(cell: Cell, more: Linear) -> Cell:
    """The cell over [x; y] that is made of a cell over x and a matrix for y."""
    whole = type(cell)(input_size=cell.input_size + more.in_features, hidden_size=cell.hidden_size)
    whole.load_state_dict(cell.state_dict() | {"input_weight": torch.cat((cell.input_weight, more.weight), dim=1)})
    return whole


def tanh_layer(readout: Readout, *parts: Tensor) -> Tensor:
    return torch.tanh(torch.cat(parts, dim=1) @ readout.linear.weight.t() + readout.linear.bias)


def first_equation(order: Order, y: Tensor, before: Sequence[State], feed: Tensor, h: Tensor, adds: bool) -> Told:
    """q = s_{i-1};  s_i = cell([E y_{i-1}; c_i], s_{i-1});  r_i = tanh(W_r [s_i; c_i; E y_{i-1}] + b_r)."""
    assert isinstance(order, AskFirst)
    query = said_by(before, adds)[-1]
    context, weights = look(query, h)
    cell = with_input(order.cell, order.context)
    layers = climb(order, cell.step(cell.project(torch.cat((y, context), dim=1)), before[0]), before, adds)
    return Told(layers, query, context, weights, tanh_layer(order.readout, said_by(layers, adds)[-1], context, y))


def between_equation(order: Order, y: Tensor, before: Sequence[State], feed: Tensor, h: Tensor, adds: bool) -> Told:
    """s'_i = cell1(E y_{i-1}, s_{i-1});  q = s'_i;  s_i = cell2(c_i, s'_i);  r_i = tanh(W_r [s_i; c_i; E y] + b_r)."""
    assert isinstance(order, AskBetween)
    asking = order.first.step(order.first.project(y), before[0])
    context, weights = look(asking[0], h)
    layers = climb(order, order.second.step(order.second.project(context), asking), before, adds)
    return Told(layers, asking[0], context, weights, tanh_layer(order.readout, said_by(layers, adds)[-1], context, y))


def unfed_equation(order: Order, y: Tensor, before: Sequence[State], feed: Tensor, h: Tensor, adds: bool) -> Told:
    """s_i = cell(E y_{i-1}, s_{i-1});  q = s_i;  feed_i = tanh(W_c [s_i; c_i])."""
    assert isinstance(order, AskLastUnfed)
    layers = climb(order, order.cell.step(order.cell.project(y), before[0]), before, adds)
    query = said_by(layers, adds)[-1]
    context, weights = look(query, h)
    return Told(layers, query, context, weights, tanh_layer(order.readout, query, context))


def fed_equation(order: Order, y: Tensor, before: Sequence[State], feed: Tensor, h: Tensor, adds: bool) -> Told:
    """s_i = cell([E y_{i-1}; feed_{i-1}], s_{i-1});  q = s_i;  feed_i = tanh(W_c [s_i; c_i])."""
    assert isinstance(order, AskLastFed)
    cell = with_input(order.cell, order.feed)
    layers = climb(order, cell.step(cell.project(torch.cat((y, feed), dim=1)), before[0]), before, adds)
    query = said_by(layers, adds)[-1]
    context, weights = look(query, h)
    return Told(layers, query, context, weights, tanh_layer(order.readout, query, context))


@dataclass(frozen=True)
class Kind:
    make: Callable[[Attention, str, UpperLayers], Order]
    equation: Callable[[Order, Tensor, Sequence[State], Tensor, Tensor, bool], Told]


KINDS = {
    "first": Kind(ask_first, first_equation),
    "between": Kind(ask_between, between_equation),
    "last, unfed": Kind(ask_last_unfed, unfed_equation),
    "last, fed": Kind(ask_last_fed, fed_equation),
}

each_kind = pytest.mark.parametrize("kind", KINDS)


def layers_of(order: Order, cell: str) -> tuple[State, ...]:
    tensors = CELLS[cell].state_tensors
    return tuple(tuple(torch.randn(ROWS, WIDTH) for _ in range(tensors)) for _ in range(len(order.upper.cells) + 1))


def sources() -> tuple[Tensor, Tensor]:
    return torch.randn(ROWS, SRC, WIDTH), torch.randn(ROWS, WIDTH)


class Overheard(SoftAttention):
    """Writes down who asks."""

    def __init__(self) -> None:
        super().__init__(score=DotScore(scale=1.0))
        self.queries: list[Tensor] = []

    def bind(self, memory: Memory) -> Read:
        read_once = super().bind(memory)

        def read(query: Tensor) -> Reading:
            self.queries.append(query)
            return read_once(query)

        return read


@each_kind
@each_cell
@each_join
def test_an_order_is_its_equations(kind: str, cell: str, join: str) -> None:
    """Of three layers over three steps: who asks, what is read, all states, and the readout."""
    attention = Overheard()
    order = KINDS[kind].make(attention, cell, upper_of(cell, 3, join))
    nn.init.normal_(order.readout.linear.bias)
    states, final = sources()
    before, feed = layers_of(order, cell), torch.zeros(ROWS, READOUT)
    carried = order.start(before)
    advance = order.bind(order.attention.remember(states, final, MASK))
    for _ in range(3):
        y = torch.randn(ROWS, EMBED)
        told = KINDS[kind].equation(order, y, before, feed, states, join == "residual")
        made = advance(order.project(y), carried)
        torch.testing.assert_close(attention.queries.pop(), told.query)
        torch.testing.assert_close(made.weights, told.weights[:, None])
        torch.testing.assert_close(made.carried[: len(before)], told.layers)
        torch.testing.assert_close(order.say(made.said, y), told.readout)
        carried, before, feed = made.carried, told.layers, told.readout
    assert not attention.queries


def test_no_order_asks_with_the_state_of_another() -> None:
    """From one start the four ask with three different states: before, inside and after the step."""
    asked = {}
    y, before, (states, final) = torch.randn(ROWS, EMBED), layers_of(ask_first_alone(), "gru"), sources()
    for name, kind in KINDS.items():
        torch.manual_seed(1)
        attention = Overheard()
        order = kind.make(attention, "gru", upper_of("gru", 1, "plain"))
        order.bind(attention.remember(states, final, MASK))(order.project(y), order.start(before))
        asked[name] = attention.queries[0]
    assert asked["first"] is before[0][0]
    for name in ("between", "last, unfed", "last, fed"):
        assert not torch.equal(asked[name], before[0][0])


def ask_first_alone() -> AskFirst:
    return ask_first(Overheard(), "gru", upper_of("gru", 1, "plain"))


def deep_attention() -> HoppingAttention:
    """Two hops with the additive score: every function of `steps` takes part."""
    score = AdditiveScore(query_size=WIDTH, state_size=WIDTH, key_size=3)
    return HoppingAttention(score=score, hops=2, query_size=WIDTH, state_size=WIDTH)


@dataclass(frozen=True)
class Pass:
    """An order of attention in float64, and all that a pass over a sentence is given."""

    order: Order
    embedded: Tensor
    start: tuple[State, ...]
    states: Tensor
    final: Tensor

    def tensors(self) -> list[Tensor]:
        """All that gradients are asked for."""
        state = [tensor for layer in self.start for tensor in layer]
        return [self.embedded, self.states, *state, *self.order.parameters()]

    def unroll(self) -> tuple[Tensor, ...]:
        """Readouts and weights of all steps."""
        return self._told(self.order.unroll)

    def step_by_step(self) -> tuple[Tensor, ...]:
        """The same, each step by itself: nothing is gathered over steps."""
        return self._told(self._by_single_steps)

    def _told(self, unroll: Callable[[Tensor, tuple[State, ...], Memory], Course]) -> tuple[Tensor, ...]:
        memory = self.order.attention.remember(self.states, self.final, MASK)
        course = unroll(self.embedded, self.order.start(self.start), memory)
        return self.order.say(course.said, self.embedded), course.weights

    def _by_single_steps(self, embedded: Tensor, carried: tuple[State, ...], memory: Memory) -> Course:
        advances = []
        for y in embedded.unbind(1):
            advances.append(self.order.bind(memory)(self.order.project(y), carried))
            carried = advances[-1].carried
        said = zip(*(advance.said for advance in advances), strict=True)
        weights = torch.stack([advance.weights for advance in advances], dim=1)
        return Course(tuple(torch.stack(tensors, dim=1) for tensors in said), weights)


def pass_of(kind: str, cell: str, layers: int = 2, join: str = "residual") -> Pass:
    order = KINDS[kind].make(deep_attention(), cell, upper_of(cell, layers, join)).double()
    states, final = (tensor.double() for tensor in sources())
    start = tuple(tuple(t.double().requires_grad_() for t in state) for state in layers_of(order, cell))
    embedded = torch.randn(ROWS, TRG, EMBED, dtype=torch.double, requires_grad=True)
    return Pass(order, embedded, start, states.requires_grad_(), final)


def loss_of(told: tuple[Tensor, ...]) -> Tensor:
    """Looks at every number differently."""
    return torch.stack([(t * torch.linspace(-1, 1, t.numel(), dtype=t.dtype).view_as(t)).sum() for t in told]).sum()


@each_kind
@each_cell
@each_depth
@each_join
def test_unrolling_is_stepping(kind: str, cell: str, layers: int, join: str) -> None:
    """In values and gradients, though what can be is done for all steps at once."""
    run = pass_of(kind, cell, layers, join)
    unrolled, stepped = run.unroll(), run.step_by_step()
    torch.testing.assert_close(unrolled, stepped)
    found, expected = (torch.autograd.grad(loss_of(told), run.tensors()) for told in (unrolled, stepped))
    torch.testing.assert_close(found, expected)


@each_kind
@each_cell
def test_gradients_of_several_steps_equal_finite_differences(kind: str, cell: str) -> None:
    """By embeddings, start states, the source's states and every parameter."""
    run = pass_of(kind, cell)

    def unroll(*tensors: Tensor) -> tuple[Tensor, ...]:
        return run.unroll()

    # The pass reads the very tensors that the check moves a little.
    assert torch.autograd.gradcheck(unroll, run.tensors(), fast_mode=True)


@each_kind
def test_a_gradient_of_some_of_what_was_made(kind: str) -> None:
    """Of one step's readout, or of weights alone, as where nothing else is asked for."""
    run = pass_of(kind, "lstm")
    for some in (lambda told: told[0][:, 1], lambda told: told[1][:, -1], lambda told: told[0][:1]):
        found, expected = (
            torch.autograd.grad(loss_of((some(told),)), run.tensors(), allow_unused=True, materialize_grads=True)
            for told in (run.unroll(), run.step_by_step())
        )
        torch.testing.assert_close(found, expected)


@each_kind
def test_passes_do_not_mix(kind: str) -> None:
    """Two before one backward; one that runs backward again; and one that was asked for states alone before."""
    run = pass_of(kind, "peephole")
    expected = torch.autograd.grad(loss_of(run.step_by_step()), run.tensors())
    both = torch.autograd.grad(loss_of(run.unroll()) + 2.0 * loss_of(run.unroll()), run.tensors())
    torch.testing.assert_close(both, tuple(3.0 * gradient for gradient in expected))
    loss = loss_of(run.unroll())
    torch.autograd.grad(loss, run.start[0][0], retain_graph=True)
    for _ in range(2):
        torch.testing.assert_close(torch.autograd.grad(loss, run.tensors(), retain_graph=True), expected)


@each_cell
@each_join
def test_upper_layers_run_as_they_climb(cell: str, join: str) -> None:
    """Over a whole sentence at once or step by step: each reads what the one below says at the same step."""
    upper = upper_of(cell, 3, join)
    first = [tuple(torch.randn(ROWS, WIDTH) for _ in range(CELLS[cell].state_tensors)) for _ in range(TRG)]
    layers = layers_of(ask_first(Overheard(), cell, upper), cell)
    whole = upper.run(torch.stack([state[0] for state in first], dim=1), layers)
    climb_once = upper.bind()
    for place, state in enumerate(first):
        layers = climb_once(state, layers)
        assert layers[0] is state
        torch.testing.assert_close(whole[:, place], upper.top(layers))


def test_what_an_upper_layer_reads_is_dropped_in_training() -> None:
    upper = UpperLayers(cells=[cell_of("gru", WIDTH)], join=plain, dropout=0.5)
    (below, above), climb_once = layers_of(ask_first(Overheard(), "gru", upper), "gru"), upper.bind()
    made = [climb_once(below, (below, above))[1][0] for _ in range(2)]
    assert not torch.equal(*made)
    upper.eval()
    assert torch.equal(*[climb_once(below, (below, above))[1][0] for _ in range(2)])


def test_the_first_feed_is_zero() -> None:
    """And is carried behind the layers, which are as they were."""
    order = ask_last_fed(Overheard(), "lstm", upper_of("lstm", 2, "plain"))
    layers = layers_of(order, "lstm")
    *carried, (feed,) = order.start(layers)
    assert all(one is other for one, other in zip(carried, layers, strict=True))
    assert feed.shape == (ROWS, READOUT)
    assert not feed.any()


def test_a_readout_sees_all_that_was_said() -> None:
    """r_i = tanh(W_r [s_i; c_i; E y_{i-1}] + b_r), for one step or all."""
    readout = Readout(said_size=WIDTH + 6 + EMBED, readout_size=READOUT)
    nn.init.normal_(readout.linear.bias)
    parts = [torch.randn(ROWS, 7, width) for width in (WIDTH, 6, EMBED)]
    expected = torch.tanh(torch.cat(parts, dim=2) @ readout.linear.weight.T + readout.linear.bias)
    torch.testing.assert_close(readout(parts), expected)
    torch.testing.assert_close(readout([part[:, 2] for part in parts]), expected[:, 2])


@each_kind
@each_cell
def test_under_bf16_autocast_what_is_carried_keeps_its_format(kind: str, cell: str) -> None:
    """And is near what it is in full: the error of one step does not grow with the steps."""
    order = KINDS[kind].make(deep_attention(), cell, upper_of(cell, 2, "plain"))
    states, final = sources()
    embedded, layers = torch.randn(ROWS, TRG, EMBED), layers_of(order, cell)

    def unroll() -> tuple[list[tuple[State, ...]], Tensor]:
        advance, carried = order.bind(order.attention.remember(states, final, MASK)), [order.start(layers)]
        weights = []
        for y in embedded.unbind(1):
            made = advance(order.project(y), carried[-1])
            carried.append(made.carried)
            weights.append(made.weights)
        return carried, torch.stack(weights, dim=1)

    expected, expected_weights = unroll()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, weights = unroll()
    assert {tensor.dtype for state in found[-1][:2] for tensor in state} == {torch.float32}
    torch.testing.assert_close(found[-1], expected[-1], atol=0.1, rtol=0, check_dtype=False)
    torch.testing.assert_close(weights, expected_weights, atol=0.1, rtol=0)
