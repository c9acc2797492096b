"""Ten installed plugins cost `import visioncam` nothing: none is run before something is asked of them.

How long the import takes is measured by `python -m benchmarks --only import`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.installed import put_in, python

from visioncam_core.testing.checks.loading import HEAVY

PROJECT = '[project]\nname = "{name}"\nversion = "1"\nentry-points.visioncam.{name} = "{name}"\n'
PLUGIN = """
from pathlib import Path
from visioncam_core.plugins.hookspecs import hookimpl

with open({log!r}, "a") as log:
    log.write("imported {name}\\n")

@hookimpl
def visioncam_register_methods():
    from typing import ClassVar
    import attrs
    from visioncam_core.plugins.specs import MethodSpec

    with open({log!r}, "a") as log:
        log.write("asked {name}\\n")

    @attrs.frozen
    class Map:
        needs: ClassVar[frozenset] = frozenset({{"activations"}})
        def __call__(self, evidence):
            raise SystemExit

    return [MethodSpec("{name}", Map, "{name}", "none", "Not called.")]
"""
CODE = """
import json, pathlib, sys
import visioncam

def state():
    log = pathlib.Path(sys.argv[1])
    return [sorted(set({heavy!r}) & set(sys.modules)), log.read_text().splitlines() if log.exists() else []]

seen = [state()]
assert visioncam.__version__
assert "explain" in dir(visioncam)
seen.append(state())
names = [row.name for row in visioncam.methods() + visioncam.renderers()]
assert not [one for one in visioncam.plugins() if one.status == "failed"]
seen.append(state())
print(json.dumps([seen, names]))
"""
NAMES = [f"ten{letter}" for letter in "abcdefghij"]


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """Return what is on the path when ten plugins are installed that write down what is run of them."""
    found: list[str] = []
    for name in NAMES:
        project = tmp_path / name
        (project / "src").mkdir(parents=True)
        (project / "pyproject.toml").write_text(PROJECT.format(name=name))
        (project / "src" / f"{name}.py").write_text(PLUGIN.format(name=name, log=str(tmp_path / "log")))
        found += put_in(project, tmp_path / "site")
    return list(dict.fromkeys(found))


def test_importing_runs_no_plugin_and_listing_runs_each_once(tmp_path: Path, paths: list[str]) -> None:
    code = CODE.format(heavy=HEAVY)
    done = python("-W", "error", "-c", code, tmp_path / "log", paths=paths, cwd=tmp_path)
    (imported, named, listed), names = json.loads(done.stdout)
    assert imported == named == [[], []]
    assert listed[0] == []  # neither TensorFlow nor pyplot
    assert sorted(listed[1]) == sorted(f"{what} {name}" for what in ("asked", "imported") for name in NAMES)
    assert set(NAMES) <= set(names)
    assert "gradcam" in names
