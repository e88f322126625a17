"""Rows taken from a tensor."""

import torch

from s2s.nn.rows import select_rows


def test_it_is_index_select_with_its_gradient_whatever_the_gradient_is_a_part_of() -> None:
    rows = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    indices = torch.tensor([6, 0, 3, 3])
    beside = torch.randn(4, 2, dtype=torch.float64)

    def gradient(taken: torch.Tensor) -> torch.Tensor:
        whole = torch.cat((beside, taken), dim=1)  # its gradient is cut in two, so neither part lies in one piece
        return torch.autograd.grad((whole * torch.arange(7.0)).square().sum(), rows)[0]

    assert torch.equal(select_rows(rows, indices), rows.index_select(0, indices))
    assert torch.equal(gradient(select_rows(rows, indices)), gradient(rows.index_select(0, indices)))
    assert torch.autograd.gradcheck(lambda rows: select_rows(rows, indices), (rows,))
