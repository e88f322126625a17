"""The loop: interrupted anywhere it ends where it would have ended, and each thing happens when it is due.

The clock of the trainer stands still in most of these tests: then the files of a run, checkpoints and metrics, hold
nothing that may differ between two runs that should be the same, and are compared byte by byte.
"""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.batches import EncodedPair, TrainingData, collate
from s2s.data.store import StoredEncodedPairs, StoredIds
from s2s.data.tokenizer import EOS
from s2s.nn.cells import CELLS
from s2s.nn.model import Seq2Seq
from s2s.training.average import Average, NoAverage, PolynomialAverage
from s2s.training.checkpoint import Progress, Saved, load_training, load_weights, save_training, save_weights
from s2s.training.log import MetricsLog
from s2s.training.loss import token_loss
from s2s.training.optim import Budget, Schedule, build_adam, clip_gradients
from s2s.training.parallel import Replicas
from s2s.training.trainer import DivergedError, End, Listener, Pace, Scores, Trainer, Update, Validation

VOCAB = 12
PAIRS = [
    EncodedPair(src=(*(4 + (i + j) % 8 for j in range(1 + i % 3)), EOS), trg=tuple(4 + (i * j) % 8 for j in range(4)))
    for i in range(10)
]
STORED = StoredEncodedPairs(StoredIds(pair.src for pair in PAIRS), StoredIds(pair.trg for pair in PAIRS))
DATA = TrainingData(pairs=STORED, batch_tokens=10, seed=3)
EPOCH = len(DATA.plan(0))
"""Batches in an epoch: two pairs each."""


MODEL = ModelConfig(embed_size=3, hidden_size=3, dropout=0.3)
TWO_EPOCHS = Budget(updates=0, epochs=2, seconds=0.0)


def pace(
    *, validate_every: int = 0, checkpoint_every: int = 0, patience: int = 0, accumulate: int = 1, metric: str = "loss"
) -> Pace:
    return Pace(validate_every, checkpoint_every, patience, accumulate, metric)


@dataclass(frozen=True)
class Job:
    """What is to be trained, and how long."""

    model: ModelConfig = MODEL
    pace: Pace = field(default_factory=pace)
    budget: Budget = TWO_EPOCHS
    replicas: int = 1
    dropout_after: int = 0
    data: TrainingData = DATA
    average: float = 0.0
    scores: Callable[[], Scores] | None = None
    """What a validation finds; None: the loss on the first pairs."""


@dataclass
class Diary:
    """A listener and a saver that writes down what happens, in order."""

    directory: Path
    events: list[str] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)
    save: Callable[[Path, Progress], None] | None = None
    model: Seq2Seq | None = None

    def on_update(self, update: Update) -> None:
        self.events.append(f"update {update.update}")
        self.updates.append(update)

    def on_validation(self, validation: Validation) -> None:
        self.events.append(f"validation {validation.update}")
        self.validations.append(validation)

    def save_last(self, progress: Progress) -> None:
        assert self.save is not None
        self.events.append(f"last {progress.updates}")
        self.save(self.directory / "last", progress)

    def save_best(self, progress: Progress) -> None:
        assert self.model is not None
        self.events.append(f"best {progress.updates}")
        save_weights(self.directory / "best", self.model, progress)


@dataclass(frozen=True)
class Sitting:
    """A run from its start or its last checkpoint until it ended or was stopped."""

    end: End
    diary: Diary
    progress: Progress


def never() -> bool:
    return False


def stop_at(updates: int) -> Callable[[], bool]:
    """Asked after each update: stop at the one of that number."""
    asked = count(1)
    return lambda: next(asked) >= updates


def dev_loss(model: Seq2Seq) -> Scores:
    """Refuses a model in training mode."""
    assert not model.training
    assert not torch.is_grad_enabled()
    batch = collate(PAIRS[:4])
    speech = model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).speech
    loss = token_loss(speech, batch.trg_out[batch.trg_mask], label_smoothing=0.0)
    return {"loss": float(loss.log_loss) / loss.tokens}


def sit(
    directory: Path, job: Job, should_stop: Callable[[], bool] = never, listeners: tuple[Listener, ...] = ()
) -> Sitting:
    """Train, from the last checkpoint in the directory if there is one."""
    directory.mkdir(exist_ok=True)
    torch.manual_seed(4)
    model = build_model(job.model, src_vocab=VOCAB, trg_vocab=VOCAB)
    optimizer = build_adam(model)
    replicas = Replicas(model, count=job.replicas, seed=5, label_smoothing=0.1, autocast=nullcontext)
    average: Average = PolynomialAverage(model, share=job.average) if job.average else NoAverage()
    progress = Progress()
    if (directory / "last").exists():
        # What a fresh process drew on its way here must not matter.
        torch.rand(17)
        saved = load_training(directory / "last", model, optimizer)
        replicas.set_random_states(saved.random)
        average.restore(saved.average)
        progress = saved.progress
    diary = Diary(
        directory,
        save=lambda path, where: save_training(
            path, model, optimizer, Saved(where, replicas.random_states(), average.tensors())
        ),
        model=model,
    )
    trainer = Trainer(
        model=model,
        optimizer=optimizer,
        data=lambda epoch: job.data,
        schedule=Schedule(peak=0.05, warmup=0.2, falls=True),
        budget=job.budget,
        pace=job.pace,
        clip=1.0,
        dropout_after=job.dropout_after,
        replicas=replicas,
        average=average,
        validate=job.scores or (lambda: dev_loss(model)),
        saver=diary,
        listeners=(MetricsLog(directory / "metrics", progress), diary, *listeners),
        should_stop=should_stop,
        progress=progress,
    )
    return Sitting(trainer.train(), diary, trainer.progress)


def files(directory: Path) -> dict[str, bytes]:
    """Weights, moments, random states and progress; the best weights; what was logged."""
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def logged_updates(directory: Path) -> list[int]:
    lines = [json.loads(line) for line in (directory / "metrics").read_text().splitlines()]
    return [line["update"] for line in lines if line["event"] == "update"]


def logged_losses(directory: Path) -> list[float]:
    lines = [json.loads(line) for line in (directory / "metrics").read_text().splitlines()]
    return [line["log_loss"] for line in lines if line["event"] == "update"]


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of checkpoints are written here, and no power fails."""
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2s.training.trainer.time", SimpleNamespace(monotonic=lambda: 0.0))


@pytest.mark.parametrize("stop", [None, 3, 8])
def test_dropout_begins_after_as_many_epochs_as_it_is_told(stop: int | None, tmp_path: Path) -> None:
    """Until then training is that of a model without it, also where it was stopped before or after."""
    late = Job(dropout_after=1)
    if stop:
        sit(tmp_path / "late", late, stop_at(stop))
    sit(tmp_path / "late", late)
    sit(tmp_path / "never", Job(model=MODEL.model_copy(update={"dropout": 0.0})))
    late_losses, losses = logged_losses(tmp_path / "late"), logged_losses(tmp_path / "never")
    assert late_losses[:EPOCH] == losses[:EPOCH]
    assert all(late != never for late, never in zip(late_losses[EPOCH:], losses[EPOCH:], strict=True))


@pytest.mark.parametrize("cell", sorted(CELLS))
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("replicas", [1, 2])
def test_twenty_updates_are_ten_and_ten_more(cell: str, accumulate: int, replicas: int, tmp_path: Path) -> None:
    """Weights, their average, Adam's moments, random states, progress, metrics, the order of the data: to the bit."""
    model = ModelConfig(embed_size=3, hidden_size=3, dropout=0.3, num_layers=2).model_copy(update={"cell": cell})
    budget = Budget(updates=20, epochs=0, seconds=0.0)
    how = pace(accumulate=accumulate, validate_every=7)
    job = Job(model=model, pace=how, budget=budget, replicas=replicas, average=0.3)
    straight = sit(tmp_path / "straight", job)
    assert straight.end is End.BUDGET
    first = sit(tmp_path / "broken", job, stop_at(10))
    assert (first.end, first.progress.updates) == (End.INTERRUPTED, 10)
    assert files(tmp_path / "broken") != files(tmp_path / "straight")
    second = sit(tmp_path / "broken", job)
    assert second.end is End.BUDGET
    assert files(tmp_path / "broken") == files(tmp_path / "straight")
    assert [update.update for update in second.diary.updates] == list(range(11, 21))


PACES = [
    pace(),
    pace(accumulate=2),
    pace(validate_every=3, checkpoint_every=2),
    pace(validate_every=EPOCH, accumulate=2),
]


@pytest.mark.parametrize("how", PACES, ids=repr)
def test_stopped_after_any_update_it_ends_where_it_would_have(how: Pace, tmp_path: Path) -> None:
    """In the middle of an epoch, at its end, where a validation is due; once, and after every single update."""
    job = Job(pace=how)
    total = sit(tmp_path / "straight", job).progress.updates
    expected = files(tmp_path / "straight")
    for updates in range(1, total + 1):
        directory = tmp_path / f"stopped-{updates}"
        assert sit(directory, job, stop_at(updates)).end is End.INTERRUPTED
        assert sit(directory, job).end is End.BUDGET
        assert files(directory) == expected, f"stopped after update {updates}"
    directory = tmp_path / "stopped-always"
    for _ in range(total - 1):
        assert sit(directory, job, stop_at(1)).end is End.INTERRUPTED
    assert sit(directory, job).end is End.BUDGET
    assert files(directory) == expected


class CrashError(Exception):
    """What kills a run without warning."""


@dataclass(frozen=True)
class Crasher:
    """A listener that dies at an update."""

    at: int

    def on_update(self, update: Update) -> None:
        if update.update == self.at:
            raise CrashError

    def on_validation(self, validation: Validation) -> None:
        pass


@pytest.mark.parametrize("at", [2, 3, 6, 7, 10])
def test_killed_without_warning_it_goes_on_from_its_last_checkpoint(at: int, tmp_path: Path) -> None:
    """What was logged after that checkpoint is done, and logged, again."""
    job = Job(pace=pace(checkpoint_every=2))
    sit(tmp_path / "straight", job)
    with pytest.raises(CrashError):
        sit(tmp_path / "killed", job, listeners=(Crasher(at),))
    assert logged_updates(tmp_path / "killed") == list(range(1, at + 1))
    sit(tmp_path / "killed", job)
    assert files(tmp_path / "killed") == files(tmp_path / "straight")


@dataclass(frozen=True)
class DiesAfterValidation:
    """A listener that dies when a validation was logged, and before the checkpoint says that it was done."""

    at: int

    def on_update(self, update: Update) -> None:
        pass

    def on_validation(self, validation: Validation) -> None:
        if validation.update == self.at:
            raise CrashError


@pytest.mark.parametrize(
    "how", [pace(validate_every=3), pace(checkpoint_every=1), pace(validate_every=EPOCH)], ids=repr
)
def test_a_validation_is_neither_lost_nor_logged_twice(how: Pace, tmp_path: Path) -> None:
    """Also where a checkpoint was written between its update and it."""
    job = Job(pace=how)
    at = [v.update for v in sit(tmp_path / "straight", job).diary.validations]
    for update in at:
        directory = tmp_path / f"killed-{update}"
        with pytest.raises(CrashError):
            sit(directory, job, listeners=(DiesAfterValidation(update),))
        sit(directory, job)
        assert files(directory) == files(tmp_path / "straight"), f"killed at the validation of update {update}"


def test_the_average_is_what_is_validated_and_kept(tmp_path: Path) -> None:
    """The best weights are those that were validated; training itself goes on as if there were no average."""
    plain, averaged = Job(pace=pace(validate_every=4)), Job(pace=pace(validate_every=4), average=1.0)
    without, with_average = sit(tmp_path / "plain", plain), sit(tmp_path / "averaged", averaged)
    assert logged_losses(tmp_path / "averaged") == logged_losses(tmp_path / "plain")
    scores = [[v.scores["loss"] for v in sitting.diary.validations] for sitting in (without, with_average)]
    assert all(one != other for one, other in zip(*scores, strict=True))
    kept = build_model(MODEL, src_vocab=VOCAB, trg_vocab=VOCAB)
    best = load_weights(tmp_path / "averaged" / "best", kept)
    validated = {v.update: v.scores for v in with_average.diary.validations}
    with torch.inference_mode():
        assert dev_loss(kept.eval()) == validated[best.updates]


def test_a_run_that_is_over_stays_as_it_is(tmp_path: Path) -> None:
    job = Job()
    sit(tmp_path / "run", job)
    before = files(tmp_path / "run")
    again = sit(tmp_path / "run", job)
    assert again.end is End.BUDGET
    assert again.diary.events == []
    assert files(tmp_path / "run") == before


@pytest.mark.parametrize(
    ("budget", "accumulate", "updates"),
    [
        (Budget(updates=7, epochs=0, seconds=0.0), 1, 7),
        (Budget(updates=7, epochs=1, seconds=0.0), 1, EPOCH),
        (Budget(updates=0, epochs=3, seconds=0.0), 1, 3 * EPOCH),
        (Budget(updates=0, epochs=3, seconds=0.0), 2, 3 * ((EPOCH + 1) // 2)),
        (Budget(updates=0, epochs=2, seconds=0.0), 100, 2),
    ],
)
def test_it_ends_with_its_budget(budget: Budget, accumulate: int, updates: int, tmp_path: Path) -> None:
    """Every batch of an epoch is used, also where accumulated batches do not come out even."""
    sitting = sit(tmp_path / "run", Job(budget=budget, pace=pace(accumulate=accumulate)))
    assert sitting.end is End.BUDGET
    assert [update.update for update in sitting.diary.updates] == list(range(1, updates + 1))
    tokens = sum(update.tokens for update in sitting.diary.updates)
    if budget.epochs and not budget.updates:
        assert tokens == budget.epochs * sum(len(pair.trg) + 1 for pair in PAIRS)


@pytest.fixture
def _ticking_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes with each look at the clock."""
    ticks = count()
    monkeypatch.setattr("s2s.training.trainer.time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


@pytest.mark.usefixtures("_ticking_clock")
def test_it_ends_when_its_time_is_over_and_sittings_add_up(tmp_path: Path) -> None:
    job = Job(budget=Budget(updates=0, epochs=0, seconds=7.0))
    straight = sit(tmp_path / "straight", job)
    assert straight.end is End.BUDGET
    assert straight.progress.seconds >= 7.0
    assert straight.diary.updates[-1].seconds <= 7.0
    assert straight.diary.updates[-1].used == 1.0
    sit(tmp_path / "broken", job, stop_at(3))
    rest = sit(tmp_path / "broken", job)
    assert rest.end is End.BUDGET
    assert rest.diary.updates[-1].update == straight.diary.updates[-1].update
    assert rest.diary.updates[0].seconds == 4.0


def test_patience_ends_training_early(tmp_path: Path) -> None:
    found = iter([5.0, 4.0, 4.5, 4.0, 3.0, 9.0, 9.0, 9.0, 9.0, 9.0])
    job = Job(
        pace=pace(validate_every=2, patience=3),
        budget=Budget(updates=40, epochs=0, seconds=0.0),
        scores=lambda: {"loss": next(found)},
    )
    sitting = sit(tmp_path / "run", job)
    assert sitting.end is End.PATIENCE
    assert (sitting.progress.best_score, sitting.progress.best_update, sitting.progress.updates) == (-3.0, 10, 16)
    assert [v.is_best for v in sitting.diary.validations] == [True, True, False, False, True, False, False, False]
    assert sit(tmp_path / "run", job).end is End.PATIENCE


def test_without_patience_it_never_loses_it(tmp_path: Path) -> None:
    worse = count()
    job = Job(pace=pace(validate_every=1), scores=lambda: {"loss": float(next(worse))})
    sitting = sit(tmp_path / "run", job)
    assert (sitting.end, sitting.progress.stale) == (End.BUDGET, 2 * EPOCH - 1)


def test_while_bleu_is_noise_the_loss_decides(tmp_path: Path) -> None:
    """A model that has learnt nothing may hit a word by luck; the one that has learnt more is kept."""
    found = iter([(5.0, 0.03), (4.0, 0.01), (3.0, 0.0), (3.5, 0.9), (9.0, 1.5)])

    def scores() -> Scores:
        loss, bleu = next(found)
        return {"loss": loss, "bleu": bleu}

    job = Job(pace=pace(metric="bleu"), budget=Budget(updates=0, epochs=5, seconds=0.0), scores=scores)
    sitting = sit(tmp_path / "run", job)
    assert [v.is_best for v in sitting.diary.validations] == [True, True, True, False, True]
    assert (sitting.progress.best_score, sitting.progress.stale) == (1.5, 0)


def test_of_bleu_more_is_better(tmp_path: Path) -> None:
    found = iter([1.0, 3.0, 2.0])
    job = Job(
        pace=pace(metric="bleu"),
        budget=Budget(updates=0, epochs=3, seconds=0.0),
        scores=lambda: {"loss": 1.0, "bleu": next(found)},
    )
    progress = sit(tmp_path / "run", job).progress
    assert (progress.best_score, progress.best_update, progress.stale) == (3.0, 2 * EPOCH, 1)


def test_it_validates_at_the_end_of_each_epoch_or_as_often_as_told(tmp_path: Path) -> None:
    """And once at the very end, unless it has just done so."""
    by_epoch = sit(tmp_path / "epoch", Job())
    assert [v.update for v in by_epoch.diary.validations] == [EPOCH, 2 * EPOCH]
    by_updates = sit(tmp_path / "updates", Job(pace=pace(validate_every=4)))
    assert [v.update for v in by_updates.diary.validations] == [4, 8, 10]
    even = sit(tmp_path / "even", Job(pace=pace(validate_every=5)))
    assert [v.update for v in even.diary.validations] == [5, 10]
    broken_off = sit(tmp_path / "short", Job(budget=Budget(updates=7, epochs=0, seconds=0.0)))
    assert [v.update for v in broken_off.diary.validations] == [EPOCH, 7]


def test_what_happens_when(tmp_path: Path) -> None:
    """The last checkpoint, which says that all was done, comes when the best one is there and everybody was told."""
    found = iter([2.0, 3.0, 1.0])
    job = Job(
        pace=pace(validate_every=3, checkpoint_every=2),
        budget=Budget(updates=7, epochs=0, seconds=0.0),
        scores=lambda: {"loss": next(found)},
    )
    sitting = sit(tmp_path / "run", job)
    assert sitting.diary.events == [
        *("update 1", "update 2", "last 2", "update 3", "best 3", "validation 3", "last 3"),
        *("update 4", "last 4", "update 5", "update 6", "validation 6", "last 6"),
        *("update 7", "best 7", "validation 7", "last 7"),
    ]


def test_listeners_hear_what_an_update_did(tmp_path: Path) -> None:
    sitting = sit(tmp_path / "run", Job())
    updates = sitting.diary.updates
    assert [update.epoch for update in updates] == [1] * EPOCH + [2] * EPOCH
    total = 2 * EPOCH
    assert [update.used for update in updates] == pytest.approx([(i + 1) / total for i in range(total)])
    schedule = Schedule(peak=0.05, warmup=0.2, falls=True)
    in_the_middle = [schedule.rate((i + 0.5) / total) for i in range(total)]
    assert [update.learning_rate for update in updates] == pytest.approx(in_the_middle)
    assert all(update.learning_rate > 0 < update.gradient_norm for update in updates)


def test_the_smoothed_loss_is_what_falls(tmp_path: Path) -> None:
    job = Job(
        model=ModelConfig(embed_size=8, hidden_size=8, dropout=0.0),
        budget=Budget(updates=40, epochs=0, seconds=0.0),
    )
    updates = sit(tmp_path / "run", job).diary.updates
    assert updates[-1].loss < 0.7 * updates[0].loss
    assert updates[-1].log_loss < updates[-1].loss


def test_a_validation_counts_epochs_like_an_update(tmp_path: Path) -> None:
    diary = sit(tmp_path / "run", Job(pace=pace(validate_every=2))).diary
    epoch_of = {update.update: update.epoch for update in diary.updates}
    assert [v.epoch for v in diary.validations] == [epoch_of[v.update] for v in diary.validations]


def test_a_partly_filled_last_update_has_a_rate_above_zero(tmp_path: Path) -> None:
    diary = sit(tmp_path / "run", Job(pace=pace(accumulate=4))).diary
    assert EPOCH % 4 == 1
    assert all(update.learning_rate > 0 for update in diary.updates)


def test_a_first_score_that_is_not_a_number_can_be_beaten(tmp_path: Path) -> None:
    found = iter([float("nan"), 2.0])
    assert sit(tmp_path / "run", Job(scores=lambda: {"loss": next(found)})).progress.best_score == -2.0


# Loss or gradient that are not finite


def spoil(monkeypatch: pytest.MonkeyPatch, which: Callable[[int], bool], norm: float = float("nan")) -> None:
    """The gradient of the updates with these numbers, counted from 1 over all sittings, is not finite."""
    number = count(1)

    def clip(model: Seq2Seq, limit: float) -> float:
        if not which(next(number)):
            return clip_gradients(model, limit)
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.grad.fill_(norm)
        return norm

    monkeypatch.setattr("s2s.training.trainer.clip_gradients", clip)


@pytest.mark.parametrize("norm", [float("nan"), float("inf")])
def test_an_update_whose_gradient_is_not_finite_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, norm: float
) -> None:
    weights: dict[int, list[torch.Tensor]] = {}

    def keep(diary: Diary, update: Update) -> None:
        assert diary.model is not None
        diary.updates.append(update)
        weights[update.update] = [parameter.detach().clone() for parameter in diary.model.parameters()]

    monkeypatch.setattr(Diary, "on_update", keep)
    spoil(monkeypatch, {4, 5, 8}.__contains__, norm)
    sitting = sit(tmp_path / "run", Job())
    assert [update.update for update in sitting.diary.updates if update.skipped] == [4, 5, 8]
    assert (sitting.progress.skipped, sitting.progress.skipped_in_row) == (3, 0)
    for number in range(2, 2 * EPOCH + 1):
        changed = any(not torch.equal(a, b) for a, b in zip(weights[number - 1], weights[number], strict=True))
        assert changed == (number not in (4, 5, 8))
    assert all(torch.isfinite(tensor).all() for tensor in weights[2 * EPOCH])


@pytest.mark.parametrize("skipped", [{1}, {1, 2, 3}, {4, 5, 8}])
def test_with_updates_skipped_it_goes_on_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skipped: set[int]
) -> None:
    """Also where Adam, having done no step, has nothing to save."""
    spoil(monkeypatch, skipped.__contains__)
    sit(tmp_path / "straight", Job())
    for stop in (1, 4, 5):
        spoil(monkeypatch, skipped.__contains__)
        sit(tmp_path / f"stopped-{stop}", Job(), stop_at(stop))
        sit(tmp_path / f"stopped-{stop}", Job())
        assert files(tmp_path / f"stopped-{stop}") == files(tmp_path / "straight")


def test_a_loss_that_is_not_finite_is_skipped_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Replicas.backward
    monkeypatch.setattr(Replicas, "backward", lambda *args: (float("inf"), found(*args)[1]))
    budget = Budget(updates=3, epochs=0, seconds=0.0)
    assert all(update.skipped for update in sit(tmp_path / "run", Job(budget=budget)).diary.updates)


def test_too_many_skipped_in_a_row_end_training_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The count goes on over sittings; the last checkpoint stays."""
    job = Job(pace=pace(checkpoint_every=2), budget=Budget(updates=100, epochs=0, seconds=0.0))
    spoil(monkeypatch, lambda number: number > 2)
    sit(tmp_path / "run", job, stop_at(6))
    with pytest.raises(
        DivergedError, match=r"update 12: loss or gradient were not finite 10 times in a row.*\n  Lower train"
    ):
        sit(tmp_path / "run", job)
    assert logged_updates(tmp_path / "run") == list(range(1, 13))


def test_nine_in_a_row_are_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, lambda number: number % 10 != 0)
    sitting = sit(tmp_path / "run", Job(budget=Budget(updates=30, epochs=0, seconds=0.0)))
    assert (sitting.end, sitting.progress.skipped) == (End.BUDGET, 27)
