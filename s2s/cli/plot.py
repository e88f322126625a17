"""`s2s plot-alignment`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2s.cli.options import Beam
from s2s.cli.sentences import check_utf8
from s2s.cli.warnings import warn
from s2s.errors import UsageError

if TYPE_CHECKING:
    from s2s.data.corpus import Pair
    from s2s.workflow.translation import Run

END = "<end>"
TERMINAL_WIDTH = 80


def plot_alignment(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory of `s2s train`.")],
    sentences: Annotated[
        list[str],
        typer.Argument(metavar="SENTENCES", help="Source sentences, drawn side by side.", callback=check_utf8),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="A given translation; once for each sentence. Default: the model's own.", callback=check_utf8
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The figure: .png, .svg or .pdf.")] = None,
    terminal: Annotated[bool, typer.Option("--terminal", help="Draw in the terminal.")] = False,
    hop: Annotated[int, typer.Option(min=0, help="Of a model that reads in several hops, which one; 0: the last.")] = 0,
    words: Annotated[str, typer.Option(help="natural words, or split at each space (tokenized text).")] = "natural",
    beam: Beam = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all cores.")] = 0,
) -> None:
    """Draw what the model attended to: source words along the top, target words down the side.

    Black is a weight of 0, white of 1, as in Figure 3 of Bahdanau et al. (2015). The weights come from one forced
    pass over the source and the translation, whatever made it.
    """
    from s2s.data.words import MODES
    from s2s.plots.panel import Panel

    if out is None and not terminal:
        raise UsageError("there is nowhere to draw", hint="Give --out FIG.png (.svg, .pdf), --terminal, or both.")
    if target and len(target) != len(sentences):
        raise UsageError(
            f"there are {len(sentences)} sentences and {len(target)} targets",
            where="--target",
            hint="Give --target once for each sentence, in their order, or not at all.",
        )
    if not all(map(str.strip, sentences)):
        raise UsageError("a sentence is blank: there is nothing to draw", hint="Give it some words, in quotes.")
    if words not in MODES:
        raise UsageError(f"{words!r} is no way to split words", where="--words", hint=f"One of {', '.join(MODES)}.")
    if out is not None:
        from s2s.plots.files import refuse_what_cannot_be_written

        refuse_what_cannot_be_written(out)
    from s2s.workflow.alignment import align, refuse_what_is_no_hop, refuse_without_attention
    from s2s.workflow.translation import load_run

    loaded = load_run(run, device=device, threads=threads)
    refuse_without_attention(loaded)
    refuse_what_is_no_hop(loaded, hop)
    pairs = _pairs(loaded, sentences, target, beam)
    alignments = align(loaded, pairs, words=words, hop=hop, warn=warn)
    panels = [Panel((*a.src_words, END), (*a.trg_words, END), a.weights) for a in alignments]
    if terminal:
        _draw_in_terminal(panels)
    if out is not None:
        _draw_figure(panels, out)


def _pairs(run: "Run", sentences: list[str], target: list[str] | None, beam: int | None) -> "list[Pair]":
    """Each sentence with the given translation, or the model's own."""
    from s2s.data.corpus import Pair

    if target:
        return [Pair(src, trg) for src, trg in zip(sentences, target, strict=True)]
    translator = run.translator(run.beam(beam))
    pairs = []
    for src, best in zip(sentences, translator.translate(sentences), strict=True):
        typer.echo(best[0].text)
        pairs.append(Pair(src, best[0].text))
    return pairs


def _draw_in_terminal(panels: list) -> None:  # type: ignore[type-arg]
    from rich.console import Console

    from s2s.plots.terminal import render_alignment

    console = Console()
    width = console.width if console.is_terminal else TERMINAL_WIDTH
    for panel in panels:
        console.print(render_alignment(panel, width))


def _draw_figure(panels: list, out: Path) -> None:  # type: ignore[type-arg]
    from s2s.plots.figure import draw_alignments

    missing = draw_alignments(panels, out)
    if missing:
        shown = " ".join(sorted(missing)[:20])
        typer.echo(f"warning: no installed font has these characters, drawn as boxes: {shown}", err=True)
    typer.echo(f"wrote {out}", err=True)
