"""Where the decoder starts: its state before the first target token, from the encoder's last states."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from s2s.nn.cells import State
from s2s.nn.linear import Linear


class Start(nn.Module, ABC):
    """A way to start.

    Args:
        state_tensors: tensors in the state of a decoder's cell.
    """

    def __init__(self, *, state_tensors: int) -> None:
        super().__init__()
        self.state_tensors = state_tensors

    @abstractmethod
    def forward(self, final: Sequence[Tensor]) -> tuple[State, ...]:
        """The encoder's final states, (batch, state) per layer -> the decoder's start states, (batch, width) each."""


class Bridge(Start):
    """s_0 = tanh(W [h_last forward; h_first backward] + b): one W and b per layer and per tensor of the state.

    Args:
        state_size: width of the encoder's states, of both directions together.
        width: of the decoder's states.
    """

    def __init__(self, *, state_size: int, width: int, num_layers: int, state_tensors: int) -> None:
        super().__init__(state_tensors=state_tensors)
        self.layers = nn.ModuleList(Linear(state_size, width * state_tensors) for _ in range(num_layers))

    def forward(self, final: Sequence[Tensor]) -> tuple[State, ...]:
        """See `Start.forward`."""
        return tuple(
            torch.tanh(layer(state)).to(state.dtype).chunk(self.state_tensors, dim=1)
            for layer, state in zip(self.layers, final, strict=True)
        )


class LastState(Start):
    """s_0 = [h_last forward; h_first backward] as it is; a cell state beside it starts at zero."""

    def forward(self, final: Sequence[Tensor]) -> tuple[State, ...]:
        """See `Start.forward`."""
        return tuple((state, *(torch.zeros_like(state) for _ in range(self.state_tensors - 1))) for state in final)


class ZeroState(Start):
    """s_0 = 0: all that the decoder learns of the source, it learns by reading it.

    Args:
        width: of the decoder's states.
    """

    def __init__(self, *, width: int, state_tensors: int) -> None:
        super().__init__(state_tensors=state_tensors)
        self.width = width

    def forward(self, final: Sequence[Tensor]) -> tuple[State, ...]:
        """See `Start.forward`."""
        return tuple(
            tuple(state.new_zeros(state.shape[0], self.width) for _ in range(self.state_tensors)) for state in final
        )
