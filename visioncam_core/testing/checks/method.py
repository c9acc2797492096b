"""The contract of a method, as a list of named checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from visioncam_core.testing.checks import claims as claim_checks
from visioncam_core.testing.checks import maps as map_checks
from visioncam_core.testing.checks import options as form_checks
from visioncam_core.testing.checks import shapes as shape_checks
from visioncam_core.testing.checks import side_effects as manner_checks
from visioncam_core.testing.checks.subject import Check, Subject

METHOD_CHECKS: dict[str, Callable[[Subject], None]] = {
    "finite": map_checks.finite,
    "dead-channels": map_checks.dead_channels,
    "blank-activations": map_checks.blank_activations,
    "signed-activations": map_checks.signed_activations,
    "large-scores": map_checks.large_scores,
    "shape": shape_checks.shape,
    "non-square": shape_checks.non_square,
    "one-axis": shape_checks.one_axis,
    "three-axes": shape_checks.three_axes,
    "axis-of-length-one": shape_checks.axis_of_length_one,
    "one-channel": shape_checks.one_channel,
    "every-choice": shape_checks.every_choice,
    "batch-equals-singles": shape_checks.batch_equals_singles,
    "inputs-untouched": manner_checks.inputs_untouched,
    "same-answer-twice": manner_checks.same_answer_twice,
    "random-state": manner_checks.random_state,
    "leaves-the-program-alone": manner_checks.leaves_the_program_alone,
    "zero-gradient": map_checks.zero_gradient,
    "channel-permutation": map_checks.channel_permutation,
    "versions-in-chunks": manner_checks.versions_in_chunks,
    "finds-the-evidence": map_checks.finds_the_evidence,
    "options-documented": form_checks.options_documented,
    "options-validated": form_checks.options_validated,
    "frozen": form_checks.frozen,
    "repr-round-trips": form_checks.repr_round_trips,
    "docstring": form_checks.docstring,
}
"""Name -> check, for every method; each claim of a row adds one."""


def method_checks(method: Any, claims: Iterable[str] | None = None) -> list[Check]:
    """Return the checks that a class activation method must pass.

        @pytest.mark.parametrize("check", method_checks(MyCAM, claims={"scale-invariant"}))
        def test_contract(check):
            check()

    They run on `Evidence.from_arrays`, without TensorFlow, in well under a second each.

    Args:
        method: its row (`MethodSpec`), its class, or an instance with options of your choice.
        claims: properties to check besides, those of a row by default: `"scale-invariant"` (the score
            times λ > 0 gives the same map, up to a factor), `"flip-equivariant"` (a flipped picture gives
            the flipped map), `"non-negative"`, `"sums-to-score"` (without biases behind the layer).

    Returns:
        One check each, with a `name` that pytest shows; calling it raises AssertionError or returns.
    """
    subject = Subject.of(method, claims)
    checks = [Check(name, subject, run) for name, run in METHOD_CHECKS.items()]
    for claim in sorted(subject.claims):
        checks.append(Check(f"claim-{claim}", subject, claim_checks.CLAIMS.get(claim, claim_checks.unknown)))
    return checks
