"""Store raw maps of the embedded model in Keras, which the one in PyTorch must give as well.

python tools/keras_demo_maps.py        (in an environment with TensorFlow)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import visioncam
from visioncam import demo

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "data" / "golden"
GRADIENTS = (
    "gradcam", "gradcamplusplus", "hirescam", "xgradcam", "gradcamelementwise", "respondcam",
    "smoothgradcamplusplus",
)  # fmt: skip


def main() -> None:
    """Compute the maps and write them."""
    with np.load(FOLDER / "efficientnet_lite0_maps.npz") as golden:
        x, classes = demo.preprocess(golden["input"]), golden["class_index"].tolist()
    model = demo.load("keras")
    maps: dict[str, np.ndarray] = {}
    for short, layer in (("top", "top_activation"), ("mid", "block5c_add")):
        for one in ("ablationcam", "scorecam"):
            if (short, one) != ("top", "scorecam"):
                maps[f"{short}/{one}"] = visioncam.explain(
                    model, x[0], one, target=classes[0], layer=layer
                ).raw[None]
        rows = visioncam.compare(model, x, list(GRADIENTS), target=classes, layer=layer)
        for name in GRADIENTS:
            maps[f"{short}/{name}"] = np.stack([row[name].raw for row in rows])
    np.savez_compressed(FOLDER / "keras_demo_maps.npz", **maps)


if __name__ == "__main__":
    main()
