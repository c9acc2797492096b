"""The rooms, the arrows between them, and what importing them may load.

`python tests/contracts/test_layout.py [CHECKOUT]` prints what goes against the plan.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.house import House, Plan
from helpers.layout import RULES, report
from helpers.source import PACKAGES, Module, loaded_with, modules

PLAN = Plan(
    core=(
        "errors version",
        "resize plain_data text",
        # Above `text`: names of files and lines of progress are written with it; `ops` only needs `resize`.
        "files progress ops",
        "engine",
        "options",
        "images",
        "plugins",
        "targets",
        "results",
        "layers",
        "pipeline",
        "metrics",
        "testing",
    ),
    beside=(
        "visioncam_engines.other_formats",
        "visioncam_engines.archives",
        "visioncam_engines.demo",
        "visioncam_engines.exported",
        "visioncam_engines.keras",
        "visioncam_engines.tensorflow",
        "visioncam_engines.torch",
        "visioncam_engines.jax",
        "visioncam_engines.called",
        "visioncam_engines.blackbox",
        "visioncam_engines.runtimes",
        "visioncam_engines.plugin",
        "visioncam_methods.cam",
        "visioncam_methods",
        "visioncam_metrics.support",
        "visioncam_metrics",
        "visioncam_viz.drawing",
        "visioncam_viz.renderers",
        "visioncam_viz",
    ),
    user=(
        "targets geometry demo callbacks",
        "api",
        "paper",
        "ablationcam gradcam gradcamelementwise gradcamplusplus hirescam respondcam scorecam"
        " smoothgradcamplusplus xgradcam",
        # html_report below evaluation: its page and the app's are drawn with the same blocks.
        "batch html_report",
        "evaluation",
        "auditing differences distributed exporting",
        "app new_plugin",
    ),
    frameworks=("tensorflow", "keras", "tf_keras", "torch", "jax", "lightning", "pytorch_lightning"),
    engines_allowed=frozenset(
        {"visioncam.callbacks.with_keras", "visioncam.callbacks.with_lightning", "visioncam.demo"}
    ),
    # The built-in plugins; and a public name whose module is the engine's own now.
    may_name_packages=frozenset({"visioncam_core.plugins.default", "visioncam_core.testing.models"}),
    core_entries=18,
    folder_modules=20,
    file_lines=300,
    own_lazy=40,
    product_lines=66_800,  # 35,000 for the house; then engines, medical, trackers, files of others
    not_counted=frozenset(
        {f"visioncam_core.engine.{name}" for name in ("interface", "records", "defaults", "default_passes")}
        | {f"visioncam_core.testing.checks.{name}" for name in ("engine", "engine_passes", "engine_subject")}
    ),
)
HEAVY = ("tensorflow", "keras", "tf_keras", "matplotlib.pyplot", "cv2")
LIGHT = (
    "visioncam",
    "visioncam_core",
    "visioncam_engines.plugin",
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


def keras_insides(module: Module) -> list[str]:
    """List what a module touches of Keras's inside."""
    touched = [item.name for item in module.imports() if item.under(*KERAS_SOURCE)]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in KERAS_PRIVATE:
            touched.append(f"line {node.lineno}: .{node.attr}")
        elif isinstance(node, ast.Constant) and node.value in KERAS_PRIVATE:
            touched.append(f"line {node.lineno}: {node.value!r}")
    return touched


@pytest.mark.parametrize("rule", RULES)
def test_the_house_is_as_planned(rule: str) -> None:
    found = list(RULES[rule](House(PLAN)))
    assert not found, "\n".join([rule, *found])


def house_of(tmp_path: Path, files: dict[str, str]) -> House:
    """Return a checkout with these files, and an empty `__init__.py` wherever Python needs one."""
    front = "from typing import TYPE_CHECKING\n\n__all__ = ['explain']\n"
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(front if package == "visioncam" else "")
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").touch()
    return House(PLAN, tmp_path)


TYPING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
BAD = {
    "upwards": ("imports between", {"engine/a.py": "import visioncam_core.pipeline.b", "pipeline/b.py": ""}),
    "in a function": ("imports between", {"text.py": "def f():\n    from visioncam_viz import plugin\n"}),
    "for types": ("imports between", {"images/a.py": f"{TYPING}import visioncam_core.testing"}),
    "relative": ("imports between", {"images/a.py": "from ..layers import b", "layers/b.py": ""}),
    "by a door": ("imports between", {"engine/a.py": "from visioncam_core.specs import b"}),
    "in a string": ("modules named", {"ops.py": "NAME = 'visioncam_methods.plugin'"}),
    "no room": ("every module", {"attic/a.py": "x = 1"}),
    "circle": (
        "no circle",
        {"text.py": "def f():\n    from . import files", "files.py": "from .text import f"},
    ),
    "circle of packages": (
        "no circle",
        {
            "images/__init__.py": "from visioncam_core.images.a import x",
            "images/a.py": "from visioncam_core.options.c import y",
            "options/c.py": "import visioncam_core.images.d",
            "images/d.py": "",
        },
    ),
    "circle of types": (
        "no circle of files, with",
        {"text.py": f"{TYPING}from . import resize", "resize.py": "from . import text"},
    ),
    "framework": ("no framework", {"ops.py": "def f():\n    import keras.ops"}),
    "framework by a call": ("no framework", {"ops.py": "import_module('torch')"}),
    "long file": ("folders and", {"text.py": "#\n" * 301}),
    "full folder": ("folders and", {f"engine/a{i}.py": "" for i in range(21)}),
    "full core": ("folders and", {f"a{i}.py": "x = 1" for i in range(19)}),
    "too large": ("the product", {"text.py": "\n" * (PLAN.product_lines + 1)}),
    "lazy": (
        "the product",
        {"text.py": "def f():\n" + "    import visioncam_core.files\n" * 41, "files.py": ""},
    ),
    "library's name": ("names hide", {"engine/inspect.py": ""}),
    "function's name": ("names hide", {"../visioncam/explain.py": ""}),
    "engine": ("engines are", {"../visioncam/api.py": "import visioncam_engines.plugin"}),
    "command line": ("only __main__", {"../visioncam/api.py": "import visioncam.cli.main"}),
}


@pytest.mark.parametrize("fault", BAD)
def test_every_rule_finds_its_fault(fault: str, tmp_path: Path) -> None:
    rule, files = BAD[fault]
    files = {"specs.py": "from visioncam_core.plugins.specs import b", "plugins/specs.py": "b = 1"} | files
    files |= {
        "../visioncam/cli/main.py": "",
        "../visioncam_engines/plugin.py": "",
        "../visioncam_methods/plugin.py": "",
    }
    house = house_of(tmp_path, {f"visioncam_core/{name}": text for name, text in files.items()})
    title = next(title for title in RULES if title.startswith(rule))
    assert list(RULES[title](house))


def test_doors_and_downward_imports_are_no_fault(tmp_path: Path) -> None:
    house = house_of(
        tmp_path,
        {
            "visioncam_core/specs.py": "from visioncam_core.plugins.specs import b\n__all__ = ['b']",
            "visioncam_core/plugins/specs.py": "from visioncam_core.text import x\nb = x",
            "visioncam_core/text.py": "x = 1",
            "visioncam_methods/plugin.py": "from visioncam_core.specs import b",
            "visioncam/api.py": "import visioncam_methods.plugin",
            "visioncam/cli/main.py": "import visioncam.api",
            "visioncam/__main__.py": "import visioncam.cli.main",
        },
    )
    assert house.doors == {"visioncam_core.specs": "visioncam_core.plugins"}
    assert not [line for rule in RULES.values() for line in rule(house)]


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


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[2]
    print(report(House(PLAN, folder.resolve())))
