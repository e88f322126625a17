"""Unknown words said as they stand in the source: each one where the model looked when it said "unknown".

The way of Luong et al. (2015, "Addressing the Rare Word Problem") and Jean et al. (2015), who look a word up where
attention points. Here only a source word that is itself unknown is copied: a name, a number, a foreign word.
"""

from collections.abc import Callable, Sequence

from torch import Tensor

from s2s.data.batches import Batch, EncodedPair, collate
from s2s.data.tokenizer import UNK

Look = Callable[[Batch], Tensor]
"""Where a model looks at each step of given translations: (batch, trg, src) weights."""

AT_ONCE = 16
"""Translations in one forced pass: few have an unknown word, and its logits for all words are not needed."""


def find_unknown(look: Look, pairs: Sequence[EncodedPair]) -> list[tuple[int, ...]]:
    """For each unknown piece of each translation, which of its source's unknown pieces it answers.

    Args:
        pairs: sources and translations; no translation has more unknown pieces than its source.

    Returns:
        For each pair, as many numbers as its translation has unknown pieces: 0 is the source's first unknown piece.
    """
    found: list[tuple[int, ...]] = [()] * len(pairs)
    asking = [index for index, pair in enumerate(pairs) if UNK in pair.trg]
    for start in range(0, len(asking), AT_ONCE):
        some = asking[start : start + AT_ONCE]
        batch = collate([pairs[index] for index in some])
        weights = look(batch).float().cpu()
        for index, row, src, trg in zip(some, weights, batch.src, batch.trg_out, strict=True):
            found[index] = _one_to_one(row[trg == UNK][:, src == UNK])
    return found


def _one_to_one(weights: Tensor) -> tuple[int, ...]:
    """A column for each row of (rows, columns), no column twice: where the weights are largest, the largest first."""
    left, columns = weights.clone(), [0] * len(weights)
    for _ in columns:
        row, column = divmod(int(left.argmax()), left.shape[1])
        columns[row] = column
        left[row], left[:, column] = -1.0, -1.0
    return tuple(columns)
