"""What a hypothesis may not say next, whatever the model thinks of it."""

from dataclasses import dataclass

import torch
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
    """

    unknown: Tensor
    repeats: int
    runs: Tensor
    is_phrase: Tensor

    @classmethod
    def after(
        cls, src: Tensor, src_mask: Tensor, *, copy_unknown: bool, repeats: int, is_phrase: Tensor
    ) -> "Unsayable":
        """What these sources, (batch, src), let their translations say."""
        unknown = ((src == UNK) & src_mask).sum(dim=1)
        return cls(
            unknown=unknown if copy_unknown else torch.zeros_like(unknown),
            repeats=repeats,
            runs=_longest_runs(src, src_mask) if repeats else torch.ones_like(unknown),
            is_phrase=is_phrase,
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
        columns = [pad, bos, torch.where(spent, UNK, pad)]
        for phrase in _lengths_of_echoes(said, self.repeats) if self.repeats else ():
            most = self.repeats + (phrase == 1)
            if said.shape[1] < (most + 1) * phrase - 1:
                break  # nor is there room for a longer one
            echo = _echoes(said, phrase) >= self.runs[sentence].clamp(min=most) * phrase - 1
            again = said[:, -phrase:]
            # Each unknown piece stands for another word.
            echo &= self.is_phrase[again].any(dim=1) & (again != UNK).all(dim=1)
            columns.append(torch.where(echo, again[:, 0], pad))
        return torch.stack(columns, dim=1)


def _lengths_of_echoes(said: Tensor, least: int) -> list[int]:
    """So many pieces ago the last `least` pieces of some row were said, too: nothing else can be a phrase once more."""
    if said.shape[1] <= least:
        return []
    ends = said[:, -LONGEST_PHRASE - least :].unfold(1, least, 1)  # (rows, places, least)
    found = (ends[:, :-1] == ends[:, -1:]).all(dim=2).any(dim=0).flip(0)
    return [phrase for phrase, is_there in enumerate(found.tolist(), start=1) if is_there]


def _echoes(said: Tensor, phrase: int) -> Tensor:
    """(rows) how many pieces at the end are each the one `phrase` pieces before."""
    same = said[:, phrase:] == said[:, :-phrase]
    return same.flip(1).long().cumprod(dim=1).sum(dim=1)


def _longest_runs(src: Tensor, src_mask: Tensor) -> Tensor:
    """(batch) the most times that a source has a phrase in a row; 1 where it has none twice."""
    most = torch.ones_like(src[:, 0])
    for phrase in range(1, min(LONGEST_PHRASE, src.shape[1] - 1) + 1):
        run = torch.zeros_like(most)
        for echo in ((src[:, phrase:] == src[:, :-phrase]) & src_mask[:, phrase:]).unbind(1):
            run = (run + 1) * echo
            most = torch.maximum(most, run // phrase + 1)
    return most
