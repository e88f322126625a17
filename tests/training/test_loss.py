"""The loss against torch's, and what its parts are for."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from s2s.nn import linear, packed
from s2s.nn.speech import Addend, Speech
from s2s.training import loss as module
from s2s.training.loss import TokenLoss

TOKENS, VOCAB = 7, 9


def token_loss(logits: Tensor, targets: Tensor, *, label_smoothing: float) -> TokenLoss:
    """Of a layer that says the logits as they are."""
    speech = Speech((Addend(logits, torch.eye(VOCAB, dtype=logits.dtype), torch.zeros(VOCAB, dtype=logits.dtype)),))
    return module.token_loss(speech, targets, label_smoothing=label_smoothing)


@pytest.mark.parametrize("rows", [1, 2, TOKENS, 100])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_value_and_gradient_are_those_of_torch(smoothing: float, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows it looks at at once."""
    monkeypatch.setattr(module, "AT_ONCE", rows * VOCAB)
    logits = torch.randn(TOKENS, VOCAB, requires_grad=True)
    targets = torch.randint(0, VOCAB, (TOKENS,))
    loss = token_loss(logits, targets, label_smoothing=smoothing)
    expected = F.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing)
    torch.testing.assert_close(loss.smoothed, expected)
    assert loss.tokens == TOKENS
    for ours, theirs in zip(
        torch.autograd.grad(loss.smoothed, logits), torch.autograd.grad(expected, logits), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_perplexity_knows_no_smoothing() -> None:
    logits, targets = torch.randn(TOKENS, VOCAB, requires_grad=True), torch.randint(0, VOCAB, (TOKENS,))
    loss = token_loss(logits, targets, label_smoothing=0.3)
    torch.testing.assert_close(loss.log_loss, F.cross_entropy(logits, targets, reduction="sum").detach())
    assert not loss.log_loss.requires_grad
    sure = token_loss(100.0 * F.one_hot(targets, VOCAB), targets, label_smoothing=0.3)
    assert float(sure.log_loss) == pytest.approx(0.0, abs=1e-6)
    assert float(sure.smoothed) > 1.0


def test_losses_of_parts_add_up() -> None:
    logits, targets = torch.randn(TOKENS, VOCAB), torch.randint(0, VOCAB, (TOKENS,))
    whole = token_loss(logits, targets, label_smoothing=0.1)
    parts = [token_loss(logits[rows], targets[rows], label_smoothing=0.1) for rows in (slice(3), slice(3, None))]
    torch.testing.assert_close(whole.smoothed, parts[0].smoothed + parts[1].smoothed)
    assert whole.tokens == parts[0].tokens + parts[1].tokens


def test_logits_in_half_precision_are_summed_in_full() -> None:
    logits, targets = torch.randn(2000, VOCAB).bfloat16(), torch.randint(0, VOCAB, (2000,))
    loss = token_loss(logits, targets, label_smoothing=0.1)
    expected = F.cross_entropy(logits.double(), targets, reduction="sum", label_smoothing=0.1)
    assert float(loss.smoothed) == pytest.approx(float(expected), rel=1e-5)


def test_gradients_in_half_precision_are_those_in_full_but_for_rounding() -> None:
    logits, targets = torch.randn(50, VOCAB, requires_grad=True), torch.randint(0, VOCAB, (50,))
    (whole,) = torch.autograd.grad(token_loss(logits, targets, label_smoothing=0.1).smoothed, logits)
    half = logits.detach().bfloat16().requires_grad_()
    (rounded,) = torch.autograd.grad(token_loss(half, targets, label_smoothing=0.1).smoothed, half)
    assert rounded.dtype == torch.bfloat16
    torch.testing.assert_close(rounded.float(), whole, atol=0.02, rtol=0.02)


def two_addends() -> tuple[Speech, list[Tensor]]:
    """A speech of two layers, and all of its tensors."""
    widths = (4, 6)
    layers = [Addend(torch.randn(TOKENS, w), torch.randn(VOCAB, w), torch.randn(VOCAB)) for w in widths]
    tensors = [tensor.requires_grad_() for one in layers for tensor in (one.inputs, one.weight, one.bias)]
    return Speech(tuple(layers)), tensors


@pytest.mark.parametrize("rows", [1, 2, TOKENS, 100])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("many", [1, 100], ids=["packed", "plain"])
def test_gradients_of_the_layers_are_those_of_torch(
    layers: int, rows: int, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rows of logits there is room for, and whether these are enough to pack the weight."""
    monkeypatch.setattr(module, "ROOM", 4 * rows * VOCAB)
    monkeypatch.setattr(linear, "MANY", many)
    monkeypatch.setattr(packed, "WORTH", 1)
    both, tensors = two_addends()
    speech, tensors = Speech(both.addends[:layers]), tensors[: 3 * layers]
    targets = torch.randint(0, VOCAB, (TOKENS,))
    loss = module.token_loss(speech, targets, label_smoothing=0.1)
    expected = F.cross_entropy(speech.logits(), targets, reduction="sum", label_smoothing=0.1)
    torch.testing.assert_close(loss.smoothed, expected)
    found = torch.autograd.grad(loss.smoothed / 3.0, tensors)
    for ours, theirs in zip(found, torch.autograd.grad(expected / 3.0, tensors), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("rows", [2, 100])
def test_under_autocast_products_are_narrow_and_gradients_of_parameters_wide(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOM", 2 * rows * VOCAB)
    monkeypatch.setattr(linear, "MANY", rows)
    monkeypatch.setattr(packed, "WORTH", 1)
    speech, tensors = two_addends()
    targets = torch.randint(0, VOCAB, (TOKENS,))
    exact = torch.autograd.grad(module.token_loss(speech, targets, label_smoothing=0.1).smoothed, tensors)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = module.token_loss(speech, targets, label_smoothing=0.1)
        said = speech.logits()
    assert loss.smoothed.dtype == torch.float32
    expected = F.cross_entropy(said.float(), targets, reduction="sum", label_smoothing=0.1)
    assert float(loss.smoothed.detach()) == pytest.approx(float(expected.detach()), rel=2e-3)
    wide = module.token_loss(speech, targets, label_smoothing=0.1)
    assert float(loss.smoothed.detach()) != float(wide.smoothed.detach())
    for ours, theirs in zip(torch.autograd.grad(loss.smoothed, tensors), exact, strict=True):
        assert ours.dtype == torch.float32
        assert float((ours - theirs).norm() / theirs.norm()) < 0.03


def test_a_second_backward_pass_is_refused() -> None:
    """What the first returned was all that had been kept."""
    speech, tensors = two_addends()
    loss = module.token_loss(speech, torch.randint(0, VOCAB, (TOKENS,)), label_smoothing=0.1).smoothed
    torch.autograd.grad(loss, tensors, retain_graph=True)
    with pytest.raises(RuntimeError, match="inplace"):
        torch.autograd.grad(loss, tensors)
