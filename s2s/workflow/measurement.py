"""What a comparison measured: each model's size, speed and scores, and how far it is from the first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import mean, stdev
from typing import Literal

from s2s.config import BUILTIN
from s2s.data.words import split_words
from s2s.errors import S2SError
from s2s.evaluation.lengths import Bucket, bleu_by_length, bucket_by_length
from s2s.evaluation.significance import LEVEL, Difference, paired_bootstrap
from s2s.training.checkpoint import read_summary
from s2s.training.log import read_speed
from s2s.workflow.comparison import Diverged, Trained
from s2s.workflow.grid import Contender, LeftOut, Variation
from s2s.workflow.manifest import Manifest
from s2s.workflow.results import KeptEvaluation, Results
from s2s.workflow.run import RunDirectory
from s2s.workflow.training import FINAL_SCORES


@dataclass(frozen=True)
class Spread:
    """A number over the seeds: its mean, and the standard deviation of a sample (n - 1); None for one seed."""

    mean: float
    deviation: float | None


@dataclass(frozen=True)
class RunMeasure:
    """What one run measured.

    Attributes:
        directory: its name in the comparison's directory.
        tokens_per_second: target tokens in training; None where it had fewer than two updates.
        minutes: of training, validations included.
        dev, test: corpus scores by name; `test` is None where there is no test set.
        from_first: how its scores differ from those of the first model with the same seed; none for that itself.
        bleu_by_length: for each bucket.
        manifest: what the run was made with.
    """

    seed: int
    directory: str
    parameters: int
    tokens_per_second: float | None
    minutes: float
    updates: int
    best_update: int
    dev: Mapping[str, float]
    test: Mapping[str, float] | None
    from_first: Mapping[str, Difference]
    bleu_by_length: tuple[float, ...]
    manifest: Manifest

    def score(self, part: str, name: str) -> float | None:
        """A corpus score on `dev` or `test`; None where there is no such set."""
        scores = self.test if part == "test" else self.dev
        return scores[name] if scores else None


class Verdict(Enum):
    """How a model's score stands to that of the first one, over all seeds."""

    HIGHER = "significantly higher"
    LOWER = "significantly lower"
    SAME = "not significantly different"
    MIXED = "significantly different with some seeds only"
    UNKNOWN = "not compared, having no seed in common,"


@dataclass(frozen=True)
class ModelMeasure:
    """What a model measured over its seeds."""

    contender: Contender
    search: str
    runs: tuple[RunMeasure, ...]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.contender.name

    def spread(self, number: Callable[[RunMeasure], float | None]) -> Spread | None:
        """A number of each run, over the seeds; None where a run has none."""
        values = [number(run) for run in self.runs]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        return Spread(mean(known), stdev(known) if len(known) > 1 else None)

    def score(self, part: str, name: str) -> Spread | None:
        """A corpus score on `dev` or `test`, over the seeds; None where there is no such set."""
        return self.spread(lambda run: run.score(part, name))

    @property
    def bleu_by_length(self) -> tuple[float, ...]:
        """For each bucket, the mean over the seeds."""
        return tuple(mean(values) for values in zip(*(run.bleu_by_length for run in self.runs), strict=True))

    def differences(self, score: str) -> list[Difference]:
        """From the first model in this score, one for each seed with which both were trained; none for itself."""
        return [run.from_first[score] for run in self.runs if run.from_first]

    def verdict(self, score: str) -> Verdict:
        """What the differences from the first model come to."""
        found = self.differences(score)
        signs = {0 if d.p_value >= LEVEL else 1 if d.difference > 0 else -1 for d in found}
        verdicts = {frozenset({1}): Verdict.HIGHER, frozenset({-1}): Verdict.LOWER, frozenset({0}): Verdict.SAME}
        return verdicts.get(frozenset(signs), Verdict.MIXED) if found else Verdict.UNKNOWN


@dataclass(frozen=True)
class Measured:
    """All that a comparison's report says.

    Attributes:
        name: of the comparison.
        part: `test`, or `dev` where there is no test set: where significance and lengths come from.
        sentences: how many it has.
        builtin: whether the pairs are those of the built-in corpus.
        signatures: sacrebleu's, by score.
        bootstrap: the same with the seed and the resamples of the paired bootstrap; empty for one model.
    """

    name: str
    part: Literal["dev", "test"]
    sentences: int
    builtin: bool
    seeds: tuple[int, ...]
    variations: tuple[Variation, ...]
    buckets: tuple[Bucket, ...]
    models: tuple[ModelMeasure, ...]
    left_out: tuple[LeftOut, ...]
    diverged: tuple[Diverged, ...]
    signatures: Mapping[str, str]
    bootstrap: Mapping[str, str]


def measure(trained: Trained) -> Measured:
    """Read the finished runs, and compare their translations.

    Raises:
        S2SError: no run was finished, or a file of one is damaged.
    """
    finished = {
        (contender.name, seed): run
        for contender in trained.grid.contenders
        for seed in trained.grid.seeds
        if (run := trained.run(contender, seed))
    }
    if not finished:
        raise S2SError(
            "no model could be trained to its end:\n  " + "\n  ".join(d.reason for d in trained.diverged),
            where=str(trained.out),
            hint="Lower training.learning_rate, or set training.clip.",
        )
    results = {key: found for key, run in finished.items() if (found := run.read_results())}
    contenders = [c for c in trained.grid.contenders if any((c.name, seed) in finished for seed in trained.grid.seeds)]
    differences = _differences(trained, contenders, results)
    scored = trained.scored
    buckets = bucket_by_length([len(split_words(pair.src, scored.src_lang)) for pair in scored.pairs])
    models = []
    for contender in contenders:
        keys = [(contender.name, seed) for seed in trained.grid.seeds if (contender.name, seed) in finished]
        runs = [
            _run_measure(trained, finished[key], key[1], results[key], buckets, differences.get(key, {}))
            for key in keys
        ]
        models.append(ModelMeasure(contender, results[keys[0]].on(scored.part).search, tuple(runs)))
    first = next(iter(results.values()))
    return Measured(
        name=trained.out.name.removeprefix("compare-"),
        part=scored.part,
        sentences=len(scored.pairs),
        builtin=contenders[0].configs[trained.grid.seeds[0]].data.corpus == BUILTIN,
        seeds=trained.grid.seeds,
        variations=trained.grid.variations,
        buckets=tuple(buckets),
        models=tuple(models),
        left_out=trained.grid.left_out,
        diverged=trained.diverged,
        signatures={score.name: score.signature for score in first.on(scored.part).scores},
        bootstrap={d.name: d.signature for found in list(differences.values())[:1] for d in found.values()},
    )


Key = tuple[str, int]
"""A model's name and a seed."""


def _differences(
    trained: Trained, contenders: Sequence[Contender], results: Mapping[Key, Results]
) -> dict[Key, dict[str, Difference]]:
    """Of each run from that of the first model with the same seed, where both were trained."""
    part, references = trained.scored.part, [pair.trg for pair in trained.scored.pairs]
    found: dict[Key, dict[str, Difference]] = {}
    for seed in trained.grid.seeds:
        first, *others = [(contender.name, seed) for contender in contenders]
        others = [key for key in others if key in results]
        if first not in results:
            continue
        translations = [results[key].on(part).translations for key in (first, *others)]
        compared = paired_bootstrap(translations[0], translations[1:], references, FINAL_SCORES)
        found |= {key: {d.name: d for d in differences} for key, differences in zip(others, compared, strict=True)}
    return found


def _run_measure(
    trained: Trained,
    run: RunDirectory,
    seed: int,
    results: Results,
    buckets: Sequence[Bucket],
    from_first: Mapping[str, Difference],
) -> RunMeasure:
    references = [pair.trg for pair in trained.scored.pairs]
    return RunMeasure(
        seed=seed,
        directory=run.path.name,
        parameters=read_summary(run.best).parameters,
        tokens_per_second=read_speed(run.metrics),
        minutes=results.seconds / 60.0,
        updates=results.updates,
        best_update=results.best_update,
        dev=_scores(results.dev),
        test=_scores(results.test) if results.test else None,
        from_first=from_first,
        bleu_by_length=tuple(bleu_by_length(buckets, results.on(trained.scored.part).translations, references)),
        manifest=run.read_manifest(),
    )


def _scores(evaluation: KeptEvaluation) -> dict[str, float]:
    return {score.name: score.value for score in evaluation.scores}
