"""`s2s explain`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2s.cli.options import Beam
from s2s.cli.sentences import check_utf8

if TYPE_CHECKING:
    from s2s.cli.walk import Head
    from s2s.workflow.explain import Walk
    from s2s.workflow.translation import Run

NOT_TOLD = ("tie", "dropout", "word_dropout")
"""Explained settings of which a walk shows nothing."""


def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory of `s2s train`.")],
    sentence: Annotated[
        str, typer.Argument(metavar="SENTENCE", help="A source sentence, in quotes.", callback=check_utf8)
    ],
    target: Annotated[
        str | None,
        typer.Option(
            metavar="SENTENCE", help="A translation to follow. Default: the model's own.", callback=check_utf8
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Show the first N steps. Default: all.", show_default=False)
    ] = None,
    runners_up: Annotated[int, typer.Option(min=0, metavar="N", help="Other pieces told of at each step.")] = 3,
    beam: Beam = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object with every number.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all cores.")] = 0,
) -> None:
    """Walk through a translation step by step, with the numbers of the model.

    The states h_j of the source; then for each target piece the state that asks, its scores e_ij, the weights α_ij,
    the context c_i, and the piece said with its probability and runners-up. `docs/explain.md` lists the keys of --json.
    """
    from s2s.cli.lines import Output, show_json
    from s2s.cli.walk import walk_lines
    from s2s.workflow.explain import explain as explain_run
    from s2s.workflow.translation import load_run

    loaded = load_run(run, device=device, threads=threads)
    walk = explain_run(loaded, sentence, target, beam=beam, runners_up=runners_up)
    if as_json:
        show_json(_as_table(loaded, walk, steps))
        return

    output = Output()
    output.show(walk_lines(walk, _head(loaded, beam), steps=steps or len(walk.steps), width=output.width))


def _as_table(run: "Run", walk: "Walk", steps: int | None) -> dict[str, object]:
    table = asdict(walk)
    return {"model": run.config.model.model_dump(mode="json"), **table, "steps": table["steps"][:steps]}


def _head(run: "Run", beam: int | None) -> "Head":
    from s2s.cli.walk import Head
    from s2s.explanations.table import EXPLANATIONS
    from s2s.workflow.evaluation import describe

    model = run.config.model
    told = dict.fromkeys(e.setting for e in EXPLANATIONS if e.setting not in NOT_TOLD)
    settings, defaults = (
        {setting: _written(getattr(section, setting)) for setting in told} for section in (model, type(model)())
    )
    unusual = frozenset(setting for setting in told if settings[setting] != defaults[setting])
    return Head(settings=settings, unusual=unusual, search=describe(run.beam(beam)))


def _written(value: object) -> str:
    """A setting's value as the configuration writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
