"""What the cells of a run did at each token of a sentence: numbers, and the rows of the gate figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from s2s.data.batches import Batch, EncodedPair, collate
from s2s.data.corpus import Pair
from s2s.data.tokenizer import EOS, SPACE, Tokenizer
from s2s.errors import S2SError, UsageError
from s2s.nn.gate_watch import Place, Track, cells_of, watch_pass
from s2s.plots.gates import GatePanel, GateRow, Scale
from s2s.workflow.sides import Side, split_side
from s2s.workflow.translation import Run

__all__ = [
    "END",
    "CellRecord",
    "Place",
    "cell_name",
    "choose_cells",
    "collate_pair",
    "describe_tokens",
    "gate_panels",
    "place_name",
    "read_source",
    "record_gates",
    "refuse_what_is_no_number",
    "refuse_what_is_no_unit",
]

END = "<end>"
GOES_ON = "-"
"""Stands before a piece that goes on with the word of the piece before it."""

MEANINGS = {
    "i": "input gate",
    "f": "forget gate (1 keeps)",
    "o": "output gate",
    "r": "reset gate",
    "z": "update gate (1 keeps)",
    "g": "new content",
    "n": "new content",
}
"""What the gates of cells are called, by the letter that they have in the equations."""

STATES = (("h", "outer state"), ("c", "cell state"))
"""Letters and names of a state's tensors, in its order."""

WHICH = {"first": "first cell, before attention", "second": "second cell, after attention"}
"""What the cells of one layer are called where their place does not say it."""

SHARE = Scale("a gate: 0 is closed, 1 is open", "gray", lowest=0.0, stretches=False)
MEAN = Scale("new content, between −1 and 1: mean over units", "RdBu_r", lowest=-1.0, stretches=True)
SIZE = Scale("a state's size: root mean square over units", "YlOrBr", lowest=0.0, stretches=True)
VALUE = Scale("new content or state of a single unit", "PuOr_r", lowest=-1.0, stretches=True)


@dataclass(frozen=True, eq=False)
class CellRecord:
    """What a cell did at each token of a sentence.

    Attributes:
        place: where in the model it stands.
        tokens: what an encoder's cell read, or what the step of a decoder's said; the last is `END`.
        gates: by their letters, (tokens, hidden) each.
        states: by their letters, after each token, the same.
    """

    place: Place
    tokens: tuple[str, ...]
    gates: Mapping[str, npt.NDArray[np.floating]]
    states: Mapping[str, npt.NDArray[np.floating]]


def choose_cells(run: Run, *, part: str, layer: int, direction: str | None) -> list[Place]:
    """The cells of one layer.

    Args:
        part: `encoder` or `decoder`.
        layer: counted from 1.
        direction: `forward` or `backward`, of an encoder; all cells of the layer without one.

    Raises:
        UsageError: there is no such layer, or it does not read in this direction.
    """
    places = [place for place in cells_of(run.model) if place.part == part]
    layers = max(place.layer for place in places)
    if not 1 <= layer <= layers:
        raise UsageError(
            f"the {part} of {run.directory.path} has {_count(layers, 'layer')}, and none with the number {layer}",
            where="--layer",
            hint="Layers are counted from 1, which reads the words.",
        )
    chosen = [place for place in places if place.layer == layer and direction in (None, place.which)]
    if not chosen and part == "encoder":
        raise UsageError(
            f"the encoder of {run.directory.path} does not read {direction}",
            where="--direction",
            hint="Leave it out, or train a run with model.bidirectional=true.",
        )
    if not chosen:
        raise UsageError(
            "a decoder writes in one direction only", where="--direction", hint="It belongs to --part encoder."
        )
    return chosen


def place_name(place: Place) -> str:
    """The place in words."""
    which = WHICH.get(place.which, place.which)
    return f"{place.part} layer {place.layer}" + (f", {which}" if which else "")


def refuse_what_is_no_unit(run: Run, places: Sequence[Place], units: Sequence[int]) -> None:
    """Units are counted from 0.

    Raises:
        UsageError: a cell has no such unit.
    """
    cells = cells_of(run.model)
    for place in places:
        size = cells[place].hidden_size
        for unit in units:
            if not 0 <= unit < size:
                raise UsageError(
                    f"there is no unit {unit}: the {place_name(place)} has {size} of them",
                    where="--units",
                    hint=f"Units are counted from 0 to {size - 1}.",
                )


def record_gates(run: Run, pair: Pair, places: Sequence[Place]) -> list[CellRecord]:
    """What these cells did in the forced pass over a source and a translation, whoever made it.

    Raises:
        UsageError: the source is blank.
        S2SError: the model computes no numbers.
    """
    src = read_source(pair.src, run, run.src_lang)
    trg = split_side(pair.trg, run.tokenizers.trg, run.trg_lang, "natural")
    batch = collate_pair(run, src, trg.pieces)
    with torch.no_grad():
        tracks = watch_pass(run.model, batch.src, batch.src_mask, batch.trg_in, batch.trg_mask)
    tokens = {"encoder": _labels(src, run.tokenizers.src), "decoder": _labels(trg, run.tokenizers.trg)}
    records = [_record(place, tracks[place], tokens[place.part]) for place in places]
    for record in records:
        for values in (*record.gates.values(), *record.states.values()):
            refuse_what_is_no_number(run, values)
    return records


def gate_panels(run: Run, records: Sequence[CellRecord], units: Sequence[int]) -> list[GatePanel]:
    """The rows of the gate figure: for each cell the mean over its units, then each of the chosen units.

    Args:
        units: counted from 0.

    Raises:
        UsageError: a cell has no such unit.
    """
    refuse_what_is_no_unit(run, [record.place for record in records], units)
    panels = []
    for record in records:
        size = record.states["h"].shape[1]
        mean = f"mean of {_count(size, 'unit')} ({cell_name(run)})"
        panels.append(GatePanel(place_name(record.place), mean, _mean_rows(record)))
        panels += [GatePanel("", f"unit {unit}", _unit_rows(record, unit)) for unit in units]
    return panels


def describe_tokens(record: CellRecord) -> str:
    """What the columns of the figure are, in a line."""
    columns = {
        "encoder": "Columns: the pieces of the sentence, as they are read.",
        "decoder": "Columns: the pieces of the translation, as each step says them.",
    }[record.place.part]
    inside = any(token.startswith(GOES_ON) and token != GOES_ON for token in record.tokens)
    return columns + (f" A {GOES_ON} goes on with a word." if inside else "")


def read_source(sentence: str, run: Run, lang: str) -> Side:
    """A sentence of the source as the run's encoder reads it, and as words of a language.

    Raises:
        UsageError: it is blank.
    """
    side = split_side(sentence, run.tokenizers.src, lang, "natural")
    if not side.pieces:
        raise UsageError(
            "the sentence is blank: there is nothing to read", where="SENTENCE", hint="Give it some words, in quotes."
        )
    return side


def refuse_what_is_no_number(run: Run, values: npt.NDArray[np.floating]) -> None:
    """Numbers that a model of a run computed must be finite to be drawn.

    Raises:
        S2SError: one is not.
    """
    if not np.isfinite(values).all():
        raise S2SError(
            "the model computes no numbers here (nan or infinite): its training went astray",
            where=str(run.directory.path),
            hint="Train again with a lower training.learning_rate, or with training.clip above 0.",
        )


def collate_pair(run: Run, src: Side, trg: Sequence[int]) -> Batch:
    """A batch of one pair, where the run computes."""
    return collate([EncodedPair((*src.pieces, EOS), tuple(trg))]).to(run.compute.device)


def cell_name(run: Run) -> str:
    """What the cells of a run are, in its own settings' words."""
    model = run.config.model
    return model.cell if model.reset == "after" else f"{model.cell}, reset {model.reset}"


def _labels(side: Side, tokenizer: Tokenizer) -> tuple[str, ...]:
    """The pieces as they are spelled, without the mark of a space; one inside a word begins with `GOES_ON`."""
    labels, before = [], -1
    for piece, word in zip(tokenizer.pieces(side.pieces), side.word_of_piece, strict=True):
        text = piece.lstrip(SPACE)
        labels.append((GOES_ON if word == before and text == piece else "") + (text or SPACE))
        if text:  # a bare space is no part of the word that it stands before
            before = word
    return (*labels, END)


def _record(place: Place, track: Track, tokens: tuple[str, ...]) -> CellRecord:
    gates = zip(*(moment.gates for moment in track.moments), strict=True)
    states = zip(*(moment.state for moment in track.moments), strict=True)
    return CellRecord(
        place,
        tokens,
        gates={name: _stack(gate) for name, gate in zip(track.gate_names, gates, strict=True)},
        states={name: _stack(state) for (name, _), state in zip(STATES, states, strict=False)},
    )


def _stack(steps: Sequence[torch.Tensor]) -> npt.NDArray[np.floating]:
    """(1, hidden) of each token -> (tokens, hidden)."""
    found: npt.NDArray[np.floating] = torch.cat(list(steps)).float().cpu().numpy()
    return found


def _mean_rows(record: CellRecord) -> tuple[GateRow, ...]:
    gates = [GateRow(_gate_name(n), v.mean(axis=1), MEAN if _is_signed(v) else SHARE) for n, v in record.gates.items()]
    states = [GateRow(_state_name(n), np.sqrt((v**2).mean(axis=1)), SIZE) for n, v in record.states.items()]
    return _in_order(gates, states)


def _unit_rows(record: CellRecord, unit: int) -> tuple[GateRow, ...]:
    gates = [GateRow(_gate_name(n), v[:, unit], VALUE if _is_signed(v) else SHARE) for n, v in record.gates.items()]
    states = [GateRow(_state_name(n), v[:, unit], VALUE) for n, v in record.states.items()]
    return _in_order(gates, states)


def _in_order(gates: list[GateRow], states: list[GateRow]) -> tuple[GateRow, ...]:
    """Gates before what they let in, and the cell state before the outer state, which is made from it."""
    return (*sorted(gates, key=lambda row: row.scale is not SHARE), *reversed(states))


def _is_signed(values: npt.NDArray[np.floating]) -> bool:
    """Whether it is what a gate lets in: a gate is a share and never below 0."""
    return bool((values < 0).any())


def _gate_name(letter: str) -> str:
    return f"{MEANINGS.get(letter, 'gate')}  {letter}"


def _state_name(letter: str) -> str:
    return f"{dict(STATES)[letter]}  {letter}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
