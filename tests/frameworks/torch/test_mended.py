"""What torch's own gradient gets wrong is computed in another way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers.torch_steps import Chain, view_of
from torch import nn

from visioncam_core.engine.batches import Budget
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_engines.torch.tape.mended import MENDED
from visioncam_engines.torch.tape.model_trace import at_rest


def as_tokens(x: Any) -> Any:
    return x.flatten(2).transpose(1, 2)


def as_map(t: Any) -> Any:
    return t.transpose(1, 2).reshape(len(t), 6, 4, 4)


NORMS = {
    "batch": lambda: nn.BatchNorm2d(6),
    "instance": lambda: nn.InstanceNorm2d(6, affine=True, track_running_stats=True),
}
AROUND = {
    "tokens behind": (lambda x: x, lambda x: as_map(as_tokens(x) * 2)),
    "tokens in front": (lambda x: as_map(as_tokens(x)), lambda x: x * 2),
    "tokens on both sides": (lambda x: as_map(as_tokens(x)), lambda x: as_map(as_tokens(x) * 2)),
    "maps": (lambda x: x, lambda x: x * 2),
}


@pytest.mark.parametrize("kind", sorted(NORMS))
@pytest.mark.parametrize("around", sorted(AROUND))
@pytest.mark.parametrize("count", [1, 2])
def test_a_norm_at_rest_is_a_factor_whatever_the_order_of_memory(kind: str, around: str, count: int) -> None:
    """Its gradient is that of w / √(var + eps), also where tokens lie in front of it or behind it."""
    torch.manual_seed(0)
    norm = NORMS[kind]()
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2)
        norm.running_var.uniform_(0.5, 2)
    front, behind = AROUND[around]
    model = Chain(first=nn.Conv2d(3, 6, 4, 4), front=front, norm=norm, behind=behind).eval()
    model(torch.zeros(1, 3, 16, 16))
    trace = view_of(model, torch.rand(1, 3, 16, 16)).trace
    before, after = (trace.record(path).value for path in ("first", "behind"))
    with at_rest(True):
        given = torch.randn(count, 6, 4, 4).requires_grad_()
        (made,) = trace.cut([before], [after])(count, given)
        slope = torch.randn(count, 6, 4, 4)
        (found,) = torch.autograd.grad(made, given, as_map(as_tokens(slope).contiguous()))
    factor = 2 * (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
    torch.testing.assert_close(found, slope * factor[:, None, None])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(3, 2, 1),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.MaxPool2d(3, 1, 1, dilation=2),
        nn.MaxPool2d((3, 2)),
    ],
)
def test_a_maximum_over_windows_has_the_values_and_the_order_of_memory_of_torchs(
    pool: Any, count: int
) -> None:
    run = MENDED[nn.functional.max_pool2d]
    given = torch.randn(count, 8, 31, 29).relu()
    given[0, 1, 5, 5] = torch.nan
    arguments = (pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode)
    expected = pool(given)
    with torch.no_grad():
        found = run(given, *arguments)
    assert found.is_contiguous()
    assert torch.equal(found.nan_to_num(9), expected.nan_to_num(9))
    given.requires_grad_()
    (found,) = torch.autograd.grad(run(given, *arguments).nansum(), given)
    (expected,) = torch.autograd.grad(pool(given).nansum(), given)
    assert torch.equal(found, expected)


def test_a_model_that_is_run_as_it_is_has_the_right_gradient_too() -> None:
    """Its Python reads values; a single picture, a norm, tokens behind it: the map is that of two alike."""

    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm, self.head = nn.Conv2d(3, 6, 4, 4), nn.BatchNorm2d(6), nn.Linear(96, 3)

        def forward(self, x: Any) -> Any:
            x = self.norm(self.conv(x if float(x.mean()) > -9 else -x))
            return self.head(as_tokens(x).flatten(1))

    torch.manual_seed(0)
    model = Reads().eval()
    with torch.no_grad():
        model.norm.weight.uniform_(0.5, 2)
    picture = torch.rand(1, 3, 16, 16)
    view = view_of(model, picture)
    row = next(row for row in view.table.rows if row.path == "conv")
    found = (
        view.passes(LayerChoice(row, ""), None, Budget()).probe([picture], np.array([1], np.int32)).gradients
    )
    two = model.conv(picture.repeat(2, 1, 1, 1)).detach().requires_grad_()
    (expected,) = torch.autograd.grad(model.head(as_tokens(model.norm(two)).flatten(1))[:, 1].sum(), two)
    np.testing.assert_allclose(found, expected[:1].movedim(1, -1), rtol=1e-5, atol=1e-7)
