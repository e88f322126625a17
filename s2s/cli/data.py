"""`s2s data`: make, check and fetch parallel corpora."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from s2s.data.check import Table

app = typer.Typer(help="Make, check and download parallel corpora.", no_args_is_help=True)


class RepeatedPairs(TyperCommand):
    """A command whose `--against SRC TRG` may be given several times.

    typer repeats options of one value only, so the second file gets the option's name before it, too.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest, spread = list(args), list[str]()
        while rest:
            spread.append(rest.pop(0))
            if spread[-1] == "--against" and len(rest) > 1 and not rest[1].startswith("--"):
                spread += [rest.pop(0), "--against", rest.pop(0)]
        return super().parse_args(ctx, spread)


@app.command()
def generate(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to; it is made if missing.")],
    pairs: Annotated[int, typer.Option(min=0, help="How many pairs to train on; 0: dev and test alone.")] = 20000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes on every machine.")] = 1,
) -> None:
    """Write the built-in English-French corpus, with gold word alignments."""
    from s2s.data import builtin

    builtin.require_new_files(out)  # before the time is spent
    splits = builtin.generate(pairs, seed)
    paths = builtin.write(splits, out)
    counts = ", ".join(f"{name} {len(examples):,}" for name, examples in splits.items())
    typer.echo(f"pairs: {counts}. BLEU on this corpus is not comparable with BLEU on real text.", err=True)
    _echo_paths(paths)


@app.command(cls=RepeatedPairs)
def check(
    src: Annotated[
        Path,
        typer.Argument(metavar="SRC", help="The source side, or a .tsv file with both; .gz is unpacked."),
    ],
    trg: Annotated[Path | None, typer.Argument(metavar="TRG", help="The target side.")] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(metavar="SRC TRG", help="A dev or test corpus to look for in this one; may be repeated."),
    ] = None,
    against_tsv: Annotated[
        list[Path] | None, typer.Option(metavar="TSV", help="The same, for a two-column file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Report what is in a parallel corpus, and what in it deserves a look."""
    from s2s.data.check import inspect, tables, verdict
    from s2s.data.corpus import read_pairs

    source = (src,) if trg is None else (src, trg)
    names = (f"{src}, column 1", f"{src}, column 2") if trg is None else (str(src), str(trg))
    others = {
        " ".join(map(str, other)): read_pairs(other) for other in _other_corpora(against or [], against_tsv or [])
    }
    report = inspect(read_pairs(source), names, others)
    if as_json:
        typer.echo(json.dumps({**asdict(report), "verdict": verdict(report)}, ensure_ascii=False, indent=2))
        return
    _show(tables(report))
    if advice := verdict(report):
        typer.echo("\n".join(["To look at:", *(f"- {line}" for line in advice)]))
    else:
        found = any(finding.count for finding in report.findings.values())
        typer.echo("Nothing to mend: what was found is as it should be." if found else "Nothing was found to mend.")


@app.command()
def download(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which corpus: multi30k.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to; it is made if missing.")],
    mirror: Annotated[
        str | None, typer.Option(metavar="URL", help="Another folder to fetch the same files from.")
    ] = None,
) -> None:
    """Fetch a published corpus; its bytes are checked and its licence shown."""
    from s2s.data.download import download as fetch

    _echo_paths(fetch(name, out, base_url=mirror))


def _other_corpora(against: list[Path], against_tsv: list[Path]) -> list[tuple[Path, ...]]:
    """The corpora of `--against`, which come as source and target in turn, and of `--against-tsv`."""
    from s2s.errors import UsageError

    if len(against) % 2:
        raise UsageError(
            f"--against takes two files, SRC TRG; {against[-1]} stands alone.",
            hint="For a two-column file there is --against-tsv.",
        )
    return [*zip(against[::2], against[1::2], strict=True), *((path,) for path in against_tsv)]


def _show(parts: "list[Table]") -> None:
    """Print tables: ruled on a terminal, columns set apart by spaces elsewhere."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table as RichTable
        from rich.text import Text

        console = Console()
        for part in parts:
            ruled = RichTable(title=Text(part.title), title_justify="left")
            for heading in part.header:
                ruled.add_column(Text(heading), overflow="fold")
            for row in part.rows:
                ruled.add_row(*(Text(cell) for cell in row))
            console.print(ruled)
        return
    for part in parts:
        typer.echo(part.title)
        widths = [max(map(len, column)) for column in zip(part.header, *part.rows, strict=True)]
        for row in (part.header, *part.rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            typer.echo(("  " + "  ".join(cells)).rstrip())
        typer.echo()


def _echo_paths(paths: list[Path]) -> None:
    """The files that were made are the result: one a line on standard output."""
    typer.echo("\n".join(map(str, paths)))
