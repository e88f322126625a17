"""`s2s translate`."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from s2s.cli.options import WIDEST, Beam
from s2s.cli.sentences import check_utf8
from s2s.cli.warnings import warn
from s2s.errors import S2SError, UsageError

if TYPE_CHECKING:
    from s2s.workflow.translation import Translation

STDIN = Path("-")


def translate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory of `s2s train`.")],
    sentences: Annotated[
        list[str] | None,
        typer.Argument(metavar="SENTENCES", help="Sentences; without any, --input is read.", callback=check_utf8),
    ] = None,
    input_file: Annotated[
        Path, typer.Option("--input", metavar="FILE", help="One sentence a line, .gz allowed; - is standard input.")
    ] = STDIN,
    output_file: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write here, not to standard output.")
    ] = None,
    beam: Beam = None,
    n_best: Annotated[
        int,
        typer.Option(
            min=1,
            max=WIDEST,
            help="Translations of each line: number, score, text between tabs. The beam is as wide at least, and gives "
            "none up.",
        ),
    ] = 1,
    scores: Annotated[bool, typer.Option("--scores", help="Print number, score, text between tabs.")] = False,
    ensemble: Annotated[
        list[Path] | None,
        typer.Option(metavar="RUN", help="Another run that speaks, too: the mean of probabilities. Repeatable."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all cores.")] = 0,
) -> None:
    """Translate sentences: as many lines out as in, in order; an empty line for an empty line.

    On a terminal, without sentences and files, it asks for them one by one.
    """
    from s2s.workflow.translation import load_ensemble

    if sentences and input_file != STDIN:
        raise UsageError("sentences and --input both say what to translate", hint="Give one of the two.")
    for sentence in sentences or []:
        if os.path.isfile(sentence):
            warn(f"{sentence!r} is translated as a sentence; to translate what the file holds: --input {sentence}")
    if output_file and input_file.is_file() and output_file.is_file() and output_file.samefile(input_file):
        raise UsageError(
            "the translation would take the place of its source", where="--output", hint="Give another file."
        )
    interactive = not sentences and input_file == STDIN and sys.stdin.isatty()
    lines = sentences or (_prompt() if interactive else _opened(input_file))
    loaded = load_ensemble([run, *(ensemble or [])], device=device, threads=threads)
    search = loaded.beam(max(beam or loaded.config.decoding.beam, n_best))
    translator = loaded.translator(search, n_best=n_best, warn=warn)
    if interactive:
        translator = translator.with_window(1)
    show = _numbered if scores or n_best > 1 else _plain
    with _output(output_file) as stream:
        for number, best in enumerate(translator.translate(lines), start=1):
            stream.write("".join(f"{line}\n" for line in show(number, best)))
            if interactive:
                stream.flush()


def _opened(path: Path) -> Iterable[str]:
    """The lines of a file; a missing one is told now, before a model is loaded."""
    from s2s.data.corpus import read_lines

    lines = read_lines(path)
    if path == STDIN:
        return lines
    first = list(islice(lines, 1))
    return chain(first, lines)


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
    if path is None or path == STDIN:
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        yield sys.stdout
        sys.stdout.flush()
        return
    # A pipe or a device (/dev/null, >(gzip)) is written to as it is; only a plain file is replaced.
    special = path.exists() and not path.is_file()
    target = path if special else path.resolve()
    aside = target if special else target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        stream = aside.open("w", encoding="utf-8", newline="\n")
        if not special and target.exists():
            shutil.copymode(target, aside)
    except OSError as fault:
        raise S2SError(
            f"the output cannot be written: {fault.strerror}",
            where=str(path),
            hint="Give a file in a folder that exists and may be written to.",
        ) from fault
    try:
        with stream:
            yield stream
        if not special:
            aside.replace(target)
    except BaseException:
        if not special:
            aside.unlink(missing_ok=True)
        raise
