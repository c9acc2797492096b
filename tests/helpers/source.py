"""Read our own source as text: which module imports what, and when."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import attrs

PACKAGES = (
    "visioncam",
    "visioncam_core",
    "visioncam_engines",
    "visioncam_methods",
    "visioncam_metrics",
    "visioncam_viz",
)


@attrs.frozen
class Import:
    """One imported name: `from a.b import c` is `a.b.c`; `lazy` when it sits in a function."""

    name: str
    line: int
    lazy: bool
    typing_only: bool

    def under(self, *prefixes: str) -> bool:
        """Tell whether the name is one of `prefixes` or lies inside one."""
        return any(self.name == prefix or self.name.startswith(prefix + ".") for prefix in prefixes)


@attrs.frozen
class Module:
    """One source file of ours, parsed."""

    name: str
    path: Path
    tree: ast.Module = attrs.field(repr=False)
    is_package: bool

    @property
    def package(self) -> str:
        """Return the top-level package."""
        return self.name.partition(".")[0]

    def imports(self) -> Iterator[Import]:
        """Yield every import, also those inside functions and under TYPE_CHECKING."""
        yield from self._walk(self.tree, lazy=False, typing_only=False)

    def _walk(self, node: ast.AST, *, lazy: bool, typing_only: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, lazy, typing_only) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = self._base(node)
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, lazy, typing_only)
        lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.iter_child_nodes(node):
            yield from self._walk(child, lazy=lazy, typing_only=typing_only or guarded)

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parents = self.name.split(".")
        parents = parents[: len(parents) - node.level + self.is_package]
        return ".".join([*parents, node.module] if node.module else parents)


def parse(name: str, path: Path) -> Module:
    """Parse the file at `path` as the module `name`."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return Module(name, path, tree, path.name == "__init__.py")


def folder(package: str) -> Path:
    """Return where the package that tests import lies: the wheel's in `make test`, else the checkout's."""
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} cannot be imported"
    assert spec.origin is not None, f"{package} has no __init__.py"
    return Path(spec.origin).parent


@cache
def modules(checkout: Path | None = None) -> dict[str, Module]:
    """Return every module of ours by its dotted name: of `checkout`, or of what tests import."""
    found = {}
    for package in PACKAGES:
        root = checkout / package if checkout else folder(package)
        for path in sorted(root.rglob("*.py")):
            parts = [package, *path.relative_to(root).with_suffix("").parts]
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = parse(name, path)
    return found


def loaded_with(name: str) -> set[str]:
    """Return our modules that importing `name` loads: parents and imports outside functions, and theirs."""
    seen: set[str] = set()
    todo = [name]
    while todo:
        module = modules().get(todo.pop())
        if module is None or module.name in seen:
            continue
        seen.add(module.name)
        todo.append(module.name.rpartition(".")[0])
        for item in module.imports():
            if not item.lazy and not item.typing_only:
                todo += [item.name, item.name.rpartition(".")[0]]
    return seen


def is_standard(name: str) -> bool:
    """Tell whether a top-level module belongs to Python itself."""
    return name in sys.stdlib_module_names
