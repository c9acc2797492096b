"""The arrows between the packages, and what importing them may load."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.source import PACKAGES, Module, loaded_with, modules, parse

ARROWS = {
    "visioncam": set(PACKAGES),
    "visioncam_engines": {"visioncam_engines", "visioncam_core", "visioncam"},
    "visioncam_methods": {"visioncam_methods", "visioncam_core"},
    "visioncam_metrics": {"visioncam_metrics", "visioncam_core"},
    "visioncam_viz": {"visioncam_viz", "visioncam_core"},
    "visioncam_core": {
        "visioncam_core",
        "visioncam_engines",
        "visioncam_methods",
        "visioncam_metrics",
        "visioncam_viz",
    },
}
HEAVY = ("tensorflow", "keras", "tf_keras", "matplotlib.pyplot", "cv2")
LIGHT = (
    "visioncam",
    "visioncam_core",
    "visioncam_methods.plugin",
    "visioncam_metrics.plugin",
    "visioncam_viz.plugin",
)
ENGINE = "visioncam_engines"
KERAS_SOURCE = ("keras.src", "tf_keras.src")
KERAS_PRIVATE = {
    "_layers",
    "_flatten_layers",
    "_inbound_nodes",
    "_keras_history",
    "_losses",
    "_operations",
    "_outbound_nodes",
    "_self_tracked_trackables",
    "_tracker",
}


def wrong_arrows(module: Module) -> list[str]:
    """List imports (also lazy ones) and module names in strings that point against the arrows."""
    used = {item.name for item in module.imports()}
    for node in ast.walk(module.tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and re.fullmatch(r"visioncam\w*(\.\w+)+", text):
            used.add(text)
    ours = {name for name in used if name.partition(".")[0] in PACKAGES}
    return sorted(name for name in ours if name.partition(".")[0] not in ARROWS[module.package])


def keras_insides(module: Module) -> list[str]:
    """List what a module touches of Keras's inside."""
    touched = [item.name for item in module.imports() if item.under(*KERAS_SOURCE)]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in KERAS_PRIVATE:
            touched.append(f"line {node.lineno}: .{node.attr}")
        elif isinstance(node, ast.Constant) and node.value in KERAS_PRIVATE:
            touched.append(f"line {node.lineno}: {node.value!r}")
    return touched


def test_imports_follow_the_arrows() -> None:
    wrong = {name: wrong_arrows(module) for name, module in modules().items()}
    assert not {name: found for name, found in wrong.items() if found}


def test_the_arrow_test_can_fail(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("def f():\n    from visioncam_viz import plugin\n\nNAME = 'visioncam_methods.plugin'\n")
    assert wrong_arrows(parse("visioncam_core.bad", path)) == [
        "visioncam_methods.plugin",
        "visioncam_viz.plugin",
    ]


def test_relative_imports_are_resolved(tmp_path: Path) -> None:
    path = tmp_path / "table.py"
    path.write_text("from .. import errors\nfrom .trace import Trace\n")
    names = [item.name for item in parse("visioncam_engines.tensorflow.tracing.table", path).imports()]
    assert names == ["visioncam_core.errors", "visioncam_engines.tensorflow.tracing.trace_model.Trace"]


@pytest.mark.parametrize("entry", LIGHT)
def test_light_modules_import_nothing_heavy_at_their_top(entry: str) -> None:
    assert entry in modules()
    heavy = [
        f"{name} imports {item.name}"
        for name in sorted(loaded_with(entry))
        for item in modules()[name].imports()
        if not item.lazy and not item.typing_only and item.under(*HEAVY)
    ]
    assert not heavy


def loaded_after(code: str) -> set[str]:
    """Return the heavy modules that a fresh Python has loaded after `code`."""
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    return set(json.loads(done.stdout)) & set(HEAVY)


def test_importing_visioncam_and_its_plugins_loads_nothing_heavy() -> None:
    assert loaded_after("".join(f"import {entry}\n" for entry in LIGHT)) == set()


def test_the_light_import_test_can_fail() -> None:
    assert loaded_after("import cv2") == {"cv2"}


def test_only_the_engine_reaches_inside_keras() -> None:
    outside = {name: keras_insides(module) for name, module in modules().items() if ENGINE not in name}
    assert not {name: found for name, found in outside.items() if found}


@pytest.mark.skipif(not os.environ.get("VISIONCAM_TEST_INSTALLED"), reason="runs in `make test`")
@pytest.mark.parametrize("package", PACKAGES)
def test_tests_run_against_the_installed_wheel(package: str, checkout: Path) -> None:
    path = modules()[package].path.resolve()
    inside = path.is_relative_to(checkout) and "site-packages" not in path.parts
    assert not inside, f"{package} comes from the checkout, not from the wheel: {path}"
