"""`s2s train`."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2s.cli.stopping import Stop, stoppable
from s2s.errors import UsageError

if TYPE_CHECKING:
    from s2s.workflow.training import Outcome

Pair = tuple[Path, Path] | None


def train(
    configs: Annotated[
        list[Path] | None, typer.Argument(metavar="CONFIG.toml", help="A TOML file of settings (`s2s settings`).")
    ] = None,
    train_files: Annotated[Pair, typer.Option("--train", metavar="SRC TRG", help="Training pairs.")] = None,
    dev_files: Annotated[Pair, typer.Option("--dev", metavar="SRC TRG", help="Pairs that choose the best.")] = None,
    test_files: Annotated[Pair, typer.Option("--test", metavar="SRC TRG", help="Pairs scored at the end.")] = None,
    train_tsv: Annotated[Path | None, typer.Option(metavar="FILE", help="Training pairs as a two-column file.")] = None,
    dev_tsv: Annotated[Path | None, typer.Option(metavar="FILE", help="The same for --dev.")] = None,
    test_tsv: Annotated[Path | None, typer.Option(metavar="FILE", help="The same for --test.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="RUN", help="The run directory to make; default: a new runs/NAME.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Train for so many minutes in all.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Train for so many passes over the data in all.")] = None,
    updates: Annotated[int | None, typer.Option(min=1, help="Train for so many updates in all.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting, such as model.cell=lstm."),
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with a run where it stopped.")] = None,
    init_from: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Begin with the weights and vocabulary of another run.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run at --out, if there is one.")] = False,
) -> None:
    """Train a translator: tokenizer, model and scores in one go.

    Without any data it trains on the built-in English-French corpus. The configuration gives way to flags, and
    these to --set; what is not set follows from the size of your corpus. The learning rate falls to 0
    exactly where the budget ends.
    """
    from s2s.config import check_config, merge, parse_override, read_config, with_absolute_paths

    config = _only(configs or [])
    chosen = merge(*(with_absolute_paths(parse_override(text), Path.cwd()) for text in overrides or []))
    pairs = {"train": (train_files, train_tsv), "dev": (dev_files, dev_tsv), "test": (test_files, test_tsv)}
    flags = {name: _source(name, files, tsv) for name, (files, tsv) in pairs.items() if files or tsv}
    chosen = merge(_budget(minutes, epochs, updates), chosen)
    if resume is not None:
        moved = {"data": flags} if flags else {}
        _resume(resume, merge(moved, chosen), given=[config, out, init_from, overwrite])
        return
    if overwrite and out is None:
        raise UsageError("--overwrite replaces the run that --out names", hint="Give --out RUN.")
    table: dict[str, Any] = read_config(config) if config else {}
    if "train" in flags:
        table = merge(table, {"data": {"corpus": ""}})
    table = merge(table, {"data": flags} if flags else {}, chosen)
    if config is None and not {"train", "corpus"} & set(table.get("data", {})):
        table = merge(table, {"data": {"corpus": "builtin"}})
    if init_from is not None:
        table = merge(_settings_of(init_from), table)
    checked = check_config(table, where=str(config) if config else None)
    _train(checked, config, out, init_from, overwrite)


def _only(configs: list[Path]) -> Path | None:
    """The one configuration, if there is one; several are most likely a corpus without its --train."""
    if len(configs) > 1:
        shown = " ".join(shlex.quote(str(path)) for path in configs)
        raise UsageError(
            f"there is one CONFIG.toml at most, and here are {len(configs)} files: {shown}",
            hint="A corpus is given with --train, such as: s2s train --train "
            + (shown if len(configs) == 2 else "SRC TRG"),
        )
    return configs[0] if configs else None


def _budget(minutes: float | None, epochs: int | None, updates: int | None) -> dict[str, Any]:
    """The settings for the one budget that is given; the others are put out of force."""
    if minutes is not None and minutes <= 0.0:
        raise UsageError("--minutes takes a number above 0")
    given = {"max_minutes": minutes, "max_epochs": epochs, "max_updates": updates}
    if len(chosen := {key: value for key, value in given.items() if value is not None}) > 1:
        raise UsageError(
            "--minutes, --epochs and --updates are three ways to say when training ends",
            hint="Give one; for whichever comes first: --set training.max_minutes=N --set training.max_epochs=N.",
        )
    return {"training": {**dict.fromkeys(given, 0), **chosen}} if chosen else {}


def _source(name: str, files: Pair, tsv: Path | None) -> list[str]:
    if files and tsv:
        raise UsageError(f"--{name} and --{name}-tsv both name the {name} pairs", hint="Give one of the two.")
    for path in files or ():
        if str(path).startswith("-"):
            raise UsageError(
                f"--{name} takes two files, source and target; {path} was read as one of them",
                hint=f"Write --{name} SRC TRG, or --{name}-tsv FILE for a two-column file.",
            )
    return [str(path.resolve()) for path in (files or (tsv,)) if path]


def _settings_of(run: Path) -> dict[str, Any]:
    from s2s.workflow.initial import initial_settings

    return initial_settings(run)


def _train(checked: Any, config: Path | None, out: Path | None, init_from: Path | None, overwrite: bool) -> None:
    from s2s.cli.console import StandardError, TrainingConsole
    from s2s.workflow.training import train as start

    run = out or _new_run(config.stem if config else checked.data.corpus or "run")
    with stoppable() as stop:
        console = TrainingConsole(StandardError(stop.reader_left))
        outcome = start(
            checked,
            run,
            console,
            written=config.read_text(encoding="utf-8-sig") if config else "",
            command=["s2s", *sys.argv[1:]],
            init_from=init_from,
            overwrite=overwrite,
            fits_corpus=init_from is None and not checked.data.corpus,
            should_stop=lambda: stop.is_wanted,
        )
        console.close()
    _finish(outcome, stop)


def _resume(run: Path, overrides: dict[str, Any], given: list[object]) -> None:
    if any(given):
        raise UsageError(
            "--resume goes on with the settings and data of the run",
            hint="Beside it only --minutes, --epochs, --updates, --set for a few settings, and --train, --dev, --test "
            "for where the same files lie now are allowed.",
        )
    from s2s.cli.console import StandardError, TrainingConsole
    from s2s.workflow.training import resume

    with stoppable() as stop:
        console = TrainingConsole(StandardError(stop.reader_left))
        outcome = resume(run, console, overrides=overrides, should_stop=lambda: stop.is_wanted)
        console.close()
    _finish(outcome, stop)


def _new_run(name: str) -> Path:
    """The first of runs/NAME, runs/NAME-2, ... that is not taken."""
    number = 1
    while (path := Path("runs") / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return path


_FURTHER = {
    "max_minutes": "--minutes N   (N in all)",
    "max_epochs": "--epochs N   (N in all)",
    "max_updates": "--updates N   (N in all)",
    "patience": "--set training.patience=N",
}
"""How to raise each limit that training may have ended at."""


def _finish(outcome: "Outcome", stop: Stop) -> None:
    """Print the scores, which are the result, and how to go on."""
    from s2s.cli.console import score_lines, score_table

    run = shlex.quote(str(outcome.run.path))
    if outcome.dev is None:
        said = (
            f"stopped after update {outcome.updates:,}, all saved. Go on"
            if outcome.is_interrupted
            else "training is complete and saved, and only its scores are missing. Make them"
        )
        typer.echo(f"{said}: s2s train --resume {run}", err=True)
        raise typer.Exit(stop.exit_code)
    typer.echo(
        f"{outcome.end.value} after {outcome.updates:,} updates; "
        f"the best checkpoint, of update {outcome.best_update:,}, scores:",
        err=True,
    )
    for name, evaluation in (("dev", outcome.dev), ("test", outcome.test)):
        if evaluation is None:
            continue
        if sys.stdout.isatty():
            from rich.console import Console

            Console().print(score_table(name, evaluation))
        else:
            typer.echo("\n".join(score_lines(name, evaluation)))
    see = "plot-gates" if outcome.run.read_config().model.attention == "none" else "plot-alignment"
    typer.echo(
        f"\ntranslate:   s2s translate {run}\nsee:         s2s {see} {run} SENTENCE --out picture.png\n"
        f"train on:    s2s train --resume {run} {_FURTHER[outcome.limit]}",
        err=True,
    )
