"""The `keras.applications` networks that leave preprocessing to the caller, told apart by their layers.

Names alone would not do (anybody may call a layer `block1_conv1`) and a model's
own name can be anything, so a row asks for both: the last layer's name and the
exact number of weights up to it.  Measured by building each one with
`include_top=False`; networks that rescale inside (EfficientNet, MobileNetV3,
ConvNeXt, ...) need no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from visioncam_core.engine.records import Scaling
from visioncam_engines.demo.card import BODY
from visioncam_engines.demo.card import SCALING as OURS
from visioncam_engines.keras.first_layers import SCALING, front, is_a, weights_of


@attrs.frozen
class Architecture:
    """One row.

    Attributes:
        name: as in `keras.applications`.
        mode: how it wants its pixels: `"caffe"`, `"tf"` or `"torch"`, or a scaling.
        last: name of its last layer that is never named automatically.
        weights: number of weights up to and including `last`, one for each width.
        first: names of its first layers with weights, where they are fixed.
    """

    name: str
    mode: str | Scaling
    last: str
    weights: tuple[int, ...]
    first: tuple[str, ...] = ()


_RESNET = ("conv1_conv", "conv1_bn", "conv2_block1_1_conv")
_RESNET_V2 = ("conv1_conv", "conv2_block1_preact_bn", "conv2_block1_1_conv")
_DENSENET = ("conv1_conv", "conv1_bn", "conv2_block1_0_bn")
_VGG = ("block1_conv1", "block1_conv2", "block2_conv1")
_NASNET = ("stem_conv1", "stem_bn1", "reduction_conv_1_stem_1")
_NASNET_END = "separable_conv_2_bn_normal_left5_"

TABLE = (
    Architecture("VGG16", "caffe", "block5_conv3", (14_714_688,), _VGG),
    Architecture("VGG19", "caffe", "block5_conv4", (20_024_384,), _VGG),
    Architecture("ResNet50", "caffe", "conv5_block3_3_bn", (23_587_712,), _RESNET),
    Architecture("ResNet101", "caffe", "conv5_block3_3_bn", (42_658_176,), _RESNET),
    Architecture("ResNet152", "caffe", "conv5_block3_3_bn", (58_370_944,), _RESNET),
    Architecture("ResNet50V2", "tf", "post_bn", (23_564_800,), _RESNET_V2),
    Architecture("ResNet101V2", "tf", "post_bn", (42_626_560,), _RESNET_V2),
    Architecture("ResNet152V2", "tf", "post_bn", (58_331_648,), _RESNET_V2),
    Architecture(
        "Xception",
        "tf",
        "block14_sepconv2_bn",
        (20_861_480,),
        ("block1_conv1", "block1_conv1_bn", "block1_conv2"),
    ),
    Architecture("InceptionV3", "tf", "mixed10", (21_802_784,)),
    Architecture("InceptionResNetV2", "tf", "conv_7b_bn", (54_336_736,)),
    Architecture("DenseNet121", "torch", "bn", (7_037_504,), _DENSENET),
    Architecture("DenseNet169", "torch", "bn", (12_642_880,), _DENSENET),
    Architecture("DenseNet201", "torch", "bn", (18_321_984,), _DENSENET),
    Architecture("NASNetMobile", "tf", _NASNET_END + "12", (4_269_716,), _NASNET),
    Architecture("NASNetLarge", "tf", _NASNET_END + "18", (84_916_818,), _NASNET),
    Architecture(
        "MobileNet",
        "tf",
        "conv_pw_13_bn",
        (218_544, 829_536, 1_832_976, 3_228_864),
        ("conv1", "conv1_bn", "conv_dw_1"),
    ),
    Architecture(
        "MobileNetV2",
        "tf",
        "Conv_1_bn",
        (410_208, 706_224, 1_382_064, 2_257_984, 3_766_048, 4_363_712),
        ("Conv1", "bn_Conv1", "expanded_conv_depthwise"),
    ),
)
EMBEDDED = Architecture("EfficientNet-Lite0", OURS, "top_bn", (BODY,))
"""Our own, as saved by its user."""


def recognise(layers: Sequence[Any]) -> Architecture | None:
    """Return the row whose network these layers begin with, from their first weights on.

    Args:
        layers: as `leaves` gives them; a head may follow the network, nothing with weights may precede it.
    """
    total = 0
    for layer in layers[front(layers) :]:
        total += weights_of(layer)
        for row in (*TABLE, EMBEDDED):
            if layer.name == row.last and total in row.weights:
                return row
    return None


def resembles(layers: Sequence[Any]) -> Architecture | None:
    """Return the first row whose first layers have the same names: a network cut or altered, perhaps."""
    names = tuple(layer.name for layer in layers if not is_a(layer, *SCALING) and weights_of(layer))[:3]
    return next((row for row in TABLE if row.first and row.first == names), None)
