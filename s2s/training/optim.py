"""Budget, learning rate and clipping."""

from dataclasses import dataclass
from math import inf

import torch
from torch import nn


@dataclass(frozen=True)
class Position:
    """Where training is: updates done, epochs done (a fraction within one), seconds spent."""

    updates: float
    epochs: float
    seconds: float


@dataclass(frozen=True)
class Budget:
    """How much training there is: it ends at the first limit that is used up; 0 is no limit."""

    updates: int
    epochs: int
    seconds: float

    def used(self, position: Position) -> float:
        """The share of the budget that is used, 1 or more when training is over."""
        limits = (
            (position.updates, self.updates),
            (position.epochs, self.epochs),
            (position.seconds, self.seconds),
        )
        return max((done / limit for done, limit in limits if limit), default=0.0)


@dataclass(frozen=True)
class Schedule:
    """The learning rate: up in a straight line for `warmup` of the budget, then down to 0 at its end, or level."""

    peak: float
    warmup: float
    falls: bool

    def rate(self, used: float) -> float:
        """The learning rate when this share of the budget is used."""
        if used < self.warmup:
            return self.peak * used / self.warmup
        if not self.falls:
            return self.peak
        return self.peak * max(1.0 - used, 0.0) / (1.0 - self.warmup)


def build_adam(model: nn.Module) -> torch.optim.Adam:
    """Adam (Kingma & Ba 2015), all parameters in one fused pass; the trainer sets the rate of every update."""
    return torch.optim.Adam(model.parameters(), lr=0.0, fused=True)


def clip_gradients(model: nn.Module, limit: float) -> float:
    """Scale the whole gradient down to a norm of at most `limit` (0: leave it); the norm that it had."""
    return float(nn.utils.clip_grad_norm_(model.parameters(), limit or inf, foreach=True))
