"""What search knows of a model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from s2s.nn.decoder import Decoder, DecoderState
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


MOST_WORDS = 10_000
"""Words of the largest vocabulary whose projections are kept: 31 MB of bf16 for a GRU of 512 units."""


@dataclass
class ProjectedWords:
    """The projections of a decoder's words, of all in one go once as many were asked for as there are."""

    decoder: Decoder
    asked: int = 0
    table: Tensor | None = None

    def for_rows(self, rows: int) -> Tensor | None:
        """Those of all words, where so many rows are to be projected next; None: it takes less to do without."""
        self.asked += rows
        vocab, _ = self.decoder.embedding.weight.shape
        if self.table is None and vocab <= min(self.asked, MOST_WORDS):
            table = self.decoder.project_words()
            kind = table.device.type
            self.table = table.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else table
        return self.table


@dataclass(frozen=True)
class ModelStepper:
    """One model, whose weights must stay as they are."""

    model: Seq2Seq
    packed: PackedWeights = field(default_factory=PackedWeights)

    @cached_property
    def _words(self) -> ProjectedWords:
        return ProjectedWords(self.model.decoder)

    def start(self, src: Tensor, src_mask: Tensor) -> DecoderState:
        """See `StepModel.start`."""
        with torch.no_grad(), self.packed.at_hand():
            return self.model.start(src, src_mask)

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """See `StepModel.step`."""
        with torch.no_grad(), self.packed.at_hand():
            step = self.model.step(tokens, state, self._words.for_rows(len(tokens)))
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
