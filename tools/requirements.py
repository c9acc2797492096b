"""Print what `pyproject.toml` asks for as a requirements file, without some of it.

    python tools/requirements.py torch --without tensorflow --headless > requirements.txt
    pip install -r requirements.txt
    pip install --no-deps visioncam

pip cannot leave a dependency out.  This is for where TensorFlow is not wanted, or there is no libGL.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def requirements(extras: list[str], without: list[str], headless: bool) -> list[str]:
    """Return the requirements of the project and of some extras, sorted.

    Raises:
        SystemExit: there is no such extra, or nothing of the name to leave out.
    """
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    optional = project["optional-dependencies"]
    if unknown := sorted({*extras} - {*optional}):
        raise SystemExit(f"no extra is called {', '.join(unknown)}; there are {', '.join(optional)}")
    every = {*project["dependencies"], *(one for extra in extras for one in optional[extra])}
    if missing := sorted({*without} - {name(one) for one in every}):
        raise SystemExit(f"nothing requires {', '.join(missing)}")
    kept = sorted(one for one in every if name(one) not in without)
    swapped = "opencv-python-headless" if headless else "opencv-python"
    return [re.sub(r"^opencv-python(?![\w-])", swapped, one) for one in kept]


def name(requirement: str) -> str:
    """Return `ray` of `ray[data]>=2.40`."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("extras", nargs="*", help="extras of pyproject.toml, such as torch")
    parser.add_argument("--without", action="append", default=[], metavar="NAME", help="what to leave out")
    parser.add_argument("--headless", action="store_true", help="OpenCV without libGL")
    asked = parser.parse_args()
    print(*requirements(asked.extras, asked.without, asked.headless), sep="\n")
