"""Train a run, or go on with one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from s2s.build import (
    build_average,
    build_budget,
    build_model,
    build_replicas,
    build_schedule,
    check_model,
    outline_model,
    refuse_what_memory_cannot_hold,
)
from s2s.compute import PRECISIONS, Compute, build_compute, find_device
from s2s.config import BUILTIN, Config, TrainingConfig
from s2s.data.batches import TrainingData
from s2s.errors import S2SError
from s2s.nn.model import Seq2Seq
from s2s.training.average import Average
from s2s.training.checkpoint import Progress, Saved, check_whole, load_training, load_weights, read_summary
from s2s.training.disk import remove_leftovers
from s2s.training.log import MetricsLog
from s2s.training.optim import build_adam
from s2s.training.parallel import Replicas
from s2s.training.tensorfile import damaged
from s2s.training.trainer import End, Pace, Trainer
from s2s.workflow.changes import changed_config, check_hashes
from s2s.workflow.corpora import BUILTIN_WARNING, Corpora, read_corpora
from s2s.workflow.creation import new_run, refuse_existing
from s2s.workflow.evaluation import Evaluation, ScoringStoppedError, evaluate, validator
from s2s.workflow.health import HealthWatch
from s2s.workflow.initial import Initial, begin_with_dictionary, read_initial
from s2s.workflow.lock import Lock
from s2s.workflow.manifest import new_manifest
from s2s.workflow.reporter import LoggedReporter, Reporter
from s2s.workflow.run import CheckpointSaver, RunDirectory
from s2s.workflow.sizing import fit
from s2s.workflow.spelling import training_data
from s2s.workflow.tokenizers import Tokenizers, train_tokenizers
from s2s.workflow.translation import Run, check_size

FINAL_SCORES = ("BLEU", "chrF2")
"""TER is left to `s2s eval`: on long lines it takes minutes."""


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        best_update: the update of the best checkpoint, which is the one that is scored.
        limit: the setting of `training` that ended it, to be raised for more.
        dev: what the best checkpoint scores; None where training was interrupted, or its scoring.
        test: the same; None also where there is no test set.
    """

    run: RunDirectory
    end: End
    updates: int
    best_update: int
    limit: str
    dev: Evaluation | None
    test: Evaluation | None

    @property
    def is_interrupted(self) -> bool:
        """Whether training itself was stopped before its end."""
        return self.end is End.INTERRUPTED


def train(
    config: Config,
    out: Path,
    reporter: Reporter,
    *,
    written: str = "",
    command: Sequence[str] = (),
    init_from: Path | None = None,
    overwrite: bool = False,
    fits_corpus: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train a new run.

    Args:
        config: the settings.
        out: the run directory to make.
        reporter: is told how it goes.
        written: the configuration file as the user wrote it, kept beside the resolved one.
        command: the command line, for the record.
        init_from: a run whose weights and vocabulary it begins with.
        overwrite: whether a run at `out` is replaced, once all is ready for training.
        fits_corpus: whether settings that `config` was not given follow from the corpus' size.
        should_stop: asked after each update, and while the scores are made; True ends it with everything saved.

    Raises:
        UsageError: settings do not fit together or name no data.
        S2SError: data are at fault, or `out` exists.
    """
    # Sizes do not matter for whether it makes sense, which is better told before the corpus is read.
    check_model(fit(config, 1).config.model if fits_corpus else config.model)
    run = RunDirectory(out)
    reporter = LoggedReporter(reporter)
    refuse_existing(out, overwrite=overwrite)
    initial = read_initial(init_from, config) if init_from else None
    find_device(config.training.device)  # refused before a corpus is read
    corpora = _read_corpora(config, reporter)
    config = _fitted(config, corpora, reporter) if fits_corpus else config
    compute = build_compute(config)
    _report_compute(compute, reporter)
    tokenizers = initial.tokenizers if initial else train_tokenizers(config, corpora.train, reporter, compute.threads)
    data = training_data(corpora.train, tokenizers, config.training, compute.threads)  # a replaced run still stands
    torch.manual_seed(config.training.seed)
    model = _new_model(config, tokenizers)
    _begin(model, initial, config.training, data, reporter)
    manifest = new_manifest(corpora, config, compute, command, model, tokenizers, initial.origin if initial else None)
    with new_run(
        run,
        config=config,
        written=written,
        tokenizers=tokenizers,
        model=model,
        manifest=manifest,
        overwrite=overwrite,
    ):
        reporter.open(run.log)
        model = model.to(compute.device)
        return _fit(run, config, corpora, data, tokenizers, compute, model, reporter, should_stop)


def _begin(
    model: Seq2Seq,
    initial: Initial | None,
    config: TrainingConfig,
    data: Callable[[int], TrainingData],
    reporter: Reporter,
) -> None:
    """Give the model what it begins with, where that is more than numbers drawn at random."""
    if initial:
        initial.fill(model, reporter)
        if config.dictionary:
            reporter.note("training.dictionary is out of force: these weights take its place")
    elif config.dictionary:
        begin_with_dictionary(model, data(0), reporter)


def resume(
    path: Path,
    reporter: Reporter,
    *,
    overrides: Mapping[str, Any] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Go on with a run where its last checkpoint stands.

    Args:
        path: the run directory.
        overrides: settings to change, section -> key -> value; only those in `MAY_CHANGE` may differ.

    Raises:
        UsageError: a setting cannot be changed any more.
        S2SError: the run or its data cannot be read, the data are not those that it was trained on, or another
            process trains it.
    """
    run = RunDirectory(path)
    manifest = run.read_manifest()
    with Lock(path):
        remove_leftovers(path)
        reporter = LoggedReporter(reporter)
        reporter.open(run.log)
        before = run.read_config()
        config = changed_config(before, overrides or {}, read_summary(run.last).progress, reporter)
        # What was chosen by measuring stays as it was chosen, or the numbers would differ.
        training = config.training.model_copy(
            update={"precision": manifest.precision, "threads": config.training.threads or manifest.threads}
        )
        compute = replace(
            build_compute(config.model_copy(update={"training": training})),
            search_precision=PRECISIONS[manifest.search_precision or manifest.precision],
        )
        _report_compute(compute, reporter)
        corpora = read_corpora(config.data, config.training.seed)
        check_hashes(manifest.data, corpora.hashes)
        tokenizers = run.read_tokenizers(manifest, config)
        check_size(run.last, config, tokenizers)
        model = _new_model(config, tokenizers).to(compute.device)
        run.write_config(config)
        data = training_data(corpora.train, tokenizers, config.training, compute.threads)
        return _fit(run, config, corpora, data, tokenizers, compute, model, reporter, should_stop)


def _fit(
    run: RunDirectory,
    config: Config,
    corpora: Corpora,
    data: Callable[[int], TrainingData],
    tokenizers: Tokenizers,
    compute: Compute,
    model: Seq2Seq,
    reporter: LoggedReporter,
    should_stop: Callable[[], bool],
) -> Outcome:
    """Train from the last checkpoint to the end, then score the best one."""
    optimizer = build_adam(model)
    saved = load_training(run.last, model, optimizer)
    progress = _with_best(run, saved.progress, reporter)
    replicas = build_replicas(config.training, compute, model)
    average = build_average(config.training, model)
    _restore(saved, replicas, average, run.last)
    if progress.updates:
        reporter.note(f"going on after update {progress.updates:,}, epoch {progress.epoch + 1}")
    settings = config.training
    metrics = MetricsLog(run.metrics, progress)
    if metrics.missing:
        reporter.warn(f"metrics.jsonl lacks {metrics.missing:,} of the {progress.updates:,} updates done before")
    loaded = Run(run, config, corpora.src_lang, corpora.trg_lang, tokenizers, model, compute)
    watch = HealthWatch(loaded, corpora.dev, reporter.warn)
    trainer = Trainer(
        model=model,
        optimizer=optimizer,
        data=data,
        schedule=build_schedule(settings),
        budget=build_budget(settings),
        pace=_pace(settings),
        clip=settings.clip,
        dropout_after=settings.dropout_after,
        replicas=replicas,
        average=average,
        validate=validator(loaded, corpora.dev, watch.look),
        saver=CheckpointSaver(run, model, optimizer, replicas.random_states, average, metrics),
        listeners=(metrics, reporter, watch),
        should_stop=should_stop,
        progress=progress,
    )
    end = _logged(trainer, reporter)
    limit = "patience" if end is End.PATIENCE else _tightest(settings)
    reached = trainer.progress
    reporter.keep(f"training ended at update {reached.updates:,}: {end.value}")
    outcome = Outcome(run, end, reached.updates, reached.best_update, limit, dev=None, test=None)
    if end is End.INTERRUPTED:
        return outcome
    if reached.updates == progress.updates:
        reporter.note(f"nothing was left to train; training.{limit} is used up")
    if config.data.corpus == BUILTIN:
        reporter.warn(BUILTIN_WARNING)
    reporter.note(f"translating {'dev and test' if corpora.test else 'dev'} with beam search for the final scores")
    try:
        return _scored(loaded, corpora, outcome, reached, should_stop)
    except ScoringStoppedError:
        return outcome


def _with_best(run: RunDirectory, progress: Progress, reporter: Reporter) -> Progress:
    """The progress, if the best weights that it speaks of are there; otherwise one that begins anew with the best.

    Raises:
        S2SError: their file is damaged; better said now than after hours, when they are to be scored.
    """
    if progress.best_score is None:
        return progress
    if not run.best.exists():
        reporter.warn("best.safetensors is missing: from now on the best weights are kept anew")
        return progress.without_best()
    check_whole(run.best)
    return progress


def _logged(trainer: Trainer, reporter: LoggedReporter) -> End:
    """Train; a fault that ends it is kept in the log, too, and the replicas' processes end with it."""
    try:
        return trainer.train()
    except S2SError as fault:
        reporter.keep(f"training ended: {fault}")
        raise
    finally:
        trainer.replicas.close()


def _restore(saved: Saved, replicas: Replicas, average: Average, path: Path) -> None:
    """Go on with random states and averages where the checkpoint at `path` stands; a fresh one has neither.

    Raises:
        S2SError: they are of something else.
    """
    try:
        replicas.set_random_states(saved.random)
        if saved.progress.updates:
            average.restore(saved.average)
    except (RuntimeError, TypeError, LookupError) as fault:
        raise damaged(path, fault) from fault


def _scored(
    loaded: Run, corpora: Corpora, outcome: Outcome, progress: Progress, should_stop: Callable[[], bool]
) -> Outcome:
    """The outcome with the scores of the best checkpoint, which the run keeps."""
    best = load_weights(outcome.run.best, loaded.model)
    loaded.model.eval()
    beam = loaded.beam()
    dev = evaluate(loaded, corpora.dev, beam, FINAL_SCORES, should_stop)
    test = evaluate(loaded, corpora.test, beam, FINAL_SCORES, should_stop) if corpora.test else None
    outcome.run.write_json(
        "results.json",
        {
            "end": outcome.end.value,
            "updates": progress.updates,
            "best_update": best.updates,
            "seconds": progress.seconds,
            "dev": asdict(dev),
            "test": asdict(test) if test else None,
        },
    )
    return replace(outcome, dev=dev, test=test)


def _report_compute(compute: Compute, reporter: Reporter) -> None:
    reporter.note(f"device: {compute.device}, {compute.formats}, CPU threads: {compute.threads}")
    if compute.device.type == "cpu" and torch.cuda.is_available():
        reporter.warn("training on the CPU while a CUDA device lies idle; --set training.device=cuda uses it")


def _read_corpora(config: Config, reporter: Reporter) -> Corpora:
    corpora = read_corpora(config.data, config.training.seed)
    for note in corpora.notes:
        reporter.note(note)
    for warning in corpora.warnings:
        reporter.warn(warning)
    return corpora


def _fitted(config: Config, corpora: Corpora, reporter: Reporter) -> Config:
    """The configuration that fits the corpus' size, which is told."""
    sized = fit(config, len(corpora.train))
    if sized.chosen:
        reporter.note(f"chosen for {len(corpora.train):,} pairs: {', '.join(sized.chosen)}")
    check_model(sized.config.model)
    return sized.config


def _new_model(config: Config, tokenizers: Tokenizers) -> Seq2Seq:
    sizes = {"src_vocab": tokenizers.src.size, "trg_vocab": tokenizers.trg.size}
    refuse_what_memory_cannot_hold(outline_model(config.model, **sizes))
    return build_model(config.model, **sizes)


def _tightest(settings: TrainingConfig) -> str:
    """The setting to raise for more training, where one budget is set; the first one where several are."""
    return next(name for name in ("max_updates", "max_minutes", "max_epochs") if getattr(settings, name))


def _pace(settings: TrainingConfig) -> Pace:
    return Pace(
        validate_every=settings.validate_every,
        checkpoint_every=settings.checkpoint_every,
        patience=settings.patience,
        accumulate=settings.accumulate,
        metric=settings.metric,
    )
