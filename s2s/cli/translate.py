"""`s2s translate`."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

if TYPE_CHECKING:
    from s2s.decoding.translator import Translation

STDIN = Path("-")


def translate(
    run: Annotated[Path, typer.Argument(help="A run directory of `s2s train`.")],
    sentences: Annotated[list[str] | None, typer.Argument(help="Sentences; without any, --input is read.")] = None,
    input_file: Annotated[
        Path, typer.Option("--input", help="One sentence a line, .gz allowed; - is standard input.")
    ] = STDIN,
    output_file: Annotated[Path | None, typer.Option("--output", help="Write here, not to standard output.")] = None,
    beam: Annotated[int | None, typer.Option(min=1, help="Hypotheses followed; 1 is greedy.")] = None,
    n_best: Annotated[int, typer.Option(min=1, help="Translations of each line: NUMBER<tab>SCORE<tab>TEXT.")] = 1,
    scores: Annotated[bool, typer.Option("--scores", help="Print NUMBER<tab>SCORE<tab>TEXT.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all cores.")] = 0,
) -> None:
    """Translate sentences: as many lines out as in, in order; an empty line for an empty line.

    On a terminal, without sentences and files, it asks for them one by one.
    """
    from s2s.build import build_beam
    from s2s.data.corpus import read_lines
    from s2s.workflow.translation import load_run

    if not sentences and input_file != STDIN:
        next(read_lines(input_file), None)  # a missing file is told before the model is loaded
    loaded = load_run(run, device=device, threads=threads)
    search = build_beam(loaded.config.decoding, size=max(beam or loaded.config.decoding.beam, n_best))
    translator = loaded.translator(search, n_best=n_best, warn=_warn)
    lines: Iterable[str]
    if sentences:
        lines = sentences
    elif input_file == STDIN and sys.stdin.isatty():
        lines, translator = _prompt(), translator.with_window(1)
    else:
        lines = read_lines(input_file)
    show = _numbered if scores or n_best > 1 else _plain
    with _output(output_file) as stream:
        for number, best in enumerate(translator.translate(lines), start=1):
            stream.write("".join(f"{line}\n" for line in show(number, best)))
            if translator.window == 1:
                stream.flush()


def _warn(message: str) -> None:
    typer.echo(f"warning: {message}", err=True)


def _plain(number: int, best: "list[Translation]") -> Iterator[str]:
    yield best[0].text


def _numbered(number: int, best: "list[Translation]") -> Iterator[str]:
    for translation in best:
        yield f"{number}\t{translation.score:.4f}\t{translation.text}"


def _prompt() -> Iterator[str]:
    """Lines typed at a terminal, until Ctrl-D."""
    typer.echo("One sentence a line; Ctrl-D ends.", err=True)
    while True:
        sys.stderr.write("> ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            typer.echo("", err=True)
            return
        yield line.rstrip("\r\n")


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that gets its name when it is whole."""
    if path is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        yield sys.stdout
        sys.stdout.flush()
        return
    from s2s.errors import S2SError

    aside = path.with_name(f".{path.name}.part")
    try:
        stream = aside.open("w", encoding="utf-8", newline="\n")
    except OSError as fault:
        raise S2SError(f"the output cannot be written: {fault.strerror}", where=str(path)) from fault
    try:
        with stream:
            yield stream
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
