"""Packed weights: the products of the plain ones, wherever they are at hand and nowhere else."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from s2s.nn.linear import affine
from s2s.nn.packed import PackedWeights


def narrow() -> torch.autocast:
    return torch.autocast("cpu", dtype=torch.bfloat16)


@pytest.fixture
def packing(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """The weights that were packed, one after the other, on a processor that can."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("this processor has no bf16")
    packed = []
    product = PackedWeights.product

    def counted(self: PackedWeights, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        before = len(self._packed)
        found = product(self, rows, weight, bias)
        packed.extend([weight] * (len(self._packed) - before))
        return found

    monkeypatch.setattr(PackedWeights, "product", counted)
    return packed


@pytest.mark.parametrize("shape", [(1, 24), (3, 24), (17, 24), (2, 5, 24), (0, 24)], ids=str)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_products_are_those_of_the_plain_weight(shape: tuple[int, ...], bias: bool, packing: list[Tensor]) -> None:
    rows, weight, packed = torch.randn(shape), torch.nn.Parameter(torch.randn(40, 24)), PackedWeights()
    added = torch.randn(40) if bias else None
    with torch.no_grad(), narrow():
        expected = F.linear(rows, weight, added)
        with packed.at_hand():
            found = [affine(rows, weight, added) for _ in range(2)]
    assert packing == [weight]
    for one in found:
        assert (one.dtype, one.shape) == (expected.dtype, expected.shape)
        torch.testing.assert_close(one, expected)


def test_parts_of_one_weight_are_weights_of_their_own(packing: list[Tensor]) -> None:
    rows, weight, packed = torch.randn(3, 24), torch.randn(40, 24), PackedWeights()
    with torch.no_grad(), narrow(), packed.at_hand():
        for part in (weight, *weight.split([16, 24]), *weight.split([16, 24])):
            torch.testing.assert_close(affine(rows, part, None), F.linear(rows, part))
    assert len(packing) == 3


def test_each_model_has_its_own(packing: list[Tensor]) -> None:
    """And leaves what another has at hand as it was."""
    rows, weight, one, other = torch.randn(3, 24), torch.randn(40, 24), PackedWeights(), PackedWeights()
    with torch.no_grad(), narrow(), one.at_hand():
        affine(rows, weight, None)
        with other.at_hand():
            affine(rows, weight, None)
        affine(rows, weight, None)
    assert len(packing) == 2


def test_nothing_is_packed_where_none_are_at_hand_or_a_gradient_is_wanted(packing: list[Tensor]) -> None:
    rows, weight, packed = torch.randn(3, 24), torch.nn.Parameter(torch.randn(40, 24)), PackedWeights()
    with narrow(), torch.no_grad():
        affine(rows, weight, None)
    with narrow(), packed.at_hand():
        (gradient,) = torch.autograd.grad(affine(rows, weight, None).sum(), weight)
    with torch.no_grad(), packed.at_hand():
        torch.testing.assert_close(affine(rows, weight, None), rows @ weight.t())
    assert gradient.any()
    assert not packing


def test_a_weight_may_be_nothing_wide() -> None:
    with torch.no_grad(), narrow(), PackedWeights().at_hand():
        assert not affine(torch.randn(3, 0), torch.randn(40, 0), None).any()
        assert affine(torch.randn(3, 24), torch.randn(0, 24), None).shape == (3, 0)
