"""The program: its commands, and the one place where an error becomes a message and an exit code."""

import io
import os
import sys
from typing import Annotated

import typer

import s2s
from s2s.cli import (
    align,
    compare,
    data,
    evaluate,
    explain,
    explain_cell,
    info,
    plot,
    plot_gates,
    settings,
    tokenizer,
    train,
    translate,
    tune,
)
from s2s.cli.stopping import ending_in_order
from s2s.errors import S2SError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Train recurrent translators from two text files, score them, and see what they attend to.",
    epilog="Start with `s2s train` (the built-in corpus) or `s2s train --train x.en x.fr`.",
)
app.command("train")(train.train)
app.command("translate")(translate.translate)
app.command("eval")(evaluate.evaluate)
app.command("tune")(tune.tune)
app.command("compare")(compare.compare)
app.command("align")(align.align)
app.command("plot-alignment")(plot.plot_alignment)
app.command("info")(info.info)
app.command("explain")(explain.explain)
app.command("explain-cell")(explain_cell.explain_cell)
app.command("plot-gates")(plot_gates.plot_gates)
app.command("settings")(settings.settings)
app.add_typer(data.app, name="data")
app.add_typer(tokenizer.app, name="tokenizer")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"s2s {s2s.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options of the program itself."""
    if debug:
        os.environ["S2S_DEBUG"] = "1"


def _open_closed_streams() -> None:
    """Python has None for a stream that was closed before the program began (`<&-`, `>&-`).

    Raises:
        S2SError: nobody could see the result.
    """
    sys.stderr = sys.stderr or io.TextIOWrapper(io.BytesIO())
    sys.stdin = sys.stdin or io.TextIOWrapper(io.BytesIO())
    if sys.stdout is None:
        raise S2SError("standard output is closed", hint="Give it a place: > FILE, or > /dev/null.")


def main() -> None:
    """Run the command line; every fault that a user can cause ends in one message."""
    try:
        _open_closed_streams()
        with ending_in_order():
            app(prog_name="s2s")
    except S2SError as fault:
        if os.environ.get("S2S_DEBUG"):
            raise
        typer.echo(f"error: {fault}", err=True)
        sys.exit(fault.exit_code)
    except OSError as fault:  # a full disk behind standard output, say; typer itself sees to a closed pipe
        if os.environ.get("S2S_DEBUG"):
            raise
        typer.echo(f"error: {fault.filename or 'output'}: {fault.strerror or fault}", err=True)
        sys.exit(S2SError.exit_code)
