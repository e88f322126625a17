"""How far gradients reach, against torch's Jacobian and against cells whose truth is known by hand."""

import pytest
import torch
from torch import Tensor

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.nn import gradient_reach
from s2s.nn.cells import Cell, LSTMCell, RNNCell
from s2s.nn.gate_watch import Place, cells_of
from s2s.nn.gradient_reach import gradient_norms
from s2s.nn.model import Seq2Seq

VOCAB, TOKENS, HIDDEN = 12, 7, 6
FORWARD, BACKWARD = Place("encoder", 1, "forward"), Place("encoder", 1, "backward")


@pytest.fixture
def src() -> Tensor:
    return torch.randint(4, VOCAB, (1, TOKENS))


def model_of(**settings: object) -> Seq2Seq:
    config = ModelConfig.model_validate({"embed_size": 5, "hidden_size": HIDDEN, **settings})
    return build_model(config, src_vocab=VOCAB, trg_vocab=VOCAB).double().eval()


def norms_of(model: Seq2Seq, src: Tensor, place: Place = FORWARD) -> Tensor:
    return gradient_norms(model, src, torch.ones_like(src, dtype=torch.bool), place)


def cell_in(model: Seq2Seq) -> Cell:
    return cells_of(model)[FORWARD]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "peephole", "cifg", "gru"])
def test_norms_are_those_of_the_jacobian_that_torch_finds(cell: str, src: Tensor) -> None:
    """By the whole state after each token, through plain steps."""
    model = model_of(cell=cell)
    cell_module = cell_in(model)
    projected = cell_module.project(model.encoder.embedding(src)).detach().unbind(1)
    states = [cell_module.zero_state(1)]
    for step in projected:
        states.append(cell_module.step(step, states[-1]))
    expected = []
    for at in range(1, TOKENS + 1):

        def last_state(*state: Tensor, at: int = at) -> Tensor:
            for step in projected[at:]:
                state = cell_module.step(step, state)
            return state[0]

        jacobians = torch.autograd.functional.jacobian(last_state, states[at])
        expected.append(torch.cat([j.flatten() for j in jacobians]).norm() / HIDDEN**0.5)
    torch.testing.assert_close(norms_of(model, src), torch.stack(expected))


def test_it_vanishes_in_an_rnn_with_small_recurrent_weights(src: Tensor) -> None:
    """With U = w I and zero inputs h stays 0, tanh' is 1, and each step multiplies by w."""
    model = model_of(cell="rnn")
    cell = cell_in(model)
    assert isinstance(cell, RNNCell)
    with torch.no_grad():
        cell.input_weight.zero_()
        cell.hidden_weight.copy_(0.1 * torch.eye(HIDDEN))
    expected = 0.1 ** torch.arange(TOKENS - 1, -1, -1, dtype=torch.double)
    torch.testing.assert_close(norms_of(model, src), expected)


def test_it_explodes_in_an_rnn_with_large_ones(src: Tensor) -> None:
    model = model_of(cell="rnn")
    with torch.no_grad():
        cell_in(model).input_weight.zero_()
        cell_in(model).hidden_weight.copy_(3 * torch.eye(HIDDEN))
    expected = 3.0 ** torch.arange(TOKENS - 1, -1, -1, dtype=torch.double)
    torch.testing.assert_close(norms_of(model, src), expected)


def test_it_stays_in_an_lstm_that_forgets_nothing(src: Tensor) -> None:
    """With f = 1, i = 0 and no recurrent weights c passes unchanged: d h_n / d c_t = o tanh'(c) for every t < n."""
    model = model_of(cell="lstm")
    cell = cell_in(model)
    assert isinstance(cell, LSTMCell)
    with torch.no_grad():
        cell.input_weight.zero_()
        cell.hidden_weight.zero_()
        cell.bias.zero_()
        write, forget, _, _ = cell.bias.view(4, HIDDEN)
        write.fill_(-1e3)
        forget.fill_(1e3)
    expected = torch.full((TOKENS,), 0.5, dtype=torch.double)
    expected[-1] = 1.0
    torch.testing.assert_close(norms_of(model, src), expected)


def test_a_backward_cell_forgets_towards_the_end(src: Tensor) -> None:
    model = model_of(cell="rnn")
    backward = cells_of(model)[BACKWARD]
    with torch.no_grad():
        backward.input_weight.zero_()
        backward.hidden_weight.copy_(0.5 * torch.eye(HIDDEN))
    torch.testing.assert_close(norms_of(model, src, BACKWARD), 0.5 ** torch.arange(TOKENS, dtype=torch.double))


def test_an_upper_layer_is_measured_by_its_own_recurrence(src: Tensor) -> None:
    model = model_of(cell="rnn", num_layers=2)
    upper = Place("encoder", 2, "forward")
    with torch.no_grad():
        cells_of(model)[upper].hidden_weight.zero_()
    torch.testing.assert_close(norms_of(model, src, upper), torch.eye(TOKENS, dtype=torch.double)[-1])
    assert (norms_of(model, src) > 0).all()


def test_how_many_rows_are_computed_together_changes_nothing(src: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(cell="lstm")
    together = norms_of(model, src)
    monkeypatch.setattr(gradient_reach, "CHUNK", 4)
    torch.testing.assert_close(norms_of(model, src), together)


def test_nothing_is_left_in_the_gradients_of_the_model(src: Tensor) -> None:
    model = model_of()
    with torch.no_grad():
        norms_of(model, src)
    assert all(parameter.grad is None for parameter in model.parameters())
