"""Layers over time: what padding and neighbours may not do, and which state stands where."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from s2s.nn.cells import CELLS
from s2s.nn.embedding import Embedding
from s2s.nn.encoder import Encoder
from s2s.nn.recurrent import Join, Layer, Stack, plain, residual, reverse_real

WIDTH, HIDDEN = 3, 4
LENGTHS = (5, 1, 3)

each_cell = pytest.mark.parametrize("cell", CELLS)
each_way = pytest.mark.parametrize("directions", [1, 2])
each_join = pytest.mark.parametrize("join", [plain, residual])


def mask_of(lengths: tuple[int, ...], time: int | None = None) -> Tensor:
    return torch.arange(time or max(lengths))[None] < torch.tensor(lengths)[:, None]


def layer_of(cell: str, directions: int, width: int = WIDTH) -> Layer:
    cells = [CELLS[cell](input_size=width, hidden_size=HIDDEN) for _ in range(directions)]
    return Layer(forward_cell=cells[0], backward_cell=cells[1] if directions == 2 else None)


def stack_of(cell: str, directions: int, join: Join = plain, dropout: float = 0.0) -> Stack:
    widths = (WIDTH, HIDDEN * directions, HIDDEN * directions)
    return Stack(layers=[layer_of(cell, directions, width) for width in widths], join=join, dropout=dropout)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=5), st.integers(0, 3))
def test_reversing_turns_real_positions_alone_and_twice_is_not_at_all(lengths: list[int], padding: int) -> None:
    states = torch.randn(len(lengths), max(lengths) + padding, 2)
    mask = mask_of(tuple(lengths), states.shape[1])
    turned = reverse_real(states, mask)
    for row, length in enumerate(lengths):
        assert torch.equal(turned[row, :length], states[row, :length].flip(0))
        assert torch.equal(turned[row, length:], states[row, length:])
    assert torch.equal(reverse_real(turned, mask), states)


@each_cell
@each_way
@each_join
def test_a_sentence_has_the_states_that_it_has_alone(cell: str, directions: int, join: Join) -> None:
    """Whatever it is batched with, however much padding there is and whatever stands in it."""
    stack = stack_of(cell, directions, join)
    inputs = torch.randn(len(LENGTHS), max(LENGTHS), WIDTH)
    padded = torch.cat((inputs, torch.full((len(LENGTHS), 4, WIDTH), 1e4)), dim=1)
    padded[~mask_of(LENGTHS, 9)] = 1e4
    states, finals = stack(padded, mask_of(LENGTHS, 9))
    for row, length in enumerate(LENGTHS):
        alone, alone_finals = stack(inputs[row : row + 1, :length], mask_of((length,)))
        torch.testing.assert_close(states[row, :length], alone[0], atol=1e-6, rtol=0)
        for final, alone_final in zip(finals, alone_finals, strict=True):
            torch.testing.assert_close(final[row], alone_final[0], atol=1e-6, rtol=0)


@each_cell
@each_way
@each_join
def test_padding_gets_no_gradient(cell: str, directions: int, join: Join) -> None:
    inputs = torch.randn(len(LENGTHS), max(LENGTHS), WIDTH, requires_grad=True)
    mask = mask_of(LENGTHS)
    states, finals = stack_of(cell, directions, join)(inputs, mask)
    (gradient,) = torch.autograd.grad(states[mask].square().sum() + sum(f.sum() for f in finals), inputs)
    assert torch.count_nonzero(gradient[~mask]) == 0
    assert bool((gradient[mask] != 0).all())


@each_cell
def test_the_final_state_is_the_last_forward_and_the_first_backward(cell: str) -> None:
    states, final = layer_of(cell, 2)(torch.randn(len(LENGTHS), max(LENGTHS), WIDTH), mask_of(LENGTHS))
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(final[row, :HIDDEN], states[row, length - 1, :HIDDEN], atol=0, rtol=0)
        torch.testing.assert_close(final[row, HIDDEN:], states[row, 0, HIDDEN:], atol=0, rtol=0)


@each_cell
def test_the_backward_direction_reads_the_reversed_sentence(cell: str) -> None:
    layer = layer_of(cell, 2)
    inputs, mask = torch.randn(2, 4, WIDTH), torch.ones(2, 4, dtype=torch.bool)
    assert layer.backward_cell is not None
    states, _ = layer(inputs, mask)
    backward = layer.backward_cell.run(inputs.flip(1), layer.backward_cell.zero_state(2)).flip(1)
    torch.testing.assert_close(states[:, :, HIDDEN:], backward)


@each_cell
def test_a_layer_starts_from_zero(cell: str) -> None:
    layer = layer_of(cell, 1)
    inputs = torch.randn(2, 4, WIDTH)
    state = layer.forward_cell.zero_state(2)
    states, _ = layer(inputs, torch.ones(2, 4, dtype=torch.bool))
    for place, projected in enumerate(layer.forward_cell.project(inputs).unbind(1)):
        state = layer.forward_cell.step(projected, state)
        torch.testing.assert_close(states[:, place], state[0])


@each_way
@each_join
def test_each_layer_reads_what_the_one_below_hands_up(directions: int, join: Join) -> None:
    """Its states; where it is residual, from the second layer on with what it read itself (He et al. 2016)."""
    stack = stack_of("gru", directions, join)
    said, mask = torch.randn(len(LENGTHS), max(LENGTHS), WIDTH), mask_of(LENGTHS)
    top, finals = stack(said, mask)
    assert len(finals) == len(stack.layers)
    for height, (layer, final) in enumerate(zip(stack.layers, finals, strict=True)):
        states, expected = layer(said, mask)
        assert torch.equal(final, expected)
        said = states + said if join is residual and height > 0 else states
    assert torch.equal(top, said)


def test_dropout_lies_between_layers_and_not_before_the_first() -> None:
    """A model of one layer has none of it: what it reads was dropped where it was embedded."""
    inputs, mask = torch.randn(2, 4, WIDTH), torch.ones(2, 4, dtype=torch.bool)
    single = Stack(layers=[layer_of("gru", 1)], join=plain, dropout=0.5).train()
    assert torch.equal(single(inputs, mask)[0], single(inputs, mask)[0])
    several = stack_of("gru", 1, dropout=0.5).train()
    (first, *_, top), (first_again, *_, top_again) = several(inputs, mask)[1], several(inputs, mask)[1]
    assert torch.equal(first, first_again)
    assert not torch.equal(top, top_again)


def test_an_encoder_hands_on_its_mask_and_forgets_what_padding_says() -> None:
    encoder = Encoder(
        embedding=Embedding(vocab_size=9, embed_size=WIDTH), stack=stack_of("lstm", 2), dropout=0.0, word_dropout=0.0
    )
    tokens, mask = torch.randint(4, 9, (len(LENGTHS), max(LENGTHS))), mask_of(LENGTHS)
    encoded, other = encoder(tokens, mask), encoder(tokens.masked_fill(~mask, 0), mask)
    assert torch.equal(encoded.mask, mask)
    assert torch.equal(encoded.embedded, encoder.embedding(tokens))
    assert torch.equal(encoded.states[mask], other.states[mask])
    for final, other_final in zip(encoded.final, other.final, strict=True):
        assert torch.equal(final, other_final)
