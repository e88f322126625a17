"""The walk through one translation: the source's states, then each step's query, scores, weights, context, choice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from s2s.data.batches import EncodedPair
from s2s.data.tokenizer import BOS, EOS, UNK, Tokenizer, normalise
from s2s.decoding.copying import find_unknown
from s2s.decoding.search import Hypothesis, search
from s2s.decoding.stepper import ModelStepper
from s2s.decoding.translator import LONGEST
from s2s.errors import S2SError, UsageError
from s2s.evaluation.alignment import WordAlignment, merge_to_words
from s2s.nn.attention import Hop
from s2s.nn.decoder import DecoderState
from s2s.nn.model import Seq2Seq
from s2s.nn.watching import Question, watch_attention
from s2s.workflow.sides import Side, join_side, split_side
from s2s.workflow.translation import Run

START, END = "<start>", "<end>"
"""How bos and eos are written for people."""

Vector = tuple[float, ...]


@dataclass(frozen=True)
class SidePiece:
    """A piece of a sentence: as the tokenizer spells it, its id, and the number of its word (None: of no word)."""

    piece: str
    id: int
    word: int | None


@dataclass(frozen=True)
class Source:
    """The source as the model reads it: words, pieces with `<end>`, and the encoder's state h_j of each piece."""

    text: str
    words: tuple[str, ...]
    pieces: tuple[SidePiece, ...]
    states: tuple[Vector, ...]


@dataclass(frozen=True)
class Target:
    """The translation that is walked through.

    Attributes:
        pieces: with `<end>`, unless search cut it before.
        given: whether it was given; otherwise it is the model's own.
        log_prob: of all its pieces, in nats.
        score: the log-probability, normalised by length as the run's search does.
    """

    text: str
    words: tuple[str, ...]
    pieces: tuple[SidePiece, ...]
    given: bool
    log_prob: float
    score: float


@dataclass(frozen=True)
class Choice:
    """A piece that could be said next: its probability, the log of it in nats, and its rank from 1."""

    piece: str
    id: int
    probability: float
    log_prob: float
    rank: int


@dataclass(frozen=True)
class HopNumbers:
    """One read of the source: the query u^k, the score e_ij and weight of each source piece, what was found."""

    query: Vector
    scores: Vector
    weights: Vector
    context: Vector


@dataclass(frozen=True)
class Raised:
    """What the lexical reading added to the logit of a target piece."""

    piece: str
    id: int
    logit: float


@dataclass(frozen=True)
class StepNumbers:
    """A step of the decoder, i.

    Attributes:
        number: i, from 1.
        before: y_{i-1}, the piece said before.
        state_before: s_{i-1}.
        query: what asks; equal to one of the states unless it is a state between them.
        hops: the reads; none where the model has no attention.
        context: c_i, which the cell or the readout gets; of no numbers where the decoder sees no context.
        state_after: s_i.
        lexical: the pieces that the lexical reading speaks for most, and the chosen one; none without it.
        chosen: y_i.
        runners_up: the likeliest other pieces.
    """

    number: int
    before: str
    state_before: Vector
    query: Vector
    hops: tuple[HopNumbers, ...]
    context: Vector
    state_after: Vector
    lexical: tuple[Raised, ...]
    chosen: Choice
    runners_up: tuple[Choice, ...]


@dataclass(frozen=True)
class Walk:
    """All numbers of a translation, in the order in which they are computed.

    Attributes:
        asks: the state that is the query of step i, as the equations write it: s_{i-1}, s'_i or s_i.
        start: s_0.
    """

    source: Source
    target: Target
    asks: str
    start: Vector
    steps: tuple[StepNumbers, ...]

    @property
    def alignment(self) -> WordAlignment | None:
        """The last hop's weights in words; None where there are no weights, or search cut the translation."""
        if self.target.pieces[-1].word is not None or not self.steps[0].hops:
            return None
        weights = np.array([step.hops[-1].weights for step in self.steps])
        src, trg = ([p.word or 0 for p in side.pieces[:-1]] for side in (self.source, self.target))
        words = self.source.words, self.target.words
        return WordAlignment(*words, merge_to_words(weights, src, trg, len(words[0]), len(words[1])))


def explain(
    run: Run, sentence: str, target: str | None = None, *, beam: int | None = None, runners_up: int = 3
) -> Walk:
    """Walk through the translation of a sentence.

    Args:
        target: a translation to follow; None is the model's own.
        beam: hypotheses followed to find the model's own; None is what the run was configured with.
        runners_up: other pieces to tell of at each step.

    Raises:
        S2SError: the sentence is blank or too long to be translated in one part, or the model's numbers are not finite.
    """
    source = split_side(sentence, run.tokenizers.src, run.src_lang, "natural")
    _check_length(source)
    src = torch.tensor([[*source.pieces, EOS]], device=run.compute.device)
    with torch.no_grad(), run.compute.search_autocast():
        if target is None:
            best = _best(run, src, beam)
            copies = _copies(run, sentence, source.pieces, best.tokens)
            said, ends = join_side(best.tokens, run.tokenizers.trg, run.trg_lang, copies), (EOS,) * best.ended
            text = run.tokenizers.trg.decode(best.tokens, copies)
        else:
            said, ends = split_side(target, run.tokenizers.trg, run.trg_lang, "natural"), (EOS,)
            text = normalise(target)
        walker = _Walker(run.model, run.tokenizers.trg, runners_up)
        walked = walker.walk(src, [*said.pieces, *ends])
    log_prob = sum(step.chosen.log_prob for step in walked.steps)
    return Walk(
        source=Source(
            text=normalise(sentence),
            words=source.words,
            pieces=_pieces(source, (EOS,), run.tokenizers.src),
            states=walked.states,
        ),
        target=Target(
            text=text,
            words=said.words,
            pieces=_pieces(said, ends, run.tokenizers.trg),
            given=target is not None,
            log_prob=log_prob,
            score=run.beam().score(log_prob, len(walked.steps)),
        ),
        asks=run.model.decoder.order.asks,
        start=walked.start,
        steps=walked.steps,
    )


def _check_length(source: Side) -> None:
    if not source.pieces:
        raise UsageError(
            "the sentence is blank, so there is nothing to walk through",
            where="SENTENCE",
            hint='Give a sentence, in quotes: "A dog runs."',
        )
    if len(source.pieces) > LONGEST:
        raise S2SError(
            f"the sentence has {len(source.pieces):,} pieces; beyond {LONGEST:,} a text is translated in parts",
            where="SENTENCE",
            hint="Give one of its sentences.",
        )


def _copies(run: Run, sentence: str, src: tuple[int, ...], said: tuple[int, ...]) -> list[str]:
    """What the model copied for each unknown piece that it said."""
    unknown = [text for piece, text in run.tokenizers.src.spelled(sentence) if piece == UNK]
    [places] = find_unknown(run.attention, [EncodedPair((*src, EOS), said)])
    return [unknown[at] for at in places]


def _best(run: Run, src: Tensor, beam: int | None) -> Hypothesis:
    how = run.beam(beam)
    is_phrase = torch.tensor(run.tokenizers.trg.phrase_pieces(), device=src.device)
    [found] = search(ModelStepper(run.model), src, torch.ones_like(src, dtype=torch.bool), how, is_phrase)
    if not found:
        raise _not_finite()
    return found[0]


def _not_finite() -> S2SError:
    return S2SError(
        "the model's probabilities are not numbers: its training has failed",
        hint="Train it again with a lower training.learning_rate.",
    )


def _pieces(side: Side, ends: Sequence[int], tokenizer: Tokenizer) -> tuple[SidePiece, ...]:
    """The pieces of a side, and after them those of no word."""
    ids = (*side.pieces, *ends)
    words = (*(word if side.words else None for word in side.word_of_piece), *(None for _ in ends))
    return tuple(SidePiece(_spelling(i, tokenizer), i, word) for i, word in zip(ids, words, strict=True))


def _spelling(piece: int, tokenizer: Tokenizer) -> str:
    return {BOS: START, EOS: END}.get(piece) or tokenizer.pieces([piece])[0]


@dataclass(frozen=True)
class _Walked:
    states: tuple[Vector, ...]
    start: Vector
    steps: tuple[StepNumbers, ...]


@dataclass(frozen=True)
class _Walker:
    """Takes a model through a translation piece by piece, as search does, and writes down what it sees."""

    model: Seq2Seq
    tokenizer: Tokenizer
    runners_up: int

    def walk(self, src: Tensor, pieces: Sequence[int]) -> _Walked:
        """The numbers of a source (1, src) and the pieces said, eos among them where it was said."""
        questions: list[Question] = []
        model = watch_attention(self.model, questions.append)
        encoded = model.encoder(src, torch.ones_like(src, dtype=torch.bool))
        state = model.decoder.start(encoded)
        start, steps = _vector(model.decoder.order.top(state.carried)), []
        for number, (before, piece) in enumerate(zip((BOS, *pieces), pieces, strict=False), start=1):
            step = model.step(torch.tensor([before], device=src.device), state)
            log_probs = torch.log_softmax(step.logits[0].float(), dim=0)
            if not torch.isfinite(log_probs).all():
                raise _not_finite()
            look = questions[-1].look
            steps.append(
                StepNumbers(
                    number=number,
                    before=_spelling(before, self.tokenizer),
                    state_before=_vector(model.decoder.order.top(state.carried)),
                    query=_vector(questions[-1].query),
                    hops=tuple(map(_numbers, look.hops)),
                    context=_vector(look.reading.context),
                    state_after=_vector(model.decoder.order.top(step.state.carried)),
                    lexical=self._lexical(step.weights, state, piece),
                    chosen=self._choice(log_probs, piece),
                    runners_up=self._others(log_probs, piece),
                )
            )
            state = step.state
        return _Walked(states=tuple(map(_vector, encoded.states[0].split(1))), start=start, steps=tuple(steps))

    def _choice(self, log_probs: Tensor, piece: int) -> Choice:
        log_prob = log_probs[piece]
        return Choice(
            piece=_spelling(piece, self.tokenizer),
            id=piece,
            probability=float(log_prob.exp()),
            log_prob=float(log_prob),
            rank=int((log_probs > log_prob).sum()) + 1,
        )

    def _others(self, log_probs: Tensor, piece: int) -> tuple[Choice, ...]:
        best = log_probs.topk(min(self.runners_up + 1, len(log_probs))).indices.tolist()
        others = [other for other in best if other != piece][: self.runners_up]
        return tuple(self._choice(log_probs, other) for other in others)

    def _lexical(self, weights: Tensor, state: DecoderState, piece: int) -> tuple[Raised, ...]:
        """What the lexicon adds, for the pieces it speaks for most and the one said; none where it reads nothing."""
        if not state.words.shape[-1]:
            return ()
        lexicon, output = self.model.decoder.lexicon, self.model.decoder.output
        read = lexicon.read(weights[:, None], state.words)[0, 0]
        silent = read.new_zeros(output.weight.shape[1])
        added = (lexicon.speak(output, silent, read) - output(silent)).float()
        best = added.topk(min(self.runners_up, len(added))).indices.tolist()
        told = best if piece in best else [*best, piece]
        return tuple(Raised(_spelling(i, self.tokenizer), i, float(added[i])) for i in told)


def _numbers(hop: Hop) -> HopNumbers:
    return HopNumbers(
        query=_vector(hop.query),
        scores=_vector(hop.scores),
        weights=_vector(hop.weights),
        context=_vector(hop.context),
    )


def _vector(row: Tensor) -> Vector:
    """A row (1, width) as numbers."""
    return tuple(row[0].float().tolist())
