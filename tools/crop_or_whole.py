"""Measure how the embedded model should see photos: `python tools/crop_or_whole.py`; docs/evaluation.md."""

from __future__ import annotations

import numpy as np
from evaluation_set import pictures

import visioncam
from visioncam_core.images.geometry import CenterCrop, Resize

WAYS = {"the usual crop": CenterCrop(), "the whole picture": Resize("bicubic")}


def main() -> None:
    """Print, for each way, what the network says of the sixty pictures and where XGrad-CAM lies."""
    model = visioncam.demo.load("torch")
    for name, geometry in WAYS.items():
        right, sure, dense, peak = [], [], [], []
        for one in pictures():
            e = visioncam.explain(model, one.pixels, "xgradcam", target=one.asked.target, geometry=geometry)
            truth, share = one.asked.truth, e.heatmap / max(e.heatmap.sum(), 1e-9)
            right.append(e.predictions[0].index == one.asked.target)
            sure.append(e.target.probability)
            dense.append(share[truth].sum() / truth.mean())
            peak.append(truth.flat[e.heatmap.argmax()])
        shares = f"{np.mean(right):.0%} | {np.mean(sure):.2f} | {np.median(dense):.1f} | {np.mean(peak):.0%}"
        print(f"| {name} | {shares} |")


if __name__ == "__main__":
    main()
