"""Checks of the numbers in a map, on evidence whose every number is known."""

from __future__ import annotations

from itertools import product
from typing import Any

import attrs
import numpy as np

from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.pipeline.sources import ArraySource
from visioncam_core.testing.checks.subject import MethodSubject, assert_same, require
from visioncam_core.testing.examples.array_net import ArrayNet


def finite(subject: MethodSubject) -> None:
    """Every value of the map of ordinary pictures is finite."""
    net = ArrayNet.random(biases=True)
    subject.finite(subject.evidence(net, net.pictures(3)), "random pictures")


def dead_channels(subject: MethodSubject) -> None:
    """Channels that are zero everywhere, or constant, do no harm."""
    net = ArrayNet.random()
    E = net.E.copy()
    E[:, :3] = 0.0
    net = attrs.evolve(net, E=E)
    subject.finite(subject.evidence(net, net.pictures(2)), "activations with three dead channels of six")


def blank_activations(subject: MethodSubject) -> None:
    """A picture that leaves the layer at zero gives a finite map."""
    net = ArrayNet.random()
    x = np.zeros_like(net.pictures(2))
    subject.finite(subject.evidence(net, x), "activations that are zero everywhere")


def signed_activations(subject: MethodSubject) -> None:
    """Negative activations, whose sums may cancel, give a finite map."""
    net = ArrayNet.random(signed=True)
    x = net.pictures(3)
    x[1] = np.sign(x[1])
    x[2] = x[2] - x[2].mean(axis=tuple(range(x.ndim - 2)))  # every channel's sum is 0 but for rounding
    subject.finite(subject.evidence(net, x), "signed activations, with sums that cancel for one picture")


def large_scores(subject: MethodSubject) -> None:
    """Scores near 100 and 1000, where exponentials overflow, give finite maps; so do tiny ones."""
    net = ArrayNet.random()
    x = net.pictures(2)
    size = float(np.abs(net.score(x)).max())
    for score in (1e2, 1e3, 1e-6):
        scaled = attrs.evolve(net, scale=score / size)
        evidence = subject.evidence(scaled, x)
        subject.finite(evidence, f"scores near {score:g}")
        subject.finite(_single_precision(evidence), f"float32 scores near {score:g}")


def zero_gradient(subject: MethodSubject) -> None:
    """Where the score does not depend on the layer, a gradient method's map is zero."""
    net = ArrayNet.random()
    net = attrs.evolve(net, r=np.zeros_like(net.r))
    asked = []

    def at(pictures: np.ndarray) -> Any:
        asked.append(len(pictures))
        return elsewhere(pictures)

    x = net.pictures(2)
    elsewhere = net.at if subject.on == "layer" else net.at_pictures
    evidence = subject.evidence(net, x)
    assert isinstance(evidence._source, ArraySource)
    evidence = attrs.evolve(evidence, source=attrs.evolve(evidence._source, elsewhere=at))
    raw = subject.finite(evidence, "gradients that are zero everywhere")
    if subject.gradients or asked:
        require(
            not raw.any(),
            f"{subject.name} reads gradients, but gave a map of up to {np.abs(raw).max():.3g} where all "
            "of them are zero",
        )


def channel_permutation(subject: MethodSubject) -> None:
    """The order of the channels means nothing."""
    net = ArrayNet.random(biases=True)
    x = net.pictures(2)
    other = net.permuted(np.random.default_rng(1).permutation(len(net.V)))
    raw = subject.map(subject.evidence(net, x), "random pictures")
    permuted = subject.map(subject.evidence(other, x), "the same with the channels in another order")
    assert_same(permuted, raw, f"{subject.name} depends on the order of the channels")


def finds_the_evidence(subject: MethodSubject) -> None:
    """The largest value lies where the evidence for the target is, never where evidence against it is.

    A method with the class variable `sign_blind`, whose map is a size, sees none against it.
    """
    blind = getattr(subject.instance, "sign_blind", False)
    for grid, places in (((4, 6), ((0, 0), (1, 4), (3, 2), (2, 5))), ((8,), ((1,), (6,)))):
        net = ArrayNet(E=np.eye(2), V=np.eye(2), r=np.array([1.0, -1.0]), q=np.ones(grid))
        for place, width in product(places, (1, 3)):  # three blobs against it make the score negative
            half = tuple((p + n // 2) % n for p, n in zip(place, grid, strict=True))  # half the grid away
            against = [(*half[:-1], (half[-1] + i) % grid[-1]) for i in (0, 1, -1)[:width]]
            x = np.zeros((1, *(2 * n for n in grid), 2))
            x[0][_block(place, 0)] = 3.0
            for other in () if blind else against:
                x[0][_block(other, 1)] = 1.5
            what = f"a blob at {place} of a grid of {grid}, score {net.score(x)[0]:g}"
            raw = subject.finite(subject.evidence(net, x), what)[0]
            peak = tuple(int(i) for i in np.unravel_index(raw.argmax(), raw.shape))
            pixels = 1 if subject.on == "layer" else 2  # of a position, along each axis
            near = max(abs(a // pixels - b) for a, b in zip(peak, place, strict=True)) <= 1
            require(
                raw.max() > 0 and near,
                f"{subject.name} has its maximum, {raw.max():.3g}, at {peak} on {what}; the evidence for "
                f"the target is there, and the evidence against it at {against} (is a sign or an axis "
                "wrong?)",
            )


def _block(place: tuple[int, ...], channel: int) -> tuple[slice | int, ...]:
    return (*(slice(2 * p, 2 * p + 2) for p in place), channel)


def _single_precision(evidence: Evidence) -> Evidence:
    """Return the evidence as the engine gives it, in float32."""
    return attrs.evolve(
        evidence,
        activations=evidence.activations.astype(np.float32),
        gradients=evidence.gradients.astype(np.float32) if evidence.has_gradients else None,
        score=evidence.score.astype(np.float32),
    )
