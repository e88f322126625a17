"""Ctrl-C, SIGTERM, a lost terminal and a reader that has gone as a wish to stop, which training grants once all is
saved."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import typer


class Stop:
    """The signal that asked training to stop, if one did."""

    signal: int | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether training is to stop."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended."""
        return 128 + (self.signal or signal.SIGINT)

    def reader_left(self) -> None:
        """Nobody reads what training tells, as in `s2s train 2>&1 | head`: most programs would be ended by this."""
        self.signal = self.signal or signal.SIGPIPE


def _endings() -> tuple[signal.Signals, ...]:
    """What ends a program beside Ctrl-C; a SIGHUP that is ignored, as under nohup, stays so."""
    lost = getattr(signal, "SIGHUP", None)
    return (signal.SIGTERM,) if lost is None or signal.getsignal(lost) == signal.SIG_IGN else (signal.SIGTERM, lost)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """The first Ctrl-C, SIGTERM or SIGHUP asks training to stop and save; a second one ends the program at once."""
    stop = Stop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *_endings())}

    def ask(number: int, frame: FrameType | None) -> None:
        stop.signal = number
        with suppress(OSError):  # the terminal may be gone
            typer.echo("\nstopping once all is saved; once more ends at once without saving", err=True)
        _put_back(before)

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        _put_back(before)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """SIGTERM and SIGHUP end the program as an exception does: what is half-written is taken away."""
    before = {number: signal.getsignal(number) for number in _endings()}

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        _put_back(before)


def _put_back(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
