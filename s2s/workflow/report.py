"""The report of a comparison: for people in Markdown, for programs in JSON, for lectures and papers as a figure."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from s2s.plots.lengths import Curve, LengthGroup, draw_bleu_by_length
from s2s.training.disk import write_atomically
from s2s.workflow.corpora import BUILTIN_WARNING
from s2s.workflow.markdown import findings, to_markdown
from s2s.workflow.measurement import Measured, ModelMeasure, RunMeasure

FORMAT_VERSION = 1
"""Raised when a key of `report.json` goes away or changes its meaning."""

FIGURE = "bleu-by-length"


def write_report(measured: Measured, out: Path, command: Sequence[str] = ()) -> list[Path]:
    """Write `report.md`, `report.json` and the figure in three formats; the same numbers give the same bytes.

    Returns:
        The files, the report for people first.

    Raises:
        S2SError: one cannot be written.
    """
    report = out / "report.md"
    write_atomically(report, to_markdown(measured, f"{FIGURE}.png", command).encode())
    table = json.dumps(to_json(measured, command), indent=2, ensure_ascii=False)
    write_atomically(out / "report.json", f"{table}\n".encode())
    groups = [LengthGroup(bucket.name, bucket.mean, len(bucket.sentences)) for bucket in measured.buckets]
    figures = [out / f"{FIGURE}{suffix}" for suffix in (".png", ".svg", ".pdf")]
    for figure in figures:
        draw_bleu_by_length(groups, to_curves(measured.models), figure)
    return [report, out / "report.json", *figures]


def to_curves(models: Sequence[ModelMeasure]) -> list[Curve]:
    """A line for each model; where two things vary, one is told by the colour and the other by the kind of line."""
    choices = [model.contender.choices for model in models]
    kinds = [len(set(column)) for column in zip(*choices, strict=True)]
    if sum(kind > 1 for kind in kinds) < 2:
        return [Curve(model.name, model.bleu_by_length, number, number) for number, model in enumerate(models)]
    widest = kinds.index(max(kinds))
    others = [(*choice[:widest], *choice[widest + 1 :]) for choice in choices]
    strokes = {other: number for number, other in enumerate(sorted(set(others)))}
    return [
        Curve(model.name, model.bleu_by_length, colour=choice[widest], stroke=strokes[other])
        for model, choice, other in zip(models, choices, others, strict=True)
    ]


def to_json(measured: Measured, command: Sequence[str]) -> dict[str, Any]:
    """The report for programs: every number of it, for each run and over the seeds."""
    return {
        "format_version": FORMAT_VERSION,
        "name": measured.name,
        "command": list(command),
        "warning": BUILTIN_WARNING if measured.builtin else None,
        "findings": findings(measured),
        "compared_on": measured.part,
        "sentences": measured.sentences,
        "seeds": list(measured.seeds),
        "signatures": dict(measured.signatures),
        "bootstrap_signatures": dict(measured.bootstrap),
        "first": measured.models[0].name,
        "models": [_model(measured, model) for model in measured.models],
        "lengths": [
            {
                "shortest": bucket.shortest,
                "longest": bucket.longest,
                "mean": bucket.mean,
                "sentences": len(bucket.sentences),
            }
            for bucket in measured.buckets
        ],
        "left_out": [asdict(out) for out in measured.left_out],
        "diverged": [{"name": d.contender.name, "seed": d.seed, "reason": d.reason} for d in measured.diverged],
    }


def _model(measured: Measured, model: ModelMeasure) -> dict[str, Any]:
    scores = list(measured.signatures)
    numbers: dict[str, Callable[[RunMeasure], float | None]] = {
        "parameters": lambda run: run.parameters,
        "tokens_per_second": lambda run: run.tokens_per_second,
        "minutes": lambda run: run.minutes,
        "best_update": lambda run: run.best_update,
    }
    spreads = {name: model.spread(number) for name, number in numbers.items()}
    spreads |= {f"{part} {score}": model.score(part, score) for part in ("dev", "test") for score in scores}
    return {
        "name": model.name,
        "settings": dict(model.contender.settings),
        "search": model.search,
        "over_seeds": {name: asdict(spread) if spread else None for name, spread in spreads.items()},
        "verdict": {score: model.verdict(score).value for score in scores if model is not measured.models[0]},
        "bleu_by_length": list(model.bleu_by_length),
        "runs": [_run(run) for run in model.runs],
    }


def _run(run: RunMeasure) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "directory": run.directory,
        "parameters": run.parameters,
        "tokens_per_second": run.tokens_per_second,
        "minutes": run.minutes,
        "updates": run.updates,
        "best_update": run.best_update,
        "dev": dict(run.dev),
        "test": dict(run.test) if run.test else None,
        "from_first": {
            name: {"difference": found.difference, "p": found.p_value} for name, found in run.from_first.items()
        },
        "bleu_by_length": list(run.bleu_by_length),
    }
