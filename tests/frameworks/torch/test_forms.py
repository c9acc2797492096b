"""Models in other forms than usual: channels last, inputs by name, exported, quantized."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import visioncam
from visioncam_core.errors import ImageError, ModelError


class Inner(nn.Module):
    """Takes pictures with the channels last, and moves them itself."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 6, 3, 2), nn.Linear(6, 4)

    def forward(self, x: Any) -> Any:
        return self.head(self.conv(x.permute(0, 3, 1, 2)).relu().mean((2, 3)))


class InnerFirst(Inner):
    def forward(self, x: Any) -> Any:
        return super().forward(x.permute(0, 2, 3, 1))


def test_a_model_that_takes_the_channels_last_is_explained_once_its_card_says_so() -> None:
    torch.manual_seed(3)
    first = InnerFirst().eval()
    last = Inner().eval()
    last.load_state_dict(first.state_dict())
    pictures = torch.rand(2, 24, 20, 3)
    with pytest.raises(ImageError, match=r"ModelCard\(channels_first=False\)"):
        visioncam.explain(last, pictures[0])
    with pytest.raises(ModelError, match=r"ModelCard\(channels_first=False\)"):
        visioncam.explain(last, pictures[0].permute(2, 0, 1))
    visioncam.set_model_card(last, visioncam.ModelCard(channels_first=False))
    found = visioncam.explain(last, pictures, "scorecam", target=1)
    expected = visioncam.explain(first, pictures.permute(0, 3, 1, 2), "scorecam", target=1)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.raw, other.raw, rtol=1e-5, atol=1e-6)
        assert one.heatmap.shape == (24, 20)
        np.testing.assert_array_equal(one.picture, other.picture)


class ByName(Inner):
    def forward(self, *, image: Any, scale: float = 1.0) -> Any:  # type: ignore[override]
        return super().forward(scale * image.permute(0, 2, 3, 1))


def test_inputs_that_are_taken_by_name_alone_are_passed_by_name() -> None:
    model = ByName().eval()
    picture = torch.rand(3, 24, 20)
    (named,) = visioncam.explain(model, {"image": picture[None]}, target=0)
    np.testing.assert_array_equal(named.raw, visioncam.explain(model, picture, target=0).raw)


def test_an_unflattened_program_is_followed_like_the_model_it_was_made_of() -> None:
    model = InnerFirst().eval()
    picture = torch.rand(3, 24, 20)
    program = torch.export.export(model, (picture[None],))
    found = visioncam.explain(torch.export.unflatten(program), picture, layer="conv", target=0)
    own = visioncam.explain(model, picture, layer="conv", target=0)
    np.testing.assert_allclose(found.raw, own.raw, rtol=1e-5, atol=1e-8)
    assert found.layer.placement == own.layer.placement
    with pytest.raises(ModelError, match=r"torch\.export\.unflatten"):
        visioncam.explain(program.module(), picture)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_quantized_model_is_refused_by_its_layer() -> None:
    model = torch.ao.quantization.quantize_dynamic(InnerFirst().eval(), {nn.Linear})
    with pytest.raises(ModelError, match="the layer Linear of the model 'InnerFirst' is quantized"):
        visioncam.explain(model, torch.rand(3, 24, 20))
