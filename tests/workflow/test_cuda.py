"""On a CUDA device, where there is one: the numbers of the CPU, and a run that trains, goes on and translates."""

from pathlib import Path

import pytest
import torch
from model_grid import PAIRWISE, Row, config_of, name_of
from small_runs import PAIRS, Told, small

from s2s.build import build_model
from s2s.compute import build_compute
from s2s.config import check_config
from s2s.data.batches import Batch
from s2s.nn.model import Seq2Seq
from s2s.training.loss import token_loss
from s2s.training.trainer import End
from s2s.workflow.training import resume, train
from s2s.workflow.translation import load_run, translate

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

Files = dict[str, list[str]]


def gradients(model: Seq2Seq, batch: Batch, device: str) -> tuple[float, list[torch.Tensor]]:
    """The loss, and its gradients on the CPU."""
    model, batch = model.to(device), batch.to(torch.device(device))
    speech = model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).speech
    loss = token_loss(speech, batch.trg_out[batch.trg_mask], label_smoothing=0.1).smoothed
    return float(loss.detach()), [gradient.cpu() for gradient in torch.autograd.grad(loss, list(model.parameters()))]


@pytest.mark.parametrize("row", PAIRWISE, ids=name_of)
def test_losses_and_gradients_are_those_of_the_cpu(row: Row, tiny_batch: Batch, tiny_vocab: int) -> None:
    build_compute(check_config({"training": {"device": "cuda", "precision": "fp32"}}))
    config = config_of(row, embed_size=16, hidden_size=16)
    model = build_model(config, src_vocab=tiny_vocab, trg_vocab=tiny_vocab).train()
    (loss, expected), (there, found) = (gradients(model, tiny_batch, device) for device in ("cpu", "cuda"))
    assert there == pytest.approx(loss, rel=1e-4)
    for ours, theirs in zip(expected, found, strict=True):
        assert float((theirs - ours).norm()) <= 1e-3 * float(ours.norm()) + 1e-4


@pytest.mark.parametrize("row", PAIRWISE, ids=name_of)
def test_in_bf16_the_loss_is_about_the_same(row: Row, tiny_batch: Batch, tiny_vocab: int) -> None:
    """Three digits of a product are lost, and no kernel takes another format than the rest."""
    compute = build_compute(check_config({"training": {"device": "cuda", "precision": "bf16"}}))
    config = config_of(row, embed_size=16, hidden_size=16)
    model = build_model(config, src_vocab=tiny_vocab, trg_vocab=tiny_vocab).train()
    expected, _ = gradients(model, tiny_batch, "cpu")
    with compute.autocast():
        found, changes = gradients(model, tiny_batch, "cuda")
    assert found == pytest.approx(expected, rel=0.03)
    assert all(gradient.isfinite().all() for gradient in changes)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_trains_goes_on_and_translates(precision: str, corpus: Files, tmp_path: Path) -> None:
    """It learns, also in two sittings, and says on the CPU what it says on the device."""
    updates = 120
    config = small(
        {
            "data": corpus,
            "model": {"embed_size": 32, "hidden_size": 32, "dropout": 0.1, "values": "lexical"},
            "training": {
                "device": "cuda",
                "precision": precision,
                "max_updates": updates,
                "max_epochs": 0,
                "patience": 0,
                "learning_rate": 0.01,
                "average": 0.1,
            },
            "decoding": {"max_length": 2.0},
        }
    )
    asked = iter(range(1, updates))
    first = train(config, tmp_path / "run", Told(), should_stop=lambda: next(asked) >= updates // 2)
    assert (first.end, first.updates) == (End.INTERRUPTED, updates // 2)
    told = Told()
    second = resume(tmp_path / "run", told)
    assert (second.end, second.updates) == (End.BUDGET, updates)
    assert told.updates[-1].log_loss < 1.0
    lines = [pair[0] for pair in PAIRS[:20]]
    said = {
        device: [found.text for found in translate(load_run(tmp_path / "run", device=device), lines)]
        for device in ("cpu", "cuda")
    }
    same = sum(one == other for one, other in zip(said["cpu"], said["cuda"], strict=True))
    assert same >= 16  # on the device in bf16, whatever it was trained in
