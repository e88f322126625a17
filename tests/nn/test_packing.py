"""The output layer's packed product beside the layer itself."""

import pytest
import torch

from s2s.nn.embedding import Embedding, OutputLayer
from s2s.nn.packing import packed

WITHOUT_ONEDNN = not torch.backends.mkldnn.is_available()


def layer(vocab: int = 61, readout: int = 24) -> OutputLayer:
    output = OutputLayer(weight=Embedding(vocab_size=vocab, embed_size=readout).weight)
    output.bias.data.normal_()
    return output


@pytest.mark.parametrize("rows", [0, 1, 7, 300])
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
