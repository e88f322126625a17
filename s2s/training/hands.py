"""Hands: where replicas compute, in a thread of this process or in a process of their own.

Torch lets go of Python's lock while it computes, but takes it again after each of the hundreds of small products of an
update: on a fast processor two threads wait for each other half of the time, and two processes do not.
"""

import io
import mmap
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor, nn

from s2s.data.batches import Batch
from s2s.errors import S2SError
from s2s.training.replica import ReplicaPlan, Share


class Hand(ABC):
    """Does what it is asked for on its replica, one thing after the other, while others do theirs."""

    @abstractmethod
    def begin(self, batch: Batch, tokens: int) -> None:
        """Ask for `Replica.share`."""

    @abstractmethod
    def finish(self) -> Share:
        """Wait for it; its gradients may be overwritten by the next."""

    @abstractmethod
    def rest_dropout(self, rests: bool) -> None:
        """See `Replica.rest_dropout`."""

    @abstractmethod
    def random_state(self) -> Tensor:
        """See `Replica.random_state`."""

    @abstractmethod
    def set_random_state(self, state: Tensor) -> None:
        """See `Replica.set_random_state`."""

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds; it is asked for nothing afterwards."""


class Here(Hand):
    """In this thread, with all of torch's threads."""

    def __init__(self, plan: ReplicaPlan) -> None:
        self.replica = plan.make()

    def begin(self, batch: Batch, tokens: int) -> None:
        """See `Hand.begin`."""
        self._share = self.replica.share(batch, tokens)

    def finish(self) -> Share:
        """See `Hand.finish`."""
        return self._share

    def rest_dropout(self, rests: bool) -> None:
        """See `Replica.rest_dropout`."""
        self.replica.rest_dropout(rests)

    def random_state(self) -> Tensor:
        """See `Replica.random_state`."""
        return self.replica.random_state()

    def set_random_state(self, state: Tensor) -> None:
        """See `Replica.set_random_state`."""
        self.replica.set_random_state(state)

    def close(self) -> None:
        """See `Hand.close`."""


class InThread(Here):
    """In a thread of its own, which computes with no other."""

    def __init__(self, plan: ReplicaPlan) -> None:
        super().__init__(plan)
        self._thread = ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,))

    def begin(self, batch: Batch, tokens: int) -> None:
        """See `Hand.begin`."""
        self._waiting: Future[Share] = self._thread.submit(self.replica.share, batch, tokens)

    def finish(self) -> Share:
        """See `Hand.finish`."""
        return self._waiting.result()

    def close(self) -> None:
        """See `Hand.close`."""
        self._thread.shutdown()


class SharedMemory:
    """Parameters, and gradients for each of some processes, where all of these see them.

    It is a file that only lives in memory, or a temporary one where the system has no such files, and not what is
    commonly called shared memory, of which containers often have next to nothing.

    Args:
        parameters: float32, on the CPU; they move there.
        processes: how many leave gradients.
    """

    def __init__(self, parameters: Sequence[Tensor], *, processes: int) -> None:
        self.descriptor = _nameless_file()
        weakref.finalize(self, os.close, self.descriptor)
        os.ftruncate(self.descriptor, (processes + 1) * 4 * _width(parameters))
        for parameter, place in zip(parameters, _places(self.descriptor, 0, parameters), strict=True):
            place.copy_(parameter.detach())
            parameter.data = place


def _nameless_file() -> int:
    """The descriptor of a file that is gone when nobody has it open."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("s2s")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class InProcess(Hand):
    """In a process of its own.

    It ends when this object or the whole program does, since it finds that there is nobody left to ask it. Signals are
    the business of the program that started it, which may still want an update finished.

    Args:
        memory: where its parameters are, and where it leaves gradients.
        number: whose these are, counted from 1.
    """

    def __init__(self, plan: ReplicaPlan, memory: SharedMemory, number: int) -> None:
        self._gradients = _places(memory.descriptor, number, list(plan.model.parameters()))
        self._pipe, theirs = Pipe()
        descriptors = (theirs.fileno(), memory.descriptor)
        with theirs:
            # Not by `multiprocessing`, which would run the user's own program once more, up to this line; nor as a
            # fork, which would copy the locks of this process' threads without the threads that are to open them.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", START.format(*descriptors, number)],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(place or os.getcwd() for place in sys.path)},
                start_new_session=True,
            )
        self._finalize = weakref.finalize(self, _dismiss, self._pipe, self._process)
        self._tell(plan)

    def begin(self, batch: Batch, tokens: int) -> None:
        """See `Hand.begin`."""
        self._tell(("share", (tuple(getattr(batch, field.name).numpy() for field in fields(batch)), tokens)))

    def finish(self) -> Share:
        """See `Hand.finish`."""
        smoothed, log_loss = self._answer()
        return Share(smoothed, log_loss, self._gradients)

    def rest_dropout(self, rests: bool) -> None:
        """See `Replica.rest_dropout`."""
        self._tell(("rest_dropout", (rests,)))
        self._answer()

    def random_state(self) -> Tensor:
        """See `Replica.random_state`."""
        self._tell(("random_state", ()))
        return torch.from_numpy(self._answer())

    def set_random_state(self, state: Tensor) -> None:
        """See `Replica.set_random_state`."""
        self._tell(("set_random_state", (state.numpy(),)))
        self._answer()

    def close(self) -> None:
        """See `Hand.close`."""
        self._finalize()

    def _tell(self, what: object) -> None:
        try:
            _say(self._pipe, what)
        except OSError as fault:
            raise self._ended() from fault

    def _answer(self) -> Any:
        try:
            answer = _hear(self._pipe)
        except (EOFError, OSError) as fault:
            raise self._ended() from fault
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _ended(self) -> S2SError:
        self._pipe.close()
        return S2SError(
            f"the process that computes a share of each batch has ended with exit code {self._process.wait()}; "
            "-9 is what a system does that is short of memory",
            where="training",
            hint="Go on from the last checkpoint with --resume; --set training.threads=1 needs the least memory.",
        )


START = "from s2s.training.hands import serve; serve({}, {}, {})"
"""What a process begins with; the numbers are those that `serve` takes."""


def serve(pipe_descriptor: int, memory_descriptor: int, number: int) -> None:
    """Be the process of a replica: answer one question after the other, until nobody is left to ask."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
    pipe = Connection(pipe_descriptor)
    try:
        desk = _Desk(_hear(pipe), memory_descriptor, number)
        while True:
            what, arguments = _hear(pipe)
            try:
                answer = getattr(desk, what)(*arguments)
            except Exception as fault:
                answer = fault
            _say(pipe, answer)
    except (EOFError, OSError):
        return


class _Desk:
    """What such a process answers: a replica whose words can be sent."""

    def __init__(self, plan: ReplicaPlan, memory_descriptor: int, number: int) -> None:
        parameters = list(plan.model.parameters())
        for parameter, place in zip(parameters, _places(memory_descriptor, 0, parameters), strict=True):
            parameter.data = place
        self._gradients = _places(memory_descriptor, number, parameters)
        self._replica = plan.make()
        self.rest_dropout = self._replica.rest_dropout

    def share(self, batch: Sequence[Any], tokens: int) -> tuple[float, float]:
        share = self._replica.share(Batch(*map(torch.from_numpy, batch)), tokens)
        for place, gradient in zip(self._gradients, share.gradients, strict=True):
            place.copy_(gradient)
        return share.smoothed, share.log_loss

    def random_state(self) -> Any:
        return self._replica.random_state().numpy()

    def set_random_state(self, state: Any) -> None:
        self._replica.set_random_state(torch.from_numpy(state))


class _Pickler(pickle.Pickler):
    """Parameters go as sizes: their values are in the memory that both processes have."""

    def reducer_override(self, what: Any) -> Any:
        return (_parameter, (what.shape,)) if isinstance(what, nn.Parameter) else NotImplemented


def _parameter(size: torch.Size) -> nn.Parameter:
    return nn.Parameter(torch.empty(size))


def _say(pipe: Connection, what: object) -> None:
    """Pickled: nobody but these two processes has the pipe, so that what is read from it is their own."""
    words = io.BytesIO()
    _Pickler(words).dump(what)
    pipe.send_bytes(words.getbuffer())


def _hear(pipe: Connection) -> Any:
    """What was said at the other end.

    Raises:
        EOFError, OSError: there is no other end any more.
    """
    return pickle.loads(pipe.recv_bytes())


def _dismiss(pipe: Connection, process: "subprocess.Popen[bytes]") -> None:
    pipe.close()
    process.wait()


STEP = 16
"""Parameters stand at multiples of so many numbers, 64 bytes, as processors read them best."""


def _width(parameters: Sequence[Tensor]) -> int:
    """Numbers that all parameters take, with the gaps between them."""
    return sum(-(-parameter.numel() // STEP) * STEP for parameter in parameters)


def _places(descriptor: int, row: int, parameters: Sequence[Tensor]) -> list[Tensor]:
    """A place for each parameter in a row of the memory: row 0 are the parameters, the others are gradients."""
    width = _width(parameters)
    table = torch.frombuffer(mmap.mmap(descriptor, 0), dtype=torch.float32)
    rest, places = table[row * width : (row + 1) * width], []
    for parameter in parameters:
        places.append(rest[: parameter.numel()].view(parameter.shape))
        rest = rest[-(-parameter.numel() // STEP) * STEP :]
    return places
