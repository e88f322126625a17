"""Averages of weights: what they are, and that the model gets its own weights back."""

from math import prod

import pytest
import torch
from torch import Tensor, nn

from s2s.training.average import NoAverage, PolynomialAverage


def train(model: nn.Linear, average: PolynomialAverage, updates: int) -> list[Tensor]:
    """Random weights after each update."""
    history = []
    for update in range(1, updates + 1):
        with torch.no_grad():
            model.weight.normal_()
        average.update(update)
        history.append(model.weight.detach().clone())
    return history


def averaged(model: nn.Linear, average: PolynomialAverage) -> Tensor:
    with average.in_place():
        return model.weight.detach().clone()


def test_over_all_updates_it_is_their_mean() -> None:
    """What stood there before the first update does not count."""
    model = nn.Linear(3, 2)
    average = PolynomialAverage(model, share=1.0)
    history = train(model, average, 7)
    torch.testing.assert_close(averaged(model, average), torch.stack(history).mean(dim=0))


@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_it_looks_back_over_its_share(share: float) -> None:
    """What each update counts for, found by giving it a weight of its own: Shamir & Zhang (2013), equation 6.

    With eta = 1 / share - 1, update s of t counts (eta + 1) / (s + eta) times what those after it leave of it, each
    1 - (eta + 1) / (i + eta); together 1, and the first one all where it stands alone.
    """
    total, eta = 12, 1 / share - 1
    model = nn.Linear(total, 1)
    average = PolynomialAverage(model, share=share)
    for update in range(1, total + 1):
        with torch.no_grad():
            model.weight.zero_()[0, update - 1] = 1.0
        average.update(update)
    counts = averaged(model, average)[0]
    assert float(counts.sum()) == pytest.approx(1.0)
    for s in range(1, total + 1):
        left = prod(1 - (eta + 1) / (i + eta) for i in range(s + 1, total + 1))
        assert float(counts[s - 1]) == pytest.approx((eta + 1) / (s + eta) * left, abs=1e-6)


def test_the_model_gets_its_own_weights_back_to_the_bit() -> None:
    model = nn.Linear(3, 2)
    average = PolynomialAverage(model, share=0.5)
    own = train(model, average, 3)[-1]
    with average.in_place():
        assert not torch.equal(model.weight, own)
    assert torch.equal(model.weight, own)
    with pytest.raises(ZeroDivisionError), average.in_place():
        1 / 0  # noqa: B018
    assert torch.equal(model.weight, own)


def test_it_goes_on_from_what_was_saved() -> None:
    model = nn.Linear(3, 2)
    average, other = (PolynomialAverage(model, share=0.3) for _ in range(2))
    train(model, average, 4)
    other.restore({name: tensor.clone() for name, tensor in average.tensors().items()})
    for either in (average, other):
        either.update(5)
    assert torch.equal(averaged(model, average), averaged(model, other))
    with pytest.raises(LookupError):
        other.restore({})


def test_without_an_average_weights_are_as_they_are() -> None:
    model = nn.Linear(3, 2)
    before = model.weight.detach().clone()
    average = NoAverage()
    average.update(1)
    with average.in_place():
        assert torch.equal(model.weight, before)
    assert average.tensors() == {}
