"""The linear layer as this program starts it."""

from torch import nn


class Linear(nn.Linear):
    """W x + b, W drawn as Glorot & Bengio (2010) say and b zero; either side may be 0 wide."""

    def reset_parameters(self) -> None:
        """Draw the weights."""
        bound = (6.0 / (self.in_features + self.out_features)) ** 0.5
        self.weight.data.uniform_(-bound, bound)
        if self.bias is not None:
            self.bias.data.zero_()
