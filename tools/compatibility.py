"""Write docs/compatibility.md: every kind of model by every method, and the families of keras.applications.

    python tools/compatibility.py           the smallest member of each family
    python tools/compatibility.py --full    every member, which takes an hour and much memory

The kinds are those of the tests (tests/helpers/networks).  Weights are random: what is shown is that a map
comes, of the right shape and layer, and that the model stays as it was.  The exit code is 1 if something is
not well.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import inspect
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "compatibility.md"
ZOO = tuple(f"helpers.networks.{name}" for name in ("kinds", "forms", "legacy", "ranks", "space", "tokens"))
GRADIENTS = ("gradcam", "gradcamplusplus", "gradcamelementwise", "hirescam", "respondcam", "xgradcam")
GOOD, UNKNOWN = "✓", "its preprocessing is not recognised"

FAMILIES: dict[str, tuple[int, tuple[str, ...]]] = {
    "VGG": (64, ("VGG16", "VGG19")),
    "ResNet": (64, ("ResNet50", "ResNet101", "ResNet152")),
    "ResNetV2": (64, ("ResNet50V2", "ResNet101V2", "ResNet152V2")),
    "Xception": (72, ("Xception",)),
    "InceptionV3": (128, ("InceptionV3",)),
    "InceptionResNetV2": (128, ("InceptionResNetV2",)),
    "MobileNet": (64, ("MobileNet",)),
    "MobileNetV2": (64, ("MobileNetV2",)),
    "MobileNetV3": (64, ("MobileNetV3Small", "MobileNetV3Large")),
    "DenseNet": (64, ("DenseNet121", "DenseNet169", "DenseNet201")),
    "NASNet": (64, ("NASNetMobile", "NASNetLarge")),
    "EfficientNet": (64, tuple(f"EfficientNetB{n}" for n in range(8))),
    "EfficientNetV2": (64, tuple(f"EfficientNetV2{n}" for n in ("B0", "B1", "B2", "B3", "S", "M", "L"))),
    "ConvNeXt": (64, tuple(f"ConvNeXt{n}" for n in ("Tiny", "Small", "Base", "Large", "XLarge"))),
}
"""Family -> side of the pictures, and its members, the smallest first."""

HEAD = """# Compatibility

Written by `python tools/compatibility.py`, which runs all of it, with Keras {keras} and TensorFlow
{tensorflow}; the parts on other frameworks, at the end, by `tools/compatibility_torch.py`.

## Kinds of models

Each is a small model of the tests with random weights. {good} stands for a finite map on the grid of the
layer named, for two pictures, with the model unchanged afterwards: weights, attributes, layers, losses.
"""
MIDDLE = """
A `SavedModel` without its class gives the same maps as the model it was exported from, and its layers have
the names of operations; `tests/engines/tensorflow/saved_model/test_saved_model.py` holds the maps to 1e-5.

## keras.applications

Random weights, ten classes, small pictures; the {many} of each family, the six gradient methods. The layer is
the one that `auto` takes, judged by what the model computes and not by names.
"""


@attrs.frozen
class Line:
    """What came of one model.

    Attributes:
        cells: method -> `GOOD`, or what is wrong.
        layer: path that `auto` took.
        grid: the grid there.
    """

    cells: dict[str, str]
    layer: str = ""
    grid: tuple[int, ...] = ()

    @property
    def good(self) -> bool:
        """Whether all is well."""
        return bool(self.cells) and all(cell == GOOD for cell in self.cells.values())

    @property
    def count(self) -> str:
        """How many methods gave what they should."""
        return f"{sum(cell == GOOD for cell in self.cells.values())} of {len(self.cells)}"


def tried(model: Any, image: Any, methods: str | Sequence[str]) -> Line:
    """Return what came of a model explained by some methods at the layer that `auto` takes."""
    from helpers.untouched import snapshot

    import visioncam

    before = snapshot(model)
    try:
        found = visioncam.compare(model, image, methods)
    except visioncam.VisionCamError as error:
        return Line({"all": str(error)})
    several = found if isinstance(found, list) else [found]
    cells = {
        name: GOOD if all(_fine(one[name]) for one in several) else "wrong shape, or not finite"
        for name in (e.method for e in several[0])
    }
    cells |= {name: why for one in several for name, why in one.failures.items()}
    if snapshot(model) != before:
        cells = dict.fromkeys(cells, "the model was changed")
    first = next(iter(several[0]))
    return Line(cells, first.layer.path, first.layer.grid)


def _fine(e: Any) -> bool:
    finite = bool(np.isfinite(e.raw).all() and np.isfinite(e.heatmap).all())
    return finite and e.raw.shape == e.layer.grid and 0 <= e.heatmap.min() <= e.heatmap.max() <= 1


def kinds() -> dict[str, Any]:
    """Return the tests' kinds of models by name."""
    sys.path.insert(0, str(ROOT / "tests"))
    for name in ZOO:
        importlib.import_module(name)
    found: dict[str, Any] = importlib.import_module("helpers.networks.kinds").KINDS
    return found


def zoo_lines() -> Iterator[tuple[str, str, Line]]:
    """Yield (name, what it is, what came of it) for every kind."""
    import keras

    for name, kind in kinds().items():
        keras.utils.set_random_seed(1)
        print(name, file=sys.stderr, flush=True)
        about = (inspect.getdoc(kind.build) or "").split("\n")[0].rstrip(".")
        yield name, about, tried(kind.build(), kind.image, "all")
        gc.collect()


def family_lines(full: bool) -> Iterator[tuple[str, str, Line]]:
    """Yield (family, member, what came of it) for the smallest member of each family, or for all."""
    import keras

    for family, (side, members) in FAMILIES.items():
        for member in members if full else members[:1]:
            print(member, file=sys.stderr, flush=True)
            keras.utils.set_random_seed(1)
            model = getattr(keras.applications, member)(weights=None, input_shape=(side, side, 3), classes=10)
            picture = np.random.default_rng(0).uniform(0, 255, (side, side, 3)).astype(np.float32)
            line = tried(model, picture, GRADIENTS)
            yield (
                family,
                member,
                line if recognised(member, model) else attrs.evolve(line, cells={"all": UNKNOWN}),
            )
            del model
            gc.collect()


def recognised(member: str, model: Any) -> bool:
    """Return whether a network's preprocessing is known, where there is a row for it."""
    from visioncam_engines.tensorflow.applications import TABLE, recognise
    from visioncam_engines.tensorflow.first_layers import leaves

    return member not in {row.name for row in TABLE} or recognise(list(leaves(model))) is not None


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def part(mark: str, text: str) -> str:
    """Return a part of the page that another run of the tools may replace."""
    return f"<!-- from here: {mark} -->\n{text}\n<!-- to here: {mark} -->"


def replace_part(page: str, new: str) -> str:
    """Return the page with a part in the place of its older self, or at its end."""
    mark = new.partition("\n")[0].removeprefix("<!-- from here: ").removesuffix(" -->")
    older = re.compile(rf"<!-- from here: {mark} -->.*?<!-- to here: {mark} -->", re.DOTALL)
    if older.search(page):
        return older.sub(lambda found: new, page)
    return f"{page.rstrip()}\n\n{new}\n"


def by(grid: tuple[int, ...]) -> str:
    """Return a grid as it is written for display."""
    return "×".join(map(str, grid))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything and write the page."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--full", action="store_true", help="every member of every family")
    full = parser.parse_args(arguments).full
    zoo, families = list(zoo_lines()), list(family_lines(full))
    import keras
    import tensorflow as tf

    names = list(zoo[0][2].cells)
    parts = [
        HEAD.format(keras=keras.__version__, tensorflow=tf.__version__, good=GOOD),
        table(
            ["kind", "layer of `auto`", "grid", *names],
            [
                [f"`{name}`" + (f": {about}" if about else ""), f"`{line.layer}`", by(line.grid)]
                + [line.cells.get(method, "missing") for method in names]
                for name, about, line in zoo
            ],
        ),
        MIDDLE.format(many="members" if full else "smallest member"),
        table(
            ["family", "member", "layer of `auto`", "grid", "maps"],
            [
                [family, f"`{member}`", f"`{line.layer}`", by(line.grid), line.count]
                for family, member, line in families
            ],
        ),
    ]
    others = re.findall(r"<!-- from here: .*?<!-- to here: .*?-->", PAGE.read_text("utf-8"), re.DOTALL)
    PAGE.write_text("\n".join(parts) + "\n" + "".join(f"\n{other}\n" for other in others), "utf-8")
    bad = [name for name, _, line in [*zoo, *families] if not line.good]
    print(
        f"{PAGE.relative_to(ROOT)}: {len(zoo)} kinds, {len(families)} networks; not all well: {bad or 'none'}"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
