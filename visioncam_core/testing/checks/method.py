"""The contract of a method, as a list of named checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from visioncam_core.plugins.specs import MethodSpec
from visioncam_core.testing.checks import maps, options, shapes, side_effects
from visioncam_core.testing.checks.claims import CLAIMS, unknown
from visioncam_core.testing.checks.subject import Check, MethodSubject, by_name, instance_of

METHOD_CHECKS = by_name(
    maps.finite, maps.dead_channels, maps.blank_activations, maps.signed_activations, maps.large_scores,
    shapes.shape, shapes.non_square, shapes.one_axis, shapes.three_axes, shapes.axis_of_length_one,
    shapes.one_channel, shapes.every_choice, shapes.batch_equals_singles,
    side_effects.inputs_untouched, side_effects.same_answer_twice, side_effects.random_state,
    side_effects.leaves_the_program_alone,
    maps.zero_gradient, maps.channel_permutation, side_effects.versions_in_chunks, maps.finds_the_evidence,
    options.options_documented, options.options_validated, options.frozen, options.repr_round_trips,
    options.docstring,
)  # fmt: skip
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
            the flipped map), `"non-negative"`, `"sums-to-score"` (without biases after the layer).

    Returns:
        One check each, with a `name` that pytest shows; calling it raises AssertionError or returns.
    """
    if claims is None:
        claims = method.claims if isinstance(method, MethodSpec) else ()
    subject = MethodSubject(instance_of(method), frozenset(claims))
    promised = {f"claim-{claim}": CLAIMS.get(claim, unknown) for claim in sorted(subject.claims)}
    return [Check(name, subject, run) for name, run in (METHOD_CHECKS | promised).items()]
