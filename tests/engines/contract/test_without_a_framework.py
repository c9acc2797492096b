"""From array to PNG where TensorFlow, Keras, torch and JAX cannot be imported."""

from __future__ import annotations

from pathlib import Path

from helpers import hidden, numpy_engine

SCRIPT = """
import numpy as np
import visioncam
from helpers.numpy_engine import TwoLayers
from visioncam import targets

visioncam.load_plugin(sys.argv[1] + "/helpers/numpy_engine.py")
model, x = TwoLayers(), np.random.default_rng(0).uniform(size=(16, 16, 3)).astype(np.float32)
for method in ("gradcam", "gradcamplusplus", "hirescam", "xgradcam", "smoothgradcamplusplus", "scorecam",
               "ablationcam"):
    found = visioncam.explain(model, x, method, target=1)
    assert found.raw.shape == (8, 8) and np.isfinite(found.raw).all() and found.raw.any(), method
    found.save(f"{method}.png")
print(found.layer.path, found.target.label, sorted(found.provenance))
print(len(visioncam.compare(model, [x, x], targets="top2", layers=["features", "hidden"])))
visioncam.compare(model, x).save("sheet.png")
picture = (x * 255).astype(np.uint8)
print(visioncam.explain(model, picture).provenance["preprocess"])
print(visioncam.explain(model, x, target=targets.Contrast(0, 1)).raw.any())
print(visioncam.explain(model, x, "scorecam", target=lambda values: values[:, 0]).raw.shape)
print(visioncam.explain(model, x, score="probability", target="top2")[1].score_kind)
print(visioncam.doctor(model, picture).facts["trace"][:7])
wide = np.random.default_rng(0).integers(0, 255, (40, 40, 3)).astype(np.uint8)
print(visioncam.explain(model, wide, geometry="tile").provenance["windows"])
visioncam.report(model, [x], "page.html", ["gradcam"])
print(visioncam.evaluate(model, [picture], ["gradcam"], metrics=["deletion"], steps=3).model)
visioncam.explain(model, x, target=0).save("map.npz")
print(visioncam.load("map.npz").target.index)
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("tensorflow", "keras", "torch")))
try:
    visioncam.explain(object(), x)
except visioncam.VisionCamError as error:
    print(error)
"""


def test_everything_works_without_a_framework(tmp_path: Path) -> None:
    tests = Path(numpy_engine.__file__).parent.parent
    lines = hidden.run(hidden.hiding(*hidden.FRAMEWORKS) + SCRIPT, tmp_path, str(tests))
    assert lines[0].startswith("hidden class 1 [")
    assert "tensorflow" not in lines[0]
    assert lines[1:11] == [
        "8",
        "unit",
        "True",
        "(8, 8)",
        "probability",
        "agrees ",
        "9",
        "two_layers",
        "0",
        "[]",
    ]
    assert "of type object; engines" in lines[11]
    assert "; engines: served, blackbox, numpy-two-layers; not installed: keras-tensorflow, " in lines[11]
    assert "(pip install tensorflow keras" in lines[11]
    assert (tmp_path / "ablationcam.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    assert "two_layers, 63 weights" in (tmp_path / "page.html").read_text("utf-8")
