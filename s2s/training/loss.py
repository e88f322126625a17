"""The loss, as a sum and a count: divided once, where all batches of an update are known."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class TokenLoss:
    """Losses of a batch's real target tokens, in nats, summed.

    Attributes:
        smoothed: what training minimises; a scalar with gradient.
        log_loss: the cross-entropy without smoothing, for perplexity; a scalar without gradient.
        tokens: how many tokens were summed over.
    """

    smoothed: Tensor
    log_loss: Tensor
    tokens: int


def token_loss(logits: Tensor, targets: Tensor, *, label_smoothing: float) -> TokenLoss:
    """Cross-entropy with label smoothing (Szegedy et al. 2016), summed over tokens.

    Args:
        logits: (tokens, vocab).
        targets: (tokens), the right ids.
        label_smoothing: the share of the probability mass that is spread over the whole vocabulary.
    """
    log_probs = F.log_softmax(logits.float(), dim=1)
    log_loss = F.nll_loss(log_probs, targets, reduction="sum")
    uniform = -log_probs.sum() / log_probs.shape[1] if label_smoothing else log_loss
    smoothed = (1.0 - label_smoothing) * log_loss + label_smoothing * uniform
    return TokenLoss(smoothed=smoothed, log_loss=log_loss.detach(), tokens=targets.numel())
