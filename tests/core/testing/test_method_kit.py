"""The contract kit: the nine methods pass it, and methods with one fault each are rejected for that fault."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from helpers.broken_plugins.methods import Fault, gradcam, made
from helpers.broken_plugins.options import FORM_FAULTS
from helpers.broken_plugins.side_effects import FAULTS

import visioncam
from visioncam_core.testing import ArrayNet, Check, method_checks
from visioncam_core.testing.checks.claims import CLAIMS
from visioncam_core.testing.checks.method import METHOD_CHECKS
from visioncam_methods.cam.smoothgradcamplusplus import SmoothGradCAMPlusPlus

ALL = FAULTS | FORM_FAULTS
RIGHT = made(gradcam)


def outcome(check: Check) -> str:
    """Return the message with which a check rejects its subject, or nothing."""
    try:
        check()
    except AssertionError as error:
        return str(error) or "rejected without a word"
    return ""


@pytest.mark.parametrize("check", [c for spec in visioncam.methods() for c in method_checks(spec)])
def test_built_in_methods_keep_the_contract(check: Check) -> None:
    check()


@pytest.mark.parametrize("check", method_checks(RIGHT, claims=["scale-invariant", "flip-equivariant"]))
def test_the_method_that_the_faults_are_put_into_is_right(check: Check) -> None:
    check()


@pytest.mark.parametrize("broken", [pytest.param(one, id=name) for name, one in ALL.items()])
def test_a_fault_is_rejected_by_the_right_check(broken: Fault) -> None:
    found = {check.name: outcome(check) for check in method_checks(broken.cls, broken.claims)}
    assert broken.words in found[broken.check], found


def test_every_check_rejects_something() -> None:
    needed = {one.check for one in ALL.values()}
    claims = {f"claim-{name}" for name in CLAIMS}
    assert needed >= set(METHOD_CHECKS) - {"finite"} | claims
    # `finite` alone: a method that breaks on ordinary evidence breaks on the rest too
    broken = made(lambda e: np.full(e.activations.shape[:-1], np.nan))
    assert "NaN" in {check.name: outcome(check) for check in method_checks(broken)}["finite"]


@pytest.mark.parametrize("check", method_checks(SmoothGradCAMPlusPlus(n=3, sigma=0.5)))
def test_an_instance_is_checked_with_its_own_options(check: Check) -> None:
    assert check.subject.instance.n == 3
    check()


def test_checks_show_readable_ids() -> None:
    names = [check.__name__ for check in method_checks(RIGHT)]
    assert len(set(names)) == len(names)
    assert "Gradcam-batch-equals-singles" in names


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("grid", [(5,), (3, 4), (2, 2, 3)])
def test_the_gradient_of_the_array_net_is_that_of_its_score(grid: tuple[int, ...], signed: bool) -> None:
    net = ArrayNet.random(grid, channels=3, biases=True, signed=signed)
    (A,) = net.activations(net.pictures())
    (G,) = net.gradients(A[None])
    step = 1e-6
    slope = np.zeros_like(A)
    for i in np.ndindex(A.shape):
        ahead, behind = A.copy(), A.copy()
        ahead[i] += step
        behind[i] -= step
        slope[i] = (net.tail(ahead[None]) - net.tail(behind[None]))[0] / (2 * step)
    kink = np.abs(A @ net.V + net.c).min(axis=-1) < 1e-4  # no slope of one side there
    assert kink.mean() < 0.2
    np.testing.assert_allclose(G[~kink], slope[~kink], atol=1e-6)


def test_the_array_net_scores_in_one_piece_and_in_two() -> None:
    net = ArrayNet.random()
    x = net.pictures(3)
    A, G, S = net.at(x)
    np.testing.assert_allclose(net.score(x), S)
    np.testing.assert_allclose((G * A).reshape(3, -1).sum(axis=1), S)  # homogeneous without biases
    order = np.array([3, 1, 5, 0, 2, 4])
    np.testing.assert_allclose(net.permuted(order).at(x)[0], A[..., order])
    np.testing.assert_allclose(net.flipped().score(x[:, :, ::-1]), S)


def test_the_kit_loads_neither_tensorflow_nor_keras() -> None:
    code = (
        "import sys\n"
        "from visioncam_core.testing import method_checks, models\n"
        "from visioncam_methods.cam.scorecam import ScoreCAM\n"
        "[check() for check in method_checks(ScoreCAM)]\n"
        "assert not {'tensorflow', 'keras', 'cv2', 'matplotlib.pyplot'} & set(sys.modules)\n"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
