"""A comparison: trains each model of a grid with each seed, and goes on where it was stopped."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from s2s.compute import find_device
from s2s.config import Config
from s2s.data.corpus import Pair
from s2s.errors import S2SError, UsageError
from s2s.training.disk import write_atomically
from s2s.training.trainer import DivergedError
from s2s.workflow.changes import check_hashes
from s2s.workflow.corpora import Corpora, read_corpora
from s2s.workflow.grid import Contender, Grid
from s2s.workflow.reporter import Reporter
from s2s.workflow.run import RunDirectory
from s2s.workflow.training import resume, train

RECORD = "comparison.json"
"""What tells the directory of a comparison from any other: which models it compares, and the command."""


@dataclass(frozen=True)
class Planned:
    """One run of a comparison.

    Attributes:
        number: which one it is, from 1.
        total: how many there are.
        seconds_left: about how long it and all after it will take; None where no run is finished yet.
    """

    contender: Contender
    seed: int
    run: RunDirectory
    number: int
    total: int
    seconds_left: float | None

    @property
    def config(self) -> Config:
        """All its settings."""
        return self.contender.configs[self.seed]

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do for it."""
        return _is_finished(self.run)


class ComparisonReporter(Reporter, Protocol):
    """Who is told how a comparison goes."""

    def begin(self, planned: Planned) -> None:
        """A run begins, or is found to be finished; what is told from now on is about it."""


@dataclass(frozen=True)
class Diverged:
    """A run that has no end: with these settings its gradient is not finite."""

    contender: Contender
    seed: int
    reason: str


@dataclass(frozen=True)
class ComparedSet:
    """The pairs that every run is scored on.

    Attributes:
        part: `test`, or `dev` where there is no test set.
        src_lang: for what a word is.
    """

    part: Literal["dev", "test"]
    pairs: tuple[Pair, ...]
    src_lang: str


@dataclass(frozen=True)
class Trained:
    """A comparison whose runs are all done.

    Attributes:
        scored: what the models are compared on.
        diverged: the runs that could not be trained to their end.
    """

    out: Path
    grid: Grid
    scored: ComparedSet
    diverged: tuple[Diverged, ...]

    def run(self, contender: Contender, seed: int) -> RunDirectory | None:
        """A finished run; None for one that diverged."""
        run = RunDirectory(self.out / contender.directory(seed))
        return run if _is_finished(run) else None


@dataclass(frozen=True)
class Stopped:
    """A comparison that was stopped.

    Attributes:
        at: the run that was under way, or the next one.
    """

    at: Planned


def compare(
    grid: Grid,
    out: Path,
    reporter: ComparisonReporter,
    *,
    written: str = "",
    command: Sequence[str] = (),
    should_stop: Callable[[], bool] = lambda: False,
) -> Trained | Stopped:
    """Train all runs of a grid that are not finished, one after another.

    Args:
        grid: what to compare.
        out: the directory of the comparison, made or gone on with.
        reporter: is told how it goes.
        written: the configuration file as the user wrote it, kept in each run.
        command: the command line, for the record.
        should_stop: asked after each update, and in scoring; True stops with everything saved.

    Raises:
        UsageError: settings fit no data or device; models would be scored on different sentences; or the
            directory holds another comparison.
        S2SError: data are at fault, the directory holds something else, or a run cannot be trained.
    """
    _check_directory(out, grid)
    scored = _check_data(grid, out)
    for contender in grid.contenders:
        find_device(next(iter(contender.configs.values())).training.device)
    for left_out in grid.left_out:
        reporter.warn(f"left out: {left_out.name}: {left_out.reason}")
    _write_record(out, grid, command)
    diverged: list[Diverged] = []
    for number in range(1, len(_runs(grid)) + 1):
        planned = _plan(grid, out, number)
        if should_stop():
            return Stopped(planned)
        reporter.begin(planned)
        try:
            if not _finish(planned, reporter, written, command, should_stop):
                return Stopped(planned)
        except DivergedError as fault:
            reason = " ".join(f"{fault.where}: {fault.message}".split())
            diverged.append(Diverged(planned.contender, planned.seed, reason))
            reporter.warn(f"{planned.contender.name}, seed {planned.seed} diverged: {reason}")
    return Trained(out, grid, scored, tuple(diverged))


def _finish(
    planned: Planned,
    reporter: Reporter,
    written: str,
    command: Sequence[str],
    should_stop: Callable[[], bool],
) -> bool:
    """Bring a run to its end; False where it was stopped before."""
    run = planned.run
    if planned.is_finished:
        return True
    if run.exists():
        return resume(run.path, reporter, should_stop=should_stop).dev is not None
    outcome = train(planned.config, run.path, reporter, written=written, command=command, should_stop=should_stop)
    return outcome.dev is not None


def _is_finished(run: RunDirectory) -> bool:
    return run.exists() and (run.path / "results.json").is_file()


def _runs(grid: Grid) -> list[tuple[Contender, int]]:
    """Each model with the first seed, then each with the second: a comparison cut short compares all models."""
    return [(contender, seed) for seed in grid.seeds for contender in grid.contenders]


def _plan(grid: Grid, out: Path, number: int) -> Planned:
    runs = _runs(grid)
    contender, seed = runs[number - 1]
    times, unfinished = [], 0
    for index, (other, other_seed) in enumerate(runs):
        run = RunDirectory(out / other.directory(other_seed))
        if run.exists() and (results := run.read_results()):
            times.append(results.seconds)
        elif index >= number - 1:
            unfinished += 1
    return Planned(
        contender=contender,
        seed=seed,
        run=RunDirectory(out / contender.directory(seed)),
        number=number,
        total=len(runs),
        seconds_left=unfinished * sum(times) / len(times) if times else None,
    )


def _check_directory(out: Path, grid: Grid) -> None:
    """Refuse what is no comparison, and a comparison of other settings; more models or seeds may join in.

    Raises:
        S2SError: the directory holds something else.
        UsageError: a run in it is none of this comparison, or has other settings.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / RECORD).is_file():
        raise S2SError(
            f"there is something else here (no {RECORD}), and nothing is overwritten",
            where=str(out),
            hint="Choose another --out.",
        )
    planned = {contender.directory(seed): contender.configs[seed] for contender, seed in _runs(grid)}
    differences = []
    # What was killed before it had its name is hidden, and removed by the next training there.
    for path in sorted(child for child in out.glob("[!.]*") if RunDirectory(child).exists()):
        if path.name not in planned:
            differences.append(f"{path.name} is no run of this comparison")
        else:
            differences += _differences(path.name, RunDirectory(path).read_config(), planned[path.name])
    if differences:
        raise UsageError(
            "the directory holds another comparison:\n  " + "\n  ".join(differences),
            where=str(out),
            hint=f"Choose another --out, go on with the command that {out / RECORD} holds, or --set what is there.",
        )


def _differences(name: str, there: Config, here: Config) -> list[str]:
    then, now = there.model_dump(mode="json"), here.model_dump(mode="json")
    return [
        f"{name}: {section}.{key} is {then[section][key]!r} there and {value!r} here"
        for section, values in now.items()
        for key, value in values.items()
        if value != then[section][key]
    ]


def _check_data(grid: Grid, out: Path) -> ComparedSet:
    """Read all data once before anything trains, and hold the models to the same sentences.

    Raises:
        UsageError: two runs would be scored on different sentences.
        S2SError: a file is at fault, or is not the one that a run was trained on.
    """
    seen: dict[str, Corpora] = {}
    dev: dict[int, list[Pair]] = {}
    scored: ComparedSet | None = None
    for contender, seed in _runs(grid):
        config = contender.configs[seed]
        held_out = "" if config.data.dev or config.data.corpus else seed
        key = f"{config.data.model_dump_json()} {held_out}"
        if key not in seen:  # without its training pairs, of which the disk need not hold so many copies
            seen[key] = replace(read_corpora(config.data, seed), train=())
        corpora = seen[key]
        run = RunDirectory(out / contender.directory(seed))
        if run.exists():
            check_hashes(run.read_manifest().data, corpora.hashes)
        own = (
            ComparedSet("test", tuple(corpora.test), corpora.src_lang)
            if corpora.test
            else ComparedSet("dev", tuple(corpora.dev), corpora.src_lang)
        )
        scored = scored or own
        if own != scored or dev.setdefault(seed, corpora.dev) != corpora.dev:
            raise UsageError(
                f"{contender.name}, seed {seed}, would be scored on other sentences than the models before it",
                where="data",
                hint="Give data.dev and data.test, the same for all: where there is none, a part of train is held out.",
            )
    assert scored is not None
    return scored


def _write_record(out: Path, grid: Grid, command: Sequence[str]) -> None:
    record: Mapping[str, object] = {
        "command": list(command),
        "seeds": list(grid.seeds),
        "models": [{"name": c.name, "settings": dict(c.settings)} for c in grid.contenders],
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise S2SError(
            f"the directory cannot be made: {fault.strerror}", where=str(out), hint="Choose another --out."
        ) from fault
    write_atomically(out / RECORD, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())
