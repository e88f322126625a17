"""`s2s tokenizer`."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Train a tokenizer by itself, and look at what it makes of text.")


@app.command()
def train(
    files: Annotated[list[Path], typer.Argument(help="Text files of one language, or of both; .gz allowed.")],
    out: Annotated[Path, typer.Option(help="The model file to make.")],
    kind: Annotated[str, typer.Option(help="bpe, unigram, char or word.")] = "bpe",
    size: Annotated[
        int, typer.Option(min=8, help="Pieces in the vocabulary, special and byte pieces included.")
    ] = 4000,
) -> None:
    """Train a sentencepiece tokenizer with the special ids of s2s (pad, unk, bos, eos = 0, 1, 2, 3)."""
    from s2s.config import check_config
    from s2s.data.corpus import read_lines
    from s2s.data.tokenizer import train_tokenizer
    from s2s.errors import S2SError

    checked = check_config({"tokenizer": {"kind": kind, "size": size}}).tokenizer
    if out.exists():
        raise S2SError(
            "the file exists already, and nothing is overwritten",
            where=str(out),
            hint="Choose another --out.",
        )
    lines = (line for path in files for line in read_lines(path))
    trained = train_tokenizer(lines, kind=checked.kind, size=checked.size)
    if trained.sized_down:
        typer.echo(f"warning: the corpus has fewer than {size:,} pieces: the vocabulary is sized down", err=True)
    try:
        out.write_bytes(trained.tokenizer.model)
    except OSError as fault:
        raise S2SError(f"the tokenizer cannot be written: {fault.strerror}", where=str(out)) from fault
    typer.echo(f"{out}: {trained.tokenizer.size:,} pieces", err=True)


@app.command()
def encode(
    model: Annotated[Path, typer.Argument(help="A tokenizer's model file.")],
    input_file: Annotated[Path, typer.Option("--input", metavar="FILE", help="Text; - is standard input.")] = Path("-"),
) -> None:
    """Print the pieces of each line, with spaces between them."""
    from s2s.data.corpus import read_lines
    from s2s.data.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(model)
    for line in read_lines(input_file):
        typer.echo(" ".join(tokenizer.pieces(tokenizer.encode(line))))
