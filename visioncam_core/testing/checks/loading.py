"""Whether an installed plugin loads, in a fresh Python that knows nothing of the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from visioncam_core.plugins.discovery import GROUP, canonical, discover
from visioncam_core.plugins.records import PluginInfo
from visioncam_core.testing.checks.subject import require

HEAVY = ("tensorflow", "keras", "torch", "jax", "matplotlib.pyplot", "cv2")
"""What listing plugins must not import: it takes seconds, and every command would wait."""

_CODE = """
import json, sys, warnings
import attrs
warnings.simplefilter("ignore")
import visioncam
found = [attrs.asdict(one) for one in visioncam.plugins()]
rows = [[row.name, row.distribution] for row in (*visioncam.methods(), *visioncam.renderers())]
heavy = [name for name in {heavy!r} if name in sys.modules]
sys.__stdout__.write("\\n" + json.dumps({{"plugins": found, "rows": rows, "heavy": heavy}}))
"""


def assert_loads(distribution: str, *, names: tuple[str, ...] | list[str] = ()) -> tuple[PluginInfo, ...]:
    """Raise AssertionError unless everything that an installed distribution plugs in loads without a fault.

        def test_installed():
            assert_loads("visioncam-my-cam", names=["mycam"])

    A fresh Python imports VisionCam, loads this distribution and no other, and lists what it
    brings.  A plugin that fails, that is slow, whose names are taken, or that imports TensorFlow, Keras,
    PyTorch, JAX, OpenCV or pyplot before anything is asked of it does not pass.

    Args:
        distribution: its name, as `pip install` knows it.
        names: methods and renderers that it must bring.

    Returns:
        What became of each of its entry points.
    """
    others = sorted({one.distribution for one in discover()})
    require(
        canonical(distribution) in map(canonical, others),
        f"{distribution!r} is not installed with an entry point of the group {GROUP!r}; install it (`pip "
        "install -e .`), again after any change of pyproject.toml. Installed plugins: "
        f"{', '.join(others) or 'none'}",
    )
    answer = _ask(distribution)
    found = [PluginInfo(**{**one, "hooks": tuple(one["hooks"])}) for one in answer["plugins"]]
    kept = tuple(one for one in found if canonical(one.distribution) == canonical(distribution))
    for one in kept:
        what = f"plugin {one.name!r} of {one.distribution} {one.version}"
        require(not one.error, f"{what}: {one.stage}: {one.error}\n{one.traceback}")
    require(
        not answer["heavy"],
        f"{distribution} imports {', '.join(answer['heavy'])} as soon as it is listed; import it inside the "
        "functions that use it",
    )
    brought = [name for name, owner in answer["rows"] if canonical(owner) == canonical(distribution)]
    missing = [name for name in names if name not in brought]
    require(
        not missing,
        f"{distribution} does not provide {', '.join(missing)}; it provides {', '.join(brought) or 'none'}",
    )
    return kept


def _ask(distribution: str) -> dict[str, list[Any]]:
    settings = {
        "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path if path),
        "VISIONCAM_PLUGINS": distribution,
        "VISIONCAM_STRICT_PLUGINS": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", _CODE.format(heavy=HEAVY)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    require(done.returncode == 0, f"a fresh Python could not load {distribution}:\n{done.stderr.strip()}")
    answer: dict[str, list[Any]] = json.loads(done.stdout.splitlines()[-1])
    return answer
