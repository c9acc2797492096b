"""Every public name stays what it is: its kind, its signature, its members.

Where a change is meant, rewrite `public_names.json` and read the difference:

    REWRITE_CONTRACTS=1 python -m pytest tests/contracts/test_public_names.py -n 0
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from helpers.surface import ELSEWHERE, members, ours, surface

import visioncam

FROZEN = Path(__file__).with_name("public_names.json")
PACKAGES = (
    "visioncam",
    "visioncam_core",
    "visioncam_engines",
    "visioncam_methods",
    "visioncam_metrics",
    "visioncam_viz",
)
MODULES = ("targets", "geometry", "demo", "callbacks", "distributed")


def reached() -> Iterator[tuple[str, Any]]:
    """Yield the objects that users get from public functions, each with how it is reached."""
    import keras

    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3, padding="same", activation="relu", name="features")(inputs)
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, outputs, name="tiny")
    for weight in model.weights:
        weight.assign(np.linspace(0.1, 1, weight.numpy().size).reshape(weight.shape))
    image = np.linspace(0, 1, 192, dtype=np.float32).reshape(8, 8, 3)
    e = visioncam.explain(model, image)
    yield "explain(...)", e
    yield "explain(...).target", e.target
    yield "explain(...).predictions[0]", e.predictions[0]
    yield "explain(...).layer", e.layer
    yield "explain(...).boxes()[0]", e.boxes()[0]
    yield "explain(...).contours()[0]", e.contours()[0]
    compared = visioncam.compare(model, image, ["gradcam", "hirescam"])
    yield "compare(...)", compared
    yield "compare(...).correlations()", compared.correlations()
    yield "compare([...])", visioncam.compare(model, [image], ["gradcam"])
    yield "layers(...)", visioncam.layers(model)
    yield "layers(...)[0]", visioncam.layers(model)[0]
    yield "doctor(...)", visioncam.doctor(model, image)
    evaluation = visioncam.evaluate(model, [image], ["gradcam"], metrics=["sparseness"], seeds=1, cascade=1)
    yield "evaluate(...)", evaluation
    yield "evaluate(...).results[0]", evaluation.results[0]
    yield "evaluate(...).results[0].interval()", evaluation.results[0].interval()
    audit = visioncam.audit(model, [image])
    yield "audit(...)", audit
    yield "audit(...).pictures[0]", audit.pictures[0]
    diff = visioncam.diff(model, model, [image])
    yield "diff(...)", diff
    yield "diff(...).pictures[0]", diff.pictures[0]
    yield "diff(...).overall", diff.overall
    yield "methods()[0]", visioncam.methods()[0]
    yield "renderers()[0]", visioncam.renderers()[0]
    yield "metrics()[0]", visioncam.metrics()[0]
    yield "plugins()[0]", visioncam.plugins()[0]


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    names = {name: surface(getattr(visioncam, name), made="CAM" in name) for name in visioncam.__all__}
    for name in MODULES:
        names[name] = surface(
            importlib.import_module(f"visioncam.{name}"), made=name in ("targets", "geometry")
        )
    return {
        "names of visioncam": dict(sorted(names.items())),
        "what they return": {
            how: {"class": type(one).__name__, "members": members(type(one))} for how, one in reached()
        },
    }


def test_public_names_stay(now: dict[str, Any], same_as_frozen: Callable[[Path, str], None]) -> None:
    same_as_frozen(FROZEN, json.dumps(now, indent=1, ensure_ascii=False) + "\n")


def test_a_monitor_keeps_its_curves(tmp_path: Path) -> None:
    monitor = visioncam.callbacks.ExplanationMonitor(np.zeros((1, 8, 8, 3)), folder=tmp_path)
    assert monitor.curves == {"overlap_previous": {}, "overlap_first": {}}
    assert monitor.every == 1
    assert [type(sink).__name__ for sink in monitor.sinks] == ["FolderSink"]


def modules(package: str) -> list[str]:
    """Return the modules of a package, found on disk; `__main__` is left out, as importing it runs it."""

    def failed(name: str) -> None:
        error = sys.exc_info()[1]
        assert isinstance(error, ModuleNotFoundError)
        assert str(error.name).partition(".")[0] in ELSEWHERE, name

    top = importlib.import_module(package)
    walked = pkgutil.walk_packages(top.__path__, f"{package}.", onerror=failed)
    return [package, *(one.name for one in walked if not one.name.endswith("__main__"))]


def packages() -> list[str]:
    """Return the product's packages: those beside `visioncam` whose names begin with `visioncam`."""
    beside = Path(visioncam.__file__).parents[1]
    found = {path.parent.name for path in beside.glob("visioncam*/__init__.py")}
    return sorted(found | set(PACKAGES))


def test_no_module_hides_a_public_name() -> None:
    before = {name: getattr(visioncam, name) for name in visioncam.__all__}
    imported = [name for package in packages() for name in modules(package)]
    for name in imported:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if str(error.name).partition(".")[0] not in ELSEWHERE:
                raise
    hidden = [name for name, value in before.items() if getattr(visioncam, name) is not value]
    assert hidden == []
    functions = {name for name, value in before.items() if not isinstance(value, ModuleType)}
    entries = {path.stem for path in Path(visioncam.__file__).parent.iterdir()}
    assert functions & entries == set()


GUIDE = "hookspecs evidence ops options specs layers display opencv cases metrics errors testing explanation"


def documented() -> Iterator[tuple[str, Any]]:
    """Yield public classes, functions, and public methods and properties of classes, with their names."""
    homes = [visioncam, *(importlib.import_module(f"visioncam.{name}") for name in MODULES)]
    homes += [importlib.import_module(f"visioncam_core.{name}") for name in GUIDE.split()]
    for home in homes:
        for name in home.__all__ if hasattr(home, "__all__") else vars(home):
            value = getattr(home, name)
            if not (inspect.isfunction(value) or inspect.isclass(value)) or name.startswith("_"):
                continue
            yield f"{home.__name__}.{name}", value
            for base in ours(value) if inspect.isclass(value) else ():
                for member, one in vars(base).items():
                    plain = inspect.isfunction(one) or isinstance(one, property | classmethod | staticmethod)
                    if plain and not member.startswith("_"):
                        yield f"{base.__module__}.{base.__qualname__}.{member}", one


def test_public_names_say_what_they_are_for() -> None:
    silent = sorted({name for name, value in documented() if not (value.__doc__ or "").strip()})
    assert silent == []
