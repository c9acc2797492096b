"""`python -m benchmarks.metric_agreement [--only NAME]`: our metrics beside those of other libraries.

captum, pytorch-grad-cam and Quantus are given the same pictures, the same Grad-CAM maps of the embedded
model, and one plain function that scores pictures.  A line gives, over the cases, the mean of ours, of
theirs, and the largest difference; what the differences come from is in docs/metrics.md.  Minutes on a quiet
core.

The libraries are no dependency of VisionCam: they come with its extra `bench`, or by themselves with
`pip install captum grad-cam quantus torch torchvision`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import numpy as np

from benchmarks.agreement_pictures import pictures
from benchmarks.metric_peers import PEERS
from visioncam_core.metrics.case import Case

FEW = {"pytorch-grad-cam": 3}
"""Its imputer builds its matrix entry by entry: seconds for one picture."""


def cases() -> Iterator[Case]:
    """Yield nine cases with Grad-CAM's map at the last layer."""
    import visioncam
    from visioncam.evaluation.subjects import map_of_method
    from visioncam.evaluation.truth import marks, on_input
    from visioncam_core.metrics.probe import probes
    from visioncam_core.pipeline.explainer import Explainer
    from visioncam_core.pipeline.request import Request

    model = visioncam.demo.load()
    found = pictures(model)[:9]  # the photos, and three of the composed ones
    placed = marks([one.box for one in found], len(found))
    explainer = Explainer.of(model, Request.of("gradcam", {}))
    images, targets = [one.pixels for one in found], [one.target for one in found]
    for probe in probes(explainer, images, targets):
        made = map_of_method(probe, explainer.methods[0], {})
        truth, boxes = on_input(placed[probe.number], probe.item, probe.x.shape[:-1])
        yield probe.case(made.heat, made.raw, made.questions, truth, boxes)


def table(peer: str, given: Sequence[Case]) -> Iterator[str]:
    """Yield the lines of a Markdown table for one peer."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for name, ours, theirs in PEERS[peer](given):
        rows.setdefault(name, []).append((ours, theirs))
    for name, pairs in rows.items():
        ours, theirs = np.array(pairs).T
        apart = np.abs(ours - theirs).max()
        yield f"| {peer} | {name} | {len(pairs)} | {ours.mean():.4g} | {theirs.mean():.4g} | {apart:.1e} |"


@click.command()
@click.option("--only", type=click.Choice(sorted(PEERS)), help="Only this library.")
def main(only: str | None) -> None:
    """Print how our metrics agree with those of other libraries, as a Markdown table."""
    given = list(cases())
    click.echo("| library | what is compared | cases | ours | theirs | largest difference |")
    click.echo("| --- | --- | --- | --- | --- | --- |")
    for peer in [only] if only else PEERS:
        start = time.perf_counter()
        try:
            for line in table(peer, given[: FEW.get(peer)]):
                click.echo(line)
        except ImportError as error:
            click.echo(f"| {peer} | not installed here: {error} | | | | |")
        click.echo(f"{peer}: {time.perf_counter() - start:.0f} s", err=True)


if __name__ == "__main__":
    main()
