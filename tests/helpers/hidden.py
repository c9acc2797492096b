"""A fresh Python in which some packages cannot be imported, as where they are not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HIDING = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
sys.path.insert(0, {tests!r})
"""
TENSORFLOW = ("tensorflow", "keras", "tf_keras")
FRAMEWORKS = (*TENSORFLOW, "torch", "jax", "onnx", "onnxruntime", "ai_edge_litert")


def hiding(*names: str) -> str:
    """Return the lines of Python after which these packages, and no others, cannot be imported."""
    return HIDING.format(names=names, tests=str(Path(__file__).parents[1]))


def run(script: str, folder: Path, *arguments: str, **environment: str) -> list[str]:
    """Return the lines that a script prints in a process of its own, in a folder, which is its cache too."""
    paths = os.pathsep.join([str(folder), *(path for path in sys.path if path)])
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(folder)} | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
