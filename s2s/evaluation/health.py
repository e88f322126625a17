"""Signs that a model has collapsed: in its translations, its attention and its gradients.

Each check looks at plain data and answers with a finding or with None. The thresholds are set so that a model that is
merely bad is left alone: what they notice is translations that have little to do with their sources at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from statistics import median

import numpy as np
import numpy.typing as npt

FEWEST = 5
"""Lines, or different references, from which on a share of them says anything."""

DISTINCT = 0.2
"""Share of the references' variety under which translations count as few."""

LOOPS = 0.1
"""Share of translations with a loop from which on they count as many."""

SHORT, LONG = 0.5, 2.0
"""The translations' length by the references', in characters, outside of which it is far from 1."""

FLAT = 0.98
"""The entropy of attention by that of looking everywhere alike, from which on it counts as flat."""

FROZEN = 0.02
"""How far a target step's weights are from their sentence's mean, from 0 to 1, below which they count as the same."""

EXPLODING = 100.0
"""The norm of a gradient from which on it is far too large: the loss is a mean over tokens, and 1 is common."""


@dataclass(frozen=True)
class Finding:
    """Something that looks wrong, its likely cause, and the setting to try."""

    sign: str
    cause: str
    advice: str

    def __str__(self) -> str:
        return f"{self.sign}: {self.cause}. {self.advice}."


def check_translations(translations: Sequence[str], references: Sequence[str]) -> list[Finding]:
    """All that looks wrong with translations, by their references; as many, in the same order."""
    checks = (few_distinct, repetition_loops, length_ratio)
    return [finding for check in checks if (finding := check(translations, references))]


def few_distinct(translations: Sequence[str], references: Sequence[str]) -> Finding | None:
    """The same few translations for everything."""
    expected, found = len(set(references)), len(set(translations))
    if expected < FEWEST or found >= DISTINCT * expected:
        return None
    return Finding(
        f"only {found:,} different translations for {len(translations):,} sentences ({expected:,} references)",
        "the model writes the most frequent sentence and does not look at the source; in the first epoch this may pass",
        "If it lasts, train longer, or set training.learning_rate to a third of what it is",
    )


def repetition_loops(translations: Sequence[str], references: Sequence[str]) -> Finding | None:
    """Translations that say the same again and again, beyond what their references do."""
    loops = sum(
        has_loop(line) and not has_loop(reference) for line, reference in zip(translations, references, strict=True)
    )
    if len(translations) < FEWEST or loops < LOOPS * len(translations):
        return None
    return Finding(
        f"{loops:,} of {len(translations):,} translations repeat themselves in a loop",
        "the decoder goes by its own last words more than by the source; in the first epochs this may pass",
        "If it lasts, train longer, raise model.dropout, or lower tokenizer.size",
    )


def has_loop(line: str, times: int = 4, longest: int = 6) -> bool:
    """Whether up to `longest` words in a row come `times` times one after the other; without spaces, characters."""
    units = line.split() if " " in line.strip() else list(line)
    return any(_longest_echo(units, period) >= (times - 1) * period for period in range(1, longest + 1))


def _longest_echo(units: Sequence[str], period: int) -> int:
    """The longest run of units that are each the same as the one `period` before."""
    longest = run = 0
    for before, unit in zip(units, units[period:], strict=False):
        run = run + 1 if unit == before else 0
        longest = max(longest, run)
    return longest


def length_ratio(translations: Sequence[str], references: Sequence[str]) -> Finding | None:
    """Translations that are far shorter or longer than their references, all together."""
    expected = sum(map(len, references))
    if not expected or SHORT <= (ratio := sum(map(len, translations)) / expected) <= LONG:
        return None
    if ratio < SHORT:
        cause, advice = (
            "the model ends its sentences at once, or decoding.max_length cuts them",
            ("Train longer, lower training.label_smoothing, or raise decoding.max_length"),
        )
    else:
        cause, advice = (
            "the model does not find the end of its sentences",
            (
                "Train longer, or lower decoding.max_length; look for training pairs that were cut or joined "
                "(`s2s data check`)"
            ),
        )
    return Finding(f"the translations have {ratio:.2f} times the length of the references", cause, advice)


Weights = npt.NDArray[np.floating]
"""A sentence's attention: (trg, src), each row sums to 1."""


def check_attention(sentences: Sequence[Weights]) -> list[Finding]:
    """All that looks wrong with the attention of sentences; of those long enough to tell."""
    checks = (flat_attention, frozen_attention)
    return [finding for check in checks if (finding := check(sentences))]


def flat_attention(sentences: Sequence[Weights]) -> Finding | None:
    """Weights that are the same for every source position."""
    shares = [_entropy(weights) / log(weights.shape[1]) for weights in _telling(sentences)]
    if len(shares) < FEWEST or (share := float(np.mean(shares))) < FLAT:
        return None
    return Finding(
        f"attention is flat (its entropy is {share:.0%} of the highest possible)",
        "the model looks everywhere alike, so that every step reads the same mean",
        "If it lasts, train longer, or raise training.learning_rate; with few pairs, lower model.dropout",
    )


def frozen_attention(sentences: Sequence[Weights]) -> Finding | None:
    """Weights that stay at the same source positions, whatever is being written; but not flat ones."""
    telling = _telling(sentences)
    moves = [float(np.abs(weights - weights.mean(axis=0)).sum(axis=1).mean() / 2) for weights in telling]
    if len(moves) < FEWEST or float(np.mean(moves)) > FROZEN or flat_attention(sentences):
        return None
    return Finding(
        "attention is frozen (every target step looks at the same source positions)",
        "the state that asks has no say, so that the model reads one fixed vector",
        "If it lasts, lower training.learning_rate, or lengthen training.warmup",
    )


def _telling(sentences: Sequence[Weights]) -> list[Weights]:
    """Those with room to look around, and time to."""
    return [weights for weights in sentences if min(weights.shape) >= 4]


def _entropy(weights: Weights) -> float:
    """The mean entropy of the rows, in nats."""
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    return float(-(weights * logs).sum(axis=1).mean())


def check_gradients(norms: Sequence[float], skipped: int) -> list[Finding]:
    """What looks wrong with the gradients since the last look.

    Args:
        norms: of the updates that were done, before clipping.
        skipped: updates that were not, since loss or gradient were not finite.
    """
    findings = []
    if skipped:
        findings.append(
            Finding(
                f"{skipped:,} of {len(norms) + skipped:,} updates were skipped: loss or gradient were not finite",
                "a batch made the numbers overflow",
                "If it happens again, lower training.learning_rate, set training.clip=1, or training.precision=fp32",
            )
        )
    if norms and (typical := median(norms)) > EXPLODING:
        findings.append(
            Finding(
                f"gradients explode (their norm is typically {typical:,.0f})",
                "steps are so large that they undo each other",
                "Lower training.learning_rate, or set training.clip=1",
            )
        )
    return findings
