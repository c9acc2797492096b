"""The contract kit, on everything that this distribution brings."""

from __future__ import annotations

import pytest
from example_plugins import plugin
from example_plugins.eigengradcam import EigenGradCAM
from example_plugins.groupcam import GroupCAM

from visioncam_core.testing import (
    Check,
    assert_loads,
    method_checks,
    renderer_checks,
    selector_checks,
)

CHECKS = [
    *[check for row in plugin.visioncam_register_methods() for check in method_checks(row)],
    *method_checks(EigenGradCAM(center=True), claims={"scale-invariant", "flip-equivariant"}),
    *method_checks(GroupCAM(theta=0, hidden="mean", measure="score"), claims={"flip-equivariant"}),
    *[check for row in plugin.visioncam_register_renderers() for check in renderer_checks(row)],
    *selector_checks(
        plugin,
        answers=["block:1", "block:4", "block:-1", "block:-4"],
        refuses=["block:0", "block:5", "block:-5", "block:", "block:two", "block:1.5"],
    ),
]


@pytest.mark.parametrize("check", CHECKS)
def test_contract(check: Check) -> None:
    check()


def test_installed() -> None:
    (found,) = assert_loads("visioncam-example-plugins", names=["eigengradcam", "groupcam", "isolines"])
    assert len(found.hooks) == 3
