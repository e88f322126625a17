"""Who looks, at each validation, whether training goes wrong."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from s2s.data.batches import EncodedPair, collate
from s2s.data.corpus import Pair
from s2s.data.tokenizer import EOS
from s2s.evaluation.health import Finding, Weights, check_attention, check_gradients, check_translations
from s2s.training.trainer import Update, Validation
from s2s.workflow.translation import Run

SAMPLE = 64
LONGEST = 60
"""Attention is looked at on so many pairs, each side of so many pieces at most: as much as one batch of the loss."""


class HealthWatch:
    """A listener that warns, after each validation, of what looked wrong at it and since the one before.

    Args:
        run: whose model is trained.
        pairs: that are validated on.
        warn: is told each finding; of one that was told before, its sign only.
    """

    def __init__(self, run: Run, pairs: Sequence[Pair], warn: Callable[[str], None]) -> None:
        self._run = run
        self._references = [pair.trg for pair in pairs]
        self._sample = _sample(run, pairs)
        self._warn = warn
        self._findings: list[Finding] = []
        self._norms: list[float] = []
        self._skipped = 0
        self._told: set[str] = set()

    def look(self, translations: Sequence[str]) -> None:
        """Look at the model, which has just made these translations of the pairs' sources."""
        weights = _attention(self._run, self._sample)
        self._findings = check_translations(translations, self._references) + check_attention(weights)

    def on_update(self, update: Update) -> None:
        """See `Listener.on_update`."""
        if update.skipped:
            self._skipped += 1
        else:
            self._norms.append(update.gradient_norm)

    def on_validation(self, validation: Validation) -> None:
        """See `Listener.on_validation`."""
        for finding in self._findings + check_gradients(self._norms, self._skipped):
            self._warn(f"update {validation.update:,}: {finding.sign if finding.cause in self._told else finding}")
            self._told.add(finding.cause)
        self._findings, self._norms, self._skipped = [], [], 0


def _sample(run: Run, pairs: Sequence[Pair]) -> list[EncodedPair]:
    sources = run.tokenizers.src.encode_all(pair.src for pair in pairs[: 4 * SAMPLE])
    targets = run.tokenizers.trg.encode_all(pair.trg for pair in pairs[: 4 * SAMPLE])
    encoded = [EncodedPair((*src, EOS), tuple(trg)) for src, trg in zip(sources, targets, strict=True)]
    return [pair for pair in encoded if max(len(pair.src), len(pair.trg) + 1) <= LONGEST][:SAMPLE]


def _attention(run: Run, pairs: Sequence[EncodedPair]) -> list[Weights]:
    """The last hop's weights on each pair, (trg, src); none where the model has no attention."""
    if not pairs:
        return []
    batch = collate(pairs).to(run.compute.device)
    with torch.no_grad(), run.compute.autocast():
        weights = run.model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).weights
    if weights.shape[2] == 0:
        return []
    matrices = weights[:, :, -1].float().cpu().numpy().astype(np.float64)
    return [matrix[: len(pair.trg) + 1, : len(pair.src)] for matrix, pair in zip(matrices, pairs, strict=True)]
