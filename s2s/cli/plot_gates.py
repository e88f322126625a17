"""`s2s plot-gates`."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2s.cli.sentences import check_utf8
from s2s.errors import UsageError

if TYPE_CHECKING:
    from s2s.workflow.gates import Place
    from s2s.workflow.translation import Run


class Part(StrEnum):
    """A half of the model."""

    encoder = "encoder"
    decoder = "decoder"


class Direction(StrEnum):
    """Which way an encoder's cell reads."""

    forward = "forward"
    backward = "backward"


def plot_gates(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory of `s2s train`.")],
    sentence: Annotated[str, typer.Argument(metavar="SENTENCE", help="A source sentence.", callback=check_utf8)],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The figure: .png, .svg or .pdf.")],
    part: Annotated[Part, typer.Option(help="Whose gates.")] = Part.encoder,
    layer: Annotated[int, typer.Option(help="Which layer, counted from 1.")] = 1,
    direction: Annotated[
        Direction | None, typer.Option(help="Which way the encoder reads. Default: both; with --gradient, forward.")
    ] = None,
    units: Annotated[
        str, typer.Option(metavar="3,17,...", help="Units to be shown beside the mean, counted from 0.")
    ] = "",
    target: Annotated[
        str | None,
        typer.Option(help="A given translation for --part decoder. Default: the model's own.", callback=check_utf8),
    ] = None,
    gradient: Annotated[
        bool, typer.Option("--gradient", help="How much of the last state's gradient arrives at each piece.")
    ] = False,
    others: Annotated[
        list[Path] | None, typer.Option("--with", metavar="RUN", help="With --gradient: a run to lay beside; repeat.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all cores.")] = 0,
) -> None:
    """Draw what each gate let through at each token of a sentence, or how far back gradients reach.

    Gates are means over all units: black is closed, white is open. With --gradient, the norm of the derivative of
    the encoder's last state by its state after each word, on a logarithmic scale: the vanishing gradient of a plain
    RNN, and what gates do about it.
    """
    from s2s.plots.files import refuse_what_cannot_be_written

    _refuse_what_does_not_fit(part, target, units, gradient, others)
    chosen = _read_units(units)
    refuse_what_cannot_be_written(out)
    from s2s.workflow.translation import load_run

    runs = [load_run(path, device=device, threads=threads) for path in (run, *(others or ()))]
    if gradient:
        missing = _draw_gradient(runs, sentence, layer, direction or Direction.forward, out)
    else:
        from s2s.workflow.gates import choose_cells, refuse_what_is_no_unit

        cells = choose_cells(runs[0], part=part, layer=layer, direction=direction)
        refuse_what_is_no_unit(runs[0], cells, chosen)
        missing = _draw_gates(runs[0], cells, sentence, target, chosen, out)
    if missing:
        shown = " ".join(sorted(missing)[:20])
        typer.echo(f"warning: no installed font has these characters, drawn as boxes: {shown}", err=True)
    typer.echo(f"wrote {out}", err=True)


def _refuse_what_does_not_fit(
    part: Part, target: str | None, units: str, gradient: bool, others: Sequence[Path] | None
) -> None:
    for broken, where, message, hint in (
        (gradient and part is Part.decoder, "--part", "gradients are followed through an encoder", "Leave it out."),
        (gradient and bool(units), "--units", "a gradient's norm is one of all units", "Leave out one of the two."),
        (
            bool(others) and not gradient,
            "--with",
            "runs are laid side by side with --gradient alone",
            "Add --gradient.",
        ),
        (
            target is not None and part is Part.encoder,
            "--target",
            "an encoder does not read the translation",
            "Add --part decoder, or leave it out.",
        ),
    ):
        if broken:
            raise UsageError(message, where=where, hint=hint)


def _read_units(text: str) -> list[int]:
    """Each unit once, in the order given."""
    numbers = [number.strip() for number in text.split(",")] if text else []
    for number in numbers:
        if not (number.isascii() and number.isdecimal()):
            raise UsageError(
                f"{number!r} is no unit", where="--units", hint="Give numbers from 0 with commas between them: 3,17."
            )
    return list(dict.fromkeys(map(int, numbers)))


def _draw_gates(
    run: "Run", cells: "Sequence[Place]", sentence: str, target: str | None, units: Sequence[int], out: Path
) -> frozenset[str]:
    from s2s.data.corpus import Pair
    from s2s.plots.gates import draw_gates
    from s2s.workflow.gates import describe_tokens, gate_panels, read_source, record_gates

    if target is None and cells[0].part == Part.decoder:
        read_source(sentence, run, run.src_lang)  # which refuses a blank one
        [[best]] = run.translator(run.beam()).translate([sentence])
        typer.echo(best.text)
        target = best.text
    records = record_gates(run, Pair(sentence, target or ""), cells)
    return draw_gates(records[0].tokens, gate_panels(run, records, units), describe_tokens(records[0]), out)


def _draw_gradient(runs: Sequence["Run"], sentence: str, layer: int, direction: Direction, out: Path) -> frozenset[str]:
    from s2s.plots.gradients import Captions, draw_gradients
    from s2s.workflow.reach import measure_reach

    reach = measure_reach(runs, sentence, layer=layer, direction=direction)
    captions = Captions(
        title=f"Encoder layer {layer}, {direction}: how much of the last state’s gradient arrives at each piece",
        norm="‖∂hₙ/∂sₜ‖ / √d",
        note="hₙ: the last outer state; sₜ: the whole state after a piece; d: the units of a state.",
    )
    return draw_gradients(reach.words, reach.curves, captions, out)
