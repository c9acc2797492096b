"""Each way in which a PyTorch model can be awkward: on tape or run as it is, its passes are autograd's."""

from __future__ import annotations

import pytest
from helpers import torch_networks as networks
from helpers.torch_networks import pictures, state_of
from helpers.torch_passes import differences, opened

from visioncam_engines.torch.eager import EagerModel
from visioncam_engines.torch.view import TapedModel

EXACT = {"reads", "numpy", "scales itself", "vmap"}
WHY = {
    "reads": "reads values",
    "by hand": "the gradient of Rounded is written by hand",
    "autocast inside": "turns autocast on",
    "numpy": "reads values of tensors (numpy)",
    "scales itself": "clamp_ writes into its parameters",
    "vmap": "under the tape it fails",
}


@pytest.mark.parametrize("name", networks.ON_TAPE)
def test_on_tape(name: str) -> None:
    model = networks.ON_TAPE[name]()
    traced, view = opened(model, pictures())
    assert isinstance(traced, TapedModel)
    assert not isinstance(traced, EagerModel)
    assert not view.exact
    assert [code for code, _ in view.notes] == (["training-mode"] if name == "train mode" else [])
    off = differences(networks.ON_TAPE[name], pictures())
    assert off.forward == off.activations == off.gradients == 0.0
    assert off.changed <= 3e-6
    assert off.shown >= 1


@pytest.mark.parametrize("name", networks.AS_THEY_ARE)
def test_run_as_it_is(name: str) -> None:
    model = networks.AS_THEY_ARE[name]()
    traced, view = opened(model, pictures())
    assert isinstance(traced, EagerModel)
    assert view.exact == (name in EXACT)
    ((code, why),) = view.notes
    assert code == "run-as-it-is"
    assert WHY[name] in why
    off = differences(networks.AS_THEY_ARE[name], pictures())
    assert off.forward <= 1e-7
    assert off.activations == off.gradients == 0.0
    assert off.changed <= 2e-6
    assert off.layers == off.shown == 2


@pytest.mark.parametrize("name", [*networks.ON_TAPE, *networks.AS_THEY_ARE])
def test_untouched(name: str) -> None:
    model = {**networks.ON_TAPE, **networks.AS_THEY_ARE}[name]()
    before = state_of(model)
    opened(model, pictures())
    assert state_of(model) == before


def test_a_model_that_loops_over_its_pictures_runs_one_at_a_time() -> None:
    model = networks.lively(networks.Loops())
    _, view = opened(model, pictures())
    assert view.exact
    ((code, why),) = view.notes
    assert code == "exact-shape-trace"
    assert "other steps for two pictures" in why
    off = differences(lambda: networks.lively(networks.Loops()), pictures())
    assert off.forward == off.activations == off.gradients == 0.0
    assert off.changed <= 2e-6


def test_a_model_that_draws_a_little_noise_is_on_tape() -> None:
    model = networks.lively(networks.Drops())
    traced, view = opened(model, pictures())
    assert not isinstance(traced, EagerModel)
    assert view.notes == ()
