"""One update on several cores: each has a replica of the model and a share of the batch's rows.

Replicas share their parameters and nothing else. A core that works by itself on half of the rows wastes less than two
that meet after every small product.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from torch import Tensor

from s2s.data.batches import Batch
from s2s.nn.model import Seq2Seq
from s2s.training.hands import Hand, Here, InProcess, InThread, SharedMemory
from s2s.training.replica import ReplicaPlan, Share, seed_of


class Replicas:
    """Replicas of a model that compute the gradient of a batch together.

    The result is the same for the same seed and number of replicas, whichever finishes first and wherever it
    computes: each draws from its own random state, and their gradients are added in a fixed order.

    Args:
        model: its parameters get the gradients.
        count: replicas, each computing with one thread; 1 computes with all of torch's threads.
        seed: of their random states.
        autocast: makes the context of a forward pass.
        apart: whether those after the first compute in processes of their own; the parameters are float32 then, and
            on the CPU.
    """

    def __init__(
        self,
        model: Seq2Seq,
        *,
        count: int,
        seed: int,
        label_smoothing: float,
        autocast: Callable[[], AbstractContextManager[object]],
        apart: bool = False,
    ) -> None:
        self._parameters = list(model.parameters())
        plans = [ReplicaPlan(model, seed_of(seed, index), label_smoothing, autocast) for index in range(count)]
        self._hands = _hands(plans, apart)

    def backward(self, batches: Sequence[Batch], tokens: int) -> tuple[float, float]:
        """Put the gradient of the mean loss a token into the parameters.

        Args:
            batches: of one update.
            tokens: their real target tokens together, by which the loss is divided.

        Returns:
            The summed losses in nats: smoothed, and without smoothing.

        Raises:
            S2SError: the process of a replica has ended.
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
        for hand in self._hands:
            hand.rest_dropout(rests)

    def random_states(self) -> dict[str, Tensor]:
        """The random state of each replica, to be saved."""
        return {f"replica.{index}": hand.random_state() for index, hand in enumerate(self._hands)}

    def set_random_states(self, states: Mapping[str, Tensor]) -> None:
        """Go on drawing where saved states stood; a replica with none saved keeps its fresh one."""
        for index, hand in enumerate(self._hands):
            if (state := states.get(f"replica.{index}")) is not None:
                hand.set_random_state(state)

    def close(self) -> None:
        """End the processes, which takes no longer than they need for the share that they are at."""
        for hand in self._hands:
            hand.close()

    def _shares(self, batch: Batch, tokens: int) -> list[Share]:
        # Neighbouring rows are of similar length: dealt out in turn, all shares take about as long.
        rows = [range(index, batch.src.shape[0], len(self._hands)) for index in range(len(self._hands))]
        work = [(hand, batch.rows(part)) for hand, part in zip(self._hands, rows, strict=True) if len(part)]
        for hand, part in work:
            hand.begin(part, tokens)
        return [hand.finish() for hand, _ in work]


def _hands(plans: Sequence[ReplicaPlan], apart: bool) -> list[Hand]:
    """A hand for each replica; the first computes here, whatever the others do."""
    if len(plans) == 1:
        return [Here(plans[0])]
    if not apart:
        return list(map(InThread, plans))
    first, *others = plans
    memory = SharedMemory(list(first.model.parameters()), processes=len(others))
    return [InThread(first), *(InProcess(plan, memory, number) for number, plan in enumerate(others, start=1))]
