"""The rooms of a plan, and the modules of a checkout with the arrows between them.

The names of rooms are prefixes of modules; the longest one that fits holds.  An import goes downwards when
its room stands before the importer's room; rooms of one line know nothing of each other.
"""

from __future__ import annotations

import ast
from functools import cached_property
from pathlib import Path

import attrs

from helpers.source import Import, Module, modules


@attrs.frozen(slots=False)
class Plan:
    """The rooms in order, bottom first, and what each may grow to."""

    core: tuple[str, ...]
    """Lines of rooms of `visioncam_core`; the rooms of a line know nothing of each other."""
    beside: tuple[str, ...]
    """What stands on the core: no package imports another one here, only its own rooms before it."""
    user: tuple[str, ...]
    """Lines of rooms of `visioncam`."""
    frameworks: tuple[str, ...]
    engines_allowed: frozenset[str]
    """The public names that are an engine's own; the rest of `visioncam` reaches one through the registry."""
    may_name_packages: frozenset[str]
    """Modules of the core that may name packages beside it, as strings."""
    core_entries: int
    folder_modules: int
    file_lines: int
    own_lazy: int
    product_lines: int
    not_counted: frozenset[str]

    @cached_property
    def height(self) -> dict[str, int]:
        """Return the height of every room."""
        lines = [[f"visioncam_core.{name}" for name in line.split()] for line in self.core]
        lines += [[name] for name in self.beside]
        lines += [[f"visioncam.{name}" for name in line.split()] for line in self.user]
        # The front door `visioncam/__init__.py` opens every room but the command line.
        lines += [["visioncam"], ["visioncam.cli"], ["visioncam.__main__"]]
        return {name: height for height, line in enumerate(lines) for name in line}


@attrs.frozen
class Arrow:
    """One import of ours: who, of which module, and how."""

    source: str
    target: str
    item: Import

    def __str__(self) -> str:
        """Say it in a line."""
        how = " (in a function)" if self.item.lazy else " (typing)" if self.item.typing_only else ""
        return f"{self.source}:{self.item.line} imports {self.target}{how}"


@attrs.define(slots=False)
class House:
    """The modules of a checkout, or of what tests import, and the arrows between them."""

    plan: Plan
    checkout: Path | None = None

    @cached_property
    def modules(self) -> dict[str, Module]:
        """Return every module of ours."""
        return modules(self.checkout)

    @cached_property
    def arrows(self) -> list[Arrow]:
        """Return every import of ours, resolved to a module."""
        found = {
            Arrow(name, target, attrs.evolve(item, name=target))
            for name, module in self.modules.items()
            for item in module.imports()
            if (target := self.module_of(item.name)) and target != name
        }
        return sorted(found, key=lambda arrow: (arrow.source, arrow.item.line, arrow.target))

    @cached_property
    def doors(self) -> dict[str, str]:
        """Return public files of the core that only re-export, each with the room it opens."""
        doors = {}
        for name, module in self.modules.items():
            if name.count(".") == 1 and module.package == "visioncam_core" and only_exports(module):
                rooms = {self.room(self.module_of(item.name)) for item in module.imports()} - {""}
                if rooms:
                    doors[name] = max(rooms, key=self.plan.height.__getitem__)
        return doors

    def module_of(self, name: str) -> str:
        """Return the module that a dotted name lies in; empty where it is not ours."""
        while name and name not in self.modules:
            name = name.rpartition(".")[0]
        return name

    def room(self, module: str) -> str:
        """Return the room of a module; empty where it has none."""
        while module and module not in self.plan.height:
            module = module.rpartition(".")[0]
        return module

    def behind(self, module: str) -> str:
        """Return the room of a module; of a door, the room that it opens."""
        return self.doors.get(module) or self.room(module)

    def goes_down(self, source: str, target: str) -> bool:
        """Tell whether the module `source` may import the module `target`."""
        own, other = source.partition(".")[0], target.partition(".")[0]
        source, target = self.behind(source), self.behind(target)
        if source == target or not source:
            return True
        if own not in (other, "visioncam", "visioncam_core") and other not in ("visioncam", "visioncam_core"):
            return False
        return bool(target) and self.plan.height[target] < self.plan.height[source]


def only_exports(module: Module) -> bool:
    """Tell whether a file holds a docstring, imports and `__all__`, and nothing else."""
    for node in module.tree.body:
        named = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (named or text or isinstance(node, ast.Import | ast.ImportFrom)):
            return False
    return not module.is_package and any(isinstance(node, ast.ImportFrom) for node in module.tree.body)
