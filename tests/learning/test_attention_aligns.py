"""Attention finds by itself which source word a target word comes from: nobody tells it."""

import random
from contextlib import nullcontext

import pytest
import torch

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.batches import EncodedPair, collate
from s2s.data.tokenizer import EOS
from s2s.nn.model import Seq2Seq
from s2s.training.optim import Schedule, build_adam, clip_gradients
from s2s.training.parallel import Replicas

VOCAB = 16
UPDATES = 300
SCHEDULE = Schedule(peak=0.01, warmup=0.0, falls=True)


def sentences(task: str, rng: random.Random, number: int) -> list[EncodedPair]:
    """Three to seven words drawn at random, to be copied or reversed."""
    pairs = []
    for _ in range(number):
        words = tuple(rng.randrange(EOS + 1, VOCAB) for _ in range(rng.randint(3, 7)))
        pairs.append(EncodedPair(src=(*words, EOS), trg=words[::-1] if task == "reverse" else words))
    return pairs


def learn(model: Seq2Seq, task: str) -> None:
    """Each update sees 32 new sentences."""
    rng = random.Random(1)
    optimizer = build_adam(model)
    replicas = Replicas(model, count=1, seed=1, label_smoothing=0.0, autocast=nullcontext)
    for update in range(UPDATES):
        batch = collate(sentences(task, rng, 32))
        replicas.backward([batch], batch.tokens)
        clip_gradients(model, 1.0)
        optimizer.param_groups[0]["lr"] = SCHEDULE.rate(update / UPDATES)
        optimizer.step()
        optimizer.zero_grad()


def aligned(model: Seq2Seq, task: str) -> float:
    """The share of words in unseen sentences whose largest weight lies on the word that they come from."""
    pairs = sentences(task, random.Random(2), 50)
    batch = collate(pairs)
    with torch.inference_mode():
        weights = model.eval()(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).weights[:, :, 0]
    found = weights.argmax(dim=2)
    hits = words = 0
    for row, pair in enumerate(pairs):
        positions = torch.arange(len(pair.trg))
        gold = positions.flip(0) if task == "reverse" else positions
        hits += int((found[row, : len(pair.trg)] == gold).sum())
        words += len(pair.trg)
    return hits / words


@pytest.mark.parametrize(("task", "attend"), [("copy", "between"), ("reverse", "between"), ("reverse", "first")])
def test_the_largest_weight_lies_on_the_word_that_is_said(task: str, attend: str) -> None:
    """On the diagonal for copying, on the other one for reversing."""
    config = ModelConfig(embed_size=32, hidden_size=16, dropout=0.0).model_copy(update={"attend": attend})
    model = build_model(config, src_vocab=VOCAB, trg_vocab=VOCAB)
    assert aligned(model, task) < 0.5
    learn(model, task)
    assert aligned(model, task) >= 0.9
