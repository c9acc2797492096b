"""Write the parts of docs/compatibility.md that need an environment without TensorFlow.

    python tools/compatibility_torch.py                          PyTorch: torchvision and timm
    KERAS_BACKEND=jax python tools/compatibility_torch.py keras   Keras on JAX, or on torch
    python tools/compatibility_torch.py hub                      classifiers of KerasHub

Weights are random: what is shown is that a map comes, of the right shape, finite.  The exit code is 1 if
something is not well.  `tools/compatibility.py` writes the page around them, and keeps these parts.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from compatibility import FAMILIES, GRADIENTS, PAGE, by, part, replace_part, table

SIDE = 64
TORCHVISION = (
    "resnet18", "resnet50", "densenet121", "efficientnet_b0", "convnext_tiny", "swin_t", "vgg11", "googlenet",
    "mobilenet_v3_small", "regnet_y_400mf", "shufflenet_v2_x0_5", "squeezenet1_0",
)  # fmt: skip
TIMM = (
    "resnet18", "vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224", "efficientnet_lite0",
    "convnext_atto", "swin_tiny_patch4_window7_224", "mobilenetv4_conv_small", "regnety_002",
    "mixer_s32_224", "pvt_v2_b0", "ghostnet_050",
)  # fmt: skip
SMALL = ("VGG", "ResNet", "MobileNetV2", "DenseNet", "EfficientNet", "ConvNeXt")
"""Families of keras.applications that are tried on the other backends."""


def torch_models() -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield (library, name, what makes it)."""
    import timm
    import torchvision

    for name in TORCHVISION:
        yield "torchvision", name, lambda name=name: torchvision.models.get_model(name, weights=None)
    for name in TIMM:
        yield "timm", name, lambda name=name: timm.create_model(name)


def keras_models() -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield (library, name, what makes it)."""
    import keras

    for family in SMALL:
        side, (name, *_) = FAMILIES[family]
        make = getattr(keras.applications, name)
        yield (
            "keras.applications",
            name,
            lambda make=make, side=side: make(weights=None, input_shape=(side, side, 3), classes=10),
        )


def hub_models() -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield (library, name, what makes it)."""
    import keras_hub
    from helpers.hub import BACKBONES, classifier

    for name in BACKBONES:
        yield "keras_hub", name, lambda name=name: classifier(keras_hub, name)


def row(library: str, name: str, make: Callable[[], Any], picture: Any) -> list[str]:
    """Return what came of one network: its layer, grid, and how many of the gradient methods gave a map."""
    import visioncam

    print(library, name, file=sys.stderr, flush=True)
    try:
        found = visioncam.compare(make(), picture, GRADIENTS)
    except visioncam.VisionCamError as error:
        return [library, f"`{name}`", "", "", str(error)]
    good = sum(bool(np.isfinite(e.raw).all()) and e.raw.shape == e.layer.grid and _shown(e) for e in found)
    first = next(iter(found))
    return [
        library,
        f"`{name}`",
        f"`{first.layer.path}`",
        by(first.layer.grid),
        f"{good} of {len(GRADIENTS)}",
    ]


def _shown(e: Any) -> bool:
    """Return whether there is a map, or why it is blank: timm's Mixer has a head of zeros at first."""
    return bool(e.raw.any()) or "zero-gradient" in {one.code for one in e.diagnostics}


def main(arguments: list[str]) -> int:
    """Run everything and write the part."""
    draw = np.random.default_rng(0)
    backend = os.environ.get("KERAS_BACKEND", "")
    if "hub" in arguments:
        models, title, mark = hub_models(), "KerasHub", "hub"
        picture: Any = draw.integers(0, 256, (90, 120, 3)).astype(np.uint8)
    elif "keras" in arguments:
        models, title, mark = keras_models(), f"Keras on {backend}", f"keras-{backend}"
        picture = draw.uniform(0, 255, (SIDE, SIDE, 3)).astype(np.float32)
    else:
        models, title, mark = torch_models(), "PyTorch", "torch"
        picture = None
    rows = []
    for library, name, make in models:
        side = 224 if any(word in name for word in ("vit", "deit", "swin_tiny", "mixer")) else SIDE
        x = draw.random((3, side, side), np.float32) if picture is None else picture
        rows.append(row(library, name, make, x))
        gc.collect()
    head = ["library", "network", "layer of `auto`", "grid", "maps"]
    about = (
        "Random weights, small pictures, the six gradient methods: a map, or a diagnostic that says why "
        "it is blank."
    )
    text = f"## {title}\n\n{about}\n\n{table(head, rows)}"
    PAGE.write_text(replace_part(PAGE.read_text("utf-8"), part(mark, text)), "utf-8")
    bad = [line[1] for line in rows if not line[-1].startswith(f"{len(GRADIENTS)} of")]
    print(f"{len(rows)} networks; not all well: {bad or 'none'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
