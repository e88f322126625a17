"""The loss against torch's, and what its parts are for."""

import pytest
import torch
import torch.nn.functional as F

from s2s.training.loss import token_loss

TOKENS, VOCAB = 7, 9


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_value_and_gradient_are_those_of_torch(smoothing: float) -> None:
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
