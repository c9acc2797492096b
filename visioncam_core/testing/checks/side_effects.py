"""Checks of how a method behaves towards the evidence, and towards the program it runs in."""

from __future__ import annotations

from typing import Any

import numpy as np

from visioncam_core.testing.checks.program_state import ADVICE, assert_left_alone
from visioncam_core.testing.checks.subject import MethodSubject, assert_same, require
from visioncam_core.testing.examples.array_net import ArrayNet


def inputs_untouched(subject: MethodSubject) -> None:
    """The arrays in the evidence are the same, bit for bit, after the call."""
    net = ArrayNet.random(biases=True)
    x = net.pictures(2)
    evidence = subject.evidence(net, x)
    seen: dict[str, Any] = {"activations": evidence.activations, "score": evidence.score, "inputs": x}
    if evidence.has_gradients:
        seen["gradients"] = evidence.gradients
    before = {name: value.copy() for name, value in seen.items()}
    subject.map(evidence, "random pictures")
    changed = [name for name, value in seen.items() if value.tobytes() != before[name].tobytes()]
    require(
        not changed,
        f"{subject.name} wrote to evidence.{', evidence.'.join(changed)}, which other methods share; "
        "work on new arrays (a = a * b, not a *= b)",
    )


def same_answer_twice(subject: MethodSubject) -> None:
    """The same evidence gives the same map, bit for bit."""
    net = ArrayNet.random(biases=True)
    evidence = subject.evidence(net, net.pictures(2))
    first, second = (subject.map(evidence, "random pictures") for _ in range(2))
    require(
        np.array_equal(first, second, equal_nan=True),
        f"{subject.name} gave two different maps for the same evidence; draw from "
        "np.random.default_rng(evidence.seed), created in every call, and keep no state",
    )


def random_state(subject: MethodSubject) -> None:
    """The global generators of NumPy and Python are neither used nor seeded."""
    assert_left_alone(subject.name, lambda: _run(subject), among=("the global generators",))


def leaves_the_program_alone(subject: MethodSubject) -> None:
    """Nothing is printed; folder, environment, warnings and other settings stay as they are."""
    others = tuple(what for what in ADVICE if what != "the global generators")
    assert_left_alone(subject.name, lambda: _run(subject), among=others)


def versions_in_chunks(subject: MethodSubject) -> None:
    """Changed pictures and activations are made for the indices asked for, in chunks of any size."""
    net = ArrayNet.random(biases=True)
    x = net.pictures(2)
    raw = subject.map(subject.evidence(net, x), "random pictures")
    for size in (1, 2):
        evidence = net.in_chunks(x, size, gradients=subject.gradients, on=subject.on)
        chunked = subject.map(evidence, f"versions made {size} at a time")
        assert_same(chunked, raw, f"{subject.name} depends on how many versions are scored at a time")


def _run(subject: MethodSubject) -> None:
    net = ArrayNet.random()
    subject.map(subject.evidence(net, net.pictures(2)), "random pictures")
