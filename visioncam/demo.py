"""The embedded model: EfficientNet-Lite0 with its ImageNet weights, ready for `visioncam.explain`.

model = visioncam.demo.load()
visioncam.explain(model, "cat.jpg", method="xgradcam")
"""

from visioncam_engines.keras.demo import class_names, load, preprocess

__all__ = ["class_names", "load", "preprocess"]
