"""Figures as files: which formats there are, and writing one whole, the same bytes for the same figure."""

import errno
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


def refuse_what_cannot_be_written(path: Path) -> None:
    """Tell before the work, and not after it, that a figure cannot be written there.

    Raises:
        UsageError: the suffix is none of `FORMATS`.
        S2SError: the folder does not exist or may not be written to, or a folder has the name.
    """
    check_format(path)
    if path.is_dir():
        raise _unwritable(path, errno.EISDIR)
    if not path.parent.is_dir():
        raise _unwritable(path, errno.ENOENT)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise _unwritable(path, errno.EACCES)


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
        raise _unwritable(path, error.errno) from error


def _unwritable(path: Path, number: int | None) -> S2SError:
    return S2SError(
        f"The figure cannot be written: {os.strerror(number or errno.EIO)}.",
        where=str(path),
        hint="Name a file in a folder that exists and that you may write to.",
    )
