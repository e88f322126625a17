"""Where and how numbers are computed, and what that depends on."""

import time
from itertools import cycle

import pytest
import torch
from torch import Tensor

from s2s.compute import PRECISIONS, SEARCH_PRODUCT, Compute, build_compute, precision_name
from s2s.config import Config
from s2s.errors import UsageError


def test_the_number_format_does_not_depend_on_how_busy_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core that others take away while a product is measured says nothing about the product.

    It comes back with cold caches, which counts next to nothing for as large a product as this.
    """
    product = torch.Tensor.__matmul__
    config = Config.model_validate({"data": {"corpus": "builtin"}, "model": {"decoder_size": 2048}})
    alone = build_compute(config).precision

    turns = cycle((0.0, 0.1))  # the product that counts is the second of two

    def interrupted(left: Tensor, right: Tensor) -> Tensor:
        result = product(left, right)
        if left.dtype == alone:
            time.sleep(next(turns))
        return result

    monkeypatch.setattr(torch.Tensor, "__matmul__", interrupted)
    assert build_compute(config).precision == alone


def test_the_number_format_is_chosen_by_products_of_the_models_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bf16 halves the time of a product and bringing numbers into it takes as long as a small one."""
    seen = []

    def seconds(states: Tensor, weight: Tensor) -> float:
        seen.append((tuple(states.shape), tuple(weight.shape)))
        work = states.numel() * weight.shape[1]
        return work / 2 + 1e6 if weight.dtype == torch.bfloat16 else work

    monkeypatch.setattr("s2s.compute._product_time", seconds)
    for width, threads, expected in ((512, 1, torch.bfloat16), (64, 1, torch.float32), (512, 50, torch.float32)):
        settings = {
            "model": {"decoder_size": width},
            "training": {"threads": threads, "batch_tokens": 1600, "device": "cpu"},
        }
        compute = build_compute(Config.model_validate({**settings, "data": {"corpus": "builtin"}}))
        assert (compute.precision, compute.search_precision) == (expected, torch.bfloat16)
        rows, inputs, outputs = SEARCH_PRODUCT
        assert set(seen) == {((100 // threads, width), (width, 3 * width)), ((rows, inputs), (inputs, outputs))}
        seen.clear()


@pytest.mark.parametrize(("name", "precision"), PRECISIONS.items())
def test_a_number_format_that_is_asked_for_is_that_of_search_too(
    name: str, precision: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("s2s.compute._product_time")  # nothing is measured
    compute = build_compute(Config.model_validate({"data": {"corpus": "builtin"}, "training": {"precision": name}}))
    assert compute.precision == compute.search_precision == precision
    assert precision_name(precision) == name


def test_a_run_is_used_in_the_number_formats_that_it_was_trained_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bf16 is neither slow nor much faster, so that fp32 is chosen by itself."""
    monkeypatch.setattr("s2s.compute._bf16_speed", lambda *_: 1.3)
    chosen = build_compute(Config.model_validate({"data": {"corpus": "builtin"}, "training": {"device": "cpu"}}))
    full, narrow = torch.float32, torch.bfloat16
    assert (chosen.precision, chosen.search_precision) == (full, full)
    for recorded, expected in (
        (("cpu", "bf16", "fp32"), (narrow, full)),
        (("cpu", "fp32", "bf16"), (full, narrow)),
        (("cpu", "bf16", None), (narrow, full)),  # of a run from before searches had one of their own
        (("cuda:0", "bf16", "bf16"), (full, full)),
    ):
        found = chosen.as_recorded(*recorded)
        assert (found.precision, found.search_precision) == expected
    monkeypatch.setattr("s2s.compute._bf16_speed", lambda *_: 0.03)
    assert chosen.as_recorded("cpu", "bf16", "bf16") == chosen


def test_a_run_in_fp32_is_not_rounded_by_recurrent_kernels_of_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this device by itself would have computed in bf16, with which they may."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    chosen = Compute(torch.device("cuda"), torch.bfloat16, torch.bfloat16, threads=1)
    assert chosen.as_recorded("cuda:0", "fp32", "fp32").precision == torch.float32
    assert not torch.backends.cudnn.allow_tf32


def test_a_cpu_has_no_number() -> None:
    with pytest.raises(UsageError, match=r"device: 'cpu:3' is not supported\n  Use auto, cpu, cuda or cuda:N\."):
        build_compute(Config.model_validate({"training": {"device": "cpu:3"}}))
