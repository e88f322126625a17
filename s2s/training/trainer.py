"""The training loop."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import isfinite
from typing import Protocol

import torch

from s2s.data.batches import Batch, TrainingData
from s2s.errors import S2SError
from s2s.nn.model import Seq2Seq
from s2s.training.average import Average
from s2s.training.checkpoint import Progress
from s2s.training.optim import Budget, Position, Schedule, clip_gradients
from s2s.training.parallel import Replicas

MOST_SKIPPED = 10
"""Updates in a row whose gradient is not finite, after which training stops: it will not mend itself."""

NOISE = 1.0
"""Points of BLEU or chrF below which a dev score tells nothing of what a model has learnt."""

Scores = Mapping[str, float]
"""What a validation measured, by name: loss, perplexity, bleu, chrf."""


@dataclass(frozen=True)
class Update:
    """What one update did.

    Attributes:
        update: its number, from 1.
        epoch: the epoch's number, from 1.
        loss: the smoothed loss, in nats a token.
        log_loss: the loss without smoothing, in nats a token; its exponential is the perplexity.
        tokens: real target tokens.
        learning_rate: the rate that it used.
        gradient_norm: before clipping.
        seconds: wall-clock of training so far.
        used: the share of the budget used so far.
        skipped: whether loss or gradient were not finite, so that it changed nothing.
    """

    update: int
    epoch: int
    loss: float
    log_loss: float
    tokens: int
    learning_rate: float
    gradient_norm: float
    seconds: float
    used: float
    skipped: bool


@dataclass(frozen=True)
class Losses:
    """The losses of one update, summed over its tokens, and the gradient's norm before clipping."""

    smoothed: float
    log_loss: float
    tokens: int
    gradient_norm: float

    @property
    def finite(self) -> bool:
        """Whether they can be learnt from."""
        return isfinite(self.smoothed) and isfinite(self.gradient_norm)


@dataclass(frozen=True)
class Validation:
    """What a validation found, and where training stood."""

    update: int
    epoch: int
    scores: Scores
    is_best: bool
    seconds: float


class Listener(Protocol):
    """Somebody who is told how training goes: a progress bar, a log."""

    def on_update(self, update: Update) -> None:
        """After each update."""

    def on_validation(self, validation: Validation) -> None:
        """After each validation."""


class Saver(Protocol):
    """Where checkpoints go."""

    def save_last(self, progress: Progress) -> None:
        """Keep all that going on needs."""

    def save_best(self, progress: Progress) -> None:
        """Keep the weights."""


class DivergedError(S2SError):
    """Training cannot go on: its numbers are not finite. With the same settings it will end there again."""


class End(Enum):
    """Why training stopped."""

    BUDGET = "the budget is used up"
    PATIENCE = "the dev score stopped improving"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Pace:
    """How often what happens, in updates; see the settings of the same names."""

    validate_every: int
    checkpoint_every: int
    patience: int
    accumulate: int
    metric: str


@dataclass(frozen=True)
class _Epoch:
    """An epoch's number, counted from 0, its data, and its batches as indices of these."""

    number: int
    data: TrainingData
    planned: Sequence[Sequence[int]]


@dataclass
class Trainer:
    """Trains a model from wherever `progress` says it stands.

    Attributes:
        data: the training data as they are spelled in an epoch, counted from 0.
        validate: scores the model on dev; called with the model in evaluation mode.
        replicas: compute the gradient of a batch.
        average: of the weights; it is what is validated, and kept where it is the best.
        dropout_after: epochs without dropout before those with it.
        should_stop: asked after each update; True ends training with everything saved.
    """

    model: Seq2Seq
    optimizer: torch.optim.Optimizer
    data: Callable[[int], TrainingData]
    schedule: Schedule
    budget: Budget
    pace: Pace
    clip: float
    dropout_after: int
    replicas: Replicas
    average: Average
    validate: Callable[[], Scores]
    saver: Saver
    listeners: Sequence[Listener]
    should_stop: Callable[[], bool]
    progress: Progress
    _began: float = 0.0
    _opened: "_Epoch | None" = None

    def train(self) -> End:
        """Train until the budget is used up, patience is lost, or somebody stops it.

        Raises:
            DivergedError: loss or gradient were not finite too many times in a row.
        """
        self._began = time.monotonic() - self.progress.seconds
        self.model.train()
        while not self._over():
            self.replicas.rest_dropout(self.progress.epoch < self.dropout_after)
            for batches in self._updates_left():
                rate = self.schedule.rate(self._used(under_way=len(batches)))
                losses = self.update(batches, rate)
                self._advance(len(batches), losses)
                self.average.update(self.progress.updates)
                self._tell(losses, rate)
                self._refuse_hopeless()
                if _due(self.progress.updates, self.pace.validate_every):
                    self._validate()
                elif _due(self.progress.updates, self.pace.checkpoint_every):
                    self.saver.save_last(self.progress)
                if self.should_stop():
                    self.saver.save_last(self.progress)
                    return End.INTERRUPTED
                if self._over():
                    break
            self._end_epoch_if_done()
        self._end_epoch_if_done()  # it was stopped right after the last update of all
        if self.progress.validated_at != self.progress.updates:
            self._validate()
        return End.PATIENCE if self._lost_patience() else End.BUDGET

    def update(self, batches: Sequence[Batch], learning_rate: float) -> Losses:
        """One step of the optimiser: forward, backward, clip, step; no step where the gradient is not finite.

        The loss is divided once, by the target tokens of all batches of the update together.
        """
        tokens = sum(batch.tokens for batch in batches)
        smoothed, log_loss = self.replicas.backward(batches, tokens)
        norm = clip_gradients(self.model, self.clip)
        losses = Losses(smoothed=smoothed, log_loss=log_loss, tokens=tokens, gradient_norm=norm)
        if losses.finite:
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return losses

    def _epoch(self) -> "_Epoch":
        """The epoch under way; opened when it is first asked for, since spelling and planning it take time."""
        if self._opened is None or self._opened.number != self.progress.epoch:
            self._opened = None  # or there were two of them for a while
            data = self.data(self.progress.epoch)
            self._opened = _Epoch(self.progress.epoch, data, data.plan(self.progress.epoch))
        return self._opened

    def _updates_left(self) -> Iterator[list[Batch]]:
        """The batches of each update that the epoch still has."""
        epoch = self._epoch()
        left = epoch.planned[self.progress.batch :]
        for start in range(0, len(left), self.pace.accumulate):
            yield list(epoch.data.batches(left[start : start + self.pace.accumulate]))

    def _advance(self, batches: int, losses: Losses) -> None:
        self.progress = replace(
            self.progress,
            updates=self.progress.updates + 1,
            batch=self.progress.batch + batches,
            seconds=time.monotonic() - self._began,
            skipped=self.progress.skipped + (not losses.finite),
            skipped_in_row=0 if losses.finite else self.progress.skipped_in_row + 1,
        )

    def _tell(self, losses: Losses, learning_rate: float) -> None:
        update = Update(
            update=self.progress.updates,
            epoch=self.progress.epoch + 1,
            loss=losses.smoothed / losses.tokens,
            log_loss=losses.log_loss / losses.tokens,
            tokens=losses.tokens,
            learning_rate=learning_rate,
            gradient_norm=losses.gradient_norm,
            seconds=self.progress.seconds,
            used=min(self._used(), 1.0),
            skipped=not losses.finite,
        )
        for listener in self.listeners:
            listener.on_update(update)

    def _refuse_hopeless(self) -> None:
        if self.progress.skipped_in_row >= MOST_SKIPPED:
            raise DivergedError(
                f"loss or gradient were not finite {MOST_SKIPPED} times in a row; training has stopped",
                where=f"update {self.progress.updates}",
                hint="Lower training.learning_rate, lengthen training.warmup, or set training.clip to 1, and train a "
                "new run; with training.precision=bf16, try fp32. The last checkpoint is untouched.",
            )

    def _end_epoch_if_done(self) -> None:
        if not self.progress.batch or self.progress.batch < len(self._epoch().planned):
            return
        self.progress = replace(self.progress, epoch=self.progress.epoch + 1, batch=0)
        if not self.pace.validate_every:
            self._validate()

    def _validate(self) -> None:
        """Score the model, keep it if it is the best so far, and save."""
        with self.average.in_place():
            validation = self._score()
            # The last checkpoint comes last, since it says that all this was done: a run killed before it goes on from
            # before this validation and repeats it, its log cut back; killed after it, nothing is missing.
            if validation.is_best:
                self.saver.save_best(self.progress)
        for listener in self.listeners:
            listener.on_validation(validation)
        self.saver.save_last(self.progress)

    def _score(self) -> Validation:
        """Score the model as it is, and note it in the progress."""
        self.model.eval()
        with torch.no_grad():
            scores = self.validate()
        self.model.train()
        self.progress = replace(
            self.progress.validated(_judged(scores, self.pace.metric), scores.get("loss")),
            seconds=time.monotonic() - self._began,
        )
        return Validation(
            update=self.progress.updates,
            epoch=self.progress.epoch + (self.progress.batch > 0),
            scores=scores,
            is_best=self.progress.stale == 0,
            seconds=self.progress.seconds,
        )

    def _used(self, under_way: int = 0) -> float:
        """The share of the budget that is used, up to the middle of an update of `under_way` batches."""
        batch = self.progress.batch + under_way / 2
        begun = batch / len(self._epoch().planned) if batch else 0.0
        return self.budget.used(
            Position(
                updates=self.progress.updates + (0.5 if under_way else 0.0),
                epochs=self.progress.epoch + begun,
                seconds=self.progress.seconds,
            )
        )

    def _over(self) -> bool:
        return self._used() >= 1.0 or self._lost_patience()

    def _lost_patience(self) -> bool:
        return 0 < self.pace.patience <= self.progress.stale


def _judged(scores: Scores, metric: str) -> float:
    """The score that checkpoints are compared by: the higher, the better.

    A BLEU or chrF of next to nothing is noise: it counts as 0, so that the dev loss decides.
    """
    if metric == "loss":
        return -scores["loss"]
    return scores[metric] if scores[metric] >= NOISE else 0.0


def _due(updates: int, every: int) -> bool:
    return every > 0 and updates % every == 0
