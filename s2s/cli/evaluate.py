"""`s2s eval`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from s2s.cli.options import Beam
from s2s.errors import UsageError


def evaluate(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="A run directory; or give --hyp.")] = None,
    src: Annotated[Path | None, typer.Option(metavar="FILE", help="Source sentences.")] = None,
    ref: Annotated[Path | None, typer.Option(metavar="FILE", help="Their reference translations.")] = None,
    hyp: Annotated[Path | None, typer.Option(metavar="FILE", help="Translations to score in place of a run's.")] = None,
    beam: Beam = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    ensemble: Annotated[
        list[Path] | None,
        typer.Option(metavar="RUN", help="Another run that speaks, too: the mean of probabilities. Repeatable."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all cores.")] = 0,
) -> None:
    """BLEU, chrF2 and TER with sacrebleu's signatures, and the perplexity of the references."""
    if ref is None:
        files = "--ref FILE" if src or hyp else "--src FILE and --ref FILE"
        raise UsageError("there is nothing to compare with", where="--ref", hint=f"Give {files}.")
    if (run is None) == (hyp is None):
        raise UsageError(
            "one of RUN and --hyp is to be scored",
            hint="s2s eval RUN --src F --ref F, or s2s eval --hyp F --ref F.",
        )
    if hyp is not None:
        _show(_score_file(hyp, ref), as_json)
    else:
        assert run is not None
        if src is None:
            raise UsageError("a run needs sources to translate", where="--src", hint="Give --src FILE.")
        _show(_score_runs([run, *(ensemble or [])], src, ref, beam, device, threads), as_json)


def _score_file(hyp: Path, ref: Path) -> dict[str, Any]:
    from dataclasses import asdict

    from s2s.data.corpus import read_pairs
    from s2s.evaluation.metrics import score_translations

    pairs = read_pairs((hyp, ref))
    scores = score_translations([pair.src for pair in pairs], [pair.trg for pair in pairs])
    return {"sentences": len(pairs), "scores": [asdict(score) for score in scores]}


def _score_runs(runs: list[Path], src: Path, ref: Path, beam: int | None, device: str, threads: int) -> dict[str, Any]:
    from dataclasses import asdict

    from s2s.data.corpus import read_pairs
    from s2s.workflow.corpora import BUILTIN_WARNING
    from s2s.workflow.evaluation import describe
    from s2s.workflow.evaluation import evaluate as evaluate_run
    from s2s.workflow.translation import load_ensemble

    pairs = read_pairs((src, ref))
    loaded = load_ensemble(runs, device=device, threads=threads)
    search = loaded.beam(beam)
    result = evaluate_run(loaded, pairs, search)
    if loaded.config.data.corpus:
        typer.echo(f"warning: {BUILTIN_WARNING}", err=True)
    return {
        "sentences": result.sentences,
        "search": describe(search),
        "scores": [asdict(score) for score in result.scores],
        "perplexity": result.perplexity,
    }


def _show(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    if "search" in result:
        typer.echo(f"{result['sentences']:,} sentences, {result['search']}", err=True)
    width = max(len(score["name"]) for score in result["scores"])
    for score in result["scores"]:
        typer.echo(f"{score['name']:<{width}}  {score['value']:6.2f}  {score['signature']}")
    if "perplexity" in result:
        typer.echo(f"perplexity {result['perplexity']:.2f} per target piece, end of sentence counted")
    sys.stdout.flush()
