"""The loss, as a sum and a count: divided once, where all batches of an update are known."""

from dataclasses import dataclass
from math import log
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

AT_ONCE = 2**20
"""Logits that a CPU looks at at once: 4 MB."""

PER_NAT = 1.0 / log(2.0)
"""exp(x) is 2 ** (x PER_NAT), for which PyTorch takes a third of the time on an AMD processor."""


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
        logits: (tokens, vocab); their gradient takes their place, so that nobody can read them afterwards.
        targets: (tokens), the right ids.
        label_smoothing: the share of the probability mass that is spread over the whole vocabulary.
    """
    losses = _CrossEntropy.apply(logits, targets, label_smoothing)  # type: ignore[no-untyped-call]
    smoothed, log_loss = cast(tuple[Tensor, Tensor], losses)
    return TokenLoss(smoothed=smoothed, log_loss=log_loss, tokens=targets.numel())


class _CrossEntropy(torch.autograd.Function):
    """The summed losses; their gradient in the logits is softmax(logits) less the distribution that is aimed at.

    The exponentials that the losses need are those of the gradient, so that it is made with them, in their place:
    half the time of log-softmax and its backward pass, which take another each. All of it is done for a few rows at
    a time, which stay in the processor's cache, and in the memory that the logits have already: to be given new
    memory of that size costs a CPU as much as the arithmetic.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        tokens, vocab = logits.shape
        rows = tokens if logits.is_cuda else max(AT_ONCE // vocab, 1)
        log_loss, spread = logits.new_zeros(2, dtype=torch.float32).unbind()
        for scores, right in zip(torch.split(logits, rows), torch.split(targets[:, None], rows), strict=True):
            below = scores.float()  # the logits themselves where they are so already
            below.sub_(below.amax(dim=1, keepdim=True))
            said, mean = below.gather(1, right).sum(), below.sum() / vocab
            gradient = below.mul_(PER_NAT).exp2_()
            whole = gradient.sum(dim=1, keepdim=True)
            log_whole = whole.log().sum()
            gradient.div_(whole).sub_(smoothing / vocab)
            gradient.scatter_add_(1, right, torch.full_like(whole, smoothing - 1.0))
            scores.copy_(gradient)
            log_loss += log_whole - said
            spread += log_whole - mean
        ctx.save_for_backward(logits)
        ctx.mark_non_differentiable(log_loss)
        return (1.0 - smoothing) * log_loss + smoothing * spread, log_loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, None, None]:
        (unscaled,) = ctx.saved_tensors
        return unscaled.mul_(gradient), None, None
