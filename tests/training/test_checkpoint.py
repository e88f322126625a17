"""Checkpoints: what comes back is what was saved, to the bit, and whatever else lies there is refused by name."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.batches import Batch
from s2s.errors import S2SError
from s2s.nn.model import Seq2Seq
from s2s.training.checkpoint import (
    MOST_BESIDE,
    Progress,
    Saved,
    check_fits,
    check_whole,
    load_training,
    load_weights,
    read_summary,
    save_training,
    save_weights,
)
from s2s.training.disk import write_atomically
from s2s.training.optim import build_adam
from s2s.training.tensorfile import serialise

RANDOM = {"replica.0": torch.Generator().manual_seed(3).get_state(), "replica.1": torch.arange(5, dtype=torch.uint8)}
PROGRESS = Progress(updates=7, epoch=2, batch=3, seconds=1 / 3, best_score=-0.1, best_update=4, stale=1, validated_at=6)


def model_of(vocab: int, *, tie: str = "all", hidden_size: int = 5, seed: int = 2) -> Seq2Seq:
    torch.manual_seed(seed)
    config = ModelConfig(embed_size=5, hidden_size=hidden_size).model_copy(update={"tie": tie})
    return build_model(config, src_vocab=vocab, trg_vocab=vocab)


def update(model: Seq2Seq, optimizer: torch.optim.Optimizer, batch: Batch) -> None:
    model.eval()
    logits = model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).logits
    torch.nn.functional.cross_entropy(logits, batch.trg_out[batch.trg_mask]).backward()
    optimizer.param_groups[0]["lr"] = 0.01
    optimizer.step()
    optimizer.zero_grad()


def moments(model: Seq2Seq, optimizer: torch.optim.Optimizer) -> list[dict[str, Tensor]]:
    return [dict(optimizer.state[parameter]) for parameter in model.parameters()]


def same(one: Seq2Seq, other: Seq2Seq) -> bool:
    return all(map(torch.equal, one.parameters(), other.parameters()))


@pytest.fixture
def trained(tiny_batch: Batch, tiny_vocab: int) -> tuple[Seq2Seq, torch.optim.Optimizer]:
    model = model_of(tiny_vocab)
    optimizer = build_adam(model)
    for _ in range(3):
        update(model, optimizer, tiny_batch)
    return model, optimizer


@pytest.mark.parametrize("tie", ["none", "target", "all"])
@pytest.mark.parametrize("updates", [0, 3])
def test_all_comes_back_to_the_bit(tie: str, updates: int, tmp_path: Path, tiny_batch: Batch, tiny_vocab: int) -> None:
    """Before the first update, when Adam has no moments yet, and after some; and training goes on the same."""
    model = model_of(tiny_vocab, tie=tie)
    optimizer = build_adam(model)
    for _ in range(updates):
        update(model, optimizer, tiny_batch)
    path = tmp_path / "last.safetensors"
    progress = replace(PROGRESS, updates=updates)
    average = {name: torch.randn_like(parameter) for name, parameter in model.named_parameters()}
    save_training(path, model, optimizer, Saved(progress, RANDOM, average))

    other = model_of(tiny_vocab, tie=tie, seed=3)
    assert not same(model, other)
    other_optimizer = build_adam(other)
    saved = load_training(path, other, other_optimizer)
    assert saved.progress == progress
    assert saved.random.keys() == RANDOM.keys()
    assert all(torch.equal(saved.random[name], state) for name, state in RANDOM.items())
    assert saved.average.keys() == average.keys()
    assert all(torch.equal(saved.average[name], tensor) for name, tensor in average.items())
    for _ in range(2):
        assert same(model, other)
        for ours, theirs in zip(moments(model, optimizer), moments(other, other_optimizer), strict=True):
            assert ours.keys() == theirs.keys()
            assert all(torch.equal(ours[key], theirs[key]) for key in ours)
        update(model, optimizer, tiny_batch)
        update(other, other_optimizer, tiny_batch)


def test_tied_weights_are_written_once_and_stay_tied(tmp_path: Path, tiny_vocab: int) -> None:
    model = model_of(tiny_vocab, tie="all")
    path = tmp_path / "best.safetensors"
    save_weights(path, model, PROGRESS)
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
    assert len(names) == len(set(model.parameters()))
    other = model_of(tiny_vocab, tie="all", seed=3)
    load_weights(path, other)
    assert other.encoder.embedding.weight is other.decoder.output.weight
    assert same(model, other)


@pytest.mark.parametrize("tie", ["none", "all"])
def test_weights_are_counted_without_being_read(tmp_path: Path, tiny_vocab: int, tie: str) -> None:
    model = model_of(tiny_vocab, tie=tie)
    save_weights(tmp_path / "best", model, PROGRESS)
    save_training(tmp_path / "last", model, build_adam(model), Saved(PROGRESS, RANDOM))
    expected = sum(parameter.numel() for parameter in model.parameters())
    assert [read_summary(tmp_path / name).parameters for name in ("best", "last")] == [expected] * 2
    (tmp_path / "best").write_bytes(b"x")
    with pytest.raises(S2SError, match="damaged, or not one of ours"):
        read_summary(tmp_path / "best")


def test_weights_are_read_from_either_kind(
    tmp_path: Path, trained: tuple[Seq2Seq, torch.optim.Optimizer], tiny_vocab: int
) -> None:
    model, optimizer = trained
    save_weights(tmp_path / "best", model, PROGRESS)
    save_training(tmp_path / "last", model, optimizer, Saved(PROGRESS, RANDOM))
    assert (tmp_path / "best").stat().st_size < (tmp_path / "last").stat().st_size
    for name, progress in (("best", replace(PROGRESS, seconds=0.0)), ("last", PROGRESS)):
        other = model_of(tiny_vocab, seed=3)
        assert load_weights(tmp_path / name, other) == progress
        assert same(model, other)


def test_a_loaded_model_does_not_hang_on_its_file(
    tmp_path: Path, trained: tuple[Seq2Seq, torch.optim.Optimizer], tiny_vocab: int
) -> None:
    model, optimizer = trained
    path = tmp_path / "last"
    save_training(path, model, optimizer, Saved(PROGRESS, RANDOM))
    other = model_of(tiny_vocab, seed=3)
    other_optimizer = build_adam(other)
    load_training(path, other, other_optimizer)
    path.unlink()
    assert same(model, other)
    for ours, theirs in zip(moments(model, optimizer), moments(other, other_optimizer), strict=True):
        assert torch.equal(ours["exp_avg_sq"], theirs["exp_avg_sq"])


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_progress(content: bytes) -> bytes:
    return content.replace(b"progress", b"regressp")


def of_unknown_progress(content: bytes) -> bytes:
    return content.replace(b"best_update", b"worst_updat")


@pytest.mark.parametrize(
    "damage",
    [
        truncated,
        without_progress,
        of_unknown_progress,
        lambda _: b"",
        lambda _: b"\x08",
        lambda _: bytes(range(256)) * 9,
        lambda _: b"<html>not found</html>",
    ],
)
def test_a_damaged_checkpoint_is_refused(
    damage: Callable[[bytes], bytes],
    tmp_path: Path,
    trained: tuple[Seq2Seq, torch.optim.Optimizer],
    tiny_vocab: int,
) -> None:
    model, optimizer = trained
    path = tmp_path / "last.safetensors"
    save_training(path, model, optimizer, Saved(PROGRESS, RANDOM))
    path.write_bytes(damage(path.read_bytes()))
    other = model_of(tiny_vocab, seed=3)
    untouched = model_of(tiny_vocab, seed=3)
    with pytest.raises(S2SError, match="damaged, or not one of ours") as caught:
        load_training(path, other, build_adam(other))
    assert caught.value.where == str(path)
    assert same(other, untouched)


@pytest.mark.parametrize(
    ("progress", "reason"),
    [
        ([1, 2], r"argument after \*\* must be a mapping"),
        ({"updates": 1, "downdates": 2}, "unexpected keyword argument 'downdates'"),
        ({"updates": "7"}, "its progress has '7' for updates"),
        ({"updates": 2**63}, "its progress has 9223372036854775808 for updates"),
        ({"epoch": -2}, "its progress has -2 for epoch"),
        ({"batch": True}, "its progress has True for batch"),
        ({"skipped": 1.5}, "its progress has 1.5 for skipped"),
        ({"seconds": float("nan")}, "its progress has nan for seconds"),
        ({"best_score": "high"}, "its progress has 'high' for best_score"),
        ({"best_score": float("nan")}, "its progress has nan for best_score"),
    ],
)
def test_progress_that_makes_no_sense_is_refused(
    tmp_path: Path, tiny_vocab: int, progress: object, reason: str
) -> None:
    """Whole files, of somebody who knows how they are made."""
    model = model_of(tiny_vocab)
    path = tmp_path / "last.safetensors"
    tensors = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    write_atomically(path, *serialise(tensors, {"progress": json.dumps(progress)}))
    with pytest.raises(S2SError, match=rf"damaged, or not one of ours \(.*{reason}"):
        load_weights(path, model)


def test_a_checkpoint_without_progress_is_refused(tmp_path: Path, tiny_vocab: int) -> None:
    model = model_of(tiny_vocab)
    path = tmp_path / "last.safetensors"
    tensors = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    write_atomically(path, *serialise(tensors, {}))
    with pytest.raises(S2SError, match=r"damaged, or not one of ours \('progress'\)"):
        load_weights(path, model)


def test_of_a_score_without_end_comes_back_the_same(tmp_path: Path, tiny_vocab: int) -> None:
    model = model_of(tiny_vocab)
    progress = Progress().validated(float("nan"), loss=None)
    save_weights(tmp_path / "best", model, progress)
    assert load_weights(tmp_path / "best", model) == progress


def test_a_checkpoint_says_what_it_is(tmp_path: Path, trained: tuple[Seq2Seq, torch.optim.Optimizer]) -> None:
    model, optimizer = trained
    path = tmp_path / "last"
    save_training(path, model, optimizer, Saved(PROGRESS, RANDOM))
    summary = read_summary(path)
    assert summary.progress == PROGRESS
    assert summary.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert summary.bytes == path.stat().st_size
    assert summary.checksum in path.read_bytes().decode("latin-1")
    check_whole(path)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert read_summary(path).progress == PROGRESS
    with pytest.raises(S2SError, match="its bytes do not match their checksum"):
        check_whole(path)


def test_weights_are_told_apart_by_their_own_checksum(
    tmp_path: Path, trained: tuple[Seq2Seq, torch.optim.Optimizer]
) -> None:
    """The same in a checkpoint of either kind, whenever it was written, and another after a change in the last bit."""
    model, optimizer = trained
    save_training(tmp_path / "last", model, optimizer, Saved(PROGRESS, RANDOM))
    save_weights(tmp_path / "best", model, PROGRESS)
    digest = check_whole(tmp_path / "best")
    assert check_whole(tmp_path / "last") == digest
    expected = hashlib.sha256()
    for name, tensor in sorted(model.named_parameters()):
        expected.update(
            f"model.{name} torch.float32 {tuple(tensor.shape)}\n".encode() + tensor.detach().numpy().tobytes()
        )
    assert digest == expected.hexdigest()
    with torch.no_grad():
        next(model.parameters()).view(-1)[0].nextafter_(torch.tensor(9.0))
    save_weights(tmp_path / "changed", model, PROGRESS)
    assert check_whole(tmp_path / "changed") != digest


def test_equal_weights_are_equal_files_however_long_they_took(tmp_path: Path, tiny_vocab: int) -> None:
    model = model_of(tiny_vocab)
    for name, seconds in (("quick", 1.0), ("slow", 2.0)):
        save_weights(tmp_path / name, model, replace(PROGRESS, seconds=seconds))
    assert (tmp_path / "quick").read_bytes() == (tmp_path / "slow").read_bytes()


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("last.safetensors", "Without it the run cannot go on; with best.safetensors it translates"),
        ("best.safetensors", "or delete it and go on with s2s train --resume RUN, which keeps the best weights"),
    ],
)
def test_each_checkpoint_comes_with_advice_of_its_own(name: str, advice: str, tmp_path: Path) -> None:
    with pytest.raises(S2SError, match=f"there is no such checkpoint\n  Put a copy of it back.*{advice}"):
        read_summary(tmp_path / name)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(S2SError, match=f"the checkpoint is damaged.*\n  Put a copy of it back.*{advice}"):
        read_summary(tmp_path / name)


def test_a_model_of_any_size_is_refused_before_it_is_made(tmp_path: Path, tiny_vocab: int) -> None:
    """10^15 numbers on torch's meta device, which holds none of them."""
    path = tmp_path / "best"
    save_weights(path, model_of(tiny_vocab), PROGRESS)
    check_fits(path, model_of(tiny_vocab))
    with torch.device("meta"):
        huge = torch.nn.Linear(10**8, 10**7, bias=False)
        check_fits(path, model_of(tiny_vocab))
    with pytest.raises(
        S2SError, match=r"model\.weight should have shape \(10000000, 100000000\), and there is nothing"
    ):
        check_fits(path, huge)


def test_a_checkpoint_that_is_far_too_large_for_its_model_is_refused(tmp_path: Path) -> None:
    model = torch.nn.Linear(1, 1)
    tensors = {"model.weight": torch.zeros(1, 1), "model.bias": torch.zeros(1), "x": torch.zeros(MOST_BESIDE // 4)}
    write_atomically(tmp_path / "x", *serialise(tensors, {}))
    with pytest.raises(
        S2SError, match=r"the checkpoint has 67,1\S+ bytes, and one of this model has at most 67,108,928"
    ):
        check_fits(tmp_path / "x", model)


def test_the_numbers_must_be_of_the_right_kind(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x", *serialise({"model.weight": torch.zeros(1, 1, dtype=torch.float64)}, {}))
    with pytest.raises(S2SError, match=r"and there is a tensor of shape \(1, 1\) in torch.float64"):
        check_fits(tmp_path / "x", torch.nn.Linear(1, 1, bias=False))


def test_a_missing_checkpoint_is_named(tmp_path: Path, tiny_vocab: int) -> None:
    with pytest.raises(S2SError, match="no such checkpoint") as caught:
        load_weights(tmp_path / "none.safetensors", model_of(tiny_vocab))
    assert caught.value.where == str(tmp_path / "none.safetensors")


def test_the_checkpoint_of_another_model_is_refused_with_both_shapes(tmp_path: Path, tiny_vocab: int) -> None:
    path = tmp_path / "best.safetensors"
    save_weights(path, model_of(tiny_vocab), PROGRESS)
    with pytest.raises(S2SError, match=r"of another model: model\.\S+ should have shape \(\d+, \d+\), and there is"):
        load_weights(path, model_of(tiny_vocab, hidden_size=6))
    with pytest.raises(S2SError, match=r"embedding.weight should have shape \(14, 5\).*a tensor of shape \(12, 5\)"):
        load_weights(path, model_of(tiny_vocab + 2))
    with pytest.raises(S2SError, match=r"of another model: .* and there is nothing"):
        load_weights(path, model_of(tiny_vocab, tie="none"))
    save_weights(path, model_of(tiny_vocab, tie="none"), PROGRESS)
    with pytest.raises(S2SError, match=r"of another model: this one has no model\.\S+\n  config\.toml and the weights"):
        load_weights(path, model_of(tiny_vocab))


def test_a_checkpoint_with_a_moment_missing_is_refused(
    tmp_path: Path, trained: tuple[Seq2Seq, torch.optim.Optimizer], tiny_vocab: int
) -> None:
    model, optimizer = trained
    path = tmp_path / "last.safetensors"
    del optimizer.state[model.decoder.embedding.weight]["exp_avg"]
    save_training(path, model, optimizer, Saved(PROGRESS, RANDOM))
    other = model_of(tiny_vocab)
    with pytest.raises(S2SError, match=r"optimizer\.\S+\.exp_avg should have shape"):
        load_training(path, other, build_adam(other))


def test_progress_remembers_the_best_score() -> None:
    progress = Progress(updates=1).validated(-2.0, loss=None)
    assert (progress.best_score, progress.best_update, progress.stale, progress.validated_at) == (-2.0, 1, 0, 1)
    worse = replace(progress, updates=2).validated(-2.0, loss=None)
    assert (worse.best_score, worse.best_update, worse.stale, worse.validated_at) == (-2.0, 1, 1, 2)
    better = replace(worse, updates=3).validated(-1.0, loss=None)
    assert (better.best_score, better.best_update, better.stale, better.validated_at) == (-1.0, 3, 0, 3)


def test_weights_alone_are_refused_for_going_on(tmp_path: Path, tiny_vocab: int) -> None:
    model = model_of(tiny_vocab)
    save_weights(tmp_path / "best", model, Progress(updates=7))
    with pytest.raises(S2SError, match=r"of another model: optimizer.* and there is nothing"):
        load_training(tmp_path / "best", model, build_adam(model))


def test_a_loaded_optimizer_does_not_hang_on_its_file(tmp_path: Path) -> None:
    model = model_of(900, hidden_size=64)
    optimizer = build_adam(model)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    path = tmp_path / "last"
    save_training(path, model, optimizer, Saved(Progress(updates=1)))
    load_training(path, model, optimizer)
    with path.open("r+b") as stream:  # somebody copies another file over it
        stream.write(b"\xff" * path.stat().st_size)
    assert all(torch.isfinite(state["exp_avg"]).all() for state in optimizer.state.values())


def test_of_equal_scores_the_one_with_less_loss_is_the_best() -> None:
    """BLEU is 0 while a model learns its first words; the checkpoint that is kept learns with it."""
    first = Progress(updates=1).validated(0.0, loss=5.0)
    better = replace(first, updates=2).validated(0.0, loss=4.0)
    assert (better.best_update, better.stale, better.best_loss) == (2, 0, 4.0)
    worse = replace(better, updates=3).validated(0.0, loss=4.5)
    assert (worse.best_update, worse.stale) == (2, 1)
    higher = replace(worse, updates=4).validated(0.1, loss=9.0)
    assert (higher.best_update, higher.stale) == (4, 0)
    unknown = replace(higher, updates=5).validated(0.1, loss=None)
    assert (unknown.best_update, unknown.stale) == (4, 1)
