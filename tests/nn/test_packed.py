"""Packed weights: the products of the plain ones, wherever they are at hand and nowhere else."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from s2s.nn import linear
from s2s.nn import packed as module
from s2s.nn.linear import affine, affine_of
from s2s.nn.packed import PackedWeights, laid_out


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


# For one pass


@pytest.fixture(params=["packed", "plain"])
def worth(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every weight is worth packing for one pass, or none."""
    monkeypatch.setattr(module, "WORTH", 1 if request.param == "packed" else 10**9)
    monkeypatch.setattr(linear, "MANY", 1)


@pytest.mark.usefixtures("worth")
@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("rows", [1, 3, 17])
def test_a_weight_laid_out_for_one_pass_has_the_products_of_the_plain_one(rows: int, kind: torch.dtype) -> None:
    inputs, weight, bias = torch.randn(rows, 24).to(kind), torch.randn(40, 24).to(kind), torch.randn(40).to(kind)
    near = {"atol": 0.05, "rtol": 0.02} if kind == torch.bfloat16 else {"atol": 1e-5, "rtol": 1e-5}
    for part, added in ((weight, bias), (weight[:17], bias[:17]), (weight.t()[:, :24], bias[:24])):
        expected = inputs.double() @ part.double().t()
        for found in (laid_out(part)(inputs), affine_of(part, rows=rows)(inputs, None)):
            assert found.dtype == kind
            torch.testing.assert_close(found.double(), expected, **near)
        torch.testing.assert_close(
            affine_of(part, rows=rows)(inputs, added).double(), expected + added.double(), **near
        )


def test_small_weights_and_those_that_few_rows_meet_are_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = []
    monkeypatch.setattr(linear, "Packed", lambda weight: packed.append(weight) or module.Packed(weight))
    large = torch.randn(module.WORTH // 64, 64)
    for weight, rows in ((large, linear.MANY - 1), (large[1:], linear.MANY), (large.double(), linear.MANY)):
        affine_of(weight, rows=rows)
    assert not packed
    affine_of(large, rows=linear.MANY)
    assert len(packed) == 1
