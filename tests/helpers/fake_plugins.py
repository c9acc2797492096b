"""Fake distributions that a test installs: one template, and for each what is wrong with it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

WRITTEN = Path(__file__).resolve().parents[1] / "data" / "fake_plugins"
"""Those that are too long for the template."""
HOOK = "\n@hookimpl\ndef {}:\n    {}\n"
FIRST = HOOK.replace("hookimpl", "hookimpl(tryfirst=True)")
METHODS = "visioncam_register_methods()"
SELECTS = "visioncam_select_layer(table, query)"
MODULE = '''"""A fake plugin, written by a test."""

from typing import Any, ClassVar

import attrs

from visioncam_core.hookspecs import API_VERSION, hookimpl
from visioncam_core.layers import LayerChoice
from visioncam_core.specs import MethodSpec, RendererSpec


@attrs.frozen
class FakeCAM:
    """Return the evidence as it is."""

    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Any) -> Any:
        """Return the map."""
        return evidence


@attrs.frozen
class FakeSheet:
    """Return the explanation as it is."""

    def __call__(self, explanation: Any) -> Any:
        """Return the picture."""
        return explanation


'''


def fake_plugin(
    folder: Path,
    name: str,
    version: str = "0.1",
    *,
    methods: Sequence[str | dict[str, Any]] | Mapping[str, Sequence[str]] = (),
    renderers: Sequence[str] = (),
    fault: str = "",
    entry: str = "",
) -> Path:
    """Write an installed distribution `fake-<name>` and return the folder to put on the path.

    Args:
        folder: where the distribution's own folder is made.
        name: of the plugin; its module is `fake_<name>`.
        version: of the distribution.
        methods: names of methods, or each with its aliases; what is no text stands in the rows as it is.
        renderers: names of renderers.
        fault: code that follows in the module.
        entry: the line of the entry point, where it is not the module.
    """
    place = folder / name
    info = place / f"fake_{name}-{version}.dist-info"
    info.mkdir(parents=True)
    rows = [_method(one, methods) if isinstance(one, str) else repr(one) for one in methods]
    sheets = [f"RendererSpec({one!r}, FakeSheet, {one!r})" for one in renderers]
    text = MODULE
    for kind, lines in (("methods", rows), ("renderers", sheets)):
        if lines:
            text += HOOK.format(f"visioncam_register_{kind}()", f"return [{', '.join(lines)}]")
    (place / f"fake_{name}.py").write_text(f"{text}\n{fault}\n", encoding="utf-8")
    named = f"Name: fake-{name.replace('_', '-')}"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{named}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[visioncam]\n{entry or f'{name} = fake_{name}'}\n")
    return place


def _method(name: str, methods: Any) -> str:
    aliases = tuple(methods[name]) if isinstance(methods, Mapping) else ()
    return f"MethodSpec({name!r}, FakeCAM, 'Fake-CAM', 'none', 'A test.', aliases={aliases!r})"


FAKES: dict[str, Callable[[Path, str], Path]] = {
    "raises": partial(fake_plugin, version="0.3", fault='raise RuntimeError("boom on import")'),
    "needs_missing": partial(fake_plugin, version="0.4", fault="import fake_package_nobody_has"),
    "bad_signature": partial(
        fake_plugin,
        version="0.5",
        fault=HOOK.format("visioncam_select_layer(table, question)", "return None"),
    ),
    "misspelt": partial(
        fake_plugin, version="0.6", fault=HOOK.format("visioncam_register_method()", "return []")
    ),
    "unmarked": partial(fake_plugin, version="0.7", fault=f"def {METHODS}:\n    return []"),
    "no_hooks": partial(fake_plugin, version="0.8"),
    "hook_raises": partial(
        fake_plugin,
        version="0.9",
        renderers=("fine",),
        fault=HOOK.format(METHODS, 'raise ZeroDivisionError("boom in the hook")'),
    ),
    "bad_row": partial(fake_plugin, version="0.10", methods=("halfcam", {"name": "other"})),
    "bad_spec": partial(fake_plugin, version="0.11", methods=("Odd-CAM",)),
    "clash": partial(fake_plugin, version="0.12", methods={"gradcam": (), "freecam": ("cam",)}),
    "twin_a": partial(fake_plugin, version="0.13", methods=("twincam",)),
    "twin_b": partial(fake_plugin, version="0.13", methods=("twincam",)),
    "slow": partial(fake_plugin, version="0.14", methods=("slowcam",), fault="import time\ntime.sleep(0.06)"),
    "exits": partial(fake_plugin, version="0.15", fault="import sys\nsys.exit(3)"),
    "missing_attribute": partial(
        fake_plugin, version="0.16", entry="missing_attribute = fake_missing_attribute:plugin"
    ),
    "missing_module": partial(
        fake_plugin, version="0.17", entry="missing_module = fake_missing_module.plugin"
    ),
    "future": partial(
        fake_plugin, version="0.18", methods=("futurecam",), fault="VISIONCAM_API_VERSION = API_VERSION + 1"
    ),
    "corrupt": partial(fake_plugin, version="0.19", entry="this line is no entry point"),
    "selector_raises": partial(
        fake_plugin,
        version="0.20",
        fault=FIRST.format(SELECTS, 'raise RuntimeError(f"boom about {query}")'),
    ),
    "selector_greedy": partial(
        fake_plugin,
        version="0.21",
        fault=FIRST.format(SELECTS, 'return LayerChoice(table.rows[0], "greedy")'),
    ),
    "selector_junk": partial(
        fake_plugin,
        version="0.22",
        fault=HOOK.format(SELECTS, 'return "conv1" if query == "junk:1" else None'),
    ),
    "heavy": partial(
        fake_plugin, version="0.24", fault="import matplotlib.pyplot\n" + HOOK.format(METHODS, "return []")
    ),
}


@cache
def fake(name: str) -> Path:
    """Return the folder of a fake distribution, written once a run."""
    if name in FAKES:
        return FAKES[name](_made(), name)
    folder = WRITTEN / name
    assert folder.is_dir(), f"no fake distribution {name}"
    return folder


@cache
def _made() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fake_plugins"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
