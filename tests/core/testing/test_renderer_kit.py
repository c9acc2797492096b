"""The contract kit for renderers: ours pass it, and renderers with one fault each are rejected for it."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.broken_plugins.renderers import FAULTS, Fault, made, tinted

import visioncam
from visioncam_core.testing import Check, blob, make_explanation, photo, renderer_checks
from visioncam_core.testing.checks.renderer import RENDERER_CHECKS
from visioncam_viz.renderers.maps import Overlay

VOLUMES = ("slices", "planes", "projection")
OF_ONE = [spec for spec in visioncam.renderers() if spec.name != "sheet"]  # the sheet draws a comparison
OURS = [check for spec in OF_ONE for check in renderer_checks(spec, 3 if spec.name in VOLUMES else 2)]
RIGHT = made(tinted)


def outcome(check: Check) -> str:
    try:
        check()
    except AssertionError as error:
        return str(error) or "rejected without a word"
    return ""


@pytest.mark.parametrize("check", OURS)
def test_built_in_renderers_keep_the_contract(check: Check) -> None:
    check()


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_renderer_that_the_faults_are_put_into_is_right(axes: int) -> None:
    assert [outcome(check) for check in renderer_checks(RIGHT, axes)] == [""] * len(RENDERER_CHECKS)


@pytest.mark.parametrize("broken", [pytest.param(one, id=name) for name, one in FAULTS.items()])
def test_a_fault_is_rejected_by_the_right_check(broken: Fault) -> None:
    found = {check.name: outcome(check) for check in renderer_checks(broken.cls)}
    assert broken.words in found[broken.check], found


def test_every_check_rejects_something() -> None:
    assert {one.check for one in FAULTS.values()} == set(RENDERER_CHECKS)


def test_an_instance_is_checked_with_its_own_options() -> None:
    (check,) = [one for one in renderer_checks(Overlay(alpha=0.0)) if one.name == "shows-the-map"]
    assert "the same picture" in outcome(check)
    assert check.__name__ == "Overlay-shows-the-map"


def test_explanations_made_by_hand() -> None:
    heat = blob((20, 30), (0.25, 0.75))
    explanation = make_explanation(heat, names=("dog", "cat"))
    assert heat.max() == 1
    assert np.unravel_index(heat.argmax(), heat.shape) == (4, 22)
    assert (explanation.picture.shape, explanation.picture.dtype) == ((20, 30, 3), np.uint8)
    assert (explanation.target.label, explanation.layer.grid) == ("dog (281)", (20, 30))
    assert [one.name for one in explanation.predictions] == ["dog", "cat"]
    assert photo((5, 6), 1).shape == (5, 6, 1)
    assert make_explanation(np.zeros(9)).picture.shape == (9, 3)
