"""Positions are followed along the tape: drawn where autograd says they look, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers.torch_placed import MIXED, PLAIN
from helpers.torch_steps import Chain, Placed, view_of
from torch import nn

from visioncam_core.engine.layer_table import LayerRow
from visioncam_engines.torch.placing import from_grid, to_grid

EVERY = {**PLAIN, **MIXED}


def corners(grid: tuple[int, ...]) -> list[tuple[int, ...]]:
    sides = [sorted({n // 4, n - 1 - n // 4}) for n in grid]
    return [tuple(int(n) for n in at) for at in np.stack(np.meshgrid(*sides), -1).reshape(-1, len(grid))]


def looks_at(model: Any, row: LayerRow, shape: tuple[int, ...]) -> np.ndarray:
    """Return for each of `corners` the centre of its gradient's energy in a picture, by a hook."""
    picture = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    kept: list[Any] = []
    handle = dict(model.named_modules())[row.path.replace("/", ".")].register_forward_hook(
        lambda module, args, output: kept.append(output)
    )
    with handle:
        model(picture)
    assert row.layout is not None
    mix = torch.from_numpy(np.random.default_rng(0).normal(size=row.layout.channels))
    grid = to_grid(kept[0], row.layout).double()
    found = []
    for at in corners(row.grid):
        (slope,) = torch.autograd.grad((grid[(0, *at)] * mix).sum(), picture, retain_graph=True)
        energy = slope[0].double().square().sum(0).numpy()
        lines = [energy.sum(axis=tuple({*range(energy.ndim)} - {axis})) for axis in range(energy.ndim)]
        found.append([float((line * np.arange(len(line))).sum() / line.sum()) for line in lines])
    return np.array(found)


def with_equal_taps(model: Any) -> Any:
    """Return the model with all taps alike, so that kernels look at their middle exactly."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(1 / max(weight.numel(), 1))
    return model


@pytest.fixture(scope="module", params=sorted(EVERY))
def case(request: pytest.FixtureRequest) -> tuple[Placed, Any, Any, LayerRow]:
    one = EVERY[request.param]
    model = one.made()
    table = view_of(model, torch.rand(1, *one.shape)).table
    (row,) = [row for row in table.rows if row.path == one.layer]
    return one, model, table, row


def test_positions_are_drawn_where_they_look(case: tuple[Placed, Any, Any, LayerRow]) -> None:
    one, model, table, row = case
    assert row.refused == ""
    assert not row.guessed
    assert row.grid == one.grid
    if not one.mixed:
        with_equal_taps(model)
    seen = looks_at(model, row, one.shape)
    pixels = table.placement(row, "receptive").pixels(row.grid, table.image_shape)
    drawn = np.array([[line[n] for line, n in zip(pixels, at, strict=True)] for at in corners(row.grid)])
    inside = ((drawn >= 0) & (drawn < one.shape[1:])).all(1)
    seen, drawn = seen[inside], drawn[inside]
    assert len(seen) > 1
    for axis, count in enumerate(row.grid):
        if count == 1:
            continue
        if one.mixed:
            others = [other for other in range(len(row.grid)) if other != axis]
            slopes = np.linalg.lstsq(drawn - drawn.mean(0), seen - seen.mean(0), rcond=None)[0][axis]
            assert 0.15 < slopes[axis] < 1.2
            assert all(abs(slopes[other]) < 0.5 * slopes[axis] for other in others)
        else:
            assert np.abs(seen - drawn)[:, axis].max() < 1.1  # an edge or an even kernel cuts a tap off


def test_a_map_goes_into_the_layer_as_it_came_out(case: tuple[Placed, Any, Any, LayerRow]) -> None:
    *_, row = case
    assert row.layout is not None
    values = torch.randn(1, *row.shape)
    assert torch.equal(from_grid(to_grid(values, row.layout), row.layout, values), values)
    grids = torch.randn(3, *row.grid, row.layout.channels)
    assert torch.equal(to_grid(from_grid(grids, row.layout, values), row.layout), grids)


# ---- no positions


def latents(x: Any) -> Any:
    return torch.ones(len(x), 24, 8) * x.mean((1, 2, 3))[:, None, None]


NONE = {
    "gram": lambda x: x.flatten(2) @ x.flatten(2).mT,
    "bilinear": lambda x: torch.einsum("nchw,ndhw->ncd", x, x),
    "dense": lambda x: (x.flatten(1)[:, :48] @ torch.ones(48, 4 * 6 * 4)).view(-1, 4, 4, 6),
    "shuffled": lambda x: x.flatten(2)[..., 37 * torch.arange(96) % 96].view(x.shape),
    "sorted": lambda x: x.flatten(2).sort(-1).values.view(x.shape),
    "spectrum": lambda x: torch.fft.fft2(x).abs(),
    "latents": latents,
}


@pytest.mark.parametrize("name", sorted(NONE))
def test_what_has_no_positions_is_refused(name: str) -> None:
    torch.manual_seed(0)
    model = Chain(c1=nn.Conv2d(3, 8, 3, 2, 1), none=NONE[name]).eval()
    model(torch.zeros(1, 3, 16, 24))
    table = view_of(model, torch.rand(1, 3, 16, 24)).table
    (row,) = [row for row in table.rows if row.path == "none"]
    assert row.refused or (row.guessed and table.refusal(row))


def test_a_sampled_grid_is_asked_for() -> None:
    """Nothing is known of `grid_sample`: the gradient confirms what a shape suggests, or refuses it."""
    same = torch.nn.functional.affine_grid(torch.eye(2, 3)[None], [1, 8, 8, 12], align_corners=False)
    turned = same.flip(1)
    for grid, fine in ((same, True), (turned, False)):
        torch.manual_seed(0)
        model = Chain(
            c1=nn.Conv2d(3, 8, 3, 2, 1),
            sampled=lambda x, g=grid: nn.functional.grid_sample(
                x, g.expand(len(x), -1, -1, -1), align_corners=False
            ),
        ).eval()
        model(torch.zeros(1, 3, 16, 24))
        table = view_of(model, torch.rand(1, 3, 16, 24)).table
        (row,) = [row for row in table.rows if row.path == "sampled"]
        assert row.guessed
        assert (table.refusal(row) == "") == fine


def test_weights_move_an_effective_placement_without_another_trace() -> None:
    model = Chain(c1=nn.Conv2d(3, 4, 3, padding=1, bias=False)).eval()
    model(torch.zeros(1, 3, 8, 8))
    table = view_of(model, torch.rand(1, 3, 8, 8)).table
    (row,) = [row for row in table.rows if row.path == "c1"]
    for tap in ((0, 2), (1, 1), (2, 0)):
        with torch.no_grad():
            model.c1.weight.zero_()
            model.c1.weight[:, :, tap[0], tap[1]] = 1
        assert table.placement(row, "effective").start == (tap[0] - 1, tap[1] - 1)
    assert table.placement(row, "receptive").start == (0.0, 0.0)
    model.c1.weight.data.zero_()  # unseen by version counters
    model.c1.weight.data[:, :, 0, 0] = 1
    assert table.placement(row, "effective").start == (-1.0, -1.0)


@pytest.mark.parametrize("past_the_count", [False, True])
def test_a_kernel_made_of_other_weights_is_followed_when_they_change(past_the_count: bool) -> None:
    model = Chain(c1=nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3, padding=1, bias=False))).eval()
    model(torch.zeros(1, 3, 8, 8))
    view = view_of(model, torch.rand(1, 3, 8, 8))
    (row,) = [row for row in view.table.rows if row.path == "c1"]
    direction = model.c1.parametrizations.weight.original1
    for tap in ((0, 2), (1, 1), (2, 0)):
        new = torch.zeros(4, 3, 3, 3)
        new[:, :, tap[0], tap[1]] = 1
        with torch.no_grad():
            (direction.data if past_the_count else direction).copy_(new)
        assert view.table.placement(row, "effective").start == (tap[0] - 1, tap[1] - 1)
