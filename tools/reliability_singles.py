"""The check `single` of tools/reliability.py: pictures that kill or hang the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from helpers.batch import make_pictures, tiny_model
from PIL import Image

from visioncam.batch.jsonl import read_lines

METHOD = '''
import os, signal, time
import attrs
import numpy as np
from visioncam_core import ops
from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.plugins.specs import MethodSpec

@attrs.frozen
class Deadly:
    """Grad-CAM that dies of one picture and never comes back from another."""

    needs = frozenset({{"activations", "gradients"}})

    def __call__(self, evidence):
        for one in np.asarray(evidence.activations):
            if abs(one.mean() - {deadly}) < 1e-4:
                os.kill(os.getpid(), signal.SIGSEGV)
            while abs(one.mean() - {endless}) < 1e-4:
                time.sleep(1)
        weights = np.asarray(evidence.gradients).mean((1, 2), keepdims=True)
        return ops.sum_channels(np.asarray(evidence.activations) * weights)

@hookimpl
def visioncam_register_methods():
    return (MethodSpec(name="deadly", title="Deadly", summary="Kills.", cls=Deadly, reference="none"),)
'''
COLOURS = {"0060.png": (255, 255, 255), "0140.png": (0, 200, 0)}
PICTURES, SECONDS = 200, 5


def single(root: Path) -> tuple[str, str]:
    """Run over pictures of which one kills the process and one never ends."""
    import keras

    model = tiny_model()
    model.save(root / "tiny.keras")
    features = keras.Model(model.input, model.get_layer("features").output)
    folder = make_pictures(root / "in", PICTURES)
    means = []
    for name, colour in COLOURS.items():
        Image.new("RGB", (30, 20), colour).save(folder / name)
        means.append(float(np.mean(features(np.full((1, 16, 16, 3), colour, np.float32)))))
    (root / "deadly.py").write_text(METHOD.format(deadly=means[0], endless=means[1]))
    words = [sys.executable, "-m", "visioncam", "--plugin-file", root / "deadly.py", "batch", folder]
    words += ["-o", root / "out", "--model", root / "tiny.keras", "--method", "deadly"]
    done = subprocess.run([*words, "--item-timeout", str(SECONDS)], capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    keys = [line["key"] for line in read_lines(root / "out" / "manifest.jsonl")[0]]
    assert sorted(keys) == sorted({path.name for path in folder.iterdir()} - {*COLOURS}), keys
    errors = {line["key"]: line["kind"] for line in read_lines(root / "out" / "errors.jsonl")[0]}
    assert errors == dict(zip(COLOURS, ("GivenUpError", "ItemTimeoutError"), strict=True)), errors
    starts = done.stderr.count("started again")
    return (
        f"{PICTURES} pictures in batches of 8; the process dies of one and never comes back from another, "
        f"`--item-timeout {SECONDS}`",
        f"{len(keys)} explained once each, 2 told with their reason; the process was started again {starts} "
        "times",
    )
