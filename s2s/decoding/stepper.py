"""What search knows of a model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from s2s.nn.decoder import DecoderState
from s2s.nn.model import Seq2Seq
from s2s.nn.packed import PackedWeights


class SearchState(Protocol):
    """What a model carries from step to step; one row per hypothesis."""

    def select(self, rows: Tensor) -> "SearchState":
        """The state of the rows with these indices."""


S = TypeVar("S", bound=SearchState)


class StepModel(Protocol[S]):
    """A source of next-token probabilities: one model, an ensemble, or a table in a test."""

    def start(self, src: Tensor, src_mask: Tensor) -> S:
        """The state before the first token; src (batch, src), `src_mask` True at real tokens."""

    def step(self, tokens: Tensor, state: S) -> tuple[Tensor, S]:
        """The tokens before (rows) and the state -> log-probabilities (rows, vocab) and the state after.

        The log-probabilities are the search's own, to be written over.
        """


@dataclass(frozen=True)
class ModelStepper:
    """One model, whose weights must stay as they are."""

    model: Seq2Seq
    packed: PackedWeights = field(default_factory=PackedWeights)

    def start(self, src: Tensor, src_mask: Tensor) -> DecoderState:
        """See `StepModel.start`."""
        with torch.no_grad(), self.packed.at_hand():
            return self.model.start(src, src_mask)

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """See `StepModel.step`."""
        with torch.no_grad(), self.packed.at_hand():
            step = self.model.step(tokens, state)
            scores = step.logits.float()
            # In its own place: to be given new memory of that size takes a CPU as long as the arithmetic.
            return torch.log_softmax(scores, dim=1, out=scores), step.state


def mean_of_probabilities(log_probs: Tensor) -> Tensor:
    """What members say together: their log-probabilities (members, ..., vocab) -> those of the mean (..., vocab)."""
    return torch.logsumexp(log_probs, dim=0) - log(log_probs.shape[0])


@dataclass(frozen=True)
class EnsembleState(Generic[S]):
    """A state per member."""

    members: tuple[S, ...]

    def select(self, rows: Tensor) -> "EnsembleState[S]":
        """See `SearchState.select`."""
        return EnsembleState(tuple(member.select(rows) for member in self.members))  # type: ignore[misc]


@dataclass(frozen=True)
class EnsembleStepper(Generic[S]):
    """Several models with one vocabulary; they say the mean of their probabilities."""

    members: Sequence[StepModel[S]]

    def start(self, src: Tensor, src_mask: Tensor) -> EnsembleState[S]:
        """See `StepModel.start`."""
        return EnsembleState(tuple(member.start(src, src_mask) for member in self.members))

    def step(self, tokens: Tensor, state: EnsembleState[S]) -> tuple[Tensor, EnsembleState[S]]:
        """See `StepModel.step`."""
        steps = [m.step(tokens, s) for m, s in zip(self.members, state.members, strict=True)]
        log_probs = torch.stack([log_probs for log_probs, _ in steps])
        return mean_of_probabilities(log_probs), EnsembleState(tuple(after for _, after in steps))
