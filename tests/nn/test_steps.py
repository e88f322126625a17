"""Shared tensors that every step reads: values and gradients are those of the plain expressions."""

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from s2s.nn import packed
from s2s.nn.readers import Readers
from s2s.nn.steps import MOST, Rows, additive_over_steps, exponentials, match_over_steps, mix_over_steps, over_steps

ROWS, SRC, WIDTH = 3, 4, 5


@dataclass(frozen=True)
class Case:
    """A function of `steps` and what it claims to equal; both turn (rows, 5) into (rows, 4)."""

    ours: Callable[..., Rows]
    plain: Callable[..., Rows]
    shapes: tuple[tuple[int, ...], ...]

    def shared(self, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
        return tuple(torch.randn(shape, dtype=dtype, requires_grad=True) for shape in self.shapes)


def additive(keys: Tensor, score: Tensor, readers: Readers | None = None) -> Rows:
    return additive_over_steps(exponentials(keys), score, readers)


def plain_additive(keys: Tensor, score: Tensor) -> Rows:
    """v . tanh(W q + U h_j + b) plus the sum of v."""
    return lambda asked: torch.tanh(asked[:, None] + keys) @ score + score.sum()


CASES = {
    "weight": Case(over_steps, lambda weight: lambda rows: rows @ weight.t(), ((SRC, WIDTH),)),
    "mix": Case(
        mix_over_steps,
        lambda values: lambda weights: torch.einsum("rs,rsw->rw", weights, values),
        ((ROWS, WIDTH, SRC),),
    ),
    "match": Case(
        match_over_steps, lambda keys: lambda query: torch.einsum("rsw,rw->rs", keys, query), ((ROWS, SRC, WIDTH),)
    ),
    "additive": Case(additive, plain_additive, ((ROWS, SRC, WIDTH), (WIDTH,))),
}

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def starts(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(ROWS, WIDTH, dtype=dtype, requires_grad=True)


def states_of(function: Rows, start: Tensor, steps: int) -> list[Tensor]:
    """A recurrence through `steps` uses of one function."""
    back = torch.linspace(-0.5, 0.5, SRC * WIDTH, dtype=start.dtype).view(SRC, WIDTH)
    states = [start]
    for _ in range(steps):
        states.append(torch.tanh((function(states[-1])[:, :, None] * back).sum(dim=1)))
    return states[1:]


def loss_of(states: list[Tensor]) -> Tensor:
    """Looks at every state and at each differently."""
    return torch.stack([(place + 1) * state.square().sum() for place, state in enumerate(states)]).sum()


def assert_all_close(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


@each_case
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_values_and_gradients_are_those_of_the_plain_expression(case: Case, steps: int) -> None:
    shared, start = case.shared(), starts()
    ours = loss_of(states_of(case.ours(*shared), start, steps))
    plain = loss_of(states_of(case.plain(*shared), start, steps))
    torch.testing.assert_close(ours, plain)
    assert_all_close(torch.autograd.grad(ours, (*shared, start)), torch.autograd.grad(plain, (*shared, start)))


@each_case
def test_without_gradients_the_values_are_the_same(case: Case) -> None:
    shared, start = case.shared(), starts()
    expected = states_of(case.ours(*shared), start, 3)
    with torch.no_grad():
        found = states_of(case.ours(*shared), start, 3)
    assert_all_close(found, expected)
    assert not any(state.requires_grad for state in found)


@each_case
def test_gradients_equal_finite_differences(case: Case) -> None:
    def run(start: Tensor, *shared: Tensor) -> tuple[Tensor, ...]:
        return tuple(states_of(case.ours(*shared), start, 3))

    assert torch.autograd.gradcheck(run, (starts(), *case.shared()))


@each_case
def test_two_passes_before_one_backward_do_not_mix(case: Case) -> None:
    shared, start = case.shared(), starts()

    def both(function: Callable[..., Rows]) -> tuple[Tensor, ...]:
        one, two = (loss_of(states_of(function(*shared), start, steps)) for steps in (2, 3))
        return torch.autograd.grad(one + two, (*shared, start))

    assert_all_close(both(case.ours), both(case.plain))


@each_case
def test_two_losses_of_one_pass_do_not_mix(case: Case) -> None:
    shared = case.shared()
    ours, plain = case.ours(*shared), case.plain(*shared)
    for steps in (3, 2):
        start = starts()
        found, expected = (loss_of(states_of(function, start, steps)) for function in (ours, plain))
        gradients = torch.autograd.grad(found, (*shared, start), retain_graph=True)  # what both share is used again
        assert_all_close(gradients, torch.autograd.grad(expected, (*shared, start)))


@each_case
def test_backward_may_run_again(case: Case) -> None:
    shared, start = case.shared(), starts()
    loss = loss_of(states_of(case.ours(*shared), start, 3))
    first = torch.autograd.grad(loss, (*shared, start), retain_graph=True)
    assert_all_close(first, torch.autograd.grad(loss, (*shared, start)))


@each_case
def test_gradients_of_states_alone_leave_nothing_behind(case: Case) -> None:
    """A backward pass that does not come as far as the shared tensor adds nothing to the next that does."""
    shared, start = case.shared(), starts()
    states = states_of(case.ours(*shared), start, 3)
    loss = loss_of(states)
    for inputs in (start, states[0]):
        torch.autograd.grad(loss, inputs, retain_graph=True)
    expected = torch.autograd.grad(loss_of(states_of(case.plain(*shared), start, 3)), (*shared, start))
    assert_all_close(torch.autograd.grad(loss, (*shared, start)), expected)


@each_case
@pytest.mark.parametrize("seen", [(0,), (1,), (0, 2)], ids=str)
def test_some_states_may_get_no_gradient(case: Case, seen: tuple[int, ...]) -> None:
    shared, start = case.shared(), starts()

    def some(function: Callable[..., Rows]) -> tuple[Tensor, ...]:
        states = states_of(function(*shared), start, 3)
        return torch.autograd.grad(loss_of([states[place] for place in seen]), (*shared, start))

    assert_all_close(some(case.ours), some(case.plain))


@each_case
def test_steps_need_not_hang_together(case: Case) -> None:
    """As where the words of the steps are known beforehand, or some of the rows need no gradient."""
    shared, rows = case.shared(), [starts(), starts().detach(), starts()]

    def apart(function: Callable[..., Rows]) -> tuple[Tensor, ...]:
        bound = function(*shared)
        return torch.autograd.grad(loss_of([bound(each) for each in rows]), (*shared, rows[0], rows[2]))

    assert_all_close(apart(case.ours), apart(case.plain))


@each_case
def test_the_shared_tensor_may_be_made_of_others_and_read_elsewhere(case: Case) -> None:
    shared, start = case.shared(), starts()

    def run(function: Callable[..., Rows]) -> tuple[Tensor, ...]:
        first, *others = shared
        made = 2.0 * first
        return torch.autograd.grad(
            loss_of(states_of(function(made, *others), start, 2)) + made.square().sum(), (*shared, start)
        )

    assert_all_close(run(case.ours), run(case.plain))


@each_case
def test_what_no_step_read_has_no_gradient(case: Case) -> None:
    shared = case.shared()
    case.ours(*shared)
    gradients = torch.autograd.grad(sum(0.0 * tensor.sum() for tensor in shared), shared)
    assert not any(gradient.any() for gradient in gradients)


@each_case
def test_a_second_derivative_is_refused(case: Case) -> None:
    """There is none, and none is better than a wrong one."""
    shared, start = case.shared(), starts()
    loss = loss_of(states_of(case.ours(*shared), start, 1))
    (gradient,) = torch.autograd.grad(loss, start, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@each_case
def test_without_gradients_it_is_the_plain_expression(case: Case) -> None:
    shared, rows = case.shared(), starts()
    with torch.inference_mode():
        torch.testing.assert_close(case.ours(*shared)(rows), case.plain(*shared)(rows))


def test_additive_scores_of_projections_that_are_far_out_are_those_of_the_tanh() -> None:
    """Whether the two parts agree, outweigh or cancel each other; beyond `MOST` they still are numbers."""
    parts = torch.tensor([0.0, 1.5, 20.0, MOST, 1e4])
    parts = torch.cat((parts, -parts))
    keys, score = parts[None, :, None].clone().requires_grad_(), torch.ones(1)
    query = parts[:, None].clone().requires_grad_()
    near = parts.clamp(-MOST, MOST)
    scores = additive(keys.expand(len(parts), -1, 1), score)(query)
    torch.testing.assert_close(scores, torch.tanh(near[:, None] + near) + 1.0)
    assert (
        torch.cat([gradient.flatten() for gradient in torch.autograd.grad(scores.sum(), (keys, query))])
        .isfinite()
        .all()
    )


# Number formats


def test_under_autocast_products_with_a_weight_are_narrow_and_states_stay_wide() -> None:
    weight, rows = torch.randn(SRC, WIDTH, requires_grad=True), starts(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        product = over_steps(weight)(rows)
    assert product.dtype == torch.float32
    assert torch.equal(product, (rows.bfloat16() @ weight.bfloat16().t()).float())


@pytest.mark.parametrize("name", ["mix", "match", "additive"])
def test_under_autocast_a_memory_is_read_in_full(name: str) -> None:
    """Sums over a whole source: rounding their terms would cost more than it saves."""
    case = CASES[name]
    shared, rows = case.shared(torch.float32), starts(torch.float32)
    expected = case.ours(*shared)(rows)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(case.ours(*shared)(rows), expected)


@each_case
def test_gradients_under_autocast_are_near_the_full_ones(case: Case) -> None:
    shared, start = case.shared(torch.float32), starts(torch.float32)
    expected = torch.autograd.grad(loss_of(states_of(case.ours(*shared), start, 3)), (*shared, start))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = loss_of(states_of(case.ours(*shared), start, 3))
    found = torch.autograd.grad(loss, (*shared, start))
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == torch.float32
        assert float((one - other).norm() / other.norm()) < 0.05


@pytest.mark.parametrize("worth", [1, 10**9], ids=["packed", "plain"])
def test_gradients_of_a_packed_weight_are_those_of_the_plain_one(worth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "WORTH", worth)
    case = CASES["weight"]
    shared, start = case.shared(torch.float32), starts(torch.float32)
    found, expected = (loss_of(states_of(function(*shared), start, 3)) for function in (case.ours, case.plain))
    torch.testing.assert_close(found, expected)
    assert_all_close(torch.autograd.grad(found, (*shared, start)), torch.autograd.grad(expected, (*shared, start)))


# Memory


@contextmanager
def no_collection() -> Iterator[None]:
    """Inside, only what nobody refers to is freed: a reference cycle is not."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@each_case
def test_backward_frees_the_states_that_it_saved(case: Case) -> None:
    """Even while the loss, and with it the graph, is kept."""
    shared, start = case.shared(), starts()
    with no_collection():
        states = states_of(case.ours(*shared), start, 3)
        watched = [weakref.ref(state) for state in states]
        loss = loss_of(states)
        del states
        assert any(ref() is not None for ref in watched)
        loss.backward()
        assert [ref() for ref in watched] == [None] * 3


@each_case
@pytest.mark.parametrize("backward", [True, False])
def test_a_pass_leaves_no_cycle(case: Case, backward: bool) -> None:
    """With or without backward, all that it held is free as soon as its loss is."""
    shared, start = case.shared(), starts()
    with no_collection():
        made = shared[0] * 1.0
        watched = weakref.ref(made)
        loss = loss_of(states_of(case.ours(made, *shared[1:]), start, 3))
        del made
        if backward:
            loss.backward()
        del loss
        assert watched() is None
        assert gc.collect() == 0
