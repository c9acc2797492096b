"""Finding a class by its name: what is offered for a mistyped one."""

from __future__ import annotations

import pytest

from visioncam_core.errors import TargetError
from visioncam_core.targets.class_names import find_class

NAMES = ("tabby, tabby cat", "tiger cat", "espresso")


@pytest.mark.parametrize(("name", "index"), [("Tabby", 0), ("tabby cat", 0), (" tiger cat ", 1)])
def test_a_class_is_found_by_any_of_its_names(name: str, index: int) -> None:
    assert find_class(name, NAMES) == index


def test_a_class_that_is_near_by_two_names_is_offered_once() -> None:
    with pytest.raises(TargetError, match=r"did you mean 'tabby, tabby cat' \(0\)\?$"):
        find_class("tabbby", NAMES)
