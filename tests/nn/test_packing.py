"""The output layer's packed product beside the layer itself."""

from pathlib import Path

import pytest
import torch

from s2s.nn.embedding import Embedding, OutputLayer
from s2s.nn.packing import MOST_ROWS, packed

WITHOUT_ONEDNN = not torch.backends.mkldnn.is_available()


def layer(vocab: int = 61, readout: int = 24) -> OutputLayer:
    output = OutputLayer(weight=Embedding(vocab_size=vocab, embed_size=readout).weight)
    output.bias.data.normal_()
    return output


@pytest.mark.parametrize("rows", [0, 1, 16, 17, MOST_ROWS, MOST_ROWS + 1])
def test_it_says_what_the_layer_says(rows: int) -> None:
    output = layer()
    readouts = torch.randn(rows, 24)
    with torch.inference_mode():
        torch.testing.assert_close(packed(output)(readouts), output(readouts))


@pytest.mark.skipif(WITHOUT_ONEDNN, reason="PyTorch without oneDNN, whose product the layer's own stands for")
def test_what_the_layer_learns_afterwards_is_not_seen() -> None:
    output = layer()
    say, readouts = packed(output), torch.randn(3, 24)
    with torch.inference_mode():
        before = say(readouts)
        output.weight.data.mul_(2.0)
        assert torch.equal(say(readouts), before)
        assert not torch.allclose(packed(output)(readouts), before)


@pytest.mark.parametrize("rows", [1, 40])
def test_autocast_has_its_own_number_format(rows: int) -> None:
    output = layer()
    readouts = torch.randn(rows, 24)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        if packed(output) is output:
            pytest.skip("a processor without packed products in bf16, so that the layer answers")
        said = packed(output)(readouts)
        assert said.dtype == torch.bfloat16
        torch.testing.assert_close(said, output(readouts), rtol=0.02, atol=0.02)


def test_a_number_format_that_the_processor_does_not_know_is_left_to_the_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*given: object) -> None:
        raise RuntimeError("mkldnn_reorder_linear_weight: bf16 path needs the cpu support avx512bw")

    monkeypatch.setattr(torch.ops.mkldnn, "_reorder_linear_weight", refuse, raising=False)
    output = layer()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert packed(output) is output


def test_where_torch_has_no_packed_product_the_layer_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    output = layer()
    assert packed(output) is output


def test_memory_does_not_grow_with_the_numbers_of_rows_that_were_seen() -> None:
    """A search has another number of rows at every step."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("no /proc to read the memory from")

    def resident() -> int:
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) // 1024

    output = layer(vocab=8000)
    with torch.inference_mode():
        say = packed(output)
        say(torch.randn(MOST_ROWS, 24))
        before = resident()
        for rows in range(1, 2 * MOST_ROWS):
            say(torch.randn(rows, 24))
        assert resident() - before < 100
