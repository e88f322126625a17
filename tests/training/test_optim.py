"""Budget, learning rate and clipping: what must hold for every setting."""

from math import isinf

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from s2s.training.optim import Budget, Position, Schedule, build_adam, clip_gradients

shares = st.floats(0.0, 1.0)
warmups = st.floats(0.0, 0.9)
peaks = st.floats(1e-6, 1.0)


@given(peaks, warmups, st.booleans())
def test_the_rate_has_its_peak_where_the_warm_up_ends(peak: float, warmup: float, falls: bool) -> None:
    schedule = Schedule(peak=peak, warmup=warmup, falls=falls)
    assert schedule.rate(warmup) == pytest.approx(peak)


@given(peaks, warmups, st.booleans(), shares, shares)
def test_the_rate_rises_to_the_peak_and_never_again(
    peak: float, warmup: float, falls: bool, one: float, other: float
) -> None:
    schedule = Schedule(peak=peak, warmup=warmup, falls=falls)
    early, late = sorted((one, other))
    before, after = schedule.rate(early), schedule.rate(late)
    assert min(before, after) >= 0.0
    assert max(before, after) <= peak * (1 + 1e-9)
    if late <= warmup:
        assert before <= after * (1 + 1e-9)
    if warmup <= early:
        assert before >= after * (1 - 1e-9)


@given(peaks, warmups, st.floats(1.0, 10.0))
def test_at_the_end_a_falling_rate_is_zero_and_a_level_one_at_its_peak(peak: float, warmup: float, end: float) -> None:
    assert Schedule(peak=peak, warmup=warmup, falls=True).rate(end) == 0.0
    assert Schedule(peak=peak, warmup=warmup, falls=False).rate(end) == peak


def test_the_rate_changes_in_straight_lines() -> None:
    schedule = Schedule(peak=1.0, warmup=0.2, falls=True)
    rates = [schedule.rate(used) for used in (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)]
    assert rates == pytest.approx([0.0, 0.25, 0.5, 1.0, 0.75, 0.5, 0.25, 0.0])


def test_a_budget_ends_at_the_first_limit() -> None:
    budget = Budget(updates=10, epochs=4, seconds=60.0)
    assert budget.used(Position(updates=5, epochs=1, seconds=6)) == 0.5
    assert budget.used(Position(updates=5, epochs=3, seconds=6)) == 0.75
    assert budget.used(Position(updates=5, epochs=3, seconds=60)) == 1.0


limits = st.one_of(st.just(0), st.integers(1, 100))
budgets = st.builds(Budget, updates=limits, epochs=limits, seconds=limits.map(float))
amounts = st.floats(0.0, 200.0)
positions = st.builds(Position, updates=amounts, epochs=amounts, seconds=amounts)


@given(budgets, positions)
def test_training_is_over_when_a_limit_is_reached_and_zero_is_none(budget: Budget, position: Position) -> None:
    pairs = (
        (position.updates, budget.updates),
        (position.epochs, budget.epochs),
        (position.seconds, budget.seconds),
    )
    assert (budget.used(position) >= 1.0) == any(limit and done >= limit for done, limit in pairs)


@given(budgets, positions, positions)
def test_what_is_used_stays_used(budget: Budget, before: Position, more: Position) -> None:
    after = Position(
        updates=before.updates + more.updates,
        epochs=before.epochs + more.epochs,
        seconds=before.seconds + more.seconds,
    )
    assert 0.0 <= budget.used(before) <= budget.used(after)


def model_with_gradient(scale: float) -> nn.Module:
    model = nn.Linear(3, 2)
    for parameter in model.parameters():
        parameter.grad = scale * torch.ones_like(parameter)
    return model


@pytest.mark.parametrize("scale", [0.01, 1.0, 50.0])
@pytest.mark.parametrize("limit", [0.5, 0.0])
def test_clipping_shortens_the_whole_gradient_and_keeps_its_direction(scale: float, limit: float) -> None:
    model = model_with_gradient(scale)
    before = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    assert clip_gradients(model, limit) == pytest.approx(float(before.norm()), rel=1e-5)
    after = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    if limit and before.norm() > limit:
        torch.testing.assert_close(after, before * (limit / before.norm()), rtol=1e-4, atol=0)
    else:
        assert torch.equal(after, before)


def test_the_norm_of_a_gradient_that_ran_away_is_told() -> None:
    model = model_with_gradient(1.0)
    assert model.weight.grad is not None  # type: ignore[union-attr]
    model.weight.grad[0, 0] = float("inf")  # type: ignore[index]
    assert isinf(clip_gradients(model, 1.0))


def test_adam_takes_its_rate_from_whoever_sets_it() -> None:
    """The first update of Adam is the rate itself in every coordinate (Kingma & Ba 2015, section 2.1)."""
    model = model_with_gradient(3.0)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = build_adam(model)
    optimizer.step()
    for parameter, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(parameter, old)
    optimizer = build_adam(model)
    optimizer.param_groups[0]["lr"] = 0.25
    optimizer.step()
    for parameter, old in zip(model.parameters(), before, strict=True):
        torch.testing.assert_close(parameter, old - 0.25, atol=1e-5, rtol=0)
