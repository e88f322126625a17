"""Where a decoder starts, against the equations."""

import pytest
import torch
from torch import Tensor, nn

from s2s.nn.starts import Bridge, LastState, Start, ZeroState

ROWS, WIDTH, LAYERS = 3, 4, 2

each_number_of_tensors = pytest.mark.parametrize("tensors", [1, 2])


def final_states() -> list[Tensor]:
    return [torch.randn(ROWS, WIDTH) for _ in range(LAYERS)]


@each_number_of_tensors
def test_a_bridge_is_a_layer_for_each_tensor_of_each_layer(tensors: int) -> None:
    """s_0 = tanh(W [h_last forward; h_first backward] + b), of the encoder's layer at the same height."""
    bridge = Bridge(state_size=WIDTH, width=3, num_layers=LAYERS, state_tensors=tensors)
    for linear in bridge.layers:
        assert isinstance(linear, nn.Linear)
        nn.init.normal_(linear.bias)
    final = final_states()
    states = bridge(final)
    assert len(states) == LAYERS
    for linear, vector, state in zip(bridge.layers, final, states, strict=True):
        assert len(state) == tensors
        for tensor, weight, bias in zip(state, linear.weight.chunk(tensors), linear.bias.chunk(tensors), strict=True):
            torch.testing.assert_close(tensor, torch.tanh(vector @ weight.T + bias))


@each_number_of_tensors
def test_the_last_state_is_taken_as_it_is_with_an_empty_cell_state(tensors: int) -> None:
    final = final_states()
    states = LastState(state_tensors=tensors)(final)
    assert len(states) == LAYERS
    for vector, (hidden, *rest) in zip(final, states, strict=True):
        assert torch.equal(hidden, vector)
        assert len(rest) == tensors - 1
        assert all(tensor.shape == vector.shape and not tensor.any() for tensor in rest)


@each_number_of_tensors
def test_zero_is_zero_whatever_was_read(tensors: int) -> None:
    states = ZeroState(width=3, state_tensors=tensors)(final_states())
    assert [len(state) for state in states] == [tensors] * LAYERS
    assert all(tensor.shape == (ROWS, 3) and not tensor.any() for state in states for tensor in state)


@pytest.mark.parametrize(
    "start",
    [
        Bridge(state_size=WIDTH, width=WIDTH, num_layers=LAYERS, state_tensors=2),
        LastState(state_tensors=2),
        ZeroState(width=WIDTH, state_tensors=2),
    ],
    ids=lambda start: type(start).__name__,
)
def test_states_keep_their_format_under_bf16_autocast(start: Start) -> None:
    final = final_states()
    expected = start(final)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = start(final)
    torch.testing.assert_close(states, expected, atol=0.02, rtol=0)


def test_a_bridge_hears_the_encoder() -> None:
    """Its gradient is that of finite differences, by the final states and by every parameter."""
    bridge = Bridge(state_size=WIDTH, width=WIDTH, num_layers=LAYERS, state_tensors=2).double()
    final = [state.double().requires_grad_() for state in final_states()]

    def start(*tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(tensor for state in bridge(tensors[:LAYERS]) for tensor in state)

    assert torch.autograd.gradcheck(start, (*final, *bridge.parameters()))
