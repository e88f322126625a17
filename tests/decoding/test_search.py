"""Search against brute force on tables of probabilities, and against the model's own forced pass."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from s2s.build import build_model
from s2s.config import ModelConfig
from s2s.data.batches import EncodedPair, collate, pad
from s2s.data.tokenizer import BOS, EOS, PAD, UNK
from s2s.decoding.search import Beam, Hypothesis, search
from s2s.decoding.stepper import EnsembleStepper, ModelStepper
from s2s.nn.model import Seq2Seq

WORDS = (4, 5, 6)
NEVER_SAID = (PAD, UNK, BOS)
VOCAB = 7
EVERY_PIECE = torch.ones(12, dtype=torch.bool)
DEPTH = 3
"""A table's sentences have at most so many words: 40 of them in all."""

SENTENCES = [words for length in range(DEPTH + 1) for words in product(WORDS, repeat=length)]
EVERYTHING = len(SENTENCES)


@dataclass(frozen=True)
class TableState:
    """What each row has read and said."""

    sources: tuple[int, ...]
    said: tuple[tuple[int, ...], ...]

    def select(self, rows: Tensor) -> "TableState":
        chosen = rows.tolist()
        return TableState(tuple(self.sources[i] for i in chosen), tuple(self.said[i] for i in chosen))


@dataclass(frozen=True)
class Table:
    """Conditional probabilities of the next token, drawn at random for each source and prefix.

    A source is told by its first token. Pieces that are never said have a share, too, and a sentence must end after
    `depth` words.
    """

    seed: int = 0
    depth: int = DEPTH
    temperature: float = 1.0
    seen: list[int] = field(default_factory=list)

    def probabilities(self, source: int, prefix: Sequence[int]) -> list[float]:
        key = hashlib.sha256(repr((self.seed, source, tuple(prefix))).encode()).digest()
        random = Random(key)
        weights = [math.exp(self.temperature * random.gauss(0.0, 1.0)) for _ in range(VOCAB)]
        if len(prefix) >= self.depth:
            weights = [weight if token in (*NEVER_SAID, EOS) else 0.0 for token, weight in enumerate(weights)]
        return [weight / sum(weights) for weight in weights]

    def start(self, src: Tensor, src_mask: Tensor) -> TableState:
        assert src_mask[:, 0].all()
        return TableState(tuple(src[:, 0].tolist()), ((),) * len(src))

    def step(self, tokens: Tensor, state: TableState) -> tuple[Tensor, TableState]:
        said = tuple(
            prefix if token == BOS else (*prefix, token)
            for prefix, token in zip(state.said, tokens.tolist(), strict=True)
        )
        self.seen.append(len(said))
        rows = [self.probabilities(source, prefix) for source, prefix in zip(state.sources, said, strict=True)]
        return torch.tensor(rows, dtype=torch.float64).log(), TableState(state.sources, said)

    def log_prob(self, source: int, words: Sequence[int], *, ended: bool = True) -> float:
        said = (*words, EOS) if ended else words
        return sum(math.log(self.probabilities(source, said[:n])[token]) for n, token in enumerate(said))


def beam(size: int, length_penalty: float = 1.0, max_length: float = 1.0) -> Beam:
    """A plain search: nothing is given up, kept from repeating itself, or copied."""
    return Beam(
        size=size,
        length_penalty=length_penalty,
        max_length=max_length,
        margin=math.inf,
        repeats=0,
        copy_unknown=False,
    )


def find(model: object, sources: Sequence[Sequence[int]], how: Beam) -> list[list[Hypothesis]]:
    with torch.inference_mode():
        return search(model, *pad(sources), how, EVERY_PIECE)  # type: ignore[arg-type, misc]


def brute_force(table: Table, source: int, length_penalty: float) -> Iterator[Hypothesis]:
    """Every sentence, the best first."""
    scored = []
    for words in SENTENCES:
        log_prob = table.log_prob(source, words)
        scored.append(Hypothesis(words, log_prob, log_prob / (len(words) + 1) ** length_penalty, ended=True))
    yield from sorted(scored, key=lambda hypothesis: -hypothesis.score)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), penalty=st.sampled_from([0.0, 0.6, 1.0, 2.0]))
def test_a_beam_wide_enough_finds_everything_in_the_order_of_the_score(seed: int, penalty: float) -> None:
    table = Table(seed)
    [found] = find(table, [(4, EOS)], beam(EVERYTHING, penalty))
    expected = list(brute_force(table, 4, penalty))
    assert [h.tokens for h in found] == [h.tokens for h in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.log_prob == pytest.approx(theirs.log_prob, abs=1e-5)
        assert ours.score == pytest.approx(theirs.score, abs=1e-5)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 12), penalty=st.sampled_from([0.0, 0.6, 1.0, 2.0]))
def test_hypotheses_are_distinct_sorted_and_scored_by_the_table(seed: int, size: int, penalty: float) -> None:
    table = Table(seed)
    [found] = find(table, [(4, EOS)], beam(size, penalty))
    assert len(found) == size
    assert len({h.tokens for h in found}) == size
    assert all(a.score >= b.score for a, b in pairwise(found))
    for hypothesis in found:
        assert hypothesis.ended
        assert set(hypothesis.tokens) <= set(WORDS)
        assert hypothesis.log_prob == pytest.approx(table.log_prob(4, hypothesis.tokens), abs=1e-5)
        assert hypothesis.score == pytest.approx(hypothesis.log_prob / (len(hypothesis.tokens) + 1) ** penalty)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), size=st.integers(1, EVERYTHING))
def test_no_beam_finds_better_than_there_is(seed: int, size: int) -> None:
    table = Table(seed)
    [found] = find(table, [(4, EOS)], beam(size))
    best = next(brute_force(table, 4, 1.0))
    assert found[0].score <= best.score + 1e-5


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_a_beam_of_one_says_the_likeliest_word_each_time(seed: int) -> None:
    table = Table(seed, depth=20)
    said: list[int] = []
    while len(said) < 11:
        shares = table.probabilities(4, said)
        said.append(max((*WORDS, EOS), key=shares.__getitem__))
        if said[-1] == EOS:
            break
    [[greedy]] = find(table, [(4,)], beam(1))
    assert (*greedy.tokens, *[EOS] * greedy.ended) == tuple(said)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 6), sources=st.lists(st.integers(4, 99), min_size=1, max_size=5))
def test_neighbours_change_nothing(seed: int, size: int, sources: list[int]) -> None:
    table = Table(seed, depth=14)
    rows = [(source, *[4] * (n % 3), EOS) for n, source in enumerate(sources)]
    together = find(table, rows, beam(size))
    assert together == [find(table, [row], beam(size))[0] for row in rows]


@given(seed=st.integers(0, 10**6), size=st.integers(1, 6))
def test_what_is_too_long_is_cut_and_says_so(seed: int, size: int) -> None:
    """Room for half a piece for each of 4 source pieces, and 10: 12 pieces."""
    table = Table(seed, depth=99)
    [found] = find(table, [(4, 5, 6, EOS)], beam(size, max_length=0.5))
    for hypothesis in found:
        assert len(hypothesis.tokens) + hypothesis.ended <= 12
        assert hypothesis.ended or len(hypothesis.tokens) == 12
        expected = table.log_prob(4, hypothesis.tokens, ended=hypothesis.ended)
        assert hypothesis.log_prob == pytest.approx(expected, abs=1e-4)
        length = len(hypothesis.tokens) + hypothesis.ended
        assert hypothesis.score == pytest.approx(hypothesis.log_prob / length)


def test_some_are_cut_and_some_are_not() -> None:
    """So the test above has both kinds to look at."""
    found = [h for seed in range(20) for h in find(Table(seed, depth=99), [(4, EOS)], beam(4, max_length=0.1))[0]]
    assert {h.ended for h in found} == {True, False}


def test_the_finished_leave_the_batch() -> None:
    """A sentence whose hypotheses have all ended is asked no more."""
    short = Table(3, depth=0)
    find(short, [(4, EOS), (5, EOS)], beam(3))
    assert short.seen == [2]
    mixed = Table(3, depth=2)
    find(mixed, [(4, EOS)], beam(EVERYTHING))
    assert mixed.seen == [1, 3, 9]


def test_a_model_without_a_sentence_left_ends() -> None:
    """More hypotheses are asked for than there are: all that there are come back."""
    [found] = find(Table(1, depth=1), [(4, EOS)], beam(30))
    assert sorted(h.tokens for h in found) == [(), (4,), (5,), (6,)]


# Ensembles


def test_an_ensemble_of_the_same_model_is_that_model() -> None:
    table = Table(5)
    [alone] = find(table, [(4, EOS)], beam(6))
    [together] = find(EnsembleStepper([table, table, table]), [(4, EOS)], beam(6))
    assert [h.tokens for h in together] == [h.tokens for h in alone]
    assert [h.log_prob for h in together] == pytest.approx([h.log_prob for h in alone], abs=1e-5)


def test_an_ensemble_says_the_mean_of_the_probabilities() -> None:
    tables = [Table(5), Table(6)]
    [found] = find(EnsembleStepper(tables), [(4, EOS)], beam(EVERYTHING))
    assert len(found) == EVERYTHING
    for hypothesis in found:
        said = (*hypothesis.tokens, EOS)
        mean = [sum(table.probabilities(4, said[:n])[token] for table in tables) / 2 for n, token in enumerate(said)]
        assert hypothesis.log_prob == pytest.approx(sum(map(math.log, mean)), abs=1e-5)


def test_an_ensemble_with_a_member_that_excludes_something_has_the_other_ones_half() -> None:
    """A probability of 0 in one model is no fault."""
    log_probs, _ = EnsembleStepper([Table(5, depth=0), Table(6)]).step(torch.tensor([BOS]), ensemble_state())
    assert log_probs[0].exp().sum().item() == pytest.approx(1.0)
    assert log_probs[0, 4].exp().item() == pytest.approx(Table(6).probabilities(4, ())[4] / 2)


def ensemble_state() -> object:
    return EnsembleStepper([Table(5), Table(6)]).start(torch.tensor([[4]]), torch.tensor([[True]]))


# Models


def tiny_model(cell: str = "gru", attend: str = "between", attention: str = "additive") -> Seq2Seq:
    torch.manual_seed(1)
    config = ModelConfig(
        cell=cell,  # type: ignore[arg-type]
        attend=attend,  # type: ignore[arg-type]
        attention=attention,  # type: ignore[arg-type]
        embed_size=8,
        hidden_size=6,
        num_layers=2,
    )
    model = build_model(config, src_vocab=12, trg_vocab=12).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.5)  # far from uniform; some hypotheses end, and some are cut
    return model


ROWS = [(4, 5, 6, EOS), (7, EOS), (8, 9, 10, 11, 4, 5, 6, 7, EOS), (EOS,)]

every_kind = pytest.mark.parametrize(
    ("cell", "attend", "attention"),
    [
        ("gru", "between", "additive"),
        ("gru", "first", "additive"),
        ("lstm", "between", "additive"),
        ("lstm", "first", "none"),
    ],
)


@every_kind
def test_the_forced_pass_gives_what_search_reported(cell: str, attend: str, attention: str) -> None:
    model = tiny_model(cell, attend, attention)
    seen = set()
    for row, found in zip(ROWS, find(ModelStepper(model), ROWS, beam(4)), strict=True):
        for hypothesis in found:
            seen.add(hypothesis.ended)
            batch = collate([EncodedPair(row, hypothesis.tokens)])
            with torch.inference_mode():
                logits = model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).logits
            said = torch.log_softmax(logits, dim=1).gather(1, batch.trg_out[0][:, None])[:, 0]
            total = said.sum() if hypothesis.ended else said[:-1].sum()
            assert total.item() == pytest.approx(hypothesis.log_prob, abs=1e-4)
    assert seen == {True, False}


@every_kind
def test_padding_and_neighbours_change_nothing(cell: str, attend: str, attention: str) -> None:
    stepper = ModelStepper(tiny_model(cell, attend, attention))
    together = find(stepper, ROWS, beam(4))
    for row, found in zip(ROWS, together, strict=True):
        [alone] = find(stepper, [row], beam(4))
        assert [h.tokens for h in found] == [h.tokens for h in alone]
        assert [h.log_prob for h in found] == pytest.approx([h.log_prob for h in alone], abs=1e-4)


def test_an_ensemble_of_models_carries_a_state_for_each() -> None:
    first, second = ModelStepper(tiny_model("gru")), ModelStepper(tiny_model("lstm"))
    twice = find(EnsembleStepper([first, first]), ROWS, beam(3))
    once = find(first, ROWS, beam(3))
    mixed = find(EnsembleStepper([first, second]), ROWS, beam(3))
    assert [[h.tokens for h in found] for found in twice] == [[h.tokens for h in found] for found in once]
    assert mixed != once


# Giving up


def with_margin(size: int, margin: float) -> Beam:
    return replace(beam(size), margin=margin)


@pytest.mark.parametrize("seed", range(8))
def test_without_any_margin_a_beam_follows_the_most_probable_alone(seed: int) -> None:
    """So it is greedy search."""
    table = Table(seed)
    [[greedy]] = find(table, [(4, EOS)], beam(1))
    [narrow] = find(table, [(4, EOS)], with_margin(4, 1e-9))
    assert narrow[0].tokens == greedy.tokens
    assert len(narrow) == 1


@pytest.mark.parametrize("seed", range(8))
def test_a_hypothesis_is_given_up_once_it_is_too_far_behind_the_best_of_its_length(seed: int) -> None:
    """Of all sentences those are found whose every beginning came near the best one as long."""
    table, margin = Table(seed), 1.5
    [found] = find(table, [(4, EOS)], with_margin(EVERYTHING, margin))
    alive: list[tuple[int, ...]] = [()]
    right = set()
    for _ in range(DEPTH + 1):
        longer = [(*said, word) for said in alive for word in WORDS if len(said) < DEPTH]
        grown = {said: table.log_prob(4, said, ended=False) for said in longer}
        done = {said: table.log_prob(4, said) for said in alive}
        enough = max([*grown.values(), *done.values()], default=0.0) - margin
        right |= {said for said, log_prob in done.items() if log_prob >= enough}
        alive = [said for said, log_prob in grown.items() if log_prob >= enough]
    assert {h.tokens for h in found} == right
    assert right < set(SENTENCES)


def test_what_is_given_up_in_one_sentence_is_not_in_another() -> None:
    table = Table(3)
    rows = [(4, EOS), (5, EOS), (6, EOS)]
    together = find(table, rows, with_margin(4, 1.0))
    for row, found in zip(rows, together, strict=True):
        assert [found] == find(table, [row], with_margin(4, 1.0))


# What may not be said


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), repeats=st.sampled_from([1, 2]))
def test_of_what_is_left_without_loops_everything_is_found(seed: int, repeats: int) -> None:
    """A single piece may come once more than `repeats` in a row."""
    table = Table(seed, depth=4, temperature=0.5)
    every = [words for length in range(5) for words in product(WORDS, repeat=length)]
    right = {
        words
        for words in every
        if not any(words[at:][: repeats + 2] == (word,) * (repeats + 2) for at in range(4) for word in WORDS)
        and not (repeats == 1 and len(words) == 4 and words[:2] == words[2:])
    }
    [found] = find(table, [(4, EOS)], replace(beam(len(every)), repeats=repeats))
    assert {h.tokens for h in found} == right
    assert right < set(every)
    for hypothesis in found:
        assert hypothesis.log_prob == pytest.approx(table.log_prob(4, hypothesis.tokens), abs=1e-5)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), unknown=st.integers(0, 2))
def test_an_unknown_piece_may_be_said_for_each_of_the_source(seed: int, unknown: int) -> None:
    """After its depth a table knows nothing but unknown pieces and the end."""
    table = Table(seed, depth=2)
    source = (4, *[UNK] * unknown, EOS)
    every = [words for n in range(2 + unknown + 1) for words in product((UNK, *WORDS), repeat=n)]
    right = {words for words in every if words.count(UNK) <= unknown and set(words[2:]) <= {UNK}}
    [found] = find(table, [source], replace(beam(len(every)), copy_unknown=True))
    assert {h.tokens for h in found} == right
    [without] = find(table, [source], beam(len(every)))
    assert {h.tokens for h in without} == {words for words in right if UNK not in words}
