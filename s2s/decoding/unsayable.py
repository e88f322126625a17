"""What a hypothesis may not say next, whatever the model thinks of it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from s2s.data.tokenizer import BOS, PAD, UNK

LONGEST_PHRASE = 12
"""Pieces of the longest phrase that is kept from being said again and again."""


@dataclass(frozen=True)
class Unsayable:
    """Beside pad and bos: unknown pieces that answer none of the source, and phrases that go round in a loop.

    Attributes:
        unknown: (batch) how many unknown pieces may be said for each source.
        repeats: how many times in a row a phrase of two to `LONGEST_PHRASE` pieces may be said, and a single piece one
            time more; 0: without limit.
        runs: (batch) how many times in a row each source says a phrase of its own, whichever it says most often:
            its translation may do so, too.
        is_phrase: (vocab) pieces of which one at least makes a phrase.
        reach: pieces at the end of a translation that have to be looked at.
    """

    unknown: Tensor
    repeats: int
    runs: Tensor
    is_phrase: Tensor
    reach: int

    @classmethod
    def after(
        cls, src: Tensor, src_mask: Tensor, *, copy_unknown: bool, repeats: int, is_phrase: Tensor
    ) -> "Unsayable":
        """What these sources, (batch, src), let their translations say."""
        unknown = ((src == UNK) & src_mask).sum(dim=1)
        runs = _longest_runs(src, src_mask) if repeats else torch.ones_like(unknown)
        return cls(
            unknown=unknown if copy_unknown else torch.zeros_like(unknown),
            repeats=repeats,
            runs=runs,
            is_phrase=is_phrase,
            reach=(max(int(runs.max()), repeats + 1) + 1) * LONGEST_PHRASE,
        )

    def pieces(self, sentence: Tensor, said: Tensor) -> Tensor:
        """The pieces that each hypothesis may not say now.

        Args:
            sentence: (rows) the source of each.
            said: (rows, length) its pieces so far, without bos.

        Returns:
            (rows, pieces), filled up with pad.
        """
        pad, bos = torch.full_like(sentence, PAD), torch.full_like(sentence, BOS)
        spent = (said == UNK).sum(dim=1) >= self.unknown[sentence]
        never = torch.stack([pad, bos, torch.where(spent, UNK, pad)], dim=1)
        return torch.cat((never, self._loops(sentence, said)), dim=1) if self.repeats else never

    def _loops(self, sentence: Tensor, said: Tensor) -> Tensor:
        """The pieces that would say the last phrase of 1, 2, ... pieces once too often: (rows, `LONGEST_PHRASE`)."""
        phrase = torch.arange(1, LONGEST_PHRASE + 1, device=said.device)
        most = torch.maximum(self.runs[sentence][:, None], self.repeats + (phrase == 1))
        again = _echoes(said[:, -self.reach :]) >= most * phrase - 1
        last = F.pad(said, (LONGEST_PHRASE, 0), value=PAD)[:, -LONGEST_PHRASE:].flip(1)  # the n-th before the end
        # Each unknown piece stands for another word.
        is_phrase = (self.is_phrase[last].cumsum(dim=1) > 0) & ((last == UNK).cumsum(dim=1) == 0)
        return torch.where(again & is_phrase, last, PAD)


def _echoes(said: Tensor) -> Tensor:
    """How many pieces at the end are each the one 1, 2, ... before it: (rows, length) -> (rows, `LONGEST_PHRASE`)."""
    before = F.pad(said, (LONGEST_PHRASE, 0), value=-1).unfold(1, said.shape[1], 1)[:, :-1]  # the farthest first
    return (before == said[:, None]).flip(1, 2).long().cumprod(dim=2).sum(dim=2)


def _longest_runs(src: Tensor, src_mask: Tensor) -> Tensor:
    """(batch) the most times that a source has a phrase in a row; 1 where it has none twice."""
    most = torch.ones_like(src[:, 0])
    for phrase in range(1, min(LONGEST_PHRASE, src.shape[1] - 1) + 1):
        run = torch.zeros_like(most)
        for echo in ((src[:, phrase:] == src[:, :-phrase]) & src_mask[:, phrase:]).unbind(1):
            run = (run + 1) * echo
            most = torch.maximum(most, run // phrase + 1)
    return most
