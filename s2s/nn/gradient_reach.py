"""How far back the gradient of a recurrent cell's last state reaches: what makes a plain RNN forget."""

import torch
from torch import Tensor

from s2s.nn.gate_watch import Place, cells_of, watch_encoder
from s2s.nn.model import Seq2Seq

CHUNK = 64
"""Rows of the Jacobian that are computed together; memory grows with it."""


def gradient_norms(model: Seq2Seq, src: Tensor, src_mask: Tensor, place: Place) -> Tensor:
    """How strongly an encoder cell's last state depends on its state after each token.

    norm_t = ||d h_n / d s_t||_F / sqrt(hidden), where h_n is the outer state after the last token that the cell
    reads, s_t its whole state (h_t, for LSTMs (h_t, c_t)) after token t, and ||.||_F the Frobenius norm of the
    Jacobian: the root mean square norm of the gradient of u . h_n by s_t over all unit vectors u. So norm_n is 1, and
    what falls from there with n - t vanishes (Hochreiter 1991; Bengio et al. 1994). It is the path through this
    cell's own recurrence, with its inputs held still, and it is exact: nothing is drawn at random.

    Args:
        src: (1, src) token ids of one sentence.
        src_mask: (1, src), True throughout.
        place: a cell of the encoder.

    Returns:
        (src) norms in the order of the sentence; of a backward cell the first is the 1.
    """
    hidden_size = cells_of(model)[place].hidden_size
    square = torch.zeros(src.shape[1], dtype=torch.float64, device=src.device)
    with torch.enable_grad():
        for directions in torch.split(torch.eye(hidden_size, device=src.device), CHUNK):
            rows = directions.shape[0]
            moments = watch_encoder(model, src.expand(rows, -1), src_mask.expand(rows, -1))[place].moments
            last = moments[0 if place.reads_backward else -1].state[0]
            states = [tensor for moment in moments for tensor in moment.state]
            # Rows do not touch each other, so one backward pass gives each its own row of the Jacobian.
            found = torch.autograd.grad(last, states, directions.to(last.dtype), allow_unused=True)
            tensors = len(states) // len(moments)
            for index, gradient in enumerate(found):
                if gradient is not None:  # c_n has no way to h_n: nothing reads it any more
                    square[index // tensors] += gradient.double().square().sum()
    return (square / hidden_size).sqrt()
