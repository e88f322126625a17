"""When another search is believed to be the better one."""

from collections.abc import Sequence

import pytest
from small_runs import Finished

from s2s.data.corpus import Pair
from s2s.workflow.translation import Run, load_run
from s2s.workflow.tuning import FEWEST, Trial, choose

REFERENCES = [f"le chat numéro {n} dort sur la table rouge" for n in range(2 * FEWEST)]


def trial(beam: int, right: int, of: Sequence[str] = REFERENCES) -> Trial:
    """A search whose first so many translations are right; the others have one wrong word."""
    said = tuple(line if n < right else line.replace("rouge", "verte") for n, line in enumerate(of))
    return Trial(beam, 1.0, float(right), said)


@pytest.fixture
def run(finished: Finished) -> Run:
    return load_run(finished.path, threads=1)


def pairs(of: Sequence[str] = REFERENCES) -> list[Pair]:
    return [Pair("a", line) for line in of]


def test_what_is_better_on_most_sentences_is_believed(run: Run) -> None:
    own, other = trial(run.beam().size, 20), trial(8, 190)
    choice = choose(run, [own, other], pairs())
    assert (choice.best, choice.own) == (other, own)
    assert choice.is_better


def test_the_more_were_tried_the_less_the_best_is_believed(run: Run) -> None:
    own, best = trial(run.beam().size, 20), trial(8, 26)
    alone = choose(run, [own, best], pairs())
    assert alone.is_better
    among_many = choose(run, [own, *[trial(9, 19)] * 50, best], pairs())
    assert among_many.best is best
    assert among_many.p_value == pytest.approx(min(51 * alone.p_value, 1.0))
    assert not among_many.is_better


def test_few_sentences_prove_nothing(run: Run) -> None:
    few = REFERENCES[: FEWEST - 1]
    choice = choose(run, [trial(run.beam().size, 0, few), trial(8, len(few), few)], pairs(few))
    assert choice.p_value < 0.05
    assert not choice.is_better


def test_of_equals_the_runs_own_stays(run: Run) -> None:
    own = trial(run.beam().size, 20)
    choice = choose(run, [trial(1, 20), own, trial(8, 3)], pairs())
    assert choice.best is own
    assert choice.p_value == 1.0
    assert not choice.is_better
