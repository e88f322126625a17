"""The parts of a recurrence that read one tensor at every step, with gradients made once for all steps.

Left to autograd, every step adds a whole matrix to the gradient of its weight, and a whole memory to that of the
memory which it reads. On a CPU, and with the few rows that a step has, writing these takes longer than computing
them. So a step only notes what its share of the gradient is made of, and one product over all steps makes it.

`torch.autograd.Function` is used in one pattern: `_Settle` stands before all uses of a shared tensor, so that it runs
backward after all of them; each use leaves its share in the tensor's ledger; `_Settle` turns the ledger into the
gradient. Every function here equals its plain expression in values and gradients.

    forward   settle(W) -> use 1 -> use 2 -> ... -> use n
    backward  use n, ..., use 2, use 1, each noting its share -> settle: all shares in one product

A use returns no gradient for the shared tensor; autograd waits for all uses nevertheless before it comes to `_Settle`,
and that is all that is wanted of it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from s2s.nn.linear import affine
from s2s.nn.packed import laid_out
from s2s.nn.readers import Readers

Rows = Callable[[Tensor], Tensor]
"""Rows to rows: (rows, in) -> (rows, out)."""


class _Ledger(ABC):
    """What the steps of one backward pass left for a shared tensor."""

    def __init__(self) -> None:
        self._open_in = -1
        self.clear()

    def open(self) -> None:
        """Before a share is noted: drop what is left of a backward pass that did not ask for this gradient."""
        # The number is torch's own for the pass that is running; nothing public tells one pass from the next.
        running = torch._C._current_graph_task_id()
        if running != self._open_in:
            self._open_in = running
            self.clear()

    @abstractmethod
    def clear(self) -> None:
        """Forget all shares."""

    @abstractmethod
    def settle(self) -> Tensor | None:
        """The tensor's gradient, None where no step left anything; the ledger is empty afterwards."""


class _Settle(torch.autograd.Function):
    """The shared tensor itself; its gradient is what the ledger makes of the shares of all its uses."""

    @staticmethod
    def forward(ctx: Any, shared: Tensor, ledger: _Ledger) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.ledger = ledger
        return shared.view_as(shared)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, None]:
        return ctx.ledger.settle(), None


def _settled(shared: Tensor, ledger: _Ledger) -> Tensor:
    return cast(Tensor, _Settle.apply(shared, ledger))  # type: ignore[no-untyped-call]


def without_autocast(tensor: Tensor) -> AbstractContextManager[object]:
    """Inside, autocast leaves number formats alone; where there is none, there is nothing to enter at every step."""
    kind = tensor.device.type
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()


class _Pairs(_Ledger):
    """A ledger of two tensors a step, whose outer products, summed over rows and steps, are a weight's gradient."""

    def clear(self) -> None:
        self.left: list[Tensor] = []
        self.right: list[Tensor] = []

    def note(self, left: Tensor, right: Tensor) -> None:
        self.open()
        self.left.append(left)
        self.right.append(right)

    def settle(self) -> Tensor | None:
        if not self.left:
            return None
        left, right = torch.cat(self.left), torch.cat(self.right)
        self.clear()
        return left.t() @ right


class _RowPairs(_Pairs):
    """The same for a tensor that each row has one of: outer products are summed over the steps of a row alone."""

    def settle(self) -> Tensor | None:
        if not self.left:
            return None
        left, right = torch.stack(self.left, dim=2), torch.stack(self.right, dim=1)
        self.clear()
        return left @ right


class _Product(torch.autograd.Function):
    """x W^T in the weight's number format, as a tensor of x's; given are products with W^T and, for the way back, W."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, there: Rows, back: Rows, ledger: _Pairs) -> Tensor:
        narrow = rows.to(weight.dtype)
        ctx.save_for_backward(narrow)
        ctx.back, ctx.ledger = back, ledger
        return there(narrow).to(rows.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        (rows,) = ctx.saved_tensors
        narrow = gradient.to(rows.dtype)
        ctx.ledger.note(narrow, rows)
        return ctx.back(narrow).to(gradient.dtype), None, None, None, None


def over_steps(weight: Tensor) -> Rows:
    """x -> x W^T for the steps of one pass over a sentence.

    Under autocast the product is in its number format, into which the weight is brought once; states keep theirs.

    Args:
        weight: (out, in).
    """
    if not torch.is_grad_enabled():  # nothing to note, and autocast itself keeps what it brought into its format
        return lambda rows: affine(rows, weight, None).to(rows.dtype)
    kind = weight.device.type
    if torch.is_autocast_enabled(kind):
        weight = weight.to(torch.get_autocast_dtype(kind))
    ledger, frozen = _Pairs(), weight.detach()
    shared, there, back = _settled(weight, ledger), laid_out(frozen), laid_out(frozen.t())
    return lambda rows: cast(Tensor, _Product.apply(rows, shared, there, back, ledger))  # type: ignore[no-untyped-call]


def _match(keys: Tensor, queries: Tensor) -> Tensor:
    """q . k_j of several queries each, (rows, queries, width) -> (rows, queries, src).

    With the query on the left a CPU takes a tenth of the time that it takes otherwise.
    """
    with without_autocast(keys):
        return queries @ keys.transpose(1, 2)


def _mix(values: Tensor, weights: Tensor) -> Tensor:
    """sum_j a_j v_j by several weights each, (rows, mixtures, src) -> (rows, mixtures, width)."""
    with without_autocast(values):
        return weights @ values


class _Mixture(torch.autograd.Function):
    """`_mix`."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, values: Tensor, ledger: _RowPairs) -> Tensor:
        ctx.save_for_backward(weights, values)
        ctx.ledger = ledger
        return _mix(values, weights[:, None])[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        weights, values = ctx.saved_tensors
        ctx.ledger.note(weights, gradient)
        return _match(values, gradient[:, None])[:, 0], None, None


def mix_over_steps(values: Tensor, readers: Readers | None = None) -> Rows:
    """Weights (rows, src) -> their mixture of `values` (rows, src, width), (rows, width): sum_j a_j v_j.

    Here as below, `readers` of a search, where no gradient is asked for, read (sources, src, width).
    """
    if readers is not None:
        return lambda weights: readers.gather(_mix(values, readers.spread(weights)))
    ledger = _RowPairs()
    shared = _settled(values, ledger)
    return lambda weights: cast(Tensor, _Mixture.apply(weights, shared, ledger))  # type: ignore[no-untyped-call]


class _Match(torch.autograd.Function):
    """`_match`."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, keys: Tensor, ledger: _RowPairs) -> Tensor:
        ctx.save_for_backward(query, keys)
        ctx.ledger = ledger
        return _match(keys, query[:, None])[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        query, keys = ctx.saved_tensors
        ctx.ledger.note(gradient, query)
        return (gradient[:, None] @ keys)[:, 0], None, None


def match_over_steps(keys: Tensor, readers: Readers | None = None) -> Rows:
    """Queries (rows, width) -> their products with `keys` (rows, src, width): q . k_j, (rows, src)."""
    if readers is not None:
        return lambda query: readers.gather(_match(keys, readers.spread(query)))
    ledger = _RowPairs()
    shared = _settled(keys, ledger)
    return lambda query: cast(Tensor, _Match.apply(query, shared, ledger))  # type: ignore[no-untyped-call]


MOST = 40.0
"""Beyond this, projections of queries and keys count as this: e^80 is a number in fp32 still, and tanh(40) is 1."""


def exponentials(projected: Tensor) -> Tensor:
    """e^(-2 x), of which tanh needs no more: tanh(a + b) = 2 / (1 + e^(-2 a) e^(-2 b)) - 1."""
    return torch.exp(projected.clamp(-MOST, MOST) * -2.0)


class _KeySum(_Ledger):
    """A ledger of additive keys: each step adds to one tensor, in place; what all steps share is multiplied last."""

    def __init__(self, keys: Tensor, score: Tensor) -> None:
        super().__init__()
        self.keys, self.score = keys, score
        self.room: Tensor | None = None

    def opened(self, asked: Tensor) -> Tensor:
        """o_j = 1 / (1 + a k_j), until the next step, in memory that all steps share.

        So it is still in the processor's cache. On the way back it is computed once more, in less time than it would
        take to be fetched from where there is room for those of all steps.
        """
        if self.room is None:
            self.room = torch.empty_like(self.keys)
        return torch.addcmul(self.keys.new_ones(()), self.keys, asked[:, None], out=self.room).reciprocal_()

    def clear(self) -> None:
        self.sum: Tensor | None = None

    def note(self, slope: Tensor, gradient: Tensor) -> None:
        self.open()
        if self.sum is None:
            self.sum = slope * gradient
        else:
            self.sum.addcmul_(slope, gradient)

    def settle(self) -> Tensor | None:
        if self.sum is None:
            return None
        total = self.sum
        self.clear()
        return total.mul_(-2.0 * self.score).div_(self.keys)


def _weigh(opened: Tensor, score: Tensor) -> Tensor:
    """2 v . o_j, (rows, src), of opened keys o_j = 1 / (1 + a k_j)."""
    with without_autocast(opened):
        return opened @ (2.0 * score)


class _AdditiveScores(torch.autograd.Function):
    """2 v . 1 / (1 + a k_j) for every j, of a = e^(-2 q) and k_j = e^(-2 x_j): v . tanh(q + x_j), up to a constant.

    In the logarithm of a or of k the slope of o = 1 / (1 + a k) is -o (1 - o).
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, keys: Tensor, score: Tensor, ledger: _KeySum) -> Tensor:
        asked = exponentials(query)
        ctx.save_for_backward(asked, score)
        ctx.ledger = ledger
        return _weigh(ledger.opened(asked), score)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor, None]:
        asked, score = ctx.saved_tensors
        opened = ctx.ledger.opened(asked)
        for_score = 2.0 * (gradient.reshape(-1) @ opened.flatten(0, 1))
        slope = opened.addcmul_(opened, opened, value=-1.0)
        ctx.ledger.note(slope, gradient[:, :, None])
        for_query = (gradient[:, None] @ slope)[:, 0] * (4.0 * score)
        return for_query, None, for_score, None


def additive_over_steps(keys: Tensor, score: Tensor, readers: Readers | None = None) -> Rows:
    """Projected queries W q, (rows, attention) -> v . tanh(W q + U h_j + b) plus the sum of v, (rows, src).

    A CPU needs several times as long for a tanh as for the reciprocal that is left of it where the exponentials of its
    two parts are known. What tanh(x) = 2 sigmoid(2 x) - 1 takes away cancels in the softmax and is left out.

    Args:
        keys: `exponentials` of U h_j + b, (rows, src, attention).
        score: v, (attention).
    """
    if readers is not None:
        return lambda query: _weigh(
            readers.copy(keys).mul_(exponentials(query)[:, None]).add_(1.0).reciprocal_(), score
        )
    ledger = _KeySum(keys.detach(), score.detach())
    shared = _settled(keys, ledger)
    return lambda query: _scores(query, shared, score, ledger)


def _scores(query: Tensor, keys: Tensor, score: Tensor, ledger: _KeySum) -> Tensor:
    return cast(Tensor, _AdditiveScores.apply(query, keys, score, ledger))  # type: ignore[no-untyped-call]
