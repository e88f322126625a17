"""How far back the gradients of a run's encoder reach, beside those of other runs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from s2s.nn.gradient_reach import gradient_norms
from s2s.plots.gradients import Curve
from s2s.workflow.gates import END, cell_name, choose_cells, collate_pair, read_source, refuse_what_is_no_number
from s2s.workflow.sides import Side
from s2s.workflow.translation import Run


@dataclass(frozen=True)
class Reach:
    """The words along the axis, and a curve for each run."""

    words: tuple[str, ...]
    curves: tuple[Curve, ...]


def measure_reach(runs: Sequence[Run], sentence: str, *, layer: int, direction: str) -> Reach:
    """How strongly the last state of each run's encoder depends on its state after each word.

    See `gradient_norms` for what is measured. A word of several pieces has as many points, side by side in its place,
    so that runs with different tokenizers share one axis: the words of the first run's language.

    Args:
        runs: at least one.
        layer: of the encoders, counted from 1.
        direction: `forward` or `backward`.

    Raises:
        UsageError: the sentence is blank, or a run has no such layer or direction.
        S2SError: a run's model computes no numbers.
    """
    places = [place for run in runs for place in choose_cells(run, part="encoder", layer=layer, direction=direction)]
    sides = [read_source(sentence, run, runs[0].src_lang) for run in runs]
    curves = []
    for run, place, side, name in zip(runs, places, sides, _tell_apart(runs), strict=True):
        batch = collate_pair(run, side, ())
        norms = gradient_norms(run.model, batch.src, batch.src_mask, place).cpu().numpy()
        refuse_what_is_no_number(run, norms)
        curves.append(Curve(name, _positions(side), norms))
    return Reach((*sides[0].words, END), tuple(curves))


def _tell_apart(runs: Sequence[Run]) -> list[str]:
    """The runs' cells; with the directory where several have the same, with its path where that is not enough."""
    names = [cell_name(run) for run in runs]
    paths = [run.directory.path for run in runs]
    for places in ([path.name for path in paths], list(map(str, paths))):
        counts = Counter(names)
        names = [
            f"{cell_name(run)} ({place})" if counts[name] > 1 else name
            for run, place, name in zip(runs, places, names, strict=True)
        ]
    return names


def _positions(side: Side) -> npt.NDArray[np.float64]:
    """Where the pieces and the end stand on an axis of words: those of word k evenly between k - 0.5 and k + 0.5."""
    pieces = Counter(side.word_of_piece)
    seen: Counter[int] = Counter()
    places = []
    for word in side.word_of_piece:
        places.append(word - 0.5 + (seen[word] + 0.5) / pieces[word])
        seen[word] += 1
    return np.array([*places, float(len(side.words))])
