"""Where and how numbers are computed: device, number formats, threads."""

import os
import time
import warnings
from dataclasses import dataclass, replace
from math import inf
from typing import Final, Literal

import torch

from s2s.config import Config
from s2s.errors import UsageError


@dataclass(frozen=True)
class Compute:
    """Where and how numbers are computed: decided once, recorded, kept on resume.

    Attributes:
        precision: the number format of products where whole sentences are known: in training, and for what is
            measured of given translations.
        search_precision: that of a search, whose products are others.
    """

    device: torch.device
    precision: torch.dtype
    search_precision: torch.dtype
    threads: int

    @property
    def formats(self) -> str:
        """The number formats in words."""
        return formats(precision_name(self.precision), precision_name(self.search_precision))

    def autocast(self) -> torch.autocast:
        """The context in which a pass over whole sentences runs.

        Within it torch brings each weight into the number format once, under `no_grad`, too; under `inference_mode` it
        does so at every product.
        """
        return self._autocast(self.precision)

    def search_autocast(self) -> torch.autocast:
        """The context in which a search runs; see `autocast`."""
        return self._autocast(self.search_precision)

    def _autocast(self, precision: torch.dtype) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16)

    def as_recorded(self, device: str, precision: str, search_precision: str | None) -> "Compute":
        """The same in the number formats of a run, so that its scores come out as they did, where it was trained.

        On another kind of device, or where this processor is slow in them, nothing is taken over; nor is what the run
        does not say.
        """
        if device.split(":")[0] != self.device.type:
            return self
        found = replace(
            self,
            precision=self._kept(precision, self.precision),
            search_precision=self._kept(search_precision, self.search_precision),
        )
        if found.device.type == "cuda":
            _prepare_cuda(found.precision)
        return found

    def _kept(self, recorded: str | None, measured: torch.dtype) -> torch.dtype:
        is_slow = recorded == "bf16" and _bf16_speed(self.device, *SEARCH_PRODUCT) < 1.0
        return measured if recorded is None or is_slow else PRECISIONS[recorded]


PRECISIONS: Final = {"fp32": torch.float32, "bf16": torch.bfloat16}
"""Number formats as settings and records name them."""


def precision_name(precision: torch.dtype) -> Literal["fp32", "bf16"]:
    """The name of a number format."""
    return "bf16" if precision == torch.bfloat16 else "fp32"


def formats(precision: str, search: str) -> str:
    """Number formats in words: `fp32`, or `fp32 (search: bf16)`."""
    return precision if search == precision else f"{precision} (search: {search})"


def build_compute(config: Config) -> Compute:
    """Choose the device, the number format and the threads.

    It sets torch's thread count, what oneDNN may keep, and on CUDA whether recurrent kernels may round; all of that
    holds for the whole process.

    Raises:
        UsageError: the device asked for does not exist, or cannot do the precision.
    """
    threads = config.training.threads or available_cores()
    torch.set_num_threads(threads)
    # For each shape of a bf16 product oneDNN keeps what it has prepared, and PyTorch's layer above it once more, up to
    # 1,024 of them each: hundreds of megabytes, where batches have many shapes, which save next to no time.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
    os.environ.setdefault("LRU_CACHE_CAPACITY", "32")
    device = find_device(config.training.device)
    wanted = config.training.precision
    if wanted == "auto":
        precision, search_precision = (
            torch.bfloat16 if _bf16_is_faster(device, *product) else torch.float32
            for product in (_training_product(config, threads), SEARCH_PRODUCT)
        )
    else:
        precision = search_precision = PRECISIONS[wanted]
    if device.type == "cuda":
        _prepare_cuda(precision)
    return Compute(device=device, precision=precision, search_precision=search_precision, threads=threads)


def available_cores() -> int:
    """Cores that this process may use; OMP_NUM_THREADS asks for fewer, as it does of other programs."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(_cores(), int(asked)) if asked.isdecimal() and int(asked) > 0 else _cores()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def find_device(name: str) -> torch.device:
    """The device of that name, as `training.device` has it.

    Raises:
        UsageError: there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as fault:
        raise UsageError(f"{name!r} is no device", where="device", hint="Use auto, cpu, cuda or cuda:N.") from fault
    if device.type not in ("cpu", "cuda") or (device.type == "cpu" and device.index):
        raise UsageError(f"{name!r} is not supported", where="device", hint="Use auto, cpu, cuda or cuda:N.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"{name!r} was asked for, and torch sees {torch.cuda.device_count()} CUDA devices",
            where="device",
            hint="Use cpu (`--device cpu`; in training `--set training.device=cpu`), or a CUDA build of torch.",
        )
    return device


def _prepare_cuda(precision: torch.dtype) -> None:
    # Otherwise recurrent layers compute with ten bits where fp32 was asked for.
    torch.backends.cudnn.allow_tf32 = precision != torch.float32
    # The weights are put together at each call, as the warning says: next to nothing beside the decoder's steps.
    warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")


SEARCH_PRODUCT = (64, 256, 2048)
"""Rows, inputs and outputs of the product that a search spends most on, that of the output layer, about."""


def _training_product(config: Config, threads: int) -> tuple[int, int, int]:
    """Rows, inputs and outputs of a decoder step on one thread, about: sentences have 16 tokens."""
    width = config.model.decoder_width
    return max(config.training.batch_tokens // 16 // threads, 1), width, 3 * width


def _bf16_is_faster(device: torch.device, rows: int, inputs: int, outputs: int) -> bool:
    """Whether bf16 products are worth their rounding: at least 1.6 times faster than fp32 here, for such sizes."""
    return _bf16_speed(device, rows, inputs, outputs) > 1.6


def _bf16_speed(device: torch.device, rows: int, inputs: int, outputs: int) -> float:
    """How many times as fast as in fp32 a product is in bf16.

    Many CPUs compute bf16 in software, thirty times slower, and with the others it depends on how large the products
    are beside what it costs to bring numbers from one format into the other; so it is measured, in a tenth of a second.
    What counts is the time that this thread computes: on a busy machine the clock on the wall tells of others.
    """
    if device.type == "cuda":
        return inf if torch.cuda.is_bf16_supported() else 0.0
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        states, weight = torch.ones(rows, inputs), torch.ones(inputs, outputs)
        narrow = weight.to(torch.bfloat16)
        full_time = min(_product_time(states, weight) for _ in range(10))
        narrow_time = _product_time(states, narrow)
        if narrow_time < 5 * full_time:  # otherwise in software: no need to wait for more of them
            narrow_time = min(_product_time(states, narrow) for _ in range(10))
    finally:
        torch.set_num_threads(threads)
    return full_time / narrow_time


def _product_time(states: torch.Tensor, weight: torch.Tensor) -> float:
    """Seconds of this thread's computing, with all of it in the cache."""
    for _ in range(2):
        began = time.thread_time()
        _ = (states.to(weight.dtype) @ weight).to(states.dtype)
        seconds = time.thread_time() - began
    return seconds
