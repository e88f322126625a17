"""Figures as files: which formats there are, and writing one whole, the same bytes for the same figure."""

import os
from pathlib import Path

from matplotlib.figure import Figure

from s2s.errors import S2SError, UsageError

FORMATS = (".png", ".svg", ".pdf")

SETTINGS = {
    "svg.fonttype": "none",  # text stays text: to be searched, copied and edited
    "svg.hashsalt": "s2s",  # names inside the file that do not change from run to run
    "pdf.fonttype": 42,  # whole TrueType outlines: what publishers accept
}
"""Settings of matplotlib in which every figure is drawn and written."""

UNDATED: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""What keeps the time out of a file, so that the same figure gives the same bytes."""


def check_format(path: Path) -> str:
    """The suffix, in lower case, that says which format a figure is written in.

    Raises:
        UsageError: it is none of `FORMATS`.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        named = f"not '{path.suffix}'" if suffix else "and this name has none"
        raise UsageError(
            f"A figure's name must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, {named}.",
            where=str(path),
            hint=f"For example: {path.with_suffix('.png') if path.name else 'figure.png'}",
        )
    return suffix


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format that the suffix says; a file of that name is replaced.

    Beside its place under another name first: a reader never sees half a picture.

    Raises:
        UsageError: the suffix is none of `FORMATS`.
        S2SError: the file cannot be written.
    """
    suffix = check_format(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            figure.savefig(aside, format=suffix[1:], dpi=figure.dpi, metadata=UNDATED[suffix])
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise S2SError(
            f"The figure cannot be written: {error.strerror}.",
            where=str(path),
            hint="Name a file in a folder that exists and that you may write to.",
        ) from error
