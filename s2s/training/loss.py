"""The loss, as a sum and a count: divided once, where all batches of an update are known."""

from dataclasses import dataclass
from itertools import chain
from math import log
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from s2s.nn.linear import affine_of
from s2s.nn.speech import Speech
from s2s.nn.steps import without_autocast

ROOM = 2**24
"""Bytes of logits that a CPU makes at once: 16 MB, so that they are in its cache still when they are looked at."""

AT_ONCE = 2**20
"""Logits that it looks at at once: 4 MB of fp32."""

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


def token_loss(speech: Speech, targets: Tensor, *, label_smoothing: float) -> TokenLoss:
    """Cross-entropy with label smoothing (Szegedy et al. 2016), summed over tokens.

    Under autocast the logits are in its number format; sums over them are in fp32.

    Args:
        speech: of (tokens, vocab) logits.
        targets: (tokens), the right ids.
        label_smoothing: the share of the probability mass that is spread over the whole vocabulary.
    """
    layers = [(addend.inputs, addend.weight, addend.bias) for addend in speech.addends]
    kind = _format_of(speech.addends[0].inputs)
    losses = _CrossEntropy.apply(targets, label_smoothing, kind, *chain(*layers))  # type: ignore[no-untyped-call]
    smoothed, log_loss = cast(tuple[Tensor, Tensor], losses)
    return TokenLoss(smoothed=smoothed, log_loss=log_loss, tokens=targets.numel())


def _format_of(inputs: Tensor) -> torch.dtype:
    kind = inputs.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else inputs.dtype


class _CrossEntropy(torch.autograd.Function):
    """The summed losses of a speech; their gradient in the logits is softmax(logits) less the distribution aimed at.

    Nothing comes after a loss, so that its gradient is known as soon as it is itself. Both are computed for some rows
    at a time, with the products before and behind them: the logits of a batch never are in memory together, for which
    a CPU needs time to be given it, and again to fetch from it.
    """

    @staticmethod
    def forward(
        ctx: Any, targets: Tensor, smoothing: float, kind: torch.dtype, *tensors: Tensor
    ) -> tuple[Tensor, Tensor]:
        spoken = [_Layer(kind, *tensors[start : start + 3]) for start in range(0, len(tensors), 3)]
        vocab = spoken[0].for_bias.shape[0]
        rows = len(targets) if targets.is_cuda else max(ROOM // (kind.itemsize * vocab), 1)
        log_loss, spread = torch.zeros(2, device=targets.device).unbind()
        with without_autocast(targets):
            for start in range(0, len(targets), rows):
                part = slice(start, start + rows)
                logits = spoken[0].logits(part)
                for layer in spoken[1:]:
                    logits.add_(layer.logits(part))
                sums = _turn(logits, targets[part], smoothing)
                log_loss += sums.log_loss
                spread += sums.spread
                for layer in spoken:
                    layer.note(part, logits, sums.for_bias)
        ctx.save_for_backward(*chain(*((said.for_inputs, said.for_weight, said.for_bias) for said in spoken)))
        ctx.mark_non_differentiable(log_loss)
        return (1.0 - smoothing) * log_loss + smoothing * spread, log_loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, None, *(unscaled.mul_(gradient) for unscaled in ctx.saved_tensors)


class _Layer:
    """One addend of a speech in the number format of its products, and the gradients that they leave."""

    def __init__(self, kind: torch.dtype, inputs: Tensor, weight: Tensor, bias: Tensor) -> None:
        self._inputs, self._bias, narrow = inputs.to(kind), bias.to(kind), weight.to(kind)
        self._there, self._back = (affine_of(one, rows=len(inputs)) for one in (narrow, narrow.t()))
        self.for_inputs, self.for_weight, self.for_bias = map(torch.zeros_like, (inputs, weight, bias))

    def logits(self, part: slice) -> Tensor:
        """What it adds to the logits of these rows."""
        return self._there(self._inputs[part], self._bias)

    def note(self, part: slice, gradient: Tensor, for_bias: Tensor) -> None:
        """Take in the gradient in the logits of these rows, and its sum over them."""
        self.for_inputs[part] = self._back(gradient, None)
        if gradient.dtype == self.for_weight.dtype:
            self.for_weight.addmm_(gradient.t(), self._inputs[part])
        else:
            self.for_weight += gradient.t() @ self._inputs[part]
        self.for_bias += for_bias


@dataclass(frozen=True)
class _Sums:
    """Over some rows: both losses, and the gradient in the logits, (vocab)."""

    log_loss: Tensor
    spread: Tensor
    for_bias: Tensor


def _turn(logits: Tensor, targets: Tensor, smoothing: float) -> _Sums:
    """The sums of these rows, whose gradient takes the place of their logits.

    The exponentials that the losses need are those of the gradient, so that it is made with them: half the time of
    log-softmax and its backward pass, which take another each.
    """
    tokens, vocab = logits.shape
    rows = tokens if logits.is_cuda else max(AT_ONCE // vocab, 1)
    log_loss, spread, for_bias = (logits.new_zeros(size, dtype=torch.float32) for size in ((), (), (vocab,)))
    for scores, right in zip(torch.split(logits, rows), torch.split(targets[:, None], rows), strict=True):
        below = scores.float()  # the logits themselves where they are so already
        below.sub_(below.amax(dim=1, keepdim=True))
        said, mean = below.gather(1, right).sum(), below.sum() / vocab
        gradient = below.mul_(PER_NAT).exp2_()
        whole = gradient.sum(dim=1, keepdim=True)
        log_whole = whole.log().sum()
        gradient.div_(whole).sub_(smoothing / vocab)
        gradient.scatter_add_(1, right, torch.full_like(whole, smoothing - 1.0))
        for_bias += gradient.sum(dim=0)
        scores.copy_(gradient)
        log_loss += log_whole - said
        spread += log_whole - mean
    return _Sums(log_loss, spread, for_bias)
