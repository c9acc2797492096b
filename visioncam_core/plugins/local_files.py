"""Plugins in progress: one Python file, loaded because the user named it.

Loading runs the file's code.  Nothing here looks for files by itself, and the
working directory is never searched.
"""

from __future__ import annotations

import hashlib
import importlib.util
import linecache
import os
import sys
import types
from pathlib import Path

from visioncam_core.errors import OptionTypeError, PluginError, PluginNotFoundError
from visioncam_core.files import as_path
from visioncam_core.plugins.records import PluginInfo, cause_of
from visioncam_core.plugins.registry import Registry
from visioncam_core.text import brief

DISTRIBUTION = "local"
"""Prefix of the qualified names of what files bring: `"local:mycam"`."""


def load_file(registry: Registry, path: str | os.PathLike[str]) -> PluginInfo:
    """Run a Python file and add what it brings to a registry; see `plugins.default.load_plugin`."""
    file = _file(path)
    for other in registry.plugins():
        if (other.distribution, other.name) == (DISTRIBUTION, file.stem) and other.file != str(file):
            raise PluginError(
                f"plugin file {brief(str(file))} has the same name as {brief(other.file)}, which is loaded; "
                "rename one of them"
            )
    name = f"visioncam_plugin_file_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    before = sys.modules.get(name)
    try:
        return registry.add_plugin(_run(file, name), file.stem, DISTRIBUTION, whole=True)
    except BaseException:
        sys.modules.pop(name, None)
        if before is not None:
            sys.modules[name] = before
        raise


def _file(path: str | os.PathLike[str]) -> Path:
    file = as_path(path, PluginError, OptionTypeError).expanduser()
    if file.is_dir():
        raise PluginError(
            f"{brief(str(path))} is a folder; name the Python file with the hooks in it, or install a whole "
            "package with `pip install -e`"
        )
    if not file.is_file():
        raise PluginNotFoundError(
            f"there is no plugin file {brief(str(path))} (looked in {brief(str(file.resolve().parent))})"
        )
    if file.suffix != ".py":
        raise PluginError(f"a plugin file is a Python file, *.py; received {brief(str(path))}")
    return file.resolve()


def _run(file: Path, name: str) -> types.ModuleType:
    """Run the file as a module of its own, from its text: a cached one may be a second older."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # option() looks annotations up there
    linecache.checkcache(str(file))
    try:
        exec(compile(file.read_bytes(), str(file), "exec", dont_inherit=True), vars(module))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(
            f"plugin file {brief(str(file))} failed at stage 'import': {cause_of(error)}"
        ) from error
    return module
