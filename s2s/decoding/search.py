"""Beam search over a `StepModel`."""

from dataclasses import dataclass, field, replace
from math import inf

import torch
from torch import Tensor

from s2s.data.tokenizer import BOS, EOS
from s2s.decoding.largest import largest
from s2s.decoding.stepper import S, StepModel
from s2s.decoding.unsayable import Unsayable


@dataclass(frozen=True)
class Hypothesis:
    """A translation as search found it.

    Attributes:
        tokens: its pieces, without bos and eos.
        log_prob: the sum of its pieces' log-probabilities, that of eos included if it ended.
        score: the log-probability, normalised by length; what hypotheses are ranked by.
        ended: whether it said eos, or was cut at the longest length allowed.
    """

    tokens: tuple[int, ...]
    log_prob: float
    score: float
    ended: bool


@dataclass(frozen=True)
class Beam:
    """How to search; a beam of 1 is greedy search.

    Attributes:
        size: hypotheses followed for each sentence.
        length_penalty: score = log-probability / length ** length_penalty, eos counted.
        max_length: a hypothesis is cut at this many pieces for each source piece, plus 10.
        margin: a hypothesis is given up where the sentence's best one of its length is more probable by so many nats.
        repeats: how often a phrase may come in a row, as `Unsayable` has it.
        copy_unknown: whether an unknown piece may be said for each unknown piece of the source.
    """

    size: int
    length_penalty: float
    max_length: float
    margin: float
    repeats: int
    copy_unknown: bool

    def score(self, log_prob: float, length: int) -> float:
        """The score of a hypothesis of that many pieces, eos counted."""
        return float(log_prob / max(length, 1) ** self.length_penalty)

    def limits(self, src_mask: Tensor) -> Tensor:
        """The longest translation allowed for each source, in pieces: (batch)."""
        return (src_mask.sum(dim=1) * self.max_length).long() + 10


@dataclass(frozen=True)
class Frontier:
    """The hypotheses still growing, row by row; a sentence's rows stand together.

    Attributes:
        sentence: (rows) the sentence that each belongs to.
        slot: (rows) its place among the sentence's hypotheses, from 0.
        tokens: (rows, length) what was said so far, bos first.
        log_probs: (rows).
        room: (batch) hypotheses that each sentence may still finish.
    """

    sentence: Tensor
    slot: Tensor
    tokens: Tensor
    log_probs: Tensor
    room: Tensor


@dataclass(frozen=True)
class Candidates:
    """The best continuations: a row of `parent` goes on with `token`, which makes `log_prob`; all (candidates)."""

    parent: Tensor
    token: Tensor
    log_prob: Tensor
    slot: Tensor


@dataclass
class Finished:
    """The finished hypotheses of each sentence."""

    beam: Beam
    found: list[list[Hypothesis]] = field(default_factory=list)

    def collect(self, frontier: Frontier, rows: Tensor, ended: bool) -> None:
        """Set aside the hypotheses of these rows."""
        for sentence, tokens, log_prob in zip(
            frontier.sentence[rows].tolist(),
            frontier.tokens[rows].tolist(),
            frontier.log_probs[rows].tolist(),
            strict=True,
        ):
            said = tokens[1:-1] if ended else tokens[1:]
            score = self.beam.score(log_prob, len(tokens) - 1)
            self.found[sentence].append(Hypothesis(tuple(said), log_prob, score, ended))


def search(model: StepModel[S], src: Tensor, src_mask: Tensor, beam: Beam, is_phrase: Tensor) -> list[list[Hypothesis]]:
    """The best translations of each source, the best first; `beam.size` of them, at most.

    A finished hypothesis leaves the batch and makes its sentence's beam narrower by one; a sentence with no
    hypothesis left to grow leaves it, too. Nothing of a sentence depends on its neighbours.

    Args:
        model: says what comes next.
        src: (batch, src) source tokens, `src_mask` True at the real ones.
        beam: how wide, how long.
        is_phrase: (vocab) pieces of which one at least makes a phrase, see `Unsayable`.
    """
    batch = src.shape[0]
    finished = Finished(beam, [[] for _ in range(batch)])
    limits = beam.limits(src_mask)
    unsayable = Unsayable.after(
        src, src_mask, copy_unknown=beam.copy_unknown, repeats=beam.repeats, is_phrase=is_phrase
    )
    state = model.start(src, src_mask)
    frontier = _first(batch, beam.size, src.device)
    while frontier.sentence.numel():
        log_probs, state = model.step(frontier.tokens[:, -1], state)
        candidates = _best(frontier, log_probs, beam, unsayable.pieces(frontier.sentence, frontier.tokens[:, 1:]))
        grown = _grow(frontier, candidates)
        ends = candidates.token == EOS
        length = grown.tokens.shape[1] - 1
        cut = ~ends & (limits[grown.sentence] <= length)
        finished.collect(grown, ends.nonzero()[:, 0], ended=True)
        finished.collect(grown, cut.nonzero()[:, 0], ended=False)
        alive = (~(ends | cut)).nonzero()[:, 0]
        state = state.select(candidates.parent[alive])  # type: ignore[assignment]
        frontier = _keep(grown, alive, ends)
    return [sorted(found, key=lambda h: -h.score) for found in finished.found]


def _first(batch: int, size: int, device: torch.device) -> Frontier:
    """One hypothesis a sentence, that has said nothing."""
    return Frontier(
        sentence=torch.arange(batch, device=device),
        slot=torch.zeros(batch, dtype=torch.long, device=device),
        tokens=torch.full((batch, 1), BOS, dtype=torch.long, device=device),
        log_probs=torch.zeros(batch, device=device),
        room=torch.full((batch,), size, dtype=torch.long, device=device),
    )


def _best(frontier: Frontier, log_probs: Tensor, beam: Beam, never: Tensor) -> Candidates:
    """For each sentence the best continuations, as many as it has room for and as come near the best.

    First the best few of each row, then the best of those of each sentence, whose rows are laid out in a table of
    (batch, size, few) with -inf where there is none. The probability of the pieces that a row may `never` say now,
    (rows, pieces), is left unused: `log_probs` has -inf in its place afterwards.
    """
    size = beam.size
    few = min(size, log_probs.shape[1])
    values, tokens = largest(log_probs.scatter_(1, never, -inf), few)
    table = values.new_full((len(frontier.room), size, few), -inf)
    table[frontier.sentence, frontier.slot] = values + frontier.log_probs[:, None]
    best, place = table.flatten(1).topk(size, dim=1)  # (batch, size * few) -> (batch, size)
    ranks = torch.arange(size, device=best.device)[None]
    near = best >= best[:, :1] - beam.margin
    kept = (best > -inf) & near & (ranks < frontier.room[:, None])
    sentence, rank = kept.nonzero(as_tuple=True)
    chosen = place[sentence, rank]
    slot, nth = chosen // few, chosen % few
    row_at = torch.zeros(table.shape[:2], dtype=torch.long, device=table.device)  # the row of each sentence and slot
    row_at[frontier.sentence, frontier.slot] = torch.arange(len(frontier.sentence), device=table.device)
    parent = row_at[sentence, slot]
    return Candidates(parent=parent, token=tokens[parent, nth], log_prob=best[sentence, rank], slot=rank)


def _grow(frontier: Frontier, candidates: Candidates) -> Frontier:
    """The hypotheses with the token that each candidate adds."""
    parent = candidates.parent
    return Frontier(
        sentence=frontier.sentence[parent],
        slot=candidates.slot,
        tokens=torch.cat((frontier.tokens[parent], candidates.token[:, None]), dim=1),
        log_probs=candidates.log_prob,
        room=frontier.room,
    )


def _keep(grown: Frontier, alive: Tensor, ends: Tensor) -> Frontier:
    """The hypotheses that go on; each one that ended took a place of its sentence."""
    room = grown.room.index_add(0, grown.sentence, -ends.long())
    return replace(
        grown,
        sentence=grown.sentence[alive],
        slot=grown.slot[alive],
        tokens=grown.tokens[alive],
        log_probs=grown.log_probs[alive],
        room=room,
    )
