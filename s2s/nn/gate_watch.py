"""Every cell of a model seen from the inside, token by token, in an ordinary pass over a sentence."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from s2s.nn.cells import Cell, Moment, State, Watch
from s2s.nn.encoder import Encoded
from s2s.nn.model import Seq2Seq
from s2s.nn.steps import Rows


@dataclass(frozen=True)
class Place:
    """Where in a model a cell stands.

    Attributes:
        part: `encoder` or `decoder`.
        layer: counted from 1, which reads the embeddings.
        which: of the cells of one layer: `forward` or `backward` in an encoder, what the order of attention calls it
            in a decoder (`first`, `second`); empty where there is no other.
    """

    part: str
    layer: int
    which: str

    @property
    def reads_backward(self) -> bool:
        """Whether the cell begins at the end of the sentence."""
        return self.which == "backward"


@dataclass(frozen=True)
class Track:
    """What a cell did in a pass.

    Attributes:
        gate_names: of the gates of each moment.
        moments: one for each token, in the order of the sentence, whichever way the cell reads it.
    """

    gate_names: tuple[str, ...]
    moments: tuple[Moment, ...]


def cells_of(model: Seq2Seq) -> dict[Place, Cell]:
    """Every cell of a model by its place: encoder before decoder, lower layers before upper ones."""
    order = model.decoder.order
    found = dict(_cells_in(order, "decoder", 1))
    for number, cell in enumerate(order.upper.cells, start=2):
        assert isinstance(cell, Cell)
        found[Place("decoder", number, "")] = cell
    layers = enumerate(model.encoder.stack.layers, start=1)
    return {place: cell for number, layer in layers for place, cell in _cells_in(layer, "encoder", number)} | found


def watch_encoder(model: Seq2Seq, src: Tensor, src_mask: Tensor) -> dict[Place, Track]:
    """What each cell of the encoder did.

    It computes step by step what torch's kernels for whole sequences compute at once, so its states equal those of
    `Encoder.forward` up to rounding. Gradients flow from every state to every one before it.

    Args:
        src: (batch, src) token ids, sentences of one length.
        src_mask: (batch, src), True throughout: with padding, a moment would belong to different places of the rows.
    """
    watched = _Watched(model)
    watched.encode(src, src_mask)
    return watched.tracks()


def watch_pass(model: Seq2Seq, src: Tensor, src_mask: Tensor, trg_in: Tensor, trg_mask: Tensor) -> dict[Place, Track]:
    """What each cell of the model did in the teacher-forced pass; the arguments of `Seq2Seq.forward`, unpadded.

    A decoder's moments are its steps: moment i reads the i-th token of `trg_in` and says the one after it.
    """
    watched = _Watched(model)
    watched.copy.decoder.unroll(trg_in, trg_mask, watched.copy.decoder.start(watched.encode(src, src_mask)))
    return watched.tracks()


def _cells_in(module: nn.Module, part: str, layer: int) -> Iterator[tuple[Place, Cell]]:
    """The cells that a module names `x_cell`, `x` or just `cell`."""
    for name, child in module.named_children():
        if isinstance(child, Cell):
            yield Place(part, layer, name.removesuffix("cell").rstrip("_")), child


class _Watched:
    """A model's copy, of the same parameters, whose cells note what they do."""

    def __init__(self, model: Seq2Seq) -> None:
        self._cells = cells_of(model)
        self._notes: Mapping[Place, list[Moment]] = {place: [] for place in self._cells}
        # deepcopy takes what its memo has for a thing instead of copying it: the same parameters, and other cells.
        memo: dict[int, Any] = {id(parameter): parameter for parameter in model.parameters()}
        memo |= {id(cell): _NotingCell(cell, self._notes[place].append) for place, cell in self._cells.items()}
        self.copy = copy.deepcopy(model, memo)

    def encode(self, src: Tensor, src_mask: Tensor) -> Encoded:
        """The encoder's part of the pass."""
        assert src_mask.all(), "padding"
        encoded: Encoded = self.copy.encoder(src, src_mask)
        return encoded

    def tracks(self) -> dict[Place, Track]:
        """Of the cells that had something to do."""
        return {
            place: Track(self._cells[place].gate_names, tuple(reversed(moments) if place.reads_backward else moments))
            for place, moments in self._notes.items()
            if moments
        }


class _NotingCell(Cell):
    """A cell that leaves all work to another, step by step, and notes each moment."""

    def __init__(self, cell: Cell, note: Callable[[Moment], None]) -> None:
        nn.Module.__init__(self)  # and not Cell's: it has no weights of its own
        self.cell = cell
        self.note = note
        self.input_size, self.hidden_size = cell.input_size, cell.hidden_size
        self.gates, self.gate_names, self.state_tensors = cell.gates, cell.gate_names, cell.state_tensors

    def project(self, inputs: Tensor) -> Tensor:
        """See `Cell.project`."""
        return self.cell.project(inputs)

    def bind_project(self) -> Rows:
        """See `Cell.bind_project`."""
        return self.cell.bind_project()

    def zero_state(self, batch: int) -> State:
        """See `Cell.zero_state`."""
        return self.cell.zero_state(batch)

    def watch(self) -> Watch:
        """See `Cell.watch`."""
        watch = self.cell.watch()

        def watch_and_note(projected: Tensor, state: State) -> Moment:
            moment = watch(projected, state)
            # Seen through views, h_t is not made from c_t any more: a gradient by the state after a step is one by
            # each of its tensors with the others held still.
            moment = Moment(tuple(tensor.view_as(tensor) for tensor in moment.state), moment.gates)
            self.note(moment)
            return moment

        return watch_and_note
