"""Fills the templates and writes the files."""

from __future__ import annotations

import datetime
from importlib import resources
from pathlib import Path
from string import Template

import attrs

from visioncam.new_plugin.names import Names
from visioncam_core.errors import OptionError, OutputError
from visioncam_core.text import brief, listing
from visioncam_core.version import VERSION

FILES = {
    "pyproject.toml": "pyproject",
    "README.md": "readme",
    ".gitignore": "gitignore",
    "src/$module/__init__.py": "init",
    "src/$module/py.typed": "typed",
    "src/$module/plugin.py": "${kind}_plugin",
    "src/$module/$kind.py": "$kind",
    "tests/test_$module.py": "${kind}_tests",
}
"""File of a plugin -> its template."""


@attrs.frozen
class Kind:
    """One kind of plugin."""

    brings: str  # what it brings, in words
    python: str  # its use from Python
    command: str  # its use on the command line


KINDS = {
    "method": Kind(
        "the class activation method `$entry`",
        'visioncam.explain(model, "cat.jpg", method="$entry", power=2.0)',
        "visioncam compare cat.jpg --methods gradcam,$entry --power 2",
    ),
    "renderer": Kind(
        "the renderer `$entry`",
        'visioncam.explain(model, "cat.jpg").save("cat.png", "$entry", threshold=0.5)',
        "visioncam explain cat.jpg --renderer $entry --threshold 0.5",
    ),
    "metric": Kind(
        "the metric `$entry`, which asks for where the object is",
        'visioncam.evaluate(model, ["cat.jpg"], metrics=["$entry"], truth=[(40, 20, 200, 180)])',
        "visioncam evaluate photos/ --boxes boxes.csv --metrics $entry",
    ),
    "engine": Kind(
        "the engine `$entry`, which runs models of the class `$cls`",
        'from $module.engine import $cls\n\nvisioncam.explain($cls(), "cat.jpg", method="gradcam")',
        "visioncam explain cat.jpg --model $module.engine:$cls",
    ),
    "selector": Kind(
        "the layer scheme `$entry:0.5`",
        'visioncam.explain(model, "cat.jpg", layer="$entry:0.5")',
        "visioncam explain cat.jpg --layer $entry:0.5",
    ),
}


@attrs.frozen
class Written:
    """A plugin that was written: its distribution, what it brings, and its files relative to the folder."""

    name: str
    kind: str
    folder: Path
    files: tuple[Path, ...]

    def next_steps(self) -> list[str]:
        return [
            "The plugin is complete.  Install it and run its tests:",
            f"  cd {self.folder}",
            '  python -m pip install -e ".[test]"',
            "  python -m pytest",
            "Then change it, a step at a time.",
        ]


def write_plugin(name: str, folder: Path | None = None, kind: str = "method") -> Written:
    """Write a plugin that works as it is.

    Args:
        name: of its distribution, such as "my-cam".
        folder: where; it must be new or empty.  By default a new one, called like the plugin.
        kind: "method", "renderer", "metric", "engine" or "selector".

    Raises:
        OptionError: an unknown kind, a name that cannot be used, or one that is taken.
        OutputError: the folder holds something, or cannot be written.
    """
    if kind not in KINDS:
        raise OptionError(f"kind must be one of {listing(list(KINDS))}; received {brief(kind)}")
    names = Names.of(name, kind)
    target = Path(name) if folder is None else folder
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OutputError(f"{brief(str(target))} exists and is not an empty folder; name another one")
    filled = _fill(names, kind)
    try:
        for path, text in filled.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"the plugin cannot be written to {brief(str(target))}: {error}") from error
    return Written(name, kind, target, tuple(filled))


def _fill(names: Names, kind: str) -> dict[Path, str]:
    chosen = KINDS[kind]
    year = str(datetime.date.today().year)
    words = {**attrs.asdict(names), "kind": kind, "version": VERSION, "year": year}
    words |= {
        part: Template(getattr(chosen, part)).substitute(words) for part in ("brings", "python", "command")
    }
    templates = resources.files("visioncam.new_plugin") / "templates"
    found = {}
    for path, template in FILES.items():
        text = (templates / f"{Template(template).substitute(words)}.template").read_text(encoding="utf-8")
        found[Path(Template(path).substitute(words))] = Template(text).substitute(words)
    return found
