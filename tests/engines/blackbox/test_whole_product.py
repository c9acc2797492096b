"""Everything that VisionCam does with a model, with a function, where no framework can be imported."""

from __future__ import annotations

from pathlib import Path

from helpers import hidden, hide_one

MODULE = """
import numpy as np
import visioncam

def classify(x):
    means = x[:, :16, :16].mean(axis=(1, 2)) / 255
    return means / means.sum(axis=1, keepdims=True).clip(1e-9)

box = visioncam.blackbox(classify, (32, 40), names=["red", "green", "blue"])
"""
SCRIPT = """
import numpy as np
import visioncam
from helpers.cli import run
from helpers.whole_product import loaded, photos
from mine import box
from pathlib import Path
from visioncam import targets

PLUGIN = sys.argv[1] + "/helpers/hide_one.py"
visioncam.load_plugin(PLUGIN)
paths = photos(Path("photos"))
e = visioncam.explain(box, paths[0], "hideone")
assert e.raw.shape == (32, 40) and e.heatmap.shape == (20, 24) and e.raw.any()
print(e.layer.path, e.target.label, e.provenance["preprocess"])
e.save("map.npz")
e.save("map.png")
assert visioncam.load("map.npz").target.index == e.target.index
found = visioncam.compare(box, paths, ["hideone", "gradcam"], targets="top2")
assert len(found) == 4 and all(list(one.failures) == ["gradcam"] for one in found)
found.save("sheet.png")
assert visioncam.explain(box, paths[0], "hideone", target=targets.Contrast(0, 1)).raw.any()
assert visioncam.explain(box, paths[0], "hideone", target=lambda values: values[:, 0]).raw.any()
visioncam.report(box, paths, "page.html", ["hideone"])
few = {"steps": 2, "seeds": 1, "cascade": 1}
table = visioncam.evaluate(box, paths, ["hideone"], metrics=["deletion", "maxsensitivity"], **few)
assert "no randomised models" in " ".join(table.notes), table.notes
print([(result.metric, bool(np.isfinite(result.mean)))
       for at in table.layers for result in at.results if result.method == "hideone"])
assert "class" in visioncam.doctor(box, paths[0], "hideone").facts
assert "layer" not in visioncam.doctor(box, paths[0], "hideone").keywords
for again in (2, 0):
    assert visioncam.explain_dataset(box, "photos", "maps", "hideone", batch_size=2).done == again
model = ("--model", "mine:box", "--plugin-file", PLUGIN)
for line in (
    ("explain", *paths, *model, "--method", "hideone", "-o", "cli"),
    ("compare", paths[0], *model, "--methods", "hideone", "-o", "cli/sheet.png"),
    ("batch", "photos", *model, "--method", "hideone", "-o", "cli/maps"),
    ("verify", "cli/maps", *model),
    ("evaluate", "photos", *model, "--methods", "hideone", "--metrics", "deletion", "--steps", 2),
    ("layers", *model),
):
    ended = run(*line)
    print(line[0], ended.code, ended.stderr if ended.code else "")
print(run("explain", paths[0], "--model", "mine:classify").message)
print(loaded("tensorflow", "keras", "torch", "jax"))
"""


def test_everything_works_with_a_function_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODULE, "utf-8")
    tests = Path(hide_one.__file__).parents[1]
    lines = hidden.run(hidden.hiding(*hidden.FRAMEWORKS) + SCRIPT, tmp_path, str(tests))
    assert lines[0].startswith("input ")
    assert lines[0].endswith(" scaled")
    assert lines[1] == "[('deletion', True), ('maxsensitivity', True)]"
    ended = ["explain 0 ", "compare 0 ", "batch 0 ", "verify 0 ", "evaluate 0 ", "layers 0 "]
    assert lines[2:8] == ended
    assert "box = visioncam.blackbox(function), and named module:box" in lines[8]
    assert lines[9] == "[]"
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    assert "hide one" in (tmp_path / "page.html").read_text("utf-8").casefold()
