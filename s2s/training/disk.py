"""Files that are whole or not there, whatever happens to the process, the machine or the disk."""

import os
import re
from contextlib import suppress
from pathlib import Path

from s2s.errors import S2SError

LEFTOVER = re.compile(r"\..+\.\d+\.tmp")
"""The name of a file that is being written: hidden, with the number of the process that writes it."""


def write_atomically(path: Path, *parts: bytes | memoryview) -> None:
    """Replace a file in one step: at every moment it is whole, the old one or the new.

    It is written aside, flushed to the disk and renamed; then the folder is flushed, too, or a power cut could undo
    the renaming.

    Args:
        parts: its content, in order.

    Raises:
        S2SError: it cannot be written; the old one is untouched.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            aside.unlink(missing_ok=True)
            with aside.open("xb") as stream:  # x: never through a link that somebody put there
                for part in parts:
                    stream.write(part)
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(path)
        except BaseException:
            with suppress(OSError):
                aside.unlink()
            raise
    except OSError as fault:
        raise S2SError(
            f"the file cannot be written: {fault.strerror or fault}",
            where=str(path),
            hint="What stood there before is untouched.",
        ) from fault
    sync(path.parent)


def append(path: Path, text: str) -> None:
    """Add text to the end of a file, which is made if there is none.

    Raises:
        S2SError: it cannot be written; a part of the text may have been.
    """
    try:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as fault:
        raise S2SError(
            f"the file cannot be written: {fault.strerror or fault}",
            where=str(path),
            hint="Make room, or see to its permissions, and go on from the last checkpoint.",
        ) from fault


def sync(path: Path) -> None:
    """Have a file, or a folder's list of names, on the disk before going on."""
    # Some file systems have no such thing for a folder. What was written is safe from a kill all the same.
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left half-written; nobody else may be writing in the folder."""
    for path in folder.iterdir():
        if LEFTOVER.fullmatch(path.name):
            path.unlink()
