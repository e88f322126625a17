"""`s2s tune`."""

import json
import shlex
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2s.cli.options import WIDEST
from s2s.errors import UsageError

if TYPE_CHECKING:
    from s2s.workflow.translation import Run
    from s2s.workflow.tuning import Choice, Trial


def tune(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory of `s2s train`.")],
    src: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Source sentences to tune on; without any, the run's dev set.")
    ] = None,
    ref: Annotated[Path | None, typer.Option(metavar="FILE", help="Their reference translations.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print; the run keeps its search.")] = False,
    beam: Annotated[
        int | None, typer.Option(min=1, max=WIDEST, help="Keep this beam with the run, and measure nothing.")
    ] = None,
    length_penalty: Annotated[
        float | None, typer.Option(min=0.0, help="Keep this length penalty with the run, and measure nothing.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all cores.")] = 0,
) -> None:
    """Find the beam and the length penalty with the best BLEU on dev, and keep them with the run.

    From then on `s2s translate` and `s2s eval` search with them. They are kept where they are better than the run's
    own by more than chance (paired bootstrap, p below 0.05 after Bonferroni's correction, 100 sentences at least), and
    how to go back is told. Prints the BLEU of every beam (rows) with every length penalty (columns). What was tuned on
    flatters: quote the score of other sentences.
    """
    if (src is None) != (ref is None):
        raise UsageError(
            "sources and references come together", where="--src, --ref", hint="Give both, or neither for dev."
        )
    by_hand = beam is not None or length_penalty is not None
    if by_hand and (src or dry_run or as_json):
        raise UsageError(
            "--beam and --length-penalty are kept as they are, without anything measured or printed",
            hint="Leave out --src, --ref, --dry-run and --json, or these two.",
        )
    from s2s.workflow.lock import Lock
    from s2s.workflow.translation import load_run
    from s2s.workflow.tuning import keep

    loaded = load_run(run, device=device, threads=threads)
    with nullcontext() if dry_run else Lock(run):
        if by_hand:
            keep(loaded.directory, beam=beam, length_penalty=length_penalty)
            typer.echo(f"kept with the run; it had {_search(loaded)}; {_back(run, loaded)}", err=True)
            return
        tried, choice = _measured(loaded, (src, ref) if src and ref else None)
        if choice.is_better and not dry_run:
            keep(loaded.directory, beam=choice.best.beam, length_penalty=choice.best.length_penalty)
    typer.echo(_json(tried, choice) if as_json else "\n".join(_table(tried)))
    typer.echo(_verdict(run, loaded, choice, dry_run=dry_run), err=True)


def _measured(run: "Run", given: tuple[Path, Path] | None) -> "tuple[list[Trial], Choice]":
    """What each search scores on the files given, or on dev, and which is the best; progress is told."""
    from s2s.workflow.tuning import choose, trials, tuning_pairs

    pairs = tuning_pairs(run, given)
    tried: list[Trial] = []
    for trial in trials(run, pairs):
        if not tried or trial.beam != tried[-1].beam:
            typer.echo(f"beam {trial.beam}: {len(pairs):,} sentences translated", err=True)
        tried.append(trial)
    return tried, choose(run, tried, pairs)


def _verdict(path: Path, run: "Run", choice: "Choice", *, dry_run: bool) -> str:
    best, own = choice.best, choice.own
    if best is own:
        return f"the run's own search is the best: {_search(run)}, BLEU {own.bleu:.2f}"
    both = f"{_told(best)}, beside its own, {_told(own)}"
    if not choice.is_better:
        sentences = f"p = {choice.p_value:.2f}, {len(own.translations):,} sentences"
        return f"the run keeps its own search: the best is {both}, which may be chance ({sentences})"
    if dry_run:
        return f"better than chance: {both} (p = {choice.p_value:.3f})"
    return f"kept with the run: {both} (p = {choice.p_value:.3f}); {_back(path, run)}"


def _told(trial: "Trial") -> str:
    return f"beam {trial.beam}, length penalty {trial.length_penalty:g}, BLEU {trial.bleu:.2f}"


def _search(run: "Run") -> str:
    return f"beam {run.config.decoding.beam}, length penalty {run.config.decoding.length_penalty:g}"


def _back(path: Path, run: "Run") -> str:
    before = run.config.decoding
    options = f"--beam {before.beam} --length-penalty {before.length_penalty:g}"
    return f"back: s2s tune {shlex.quote(str(path))} {options}"


def _json(tried: "Sequence[Trial]", choice: "Choice") -> str:
    def plain(trial: "Trial") -> dict[str, float]:
        return {"beam": trial.beam, "length_penalty": trial.length_penalty, "bleu": trial.bleu}

    told = {"trials": [*map(plain, tried)], "best": plain(choice.best), "own": plain(choice.own), "p": choice.p_value}
    return json.dumps(told, indent=2)


def _table(tried: "Sequence[Trial]") -> list[str]:
    """A row for each beam, a column for each length penalty, which makes no difference to greedy search."""
    penalties = sorted({trial.length_penalty for trial in tried})
    rows = [["beam", *(f"{penalty:g}" for penalty in penalties)]]
    for size in sorted({trial.beam for trial in tried}):
        bleu = {trial.length_penalty: trial.bleu for trial in tried if trial.beam == size}
        alone = next(iter(bleu.values()))
        rows.append([str(size), *(f"{bleu.get(penalty, alone):.2f}" for penalty in penalties)])
    return ["".join(f"{cell:>7}" for cell in row) for row in rows]
