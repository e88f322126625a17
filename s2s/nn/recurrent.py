"""Cells over time: directions, masks and layers."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from s2s.nn.cells import Cell
from s2s.nn.dropout import Dropout
from s2s.nn.rows import select_rows

Join = Callable[[Tensor, Tensor], Tensor]
"""What a layer from the second on hands up, from its own states and what it read, of one shape."""


def plain(states: Tensor, below: Tensor) -> Tensor:
    """The layer's states alone."""
    return states


def residual(states: Tensor, below: Tensor) -> Tensor:
    """Their sum with what it read (He et al. 2016): gradients have a way round the layer."""
    return states + below


def reverse_real(states: Tensor, mask: Tensor) -> Tensor:
    """Each row's real positions back to front, its padding left in place.

    Args:
        states: (batch, time, width).
        mask: (batch, time), True where real; padding only at the end of a row.
    """
    lengths = mask.sum(dim=1, keepdim=True)
    positions = torch.arange(mask.shape[1], device=mask.device)[None]
    source = torch.where(mask, lengths - 1 - positions, positions)
    first = torch.arange(mask.shape[0], device=mask.device)[:, None] * mask.shape[1]
    return select_rows(states.flatten(0, 1), (first + source).flatten()).view_as(states)


class Layer(nn.Module):
    """One recurrent layer that reads forward, or forward and backward.

    Padding stands at the end of a row, so that it cannot touch a real state: forward it comes after them, and
    backward the real positions are turned round alone.
    """

    def __init__(self, *, forward_cell: Cell, backward_cell: Cell | None) -> None:
        super().__init__()
        self.forward_cell = forward_cell
        self.backward_cell = backward_cell

    def forward(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The states of all positions, and the last one of each direction.

        Args:
            inputs: (batch, time, input).
            mask: (batch, time), True where real; every row has a real position.

        Returns:
            (batch, time, width) and [h_last forward; h_first backward] as (batch, width), where width is
            `hidden_size` times the number of directions.
        """
        last = mask.sum(dim=1) - 1
        rows = torch.arange(mask.shape[0], device=mask.device)
        batch = inputs.shape[0]
        states = self.forward_cell.run(inputs, self.forward_cell.zero_state(batch))
        if self.backward_cell is None:
            return states, states[rows, last]
        # Read from the end, its last state is at the place of a row's last real position, too.
        backward = self.backward_cell.run(reverse_real(inputs, mask), self.backward_cell.zero_state(batch))
        final = torch.cat((states[rows, last], backward[rows, last]), dim=1)
        return torch.cat((states, reverse_real(backward, mask)), dim=2), final


class Stack(nn.Module):
    """Layers, each reading what the one below hands up, with dropout between them."""

    def __init__(self, *, layers: Sequence[Layer], join: Join, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.join = join
        self.dropout = Dropout(dropout)

    def forward(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """What the top layer hands up, (batch, time, width), and the final state (batch, width) of each layer."""
        first, *upper = self.layers
        states, final = first(inputs, mask)
        finals = [final]
        for layer in upper:
            above, final = layer(self.dropout(states), mask)
            states = self.join(above, states)
            finals.append(final)
        return states, tuple(finals)
