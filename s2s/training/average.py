"""Averages of a model's weights over its training: steadier than the weights of any one update."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

import torch
from torch import Tensor, nn


class Average(Protocol):
    """What is validated and kept as the best weights, in place of those that training stands at."""

    def update(self, updates: int) -> None:
        """Take in the model's weights after that many updates."""

    def in_place(self) -> AbstractContextManager[None]:
        """Within the `with` the model has the averaged weights; after it its own again, to the bit."""

    def tensors(self) -> Mapping[str, Tensor]:
        """What has to be saved, by the names of the model's parameters."""

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what was saved.

        Raises:
            LookupError: a parameter is not there.
        """


class NoAverage:
    """The weights as they are."""

    def update(self, updates: int) -> None:
        """See `Average.update`."""

    def in_place(self) -> AbstractContextManager[None]:
        """See `Average.in_place`."""
        return nullcontext()

    def tensors(self) -> Mapping[str, Tensor]:
        """See `Average.tensors`."""
        return {}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """See `Average.restore`."""


class PolynomialAverage:
    """The average that looks back over a share of all updates so far (polynomial decay, Shamir & Zhang 2013).

    After update t it moves towards the weights by 1 / (share t + 1 - share): a share of 1 gives the plain mean of all
    updates, a small one little more than the last of them. Since it grows with t, it needs no budget to be known.

    Args:
        share: above 0, at most 1.
    """

    def __init__(self, model: nn.Module, *, share: float) -> None:
        self._parameters = dict(model.named_parameters())
        self._averages = {name: parameter.detach().clone() for name, parameter in self._parameters.items()}
        self._share = share

    def update(self, updates: int) -> None:
        """See `Average.update`."""
        weight = 1.0 / (self._share * updates + 1.0 - self._share)
        for name, average in self._averages.items():
            average.lerp_(self._parameters[name].detach(), weight)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """See `Average.in_place`."""
        own = {name: parameter.detach().clone() for name, parameter in self._parameters.items()}
        self._fill(self._averages)
        try:
            yield
        finally:
            self._fill(own)

    def tensors(self) -> Mapping[str, Tensor]:
        """See `Average.tensors`."""
        return self._averages

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """See `Average.restore`."""
        for name, average in self._averages.items():
            average.copy_(tensors[name])

    def _fill(self, tensors: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                parameter.copy_(tensors[name])
