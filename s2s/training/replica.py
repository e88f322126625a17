"""A replica: the model's modules once more, with the same parameters and a random state of their own."""

import copy
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from s2s.data.batches import Batch
from s2s.nn.dropout import Dropout
from s2s.nn.model import Seq2Seq
from s2s.training.loss import token_loss


@dataclass(frozen=True)
class Share:
    """What one replica found on its rows: summed losses in nats, and a gradient per parameter."""

    smoothed: float
    log_loss: float
    gradients: Sequence[Tensor]


@dataclass(frozen=True)
class ReplicaPlan:
    """What a replica is made of, wherever that is done.

    Attributes:
        model: its parameters are shared.
        seed: of this replica's random state.
        autocast: makes the context of a forward pass.
    """

    model: Seq2Seq
    seed: int
    label_smoothing: float
    autocast: Callable[[], AbstractContextManager[object]]

    def make(self) -> "Replica":
        """The replica."""
        return Replica(self)


def seed_of(seed: int, index: int) -> int:
    """The seed of one replica of many: 32 mixed bits, since torch's CPU generator looks at no more of a seed."""
    return random.Random(f"{seed} {index}").getrandbits(32)


class Replica:
    """Computes the gradient of rows in training mode, whatever mode the model is in; draws from its own generator."""

    def __init__(self, plan: ReplicaPlan) -> None:
        self._plan = plan
        self._parameters = list(plan.model.parameters())
        self._device = self._parameters[0].device
        self._generator = torch.Generator(self._device).manual_seed(plan.seed)
        self._model = copy.deepcopy(plan.model, {id(parameter): parameter for parameter in self._parameters}).train()
        self._dropouts = [module for module in self._model.modules() if isinstance(module, Dropout)]
        for dropout in self._dropouts:
            dropout.generator = self._generator

    def share(self, batch: Batch, tokens: int) -> Share:
        """Losses of these rows, and the gradient of their sum divided by `tokens`."""
        batch = batch.to(self._device)
        with self._plan.autocast():
            speech = self._model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).speech
            loss = token_loss(speech, batch.trg_out[batch.trg_mask], label_smoothing=self._plan.label_smoothing)
        gradients = torch.autograd.grad(loss.smoothed / tokens, self._parameters)
        return Share(float(loss.smoothed.detach()), float(loss.log_loss), gradients)

    def rest_dropout(self, rests: bool) -> None:
        """Whether dropout leaves everything as it is from now on."""
        for dropout in self._dropouts:
            dropout.rests = rests

    def random_state(self) -> Tensor:
        """Where its generator stands."""
        return self._generator.get_state()

    def set_random_state(self, state: Tensor) -> None:
        """Go on drawing from there."""
        self._generator.set_state(state)
