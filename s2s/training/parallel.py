"""One update on several cores: each has a replica of the model and a share of the batch's rows.

Replicas share their parameters and nothing else. Torch computes without holding Python's lock, so threads are
enough; a core that works by itself on half of the rows wastes less than two that meet after every small product.
"""

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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


class Replicas:
    """Replicas of a model that compute the gradient of a batch together.

    The result is the same for the same seed and number of replicas, whichever finishes first: each draws from its
    own random state, and their gradients are added in a fixed order.

    Args:
        model: its parameters get the gradients.
        count: replicas, each computing with one thread; 1 computes with all of torch's threads.
        seed: of their random states.
        autocast: makes the context of a forward pass.
    """

    def __init__(
        self,
        model: Seq2Seq,
        *,
        count: int,
        seed: int,
        label_smoothing: float,
        autocast: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._parameters = list(model.parameters())
        self._device = self._parameters[0].device
        self._label_smoothing = label_smoothing
        self._autocast = autocast
        self._generators = [_generator(self._device, seed, index) for index in range(count)]
        self._replicas = [_replica(model, generator) for generator in self._generators]
        self._threads = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))

    def backward(self, batches: Sequence[Batch], tokens: int) -> tuple[float, float]:
        """Put the gradient of the mean loss a token into the parameters.

        Args:
            batches: of one update.
            tokens: their real target tokens together, by which the loss is divided.

        Returns:
            The summed losses in nats: smoothed, and without smoothing.
        """
        smoothed = log_loss = 0.0
        for batch in batches:
            for share in self._shares(batch, tokens):
                smoothed += share.smoothed
                log_loss += share.log_loss
                for parameter, gradient in zip(self._parameters, share.gradients, strict=True):
                    parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)
        return smoothed, log_loss

    def rest_dropout(self, rests: bool) -> None:
        """Whether dropout leaves everything as it is from now on."""
        for replica in self._replicas:
            for dropout in _dropouts(replica):
                dropout.rests = rests

    def random_states(self) -> dict[str, Tensor]:
        """The random state of each replica, to be saved."""
        return {f"replica.{index}": generator.get_state() for index, generator in enumerate(self._generators)}

    def set_random_states(self, states: Mapping[str, Tensor]) -> None:
        """Go on drawing where saved states stood; a replica with none saved keeps its fresh one."""
        for index, generator in enumerate(self._generators):
            if (state := states.get(f"replica.{index}")) is not None:
                generator.set_state(state)

    def _shares(self, batch: Batch, tokens: int) -> list[Share]:
        # Neighbouring rows are of similar length: dealt out in turn, all shares take about as long.
        rows = [range(index, batch.src.shape[0], len(self._replicas)) for index in range(len(self._replicas))]
        work = [(model, batch.rows(part)) for model, part in zip(self._replicas, rows, strict=True) if len(part)]
        if len(self._replicas) == 1:
            return [self._share(model, part, tokens) for model, part in work]
        waiting = [self._threads.submit(self._share, model, part, tokens) for model, part in work]
        return [result.result() for result in waiting]

    def _share(self, model: Seq2Seq, batch: Batch, tokens: int) -> Share:
        batch = batch.to(self._device)
        with self._autocast():
            logits = model(batch.src, batch.src_mask, batch.trg_in, batch.trg_mask).logits
        loss = token_loss(logits, batch.trg_out[batch.trg_mask], label_smoothing=self._label_smoothing)
        gradients = torch.autograd.grad(loss.smoothed / tokens, self._parameters)
        return Share(float(loss.smoothed.detach()), float(loss.log_loss), gradients)


def _generator(device: torch.device, seed: int, index: int) -> torch.Generator:
    """The random state of a replica: of 32 mixed bits, since torch's CPU generator looks at no more of a seed."""
    return torch.Generator(device).manual_seed(random.Random(f"{seed} {index}").getrandbits(32))


def _replica(model: Seq2Seq, generator: torch.Generator) -> Seq2Seq:
    """A copy of the modules with the same parameters, in training mode, that draws from its own generator."""
    shared = {id(parameter): parameter for parameter in model.parameters()}
    replica = copy.deepcopy(model, shared).train()
    for dropout in _dropouts(replica):
        dropout.generator = generator
    return replica


def _dropouts(model: Seq2Seq) -> list[Dropout]:
    return [module for module in model.modules() if isinstance(module, Dropout)]
