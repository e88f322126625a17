"""`s2s compare`."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2s.cli.stopping import stoppable

if TYPE_CHECKING:
    from rich.console import Console

    from s2s.workflow.comparison import Planned, Stopped, Trained
    from s2s.workflow.reporter import Update, Validation


def compare(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG.toml", help="What all models share; the rest has the defaults of `s2s settings`."
        ),
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=V,V,...",
            help="A setting and its values; settings that go together: KEY+KEY=V+V,V+V. Several --vary: the product.",
        ),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Train each model with each seed; scores are means.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting for all models.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where runs and report go; default: runs/compare-NAME.")
    ] = None,
) -> None:
    """Train models that differ in some settings, and report which is better, and whether it is luck.

    The same command goes on where it was stopped; a finished run is not repeated. More seeds may join later, and more
    values of a setting that varies already.
    The report: parameters, speed, dev and test scores, paired significance against the first model, and BLEU by source
    length as in Figure 2 of Bahdanau et al. (2015).
    """
    from s2s.cli.console import StandardError
    from s2s.config import merge, parse_override, read_config, with_absolute_paths
    from s2s.workflow.grid import build_grid, parse_seeds, parse_variation

    grid = build_grid(
        read_config(config),
        merge(*(with_absolute_paths(parse_override(text), Path.cwd()) for text in overrides or [])),
        [parse_variation(text) for text in vary or []],
        parse_seeds(seeds) if seeds is not None else (),
        where=str(config),
    )
    from s2s.workflow.comparison import Stopped
    from s2s.workflow.comparison import compare as train_all

    with stoppable() as stop:
        console = ComparisonConsole(StandardError(stop.reader_left))
        trained = train_all(
            grid,
            out or Path("runs") / f"compare-{config.stem}",
            console,
            written=config.read_text(encoding="utf-8-sig"),
            command=_command(),
            should_stop=lambda: stop.is_wanted,
        )
        console.close()
    if isinstance(trained, Stopped):
        _tell_stopped(trained)
        raise typer.Exit(stop.exit_code)
    _report(trained)


def _command() -> list[str]:
    return ["s2s", *sys.argv[1:]]


def _tell_stopped(stopped: "Stopped") -> None:
    at = stopped.at
    typer.echo(
        f"stopped at run {at.number} of {at.total} ({at.contender.name}, seed {at.seed}), all saved. "
        f"Go on: {shlex.join(_command())}",
        err=True,
    )


def _report(trained: "Trained") -> None:
    """Write the report; its table and findings are the result."""
    from s2s.workflow.corpora import BUILTIN_WARNING
    from s2s.workflow.markdown import findings, results_table
    from s2s.workflow.measurement import measure
    from s2s.workflow.report import write_report

    typer.echo("comparing the translations", err=True)
    measured = measure(trained)
    files = write_report(measured, trained.out, _command())
    typer.echo(results_table(measured))
    for finding in findings(measured):
        typer.echo(f"\n{finding}")
    if measured.builtin:
        typer.echo(f"warning: {BUILTIN_WARNING}", err=True)
    typer.echo(f"wrote {', '.join(map(str, files))}", err=True)


class ComparisonConsole:
    """Tells which run it is, and passes on what the run tells."""

    def __init__(self, console: "Console") -> None:
        self._output = console
        self._begin_run()

    def _begin_run(self) -> None:
        from s2s.cli.console import TrainingConsole

        self._run = TrainingConsole(self._output)

    def begin(self, planned: "Planned") -> None:
        """See `ComparisonReporter.begin`."""
        from s2s.cli.console import clock

        self.close()
        self._begin_run()
        left = f", about {clock(planned.seconds_left)} left" if planned.seconds_left is not None else ""
        state = "finished before" if planned.is_finished else f"in {planned.run.path}{left}"
        self.note(f"[{planned.number}/{planned.total}] {planned.contender.name}, seed {planned.seed}: {state}")

    def note(self, message: str) -> None:
        """See `Reporter.note`."""
        self._run.note(message)

    def warn(self, message: str) -> None:
        """See `Reporter.warn`."""
        self._run.warn(message)

    def on_update(self, update: "Update") -> None:
        """See `Listener.on_update`."""
        self._run.on_update(update)

    def on_validation(self, validation: "Validation") -> None:
        """See `Listener.on_validation`."""
        self._run.on_validation(validation)

    def close(self) -> None:
        """Take the progress bar away."""
        self._run.close()
