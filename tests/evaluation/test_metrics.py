import pytest
import sacrebleu

from s2s.errors import S2SError, UsageError
from s2s.evaluation.metrics import METRICS, score_translations

REFERENCES = ["The cat sat on the mat.", "It was signed in August 1992.", "A man rides a red bike."]
HYPOTHESES = ["The cat sat on a mat.", "It was signed in 1992.", "A man rides the bike."]


def test_scores_are_those_of_sacrebleu() -> None:
    values = [score.value for score in score_translations(HYPOTHESES, REFERENCES)]
    expected = [
        sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES]).score,
        sacrebleu.corpus_chrf(HYPOTHESES, [REFERENCES]).score,
        sacrebleu.corpus_ter(HYPOTHESES, [REFERENCES]).score,
    ]
    assert values == expected


def test_equal_texts_have_the_best_scores() -> None:
    values = {score.name: score.value for score in score_translations(REFERENCES, REFERENCES)}
    assert values == pytest.approx({"BLEU": 100, "chrF2": 100, "TER": 0})


def test_signatures_say_references_settings_and_version() -> None:
    signatures = {score.name: score.signature for score in score_translations(HYPOTHESES, REFERENCES)}
    for signature in signatures.values():
        assert "nrefs:1" in signature
        assert f"version:{sacrebleu.__version__}" in signature
    assert "tok:13a" in signatures["BLEU"]
    assert "nc:6|nw:0" in signatures["chrF2"]
    assert "tok:tercom" in signatures["TER"]


def test_scores_come_in_the_order_asked_for() -> None:
    scores = score_translations(HYPOTHESES, REFERENCES, names=("TER", "BLEU"))
    assert [score.name for score in scores] == ["TER", "BLEU"]


def test_a_blank_translation_is_an_empty_one_and_costs_its_reference() -> None:
    blank = score_translations([*HYPOTHESES[:2], " \u3000\t"], REFERENCES)
    empty = score_translations([*HYPOTHESES[:2], ""], REFERENCES)
    best = score_translations([*HYPOTHESES[:2], REFERENCES[2]], REFERENCES)
    assert blank == empty
    assert empty[0].value < best[0].value
    assert empty[2].value > best[2].value


def test_empty_translations_of_everything_are_the_worst() -> None:
    values = {score.name: score.value for score in score_translations([""] * 3, REFERENCES)}
    assert values == {"BLEU": 0, "chrF2": 0, "TER": 100}


def test_empty_references_have_scores() -> None:
    assert len(score_translations(["", "one word"], ["", ""])) == len(METRICS)


def test_unequal_counts() -> None:
    with pytest.raises(S2SError, match="There are 2 translations but 1,001 references"):
        score_translations(["a", "b"], ["c"] * 1001)


def test_no_sentences() -> None:
    with pytest.raises(S2SError, match="nothing to score: 0 translations and 0 references"):
        score_translations([], [])


def test_unknown_score_and_its_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"no score 'bleu'; the scores are BLEU, chrF2, TER[^?]*'BLEU'\?"):
        score_translations(["a"], ["b"], names=["bleu"])
    with pytest.raises(UsageError, match=r"no score 'xyz'; the scores are BLEU, chrF2, TER\.$"):
        score_translations(["a"], ["b"], names=["xyz"])
