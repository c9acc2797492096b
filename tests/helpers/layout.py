"""The rules of the layout: each yields what of a checkout goes against the plan of `test_layout.py`."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.sparse.csgraph import connected_components

from helpers.house import Arrow, House
from helpers.source import PACKAGES, Module


def named_modules(module: Module) -> Iterator[tuple[int, str]]:
    """Yield what looks like a module of ours in a string, with its line."""
    for node in ast.walk(module.tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and re.fullmatch(r"visioncam\w*(\.\w+)+", text):
            yield node.lineno, text


def upward(house: House) -> Iterator[str]:
    """Imports between rooms that do not go downwards."""
    for arrow in house.arrows:
        if not house.goes_down(arrow.source, arrow.target):
            yield str(arrow)


def roomless(house: House) -> Iterator[str]:
    """Modules of no room."""
    for name in house.modules:
        if not house.room(name) and name not in house.doors and name not in PACKAGES:
            yield f"{name} has no room"


def names_in_strings(house: House) -> Iterator[str]:
    """Modules that are named in strings, where an import would go upwards."""
    for name, module in house.modules.items():
        for line, text in named_modules(module) if name not in house.plan.may_name_packages else ():
            target = house.module_of(text)
            if target.count(".") and not house.goes_down(name, target):
                yield f"{name}:{line} names {text!r}"


def circles(house: House, typing: bool = False) -> Iterator[str]:
    """Files that import one another in a circle, the `__init__.py` of packages included."""
    graph: dict[str, dict[str, Arrow]] = defaultdict(dict)
    for arrow in house.arrows:
        if arrow.item.typing_only and not (typing and house.modules[arrow.source].path.name != "__init__.py"):
            continue
        graph[arrow.source].setdefault(arrow.target, arrow)
        parent = arrow.target.rpartition(".")[0]
        while parent:  # Python runs the packages around a module first; the importer's own run already
            if not f"{arrow.source}.".startswith(f"{parent}."):
                graph[arrow.source].setdefault(parent, arrow)
            parent = parent.rpartition(".")[0]
    for group in strongly_connected({name: set(graph[name]) for name in house.modules}):
        inside = [arrow for name in sorted(group) for to, arrow in graph[name].items() if to in group]
        yield f"circle of {len(group)}: {', '.join(sorted(group))}"
        yield from (f"    {arrow}" for arrow in inside)


def strongly_connected(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the groups of more than one node in which each node reaches each."""
    names = sorted(graph)
    table = np.array([[other in graph[name] for other in names] for name in names])
    count, groups = connected_components(table, connection="strong")
    members = [{name for name, group in zip(names, groups, strict=True) if group == i} for i in range(count)]
    return [group for group in members if len(group) > 1]


def frameworks(house: House) -> Iterator[str]:
    """Imports of a framework outside the engines, also inside functions."""
    for name, module in house.modules.items():
        if module.package != "visioncam_engines":
            for item in module.imports():
                if item.under(*house.plan.frameworks):
                    yield f"{name}:{item.line} imports {item.name}"
            for node in ast.walk(module.tree):
                called = isinstance(node, ast.Call) and "import" in ast.unparse(node.func)
                for first in node.args[:1] if called else ():
                    if isinstance(first, ast.Constant) and first.value in house.plan.frameworks:
                        yield f"{name}:{node.lineno} imports {first.value}"


def engines_by_name(house: House) -> Iterator[str]:
    """Imports of an engine in `visioncam`, outside the public names that belong to one."""
    for arrow in house.arrows:
        ours = arrow.source.startswith("visioncam.") and arrow.source not in house.plan.engines_allowed
        if ours and arrow.target.startswith("visioncam_engines"):
            yield str(arrow)


def command_line(house: House) -> Iterator[str]:
    """Imports of the command line from outside it."""
    for arrow in house.arrows:
        outside = house.room(arrow.source) != "visioncam.cli" and arrow.source != "visioncam.__main__"
        if outside and house.room(arrow.target) == "visioncam.cli":
            yield str(arrow)


def sizes(house: House) -> Iterator[str]:
    """Folders and files that are too large."""
    core = house.modules["visioncam_core"].path.parent
    doors = {house.modules[name].path.name for name in house.doors}
    apart = {"__init__.py", "py.typed", "__pycache__"} | doors
    entries = sorted(path.name for path in core.iterdir() if path.name not in apart)
    if len(entries) > house.plan.core_entries:
        yield f"visioncam_core has {len(entries)} entries, at most {house.plan.core_entries}: {entries}"
    folders: dict[Path, int] = defaultdict(int)
    for name, module in house.modules.items():
        folders[module.path.parent] += not module.is_package
        length = lines(module)
        if length > house.plan.file_lines:
            yield f"{name} has {length} lines, at most {house.plan.file_lines}"
    for path, count in folders.items():
        if count > house.plan.folder_modules:
            yield f"{path.name}/ holds {count} modules, at most {house.plan.folder_modules}"


def lines(module: Module) -> int:
    """Count the lines of a file."""
    return module.path.read_text(encoding="utf-8").count("\n")


def own_lazy(house: House) -> list[str]:
    """List imports of our own modules inside functions, outside plugin.py and packages' doors."""
    return sorted(
        {
            f"{name}:{item.line} imports {house.module_of(item.name)}"
            for name, module in house.modules.items()
            for item in module.imports()
            if item.lazy and house.module_of(item.name)
            if not module.is_package and module.path.name != "plugin.py"
        }
    )


def product_lines(house: House) -> int:
    """Count the lines of the product."""
    return sum(lines(module) for name, module in house.modules.items() if name not in house.plan.not_counted)


def totals(house: House) -> Iterator[str]:
    """Too many lines in all, or too many imports of our own inside functions."""
    if (count := product_lines(house)) > house.plan.product_lines:
        yield f"the product has {count} lines, at most {house.plan.product_lines}"
    if len(lazy := own_lazy(house)) > house.plan.own_lazy:
        yield f"{len(lazy)} imports of our own inside functions, at most {house.plan.own_lazy}"
        yield from (f"    {line}" for line in lazy)


def bad_names(house: House) -> Iterator[str]:
    """Modules named like one of the standard library, or like a public function."""
    for name in house.modules:
        if name.rpartition(".")[2] in sys.stdlib_module_names - {"__main__"}:
            yield f"{name} is named like a module of the standard library"
    front = house.modules["visioncam"]
    public = next(
        ast.literal_eval(node.value)
        for node in front.tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    modules_in_public = {
        item.name.rpartition(".")[2] for item in front.imports() if item.name in house.modules
    }
    for path in sorted(front.path.parent.iterdir()):
        if path.stem in set(public) - modules_in_public:
            yield f"visioncam/{path.name} hides visioncam.{path.stem}"


def circles_of_types(house: House) -> Iterator[str]:
    """Files in a circle when imports for type checkers count too."""
    yield from circles(house, typing=True)


RULES = {
    "every module has a room": roomless,
    "imports between rooms go downwards": upward,
    "modules named in strings lie downwards": names_in_strings,
    "no circle of files": circles,
    "no circle of files, with types": circles_of_types,
    "no framework outside the engines": frameworks,
    "engines are reached through the registry": engines_by_name,
    "only __main__ imports the command line": command_line,
    "folders and files have a measure": sizes,
    "the product has a measure": totals,
    "names hide nothing": bad_names,
}


def report(house: House) -> str:
    """Return what goes against the plan, rule by rule."""
    parts = []
    for title, rule in RULES.items():
        found = list(rule(house))
        count = sum(not line.startswith(" ") for line in found)
        parts += [f"== {title}: {count or 'ok'}", *found]
    parts.append(f"== {product_lines(house)} lines, {len(own_lazy(house))} own imports inside functions")
    return "\n".join(parts)
