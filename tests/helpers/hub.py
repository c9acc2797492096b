"""Small classifiers of KerasHub with random weights, for its tests and the page of compatibility."""

from __future__ import annotations

from typing import Any

SIDE = (64, 64, 3)
UNIT, TF = {"scale": 1 / 255}, {"scale": 1 / 127.5, "offset": -1.0}
IMAGENET = {"scale": [1 / 58.4, 1 / 57.1, 1 / 57.4], "offset": [-2.12, -2.04, -1.8]}
SQUEEZED = {"crop_to_aspect_ratio": False}
PADDED = {**SQUEEZED, "pad_to_aspect_ratio": True}
BACKBONES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ViT": ({"patch_size": 16, "num_layers": 2, "num_heads": 2, "hidden_dim": 32, "mlp_dim": 64}, TF),
    "DeiT": ({"patch_size": 16, "num_layers": 2, "num_heads": 2, "hidden_dim": 32, "intermediate_dim": 64},
             IMAGENET),
    "ResNet": ({"input_conv_filters": [64], "input_conv_kernel_sizes": [7], "stackwise_num_filters": [64, 64],
                "stackwise_num_blocks": [1, 1], "stackwise_num_strides": [1, 2], "block_type": "basic_block"},
               IMAGENET),
    "EfficientNet": ({
        "stackwise_kernel_sizes": [3], "stackwise_num_repeats": [1], "stackwise_input_filters": [32],
        "stackwise_output_filters": [16], "stackwise_expansion_ratios": [1], "stackwise_strides": [2],
        "stackwise_squeeze_and_excite_ratios": [0.25], "stackwise_block_types": ["v1"],
        "width_coefficient": 1.0, "depth_coefficient": 1.0}, {**UNIT, **SQUEEZED}),
    "MobileNet": ({
        "stackwise_expansion": [[16]], "stackwise_num_blocks": [1], "stackwise_num_filters": [[16]],
        "stackwise_kernel_size": [[3]], "stackwise_num_strides": [[2]], "stackwise_se_ratio": [[None]],
        "stackwise_activation": [["relu6"]], "stackwise_padding": [[1]], "output_num_filters": 32,
        "depthwise_filters": 16, "depthwise_stride": 1, "depthwise_residual": False,
        "squeeze_and_excite": None, "last_layer_filter": 32, "input_num_filters": 16,
        "input_activation": "relu6", "output_activation": "relu6"}, {**TF, **PADDED}),
    "DenseNet": ({"stackwise_num_repeats": [2, 2], "growth_rate": 8}, IMAGENET),
    "VGG": ({"stackwise_num_repeats": [1, 1], "stackwise_num_filters": [16, 16]}, UNIT),
    "Xception": ({"stackwise_conv_filters": [[32, 64], [64, 64]], "stackwise_pooling": [True, False]}, TF),
    "SwinTransformer": ({"embed_dim": 24, "depths": (2, 2), "num_heads": (2, 4), "window_size": 4}, IMAGENET),
}  # fmt: skip
"""Family -> the arguments of its backbone, and of its image converter."""


def classifier(hub: Any, family: str) -> Any:
    """Return a classifier of five classes; `hub` is the package keras_hub."""
    backbone, how = BACKBONES[family]
    converter = getattr(hub.layers, f"{family}ImageConverter")(image_size=SIDE[:2], **how)
    preprocessor = getattr(hub.models, f"{family}ImageClassifierPreprocessor")(image_converter=converter)
    inner = getattr(hub.models, f"{family}Backbone")(image_shape=SIDE, **backbone)
    return getattr(hub.models, f"{family}ImageClassifier")(inner, 5, preprocessor=preprocessor)
