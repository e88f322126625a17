"""One process at a time that changes a run: trains it, or tunes its search."""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from s2s.errors import S2SError

NAME = ".lock"

TAKEN = (errno.EWOULDBLOCK, errno.EACCES)


class Lock:
    """A run directory held by this process, until the end of a `with` or of the process, however it ends.

    It is the operating system's lock on a file; what it holds is the number of the process, for the message. Between
    machines that share a directory it is as good as their file system's locks.

    Raises:
        S2SError: another process holds it, or the directory cannot be written to.
    """

    def __init__(self, directory: Path) -> None:
        self._descriptor = _take(directory)
        with suppress(OSError):  # on a full disk it is the message alone that lacks it
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, str(os.getpid()).encode())
        self._directory = os.open(directory, os.O_RDONLY)

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        # By the directory itself, which may have been renamed meanwhile. Away before it is given up: whoever waits
        # for a file that is gone looks again.
        with suppress(OSError):
            os.unlink(NAME, dir_fd=self._directory)
        os.close(self._directory)
        os.close(self._descriptor)


def is_held(directory: Path) -> bool:
    """Whether a training is going on in the directory; nothing is written there."""
    try:
        descriptor = os.open(directory / NAME, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as fault:
        return fault.errno in TAKEN
    finally:
        os.close(descriptor)
    return False


def _take(directory: Path) -> int:
    """The lock's open file, locked."""
    path = directory / NAME
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except OSError as fault:
            raise S2SError(
                f"the run directory cannot be written to: {fault.strerror}",
                where=str(directory),
                hint="See to its permissions, or copy it to where it can.",
            ) from fault
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            holder = os.read(descriptor, 20).decode("ascii", "replace")
            os.close(descriptor)
            raise _refusal(directory, holder, fault) from fault
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        os.close(descriptor)


def _refusal(directory: Path, holder: str, fault: OSError) -> S2SError:
    if fault.errno in TAKEN:
        process = f" (process {holder})" if holder.isdecimal() else ""
        return S2SError(
            f"another process trains or tunes this run{process}",
            where=str(directory),
            hint="Wait for it, or stop it with Ctrl-C; a run takes one at a time.",
        )
    return S2SError(
        f"the run directory cannot be locked: {fault.strerror}",
        where=str(directory),
        hint="Its file system has no locks: train on a local disk, and copy the run afterwards.",
    )
