"""The modules that plugin authors import stay where they are, with every name that a text of ours imports.

Where a change is meant, rewrite `public_modules.json` and read the difference:

    REWRITE_CONTRACTS=1 python -m pytest tests/contracts/test_public_modules.py -n 0
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.surface import ELSEWHERE, surface

import visioncam

FROZEN = Path(__file__).with_name("public_modules.json")
NAMES = {
    "visioncam_core.hookspecs": (
        "API_VERSION", "HOOKS", "hookimpl", "hookspec", "visioncam_register_methods",
        "visioncam_register_renderers", "visioncam_register_metrics", "visioncam_register_engines",
        "visioncam_select_layer",
    ),
    "visioncam_core.engine.interface": ("Copy", "Engine", "Passes", "Traced", "View"),
    "visioncam_core.engine.records": ("Hints", "PassResult", "TailInputs"),
    "visioncam_core.engine.defaults": ("EngineDefaults", "PlainView", "TracedDefaults"),
    "visioncam_core.engine.default_passes": ("PassesDefaults",),
    "visioncam_core.engine.layer_table": ("LayerRow", "LayerTable", "Layout"),
    "visioncam_core.engine.model_inputs": ("ModelInput", "ModelInputs"),
    "visioncam_core.engine.output": ("Score",),
    "visioncam_core.evidence": (
        "ArraySource", "Change", "Evidence", "Make", "Progress", "Source", "Tell", "Which",
    ),
    "visioncam_core.ops": (
        "backend", "channel_norms", "channels", "concatenate", "divide", "divide_by_sum", "live_channels",
        "mean_space", "place", "relu", "resize", "softmax", "space", "spread", "stack", "sum_channels",
        "sum_space", "to_numpy", "unit_range", "varying_channels", "weigh", "wide", "without_channels",
    ),
    "visioncam_core.options": (
        "OptionInfo", "build", "describe_options", "in_range", "one_of", "option", "parse_option",
        "parse_options",
    ),
    "visioncam_core.specs": (
        "ABILITIES", "BETTER", "METRIC_NEEDS", "EngineSpec", "MethodSpec", "MetricSpec", "RendererSpec",
    ),
    "visioncam_core.layers": ("LayerChoice", "LayerRow", "LayerTable", "Layout"),
    "visioncam_core.display": ("bands_last", "eight_bit", "stretch", "to_rgb"),
    "visioncam_core.opencv": ("load_opencv",),
    "visioncam_core.cases": ("Case", "Questions"),
    "visioncam_core.metrics": (
        "STABLE", "TRAPEZOID", "UNASKED", "Measured", "MetricResult", "Switches", "comparable", "difference",
    ),
    "visioncam_core.errors": (
        "BackendError", "ImageError", "ImageNotFoundError", "ImageTypeError", "LayerError", "ModelError",
        "ModelNotFoundError", "NameNotFoundError", "OptionError", "OptionTypeError", "OutputError",
        "PluginError", "PluginNotFoundError", "PluginWarning", "TargetError", "TargetTypeError",
        "UnsafeModelError", "VisionCamError",
    ),
    "visioncam_core.testing": (
        "ArrayNet", "Check", "assert_loads", "bare_table", "blob", "engine_checks", "isolated_registry",
        "make_explanation", "make_table", "method_checks", "metric_checks", "photo", "renderer_checks",
        "selector_checks",
    ),
    "visioncam_core.testing.models": ("gap_dense", "piecewise_linear", "planted_blob"),
    "visioncam.callbacks": (
        "ExplanationMonitor", "FolderSink", "Look", "Sink", "TensorBoardSink", "overlap",
        "to_mlflow", "to_wandb",
    ),
    "visioncam.distributed": ("explain",),
    "visioncam.targets": (
        "Binary", "Box", "Class", "Contrast", "Ranked", "Region", "Regression", "Similarity",
    ),
    "visioncam.geometry": ("CenterCrop", "Geometry", "Letterbox", "Resize", "Tile"),
    "visioncam.demo": ("class_names", "load", "preprocess"),
}  # fmt: skip
NINE = {
    "ablationcam": "AblationCAM",
    "gradcam": "GradCAM",
    "gradcamelementwise": "GradCAMElementWise",
    "gradcamplusplus": "GradCAMPlusPlus",
    "hirescam": "HiResCAM",
    "respondcam": "RespondCAM",
    "scorecam": "ScoreCAM",
    "smoothgradcamplusplus": "SmoothGradCAMPlusPlus",
    "xgradcam": "XGradCAM",
}
IMPORT = re.compile(
    r"\bfrom (visioncam\w*(?:\.\w+)*) import (\([^)]*\)|\w+(?: as \w+)?(?:, ?\w+(?: as \w+)?)*)"
)
DOTTED = re.compile(r"(?<![\w./-])visioncam(?:_core|_methods|_metrics|_viz)?(?:\.[A-Za-z_]\w*)+\b(?!/)")
USED_OF_OPS = re.compile(r"(?<![\w.])ops\.(\w+)\(")
NO_NAMES = ("visioncam.json", "visioncam.lock")
"""Dotted words of the texts that are files."""


def texts(checkout: Path) -> Iterator[tuple[str, str]]:
    """Yield what is written for users: documents, notebooks, the example package, the templates."""
    found = [checkout / "README.md", *(checkout / "docs").rglob("*.md")]
    for folder in ("examples", "plugins_example"):
        found += [p for p in (checkout / folder).rglob("*") if p.suffix in (".md", ".py", ".ipynb")]
    found += Path(visioncam.__file__).parent.rglob("*.template")
    for path in found:
        yield str(path), path.read_text("utf-8").replace("\\n", "\n")


@pytest.fixture(scope="module")
def read(checkout: Path) -> dict[str, str]:
    return dict(texts(checkout))


def imports(text: str) -> Iterator[tuple[str, str]]:
    """Yield the module and the name of each import of ours in a text."""
    for module, names in IMPORT.findall(text):
        for name in names.strip("()").split(","):
            if bare := name.split("#")[0].split(" as ")[0].strip():
                yield module, bare


def found(module: str, name: str) -> bool:
    """Return whether `from module import name` works."""
    try:
        home = importlib.import_module(module)
        if not hasattr(home, name):
            importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError as error:
        return str(error.name).partition(".")[0] in ELSEWHERE
    except ImportError:
        return False
    return True


def resolves(dotted: str) -> bool:
    """Return whether a dotted name is a module, or a name in one."""
    words = dotted.split(".")
    value: Any = importlib.import_module(words[0])
    for at, word in enumerate(words[1:], 1):
        if not hasattr(value, word):
            try:
                importlib.import_module(".".join(words[: at + 1]))
            except ImportError:
                return False
        value = getattr(value, word)
    return True


def test_every_import_in_a_text_works(read: dict[str, str]) -> None:
    wanted = {(*one, path) for path, text in read.items() for one in imports(text)}
    assert len({(module, name) for module, name, _ in wanted}) > 50  # the search finds them
    assert {Path(path).suffix for *_, path in wanted} >= {".md", ".py", ".template"}
    assert sorted(one for one in wanted if not found(*one[:2])) == []


def test_every_dotted_name_in_a_text_resolves(read: dict[str, str]) -> None:
    wanted = {(name, path) for path, text in read.items() for name in DOTTED.findall(text)}
    assert len({name for name, _ in wanted}) > 50
    assert sorted(one for one in wanted if one[0] not in NO_NAMES and not resolves(one[0])) == []


def test_every_function_of_ops_in_a_text_is_there(read: dict[str, str]) -> None:
    uses = {
        (name, path)
        for path, text in read.items()
        if "from visioncam_core import ops" in text
        for name in USED_OF_OPS.findall(text)
    }
    assert len(uses) > 5
    assert sorted(one for one in uses if not resolves(f"visioncam_core.ops.{one[0]}")) == []


def test_the_modules_that_the_plugin_guide_names_are_frozen_here(read: dict[str, str]) -> None:
    guide = next(text for path, text in read.items() if path.endswith("writing-plugins.md"))
    named = set(re.findall(r"visioncam_core\.(engine\.[a-z_]+|[a-z]+)", guide)) | {
        name for module, name in imports(guide) if module == "visioncam_core"
    }
    assert {f"visioncam_core.{name}" for name in named} <= NAMES.keys()


@pytest.mark.parametrize("module", NAMES)
def test_public_modules_hold_their_names(module: str) -> None:
    home = importlib.import_module(module)
    assert [name for name in NAMES[module] if not hasattr(home, name)] == []


def test_what_plugins_use_keeps_its_signature(same_as_frozen: Callable[[Path, str], None]) -> None:
    now = {}
    for module, names in NAMES.items():
        home = importlib.import_module(module)
        values = {name: getattr(home, name) for name in names}
        classes_and_functions = {
            n: v for n, v in values.items() if inspect.isclass(v) or inspect.isfunction(v)
        }
        now[module] = {name: surface(value, made=True) for name, value in classes_and_functions.items()}
    same_as_frozen(FROZEN, json.dumps(now, indent=1, ensure_ascii=False) + "\n")


def test_the_version_of_the_hooks_stays() -> None:
    from visioncam_core import hookspecs

    assert hookspecs.API_VERSION == 1
    assert hookspecs.hookimpl.project_name == "visioncam"
    assert set(hookspecs.HOOKS) == {name for name in NAMES["visioncam_core.hookspecs"] if "visioncam" in name}


@pytest.mark.parametrize("name", NINE)
def test_each_method_has_its_module(name: str) -> None:
    cls = getattr(importlib.import_module(f"visioncam_methods.{name}"), NINE[name])
    assert cls is getattr(visioncam, NINE[name])
    assert next(row for row in visioncam.methods() if row.name == name).cls is cls
    assert cls() == cls()


@pytest.mark.parametrize("name", NINE)
def test_each_method_has_its_module_in_the_papers_style(name: str) -> None:
    paper = importlib.import_module("visioncam.paper")
    cls = getattr(importlib.import_module(f"visioncam.{name}"), NINE[name])
    assert issubclass(cls, paper.PaperCAM)
    assert cls.method == name
    assert str(inspect.signature(cls)).replace("'", "") == str(inspect.signature(paper.PaperCAM)).replace(
        "'", ""
    )


def test_the_papers_style_keeps_its_calls(same_as_frozen: Callable[[Path, str], None]) -> None:
    from visioncam.gradcam import GradCAM

    now = {"visioncam.gradcam.GradCAM": surface(GradCAM, made=True)}
    same_as_frozen(FROZEN.with_name("paper_style.json"), json.dumps(now, indent=1) + "\n")
