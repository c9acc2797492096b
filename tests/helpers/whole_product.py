"""Everything that VisionCam does with a model, for a process in which some packages are missing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import visioncam
from helpers.cli import run

SIZE = (24, 20)
"""Of the pictures, width first; the model fits them to its own."""


def photos(folder: Path, count: int = 2) -> list[Path]:
    """Write a few pictures of noise."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    paths = [folder / f"{i}.png" for i in range(count)]
    for path in paths:
        Image.fromarray(draw.integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)).save(path)
    return paths


def check(model: Any, reference: str | None) -> None:
    """Use a model in every way, from Python, and from the command line by its reference.

    Of a tiny classifier: values from 0 to 1 in, any layer that `auto` takes.  Prints nothing.
    """
    paths = photos(Path("photos"))
    how = {"preprocess": "unit"}
    cheap_draws = {
        "lime": {"n": 64},
        "kernelshap": {"n": 128},
        "rise": {"n": 64},
        "partitionshap": {"regions": "grid:3"},
    }
    for method in visioncam.methods():
        if method.family == "attention":
            continue
        own = cheap_draws.get(method.name, {})
        found = visioncam.explain(model, paths[0], method.name, **how, **own)
        assert found.heatmap.shape == SIZE[::-1]
        assert np.isfinite(found.raw).all()
    found = visioncam.explain(model, paths[0], "ablationcam", **how)
    found.save("map.npz")
    assert visioncam.load("map.npz").target.index == found.target.index
    found.save("map.png")
    layer = visioncam.layers(model).choice.path
    assert layer == found.layer.path
    top = visioncam.explain(model, paths[0], target="top2", layer=layer, **how)
    assert [e.target.index for e in top] == [e.target.index for e in visioncam.explain(
        model, paths[0], target="top2", score="probability", **how
    )]  # fmt: skip
    visioncam.compare(model, paths, ["gradcam", "ablationcam"], **how).save("sheet.png")
    visioncam.report(model, paths, "page.html", ["gradcam"], **how)
    assert "gradcam" in Path("page.html").read_text("utf-8").casefold().replace("-", "")
    cheap = {"seeds": 1, "cascade": 1, "steps": 2}
    table = visioncam.evaluate(model, paths, ["gradcam", "hirescam"], metrics="deletion", **cheap, **how)
    assert list(table.rows())
    visioncam.recommend(model, paths, methods=["gradcam", "hirescam"], **cheap, **how)
    assert visioncam.explain_dataset(model, "photos", "maps", batch_size=2, **how).done == len(paths)
    assert visioncam.explain_dataset(model, "photos", "maps", batch_size=2, **how).skipped == len(paths)
    assert "agrees with the model itself" in visioncam.doctor(model, paths[0], **how).facts["trace"]
    visioncam.forget(model)
    if reference is not None:
        commands(reference, paths)


def commands(reference: str, paths: list[Path]) -> None:
    """Run the commands on a model of this reference."""
    model = ("--model", reference, "--preprocess", "unit")
    cheap = ("--seeds", 1, "--cascade", 1, "--steps", 2)
    for line in (
        ("explain", *paths, *model, "-o", "cli"),
        ("compare", paths[0], *model, "--methods", "gradcam,scorecam", "-o", "cli/sheet.png"),
        ("report", "cli/page.html", *paths, *model, "--methods", "gradcam"),
        ("batch", "photos", *model, "-o", "cli/maps"),
        ("verify", "cli/maps", *model[:2]),
        ("evaluate", "photos", *model, "--methods", "gradcam", "--metrics", "deletion", *cheap),
        ("doctor", paths[0], *model),
        ("layers", *model[:2]),
    ):  # fmt: skip
        ended = run(*line)
        assert ended.code == 0, (line, ended)


def loaded(*names: str) -> list[str]:
    """Return which of these packages are imported."""
    return sorted({name.partition(".")[0] for name in sys.modules} & {*names})
