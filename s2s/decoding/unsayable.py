"""What a hypothesis may not say next, whatever the model thinks of it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from s2s.data.tokenizer import BOS, PAD, UNK

LONGEST_PHRASE = 6
"""Pieces of the longest phrase that is kept from being said again and again."""


@dataclass(frozen=True)
class Unsayable:
    """Beside pad and bos: unknown pieces that answer none of the source, and phrases that go round in a loop.

    Attributes:
        unknown: (batch) how many unknown pieces may be said for each source.
        repeats: how many times in a row a phrase of up to `LONGEST_PHRASE` pieces may be said, a single piece once
            more; 0: without limit.
        bound: (batch) whether that holds for a source: not where the source itself repeats a phrase more often.
    """

    unknown: Tensor
    repeats: int
    bound: Tensor

    @classmethod
    def after(cls, src: Tensor, src_mask: Tensor, *, copy_unknown: bool, repeats: int) -> "Unsayable":
        """What these sources, (batch, src), let their translations say."""
        unknown = ((src == UNK) & src_mask).sum(dim=1)
        return cls(
            unknown=unknown if copy_unknown else torch.zeros_like(unknown),
            repeats=repeats,
            bound=~_repeats_itself(src, src_mask, repeats) if repeats else torch.zeros_like(src_mask[:, 0]),
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
        for phrase in range(1, LONGEST_PHRASE + 1) if self.repeats else ():
            echo = _once_more(said, phrase, _most(self.repeats, phrase)) & self.bound[sentence]
            if echo.any():
                columns.append(torch.where(echo, said[:, -phrase], pad))
        return torch.stack(columns, dim=1)


def _most(repeats: int, phrase: int) -> int:
    """How many times in a row a phrase of so many pieces may come: very, very, very."""
    return repeats + (phrase == 1)


def _once_more(said: Tensor, phrase: int, most: int) -> Tensor:
    """(rows) whether the piece said `phrase` pieces ago would complete a phrase for the time that is one too many."""
    before = (most + 1) * phrase - 1
    if said.shape[1] < before:
        return torch.zeros(len(said), dtype=torch.bool, device=said.device)
    tail = said[:, -before:]
    return (tail[:, phrase:] == tail[:, :-phrase]).all(dim=1)


def _repeats_itself(src: Tensor, src_mask: Tensor, repeats: int) -> Tensor:
    """(batch) whether a source has a phrase more often in a row than a translation may."""
    found = torch.zeros_like(src_mask[:, 0])
    for phrase in range(1, LONGEST_PHRASE + 1):
        run = _most(repeats, phrase) * phrase  # so many pieces in a row are as the one `phrase` before
        if src.shape[1] >= run + phrase:
            echoes = (src[:, phrase:] == src[:, :-phrase]) & src_mask[:, phrase:]
            found |= echoes.unfold(1, run, 1).all(dim=2).any(dim=1)
    return found
