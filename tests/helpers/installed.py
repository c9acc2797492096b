"""Plugin projects put on the path of a new Python as `pip install` would, without pip and its downloads."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path


def put_in(project: Path, site: Path) -> list[str]:
    """Write a project's metadata into a folder; return what goes on the path: its sources, and the folder."""
    about = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    info = site / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n", "utf-8"
    )
    points = about["entry-points"]["visioncam"]
    (info / "entry_points.txt").write_text(
        "[visioncam]\n" + "".join(f"{name} = {module}\n" for name, module in points.items()), "utf-8"
    )
    return [str(project / "src"), str(site)]


def plugins_in(paths: Sequence[str]) -> str:
    """Return what `VISIONCAM_PLUGINS` says to load what lies on these paths, and nothing else."""
    return ",".join(one.name for one in distributions(path=list(paths)))


def python(
    *words: object, paths: Sequence[str] = (), cwd: Path, check: bool = True, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run a new Python that finds what this one does, and these paths with all plugins that lie there."""
    found = os.pathsep.join([*paths, *filter(None, sys.path)])
    allowed = {"VISIONCAM_PLUGINS": plugins_in(paths)}
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": found} | allowed | changes,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done
