"""`s2s tune`."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2s.errors import UsageError

if TYPE_CHECKING:
    from s2s.workflow.tuning import Trial


def tune(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory of `s2s train`.")],
    src: Annotated[Path | None, typer.Option(metavar="FILE", help="Source sentences; the run's dev set.")] = None,
    ref: Annotated[Path | None, typer.Option(metavar="FILE", help="Their reference translations.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Leave the run as it is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all cores.")] = 0,
) -> None:
    """Find the beam and the length penalty with the best BLEU on dev, and keep them with the run.

    Prints the BLEU of every beam (rows) with every length penalty (columns). Whatever was tuned on flatters: quote the
    score of other sentences.
    """
    if (src is None) != (ref is None):
        raise UsageError(
            "sources and references come together", where="--src, --ref", hint="Give both, or neither for dev."
        )
    from s2s.workflow.lock import Lock
    from s2s.workflow.translation import load_run
    from s2s.workflow.tuning import best_trial, keep, trials, tuning_pairs

    loaded = load_run(run, device=device, threads=threads)
    with nullcontext() if dry_run else Lock(run):
        pairs = tuning_pairs(loaded, (src, ref) if src and ref else None)
        tried: list[Trial] = []
        for trial in trials(loaded, pairs):
            if not tried or trial.beam != tried[-1].beam:
                typer.echo(f"beam {trial.beam}: {len(pairs):,} sentences translated", err=True)
            tried.append(trial)
        best = best_trial(tried)
        if not dry_run:
            keep(loaded.directory, best)
    if as_json:
        typer.echo(json.dumps({"trials": [vars(trial) for trial in tried], "best": vars(best)}, indent=2))
    else:
        typer.echo("\n".join(_table(tried)))
    before = loaded.config.decoding
    typer.echo(
        f"{'best' if dry_run else 'kept with the run'}: beam {best.beam}, length penalty {best.length_penalty:g}, "
        f"BLEU {best.bleu:.2f} (it had beam {before.beam}, length penalty {before.length_penalty:g})",
        err=True,
    )


def _table(tried: "Sequence[Trial]") -> list[str]:
    """A row for each beam, a column for each length penalty."""
    penalties = sorted({trial.length_penalty for trial in tried})
    bleu = {(trial.beam, trial.length_penalty): f"{trial.bleu:.2f}" for trial in tried}
    rows = [["beam", *(f"{penalty:g}" for penalty in penalties)]]
    for size in sorted({trial.beam for trial in tried}):
        rows.append([str(size), *(bleu.get((size, penalty), "") for penalty in penalties)])
    return ["".join(f"{cell:>7}" for cell in row).rstrip() for row in rows]
