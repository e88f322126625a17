"""Scores of a run on sentence pairs."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from s2s.data.batches import EncodedPair, collate, group_by_length
from s2s.data.corpus import Pair
from s2s.data.tokenizer import EOS
from s2s.decoding.search import Beam
from s2s.errors import S2SError
from s2s.evaluation.metrics import Score, score_translations
from s2s.training.trainer import Scores
from s2s.workflow.translation import Run

BATCH_TOKENS = 4000
"""Target tokens in a batch of the forced pass; there is no gradient to keep, so it is larger than in training."""


@dataclass(frozen=True)
class Evaluation:
    """What a run scores on a set of pairs.

    Attributes:
        scores: corpus scores with their signatures.
        loss: cross-entropy of the references in nats a piece, without smoothing.
        perplexity: its exponential; comparable between runs with the same target tokenizer only.
        sentences: pairs scored.
        search: the decoding settings, in words.
        translations: the run's translation of each source.
    """

    scores: list[Score]
    loss: float
    perplexity: float
    sentences: int
    search: str
    translations: list[str]


WINDOW = 512
"""Sentences that are translated together, between two questions whether to stop."""


class ScoringStoppedError(Exception):
    """Somebody asked to stop before everything was translated."""


def describe(beam: Beam) -> str:
    """The decoding settings as they stand beside a score."""
    margin = "" if beam.margin == math.inf else f", margin {beam.margin:g}"
    repeats = f", repeats {beam.repeats}" if beam.repeats else ""
    limits = f"length penalty {beam.length_penalty:g}, max length {beam.max_length:g} x source + 10"
    copies = ", unknown words copied" if beam.copy_unknown else ""
    return f"beam {beam.size}{margin}{repeats}{copies}, {limits}"


def evaluate(
    run: Run,
    pairs: Sequence[Pair],
    beam: Beam,
    names: Sequence[str] = ("BLEU", "chrF2", "TER"),
    should_stop: Callable[[], bool] | None = None,
) -> Evaluation:
    """Translate the sources and score the translations; force the references through the model for perplexity.

    Args:
        should_stop: if given, asked every `WINDOW` sentences.

    Raises:
        S2SError: there is no pair.
        ScoringStoppedError: `should_stop` said so.
    """
    if not pairs:
        raise S2SError("there is nothing to score: the files have no line")
    # Whoever asks for it, a score is of the same batches: another window has others, and with them other last digits.
    translator = run.translator(beam).with_window(WINDOW)
    sources: Iterable[str] = (pair.src for pair in pairs)
    if should_stop is not None:
        sources = _until(should_stop, sources)
    translations = [best[0].text for best in translator.translate(sources)]
    loss = reference_loss(run, pairs)
    return Evaluation(
        scores=score_translations(translations, [pair.trg for pair in pairs], names),
        loss=loss,
        perplexity=math.exp(min(loss, 700.0)),
        sentences=len(pairs),
        search=describe(beam),
        translations=translations,
    )


def _until(should_stop: Callable[[], bool], sources: Iterable[str]) -> Iterator[str]:
    for number, source in enumerate(sources):
        if number % WINDOW == 0 and should_stop():
            raise ScoringStoppedError
        yield source


def validator(run: Run, pairs: Sequence[Pair], look: Callable[[Sequence[str]], None]) -> Callable[[], Scores]:
    """What a trainer calls to score its model on dev: greedy search, for speed; `look` is shown the translations.

    Nothing keeps it from saying a phrase again and again, so that `look` sees where the model does.
    """
    beam = replace(run.beam(1), repeats=0)

    def validate() -> Scores:
        result = evaluate(run, pairs, beam, names=("BLEU", "chrF2"))
        look(result.translations)
        by_name = {score.name: score.value for score in result.scores}
        return {
            "loss": result.loss,
            "perplexity": result.perplexity,
            "bleu": by_name["BLEU"],
            "chrf": by_name["chrF2"],
        }

    return validate


def reference_loss(run: Run, pairs: Sequence[Pair]) -> float:
    """Cross-entropy of the references, in nats a piece (end of sentence counted), without smoothing."""
    sources = run.tokenizers.src.encode_all(pair.src for pair in pairs)
    targets = run.tokenizers.trg.encode_all(pair.trg for pair in pairs)
    encoded = [EncodedPair((*src, EOS), tuple(trg)) for src, trg in zip(sources, targets, strict=True)]
    lengths = [len(pair.trg) + 1 for pair in encoded]
    order = sorted(range(len(encoded)), key=lengths.__getitem__)
    total, tokens = 0.0, 0
    for indices in group_by_length(order, lengths, BATCH_TOKENS):
        batch = collate([encoded[i] for i in indices]).to(run.compute.device)
        with torch.no_grad(), run.compute.autocast():
            total -= float(run.forced_log_probs(batch).sum())
        tokens += batch.tokens
    return total / tokens
