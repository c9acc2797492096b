"""`import visioncam` imports nothing; each name is what the type checker sees."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import visioncam


def imported() -> dict[str, str]:
    """Return name -> module, as the imports for type checkers in visioncam/__init__.py say."""
    tree = ast.parse(Path(visioncam.__file__).read_text(encoding="utf-8"))
    (checked,) = [node for node in tree.body if isinstance(node, ast.If)]
    froms = [node for node in checked.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in froms for alias in node.names}


@pytest.mark.parametrize("name", sorted(set(visioncam.__all__) - {"__version__"}))
def test_a_name_is_what_the_type_checker_sees(name: str) -> None:
    module = importlib.import_module(imported()[name])
    assert getattr(visioncam, name) is getattr(module, name)
    assert name in dir(visioncam)


def test_the_two_lists_agree() -> None:
    assert {*imported(), "__version__"} == set(visioncam.__all__)


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(AttributeError, match="module 'visioncam' has no attribute 'explian'"):
        visioncam.explian  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(visioncam, "explian")
