"""Ctrl-C, SIGTERM and a lost terminal as a wish to stop, which training grants once all is saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import typer


class Stop:
    """The signal that asked training to stop, if one did."""

    signal: int | None = None

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended."""
        return 128 + (self.signal or signal.SIGINT)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """The first Ctrl-C, SIGTERM or SIGHUP asks training to stop and save; a second one ends the program at once."""
    stop = Stop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
        before[signal.SIGHUP] = signal.getsignal(signal.SIGHUP)

    def ask(number: int, frame: FrameType | None) -> None:
        stop.signal = number
        with suppress(OSError):  # the terminal may be gone
            typer.echo("\nstopping once all is saved; once more ends at once without saving", err=True)
        for which, handler in before.items():
            signal.signal(which, handler)

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
