"""Each way in which a PyTorch model can be awkward: on tape or run as it is, its passes are autograd's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from helpers import torch_networks as networks
from helpers.torch_networks import pictures
from helpers.torch_passes import differences, opened
from helpers.torch_twins import state_of
from torch import nn

import visioncam
from visioncam_engines.torch.run.eager import EagerModel
from visioncam_engines.torch.view import TapedModel


def _normed() -> Any:
    model = networks.lively(networks.Base())
    nn.utils.parametrizations.weight_norm(model.conv)
    nn.utils.parametrizations.spectral_norm(model.conv2)
    return model.eval()


def _hooked() -> Any:
    model = networks.lively(networks.Base())
    model.conv.register_forward_hook(lambda module, args, output: output * 2)
    return model


def _tied() -> Any:
    model = networks.lively(networks.Base())
    model.again = model.conv2
    return model


ON_TAPE: dict[str, Callable[[], Any]] = {
    "in place": networks.plain,
    "softmax": lambda: networks.plain(softmax=True),
    "called twice": lambda: networks.lively(networks.Twice()),
    "plain list": lambda: networks.lively(networks.Listed()),
    "writes": lambda: networks.lively(networks.Writes()),
    "no_grad inside": lambda: networks.lively(networks.Stopped()),
    "checkpoint": lambda: networks.lively(networks.Checkpointed()),
    "lstm": lambda: networks.lively(networks.Recurrent()),
    "attributes": lambda: networks.lively(networks.Kept()),
    "plain object": lambda: networks.lively(networks.Wrapper()),
    "writes a buffer": lambda: networks.lively(networks.Counts()),
    "renorm": lambda: networks.lively(networks.Renormed()),
    "masks": lambda: networks.lively(networks.Masked()),
    "frozen": lambda: networks.lively(networks.Base()).requires_grad_(False),
    "train mode": lambda: networks.plain().train(),
    "weight_norm": lambda: _normed(),
    "user's hook": lambda: _hooked(),
    "tied": lambda: _tied(),
}
AS_THEY_ARE: dict[str, Callable[[], Any]] = {
    "reads": lambda: networks.lively(networks.Reads()),
    "by hand": lambda: networks.lively(networks.ByHand()),
    "autocast inside": lambda: networks.lively(networks.Autocast()),
    "numpy": lambda: networks.lively(networks.Numpy()),
    "scales itself": lambda: networks.lively(networks.Scaled()),
    "vmap": lambda: networks.lively(networks.Mapped()),
}
EXACT = {"reads", "numpy", "scales itself", "vmap"}
WHY = {
    "reads": "reads values",
    "by hand": "the gradient of Rounded is written by hand",
    "autocast inside": "turns autocast on",
    "numpy": "reads values of tensors (numpy)",
    "scales itself": "clamp_ writes into its parameters",
    "vmap": "it fails while the tape records",
}


@pytest.mark.parametrize("name", ON_TAPE)
def test_on_tape(name: str) -> None:
    model = ON_TAPE[name]()
    traced, view = opened(model, pictures())
    assert isinstance(traced, TapedModel)
    assert not isinstance(traced, EagerModel)
    assert not view.exact
    assert [code for code, _ in view.notes] == (["training-mode"] if name == "train mode" else [])
    off = differences(ON_TAPE[name], pictures())
    assert off.forward == off.activations == off.gradients == 0.0
    assert off.changed <= 3e-6
    assert off.shown >= 1


@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_run_as_it_is(name: str) -> None:
    model = AS_THEY_ARE[name]()
    traced, view = opened(model, pictures())
    assert isinstance(traced, EagerModel)
    assert view.exact == (name in EXACT)
    ((code, why),) = view.notes
    assert code == "run-as-it-is"
    assert WHY[name] in why
    off = differences(AS_THEY_ARE[name], pictures())
    assert off.forward <= 1e-7
    assert off.activations == off.gradients == 0.0
    assert off.changed <= 2e-6
    assert off.layers == off.shown == 2


@pytest.mark.parametrize("name", [*ON_TAPE, *AS_THEY_ARE])
def test_untouched(name: str) -> None:
    model = {**ON_TAPE, **AS_THEY_ARE}[name]()
    before = state_of(model)
    opened(model, pictures())
    assert state_of(model) == before


def test_a_model_that_loops_over_its_pictures_runs_one_at_a_time() -> None:
    model = networks.lively(networks.Loops())
    _, view = opened(model, pictures())
    assert view.exact
    ((code, why),) = view.notes
    assert code == "exact-shape-trace"
    assert "different steps for two pictures" in why
    off = differences(lambda: networks.lively(networks.Loops()), pictures())
    assert off.forward == off.activations == off.gradients == 0.0
    assert off.changed <= 2e-6


def test_a_model_that_draws_a_little_noise_is_on_tape() -> None:
    model = networks.lively(networks.Drops())
    traced, view = opened(model, pictures())
    assert not isinstance(traced, EagerModel)
    ((code, why),) = view.notes
    assert code == "exact-shape-trace"
    assert "draws random numbers (rand), here the same ones each time" in why


class Forgets(nn.Module):
    """Monte Carlo dropout: it drops at rest too, twice, and adds noise behind."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, 2)
        self.more = nn.Conv2d(6, 6, 3)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        x = nn.functional.dropout(self.conv(x).relu(), 0.5, training=True)
        x = nn.functional.dropout(self.more(x).relu(), 0.3, training=True).mean((2, 3))
        return self.head(x + 0.1 * torch.randn_like(x))


class ForgetsInPython(Forgets):
    """The same, and its Python reads a value, so that it is run as it is."""

    def forward(self, x: Any) -> Any:
        return super().forward(x * (1.0 if float(x.mean()) > -9 else 2.0))


@pytest.mark.parametrize("make", [Forgets, ForgetsInPython])
def test_a_model_that_draws_at_rest_draws_the_same_for_every_map_and_none_of_the_users(make: Any) -> None:
    torch.manual_seed(0)
    model = make().eval()
    pictures = torch.rand(3, 3, 24, 24)
    for method in ("gradcam", "scorecam", "ablationcam"):
        torch.manual_seed(5)
        before = torch.get_rng_state()
        together = visioncam.explain(model, pictures, method, layer="more", target=1)
        assert torch.equal(torch.get_rng_state(), before)
        torch.rand(7)
        for one, picture in zip(together, pictures, strict=True):
            alone = visioncam.explain(model, picture, method, layer="more", target=1)
            np.testing.assert_array_equal(one.raw, alone.raw)
            assert "draws random numbers (dropout, randn_like)" in str(alone.diagnostics)
