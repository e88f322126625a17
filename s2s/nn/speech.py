"""Speech: what logits are made of, for whoever wants them all at once and for whoever does not."""

from dataclasses import dataclass

from torch import Tensor

from s2s.nn.linear import affine


@dataclass(frozen=True)
class Addend:
    """W x + b of one output layer: inputs x (..., in), weight W (vocab, in), bias b (vocab)."""

    inputs: Tensor
    weight: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Speech:
    """Logits that are not computed yet: the sum of one or more addends."""

    addends: tuple[Addend, ...]

    def logits(self) -> Tensor:
        """All of them: (..., vocab)."""
        first, *others = (affine(addend.inputs, addend.weight, addend.bias) for addend in self.addends)
        for other in others:
            first = first + other
        return first
