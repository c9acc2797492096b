"""Networks of torchvision and timm: every cut is right, at layers from the first to the last.

Weights are random and lively, so that signals reach the end; sizes are small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torchvision
from helpers.torch_networks import lively, pictures
from helpers.torch_passes import differences
from torch import nn
from torchvision.models import segmentation
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

MODELS: dict[str, tuple[Callable[[], Any], int]] = {
    "resnet50": (lambda: torchvision.models.resnet50(), 64),
    "densenet121": (lambda: torchvision.models.densenet121(), 64),
    "efficientnet_b0": (lambda: torchvision.models.efficientnet_b0(), 64),
    "convnext": (lambda: ConvNeXt([CNBlockConfig(24, 48, 1), CNBlockConfig(48, None, 1)]), 64),
    "vit": (lambda: torchvision.models.VisionTransformer(64, 16, 2, 2, 32, 64), 64),
    "swin": (lambda: torchvision.models.SwinTransformer([4, 4], 16, [1, 2], [2, 2], [4, 4]), 64),
    "inception_v3": (lambda: torchvision.models.inception_v3(init_weights=False), 96),
    "mobilenet_v3": (lambda: torchvision.models.mobilenet_v3_small(), 64),
    "squeezenet": (lambda: torchvision.models.squeezenet1_1(), 64),
    "googlenet": (lambda: torchvision.models.googlenet(init_weights=False), 64),
    "deeplab": (
        lambda: segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=4),
        64,
    ),
    "timm vit": (lambda: timm.create_model("vit_tiny_patch16_224", img_size=64, depth=2), 64),
    "timm deit": (lambda: timm.create_model("deit_tiny_distilled_patch16_224", img_size=64, depth=2), 64),
    "timm efficientnet_lite0": (lambda: timm.create_model("efficientnet_lite0"), 64),
    "timm convnext": (lambda: timm.create_model("convnext_atto"), 64),
    "timm swin": (
        lambda: timm.create_model(
            "swin_tiny_patch4_window7_224", img_size=64, window_size=4, depths=(1, 1, 1, 1)
        ),
        64,
    ),
    "timm mobilenetv4": (lambda: timm.create_model("mobilenetv4_conv_small"), 64),
    "timm coatnet": (lambda: timm.create_model("coatnet_pico_rw_224", img_size=64), 64),
    "timm regnety": (lambda: timm.create_model("regnety_002"), 64),
    "timm mixer": (lambda: timm.create_model("mixer_s32_224", img_size=64), 64),
    "timm pvt_v2": (lambda: timm.create_model("pvt_v2_b0"), 64),
    "timm ghostnet": (lambda: timm.create_model("ghostnet_100"), 64),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_cut_is_right(name: str) -> None:
    make, size = MODELS[name]
    off = differences(lambda: _awake(make()), pictures(size=size))
    assert off.forward <= 1e-6
    assert off.activations <= 1e-6
    assert off.gradients <= 5e-6
    assert off.changed <= 1e-4
    assert off.layers == 3
    assert off.shown >= 1


def _awake(model: Any) -> Any:
    """Return a lively model whose head of zeros and tiny scales are drawn as well."""
    model = lively(model)
    for name, weight in model.named_parameters():
        if not weight.any() or "gamma" in name or "layer_scale" in name:
            nn.init.normal_(weight, 0, 0.3)
    return model
