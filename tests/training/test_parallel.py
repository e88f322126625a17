"""Replicas: however the rows are dealt out, the gradient is that of the mean loss."""

import gc
import os
import pickle
import tempfile
import threading
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from multiprocessing import Pipe
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.batches import Batch, EncodedPair, collate
from s2s.errors import S2SError
from s2s.nn.dropout import Dropout
from s2s.nn.model import Seq2Seq
from s2s.training import hands
from s2s.training.hands import InProcess, InThread, SharedMemory
from s2s.training.parallel import Replicas

SMOOTHING = 0.1


def replicas_of(model: Seq2Seq, count: int, seed: int = 1, *, apart: bool = False) -> Replicas:
    return Replicas(model, count=count, seed=seed, label_smoothing=SMOOTHING, autocast=nullcontext, apart=apart)


def dropping_model(vocab: int) -> Seq2Seq:
    torch.manual_seed(5)
    return build_model(ModelConfig(embed_size=5, hidden_size=5, dropout=0.4), src_vocab=vocab, trg_vocab=vocab)


def gradient_of(replicas: Replicas, model: Seq2Seq, batches: list[Batch]) -> list[Tensor]:
    """The gradient that `backward` leaves, which is taken away again."""
    model.zero_grad(set_to_none=True)
    replicas.backward(batches, sum(batch.tokens for batch in batches))
    gradients = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    model.zero_grad(set_to_none=True)
    return gradients


def plain_gradient(model: Seq2Seq, batch: Batch) -> tuple[Tensor, list[Tensor]]:
    """The mean loss a token and its gradient, with nothing of ours but the model."""
    logits = model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).logits
    loss = F.cross_entropy(logits, batch.trg_out[batch.trg_mask], label_smoothing=SMOOTHING)
    return loss.detach(), list(torch.autograd.grad(loss, list(model.parameters())))


def assert_close(ours: list[Tensor], theirs: list[Tensor]) -> None:
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_the_gradient_is_that_of_the_mean_loss(count: int, tiny_model: Seq2Seq, tiny_batch: Batch) -> None:
    """Eight replicas have more hands than the batch has rows."""
    loss, expected = plain_gradient(tiny_model, tiny_batch)
    assert_close(gradient_of(replicas_of(tiny_model, count), tiny_model, [tiny_batch]), expected)
    smoothed, log_loss = replicas_of(tiny_model, count).backward([tiny_batch], tiny_batch.tokens)
    assert smoothed / tiny_batch.tokens == pytest.approx(float(loss), rel=1e-5)
    logits = tiny_model(tiny_batch.src, tiny_batch.src_mask, tiny_batch.trg_in, tiny_batch.trg_mask).logits
    unsmoothed = F.cross_entropy(logits, tiny_batch.trg_out[tiny_batch.trg_mask], reduction="sum")
    assert log_loss == pytest.approx(float(unsmoothed.detach()), rel=1e-5)


@pytest.mark.parametrize("cuts", [(2,), (1, 4), (1, 2, 3, 4)])
@pytest.mark.parametrize("count", [1, 2])
def test_batches_of_one_update_are_one_big_batch(
    cuts: tuple[int, ...], count: int, tiny_model: Seq2Seq, tiny_pairs: list[EncodedPair]
) -> None:
    """Divided by the tokens of all, not batch by batch."""
    _, expected = plain_gradient(tiny_model, collate(tiny_pairs))
    edges = (0, *cuts, len(tiny_pairs))
    batches = [collate(tiny_pairs[start:end]) for start, end in pairwise(edges)]
    assert_close(gradient_of(replicas_of(tiny_model, count), tiny_model, batches), expected)


@pytest.mark.parametrize("count", [1, 3])
def test_dropout_is_the_same_for_the_same_seed_and_count(count: int, tiny_batch: Batch, tiny_vocab: int) -> None:
    """Whichever replica finishes first, and whatever else draws random numbers meanwhile."""
    runs = []
    for noise in range(3):
        model = dropping_model(tiny_vocab)
        replicas = replicas_of(model, count)
        torch.manual_seed(noise)
        runs.append([gradient_of(replicas, model, [tiny_batch, tiny_batch]) for _ in range(2)])
    for other in runs[1:]:
        for one_update, other_update in zip(runs[0], other, strict=True):
            assert all(map(torch.equal, one_update, other_update))
    assert not all(map(torch.equal, runs[0][0], runs[0][1]))


@pytest.mark.parametrize("count", [1, 2])
def test_dropout_that_rests_drops_and_draws_nothing(count: int, tiny_batch: Batch, tiny_vocab: int) -> None:
    model = dropping_model(tiny_vocab)
    replicas = replicas_of(model, count)
    before = replicas.random_states()
    replicas.rest_dropout(True)
    assert_close(gradient_of(replicas, model, [tiny_batch]), plain_gradient(model.eval(), tiny_batch)[1])
    assert all(torch.equal(state, before[name]) for name, state in replicas.random_states().items())
    replicas.rest_dropout(False)
    expected = gradient_of(replicas_of(model, count), model, [tiny_batch])
    assert all(map(torch.equal, gradient_of(replicas, model, [tiny_batch]), expected))


def test_replicas_and_seeds_draw_differently(tiny_pairs: list[EncodedPair], tiny_vocab: int) -> None:
    model = dropping_model(tiny_vocab)
    batch = collate([tiny_pairs[2]])
    by_seed = [gradient_of(replicas_of(model, 1, seed), model, [batch]) for seed in (1, 2)]
    assert not all(map(torch.equal, *by_seed))
    twins = collate([tiny_pairs[2], tiny_pairs[2]])
    halves = gradient_of(replicas_of(model, 2, seed=1), model, [twins])
    assert not all(map(torch.allclose, halves, by_seed[0]))


@pytest.mark.parametrize("count", [1, 2])
def test_random_states_go_on_where_they_were_saved(count: int, tiny_batch: Batch, tiny_vocab: int) -> None:
    model = dropping_model(tiny_vocab)
    replicas = replicas_of(model, count)
    gradient_of(replicas, model, [tiny_batch])
    saved = replicas.random_states()
    expected = gradient_of(replicas, model, [tiny_batch])
    fresh = replicas_of(model, count, seed=99)
    fresh.set_random_states(saved)
    assert all(map(torch.equal, gradient_of(fresh, model, [tiny_batch]), expected))


def test_a_replica_without_a_saved_state_keeps_its_fresh_one(tiny_batch: Batch, tiny_vocab: int) -> None:
    model = dropping_model(tiny_vocab)
    one, two = replicas_of(model, 1), replicas_of(model, 2)
    two.set_random_states(one.random_states())
    expected = gradient_of(replicas_of(model, 2), model, [tiny_batch])
    assert all(map(torch.equal, gradient_of(two, model, [tiny_batch]), expected))


def test_parameters_are_shared_and_modes_are_not(tiny_batch: Batch, tiny_vocab: int) -> None:
    """An optimiser's step reaches all replicas; the model may be put into evaluation mode beside them."""
    model = dropping_model(tiny_vocab).eval()
    replicas = replicas_of(model, 2)
    assert not any(module.training for module in model.modules())
    before = gradient_of(replicas, model, [tiny_batch])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    after = gradient_of(replicas, model, [tiny_batch])
    assert any(gradient.any() for gradient in before)
    # At zero weights nothing but the output layer's bias can move the loss.
    assert sum(bool(gradient.any()) for gradient in after) == 1
    assert all(module.generator is None for module in model.modules() if isinstance(module, Dropout))


def test_a_fault_in_one_replica_is_not_lost(tiny_model: Seq2Seq, tiny_batch: Batch) -> None:
    broken = Batch(
        tiny_batch.src.clone(), tiny_batch.src_mask, tiny_batch.trg_in, tiny_batch.trg_out, tiny_batch.trg_mask
    )
    broken.src[1, 0] = 10_000
    with pytest.raises(IndexError):
        replicas_of(tiny_model, 2).backward([broken], broken.tokens)


def test_the_threads_of_the_caller_stay_as_they_were(tiny_model: Seq2Seq, tiny_batch: Batch) -> None:
    torch.set_num_threads(2)
    gradient_of(replicas_of(tiny_model, 2), tiny_model, [tiny_batch])
    assert torch.get_num_threads() == 2


def test_processes_find_what_threads_find(tiny_batch: Batch, tiny_vocab: int) -> None:
    """To the last bit, with dropout, after the optimiser's step, and going on from saved random states."""
    model, found = dropping_model(tiny_vocab), {}
    before = [parameter.detach().clone() for parameter in model.parameters()]
    for apart in (False, True):
        for parameter, values in zip(model.parameters(), before, strict=True):
            parameter.data.copy_(values)
        replicas = replicas_of(model, 3, apart=apart)
        resting = replicas_of(model, 3)
        found[apart] = [gradient_of(replicas, model, [tiny_batch, tiny_batch])]
        saved = replicas.random_states()
        for parameter, gradient in zip(model.parameters(), found[apart][0], strict=True):
            parameter.data.sub_(gradient)
        found[apart].append(gradient_of(replicas, model, [tiny_batch]))
        replicas.set_random_states(saved)
        assert all(map(torch.equal, gradient_of(replicas, model, [tiny_batch]), found[apart][1]))
        replicas.rest_dropout(True)
        resting.rest_dropout(True)
        found[apart].append(gradient_of(replicas, model, [tiny_batch]))
        assert all(map(torch.equal, found[apart][2], gradient_of(resting, model, [tiny_batch])))
    for ours, theirs in zip(found[False], found[True], strict=True):
        assert all(map(torch.equal, ours, theirs))


def test_parameters_are_not_sent_through_the_pipe(tiny_vocab: int) -> None:
    """They would take seconds, and each would bring all the memory along that it stands in."""
    model = build_model(ModelConfig(embed_size=128, hidden_size=128), src_vocab=5000, trg_vocab=5000)
    SharedMemory(list(model.parameters()), processes=1)
    one, other = Pipe()
    said = threading.Thread(target=hands._say, args=(one, model))
    said.start()
    words = other.recv_bytes()
    said.join()
    assert len(words) < 50_000 < sum(parameter.numel() for parameter in model.parameters())
    heard = pickle.loads(words)
    assert [p.shape for p in heard.parameters()] == [p.shape for p in model.parameters()]


def test_a_process_ends_with_its_replicas_and_not_by_a_signal_to_all(tiny_batch: Batch, tiny_vocab: int) -> None:
    """A service manager that stops a program sends SIGTERM to all of its processes; the update is still finished."""
    model = dropping_model(tiny_vocab)
    replicas = replicas_of(model, 2, apart=True)
    expected = gradient_of(replicas, model, [tiny_batch])
    _, other = replicas._hands
    assert isinstance(other, InProcess)
    process = other._process
    process.terminate()
    assert len(gradient_of(replicas, model, [tiny_batch])) == len(expected)
    assert process.poll() is None
    del replicas, other
    gc.collect()
    assert process.poll() == 0


@pytest.mark.parametrize("apart", [False, True])
def test_closed_replicas_hold_neither_thread_nor_process(apart: bool, tiny_batch: Batch, tiny_vocab: int) -> None:
    model = dropping_model(tiny_vocab)
    replicas = replicas_of(model, 2, apart=apart)
    gradient_of(replicas, model, [tiny_batch])
    first, other = replicas._hands
    replicas.close()
    assert isinstance(first, InThread)
    assert not any(thread.is_alive() for thread in first._thread._threads)
    assert not isinstance(other, InProcess) or other._process.poll() == 0


def test_a_process_that_is_killed_is_reported(tiny_batch: Batch, tiny_vocab: int) -> None:
    """As a system does that is short of memory."""
    model = dropping_model(tiny_vocab)
    replicas = replicas_of(model, 2, apart=True)
    gradient_of(replicas, model, [tiny_batch])
    _, other = replicas._hands
    assert isinstance(other, InProcess)
    other._process.kill()
    with pytest.raises(S2SError, match="has ended with exit code -9"):
        gradient_of(replicas, model, [tiny_batch])


def test_systems_without_files_in_memory_have_temporary_ones(
    tiny_batch: Batch, tiny_vocab: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And nothing is left of these, even while they are used."""
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = dropping_model(tiny_vocab)
    expected = gradient_of(replicas_of(model, 2), model, [tiny_batch])
    replicas = replicas_of(model, 2, apart=True)
    assert all(map(torch.equal, gradient_of(replicas, model, [tiny_batch]), expected))
    assert not list(tmp_path.iterdir())


def test_what_goes_wrong_in_a_process_is_told(tiny_batch: Batch, tiny_vocab: int) -> None:
    """A word that the vocabulary does not have, here."""
    model = dropping_model(tiny_vocab)
    replicas = replicas_of(model, 2, apart=True)
    wrong = tiny_batch.src.clone()
    wrong[1] = tiny_vocab  # the second row is the process'
    with pytest.raises(IndexError, match="out of range"):
        gradient_of(replicas, model, [replace(tiny_batch, src=wrong)])


def test_parameters_of_equal_weights_stay_one(tiny_vocab: int) -> None:
    """Memory that processes see holds each once, however many places in the model share it."""
    model = build_model(ModelConfig(tie="all", embed_size=5, hidden_size=5), src_vocab=tiny_vocab, trg_vocab=tiny_vocab)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    count = len(list(model.parameters()))
    memory = SharedMemory(list(model.parameters()), processes=1)
    assert len(list(model.parameters())) == count
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.data_ptr() % 64 == 0
    assert model.encoder.embedding.weight is model.decoder.embedding.weight
    with os.fdopen(os.dup(memory.descriptor), "rb") as file:
        file.seek(0)
        first = torch.frombuffer(bytearray(file.read(20)), dtype=torch.float32)
    assert torch.equal(first, next(model.parameters()).detach().flatten()[:5])
