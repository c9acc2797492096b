"""`visioncam verify`: is what a run's folder holds what the model says of the pictures?"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.cli.exit import DONE, SOME_FAILED
from visioncam.cli.help import ASK, RUN, Command, option
from visioncam.cli.quiet import quiet
from visioncam.cli.shared_flags import model_flags, model_option, output_flags
from visioncam.cli.terminal import Output
from visioncam_core.errors import OutputError

EXAMPLES = (
    "visioncam verify maps/",
    "visioncam verify maps/ photos/ --model my.keras --share 0.1 --seed 7",
)


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("out", type=click.Path(path_type=Path, readable=False))
@click.argument("source", required=False)
@model_option
@option(ASK, "--class-names", metavar="FILE", help="The class names that the run was given.")
@option(
    RUN,
    "--share",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    metavar="P",
    help="How much of it is made anew; at least one picture.",
)
@option(RUN, "--seed", type=int, default=0, show_default=True, metavar="N", help="Which pictures are drawn.")
@model_flags
@output_flags
@click.pass_obj
def verify(
    output: Output,
    /,
    out: Path,
    source: str | None,
    model: str | None,
    class_names: str | None,
    share: float,
    seed: int,
    custom_objects: tuple[str, ...],
    allow_unsafe_model: bool,
) -> int:
    """Explain some pictures of the run in OUT anew, and say whether the maps agree.

    SOURCE and --model are those of the run; where they lie beside OUT, it remembers them. Nothing in OUT is
    changed. The exit status is 3 where a map differs by more than 1e-5 of its maximum, or cannot be made
    again.
    """
    quiet(output)
    from visioncam.batch.compute import Computer
    from visioncam.batch.manifest import Manifest
    from visioncam.batch.sources import source_of
    from visioncam.batch.verify import SavedRequest, sample_of, verify_maps
    from visioncam_core.pipeline.explainer import Explainer
    from visioncam_core.pipeline.models import check_file
    from visioncam_core.pipeline.request import Request
    from visioncam_core.results.provenance import model_file_mark
    from visioncam_core.targets.class_names import load_class_names

    manifest = Manifest.load(out)
    places = (manifest.run() or {}).get("places")
    known: dict[str, Any] = places if isinstance(places, dict) else {}
    source = source or _remembered(out, known.get("source"))
    if source is None:
        raise OutputError(
            f"{str(out)!r} does not tell where its pictures are; name them: visioncam verify OUT SOURCE"
        )
    model = model or _remembered(out, known.get("model"))
    if model is not None:
        check_file(model)
    saved = SavedRequest.of(manifest, model_file_mark(model), load_class_names(class_names))
    keys = sample_of(manifest, share, seed)
    pictures = source_of(source, recursive=True, out=out)
    from visioncam.cli.open_model import open_model

    keras_model = open_model(output, model, custom_objects, allow_unsafe_model)
    settings = attrs.evolve(saved.settings, batch_size=None)
    explainer = Explainer.of(keras_model, Request((saved.named,), settings))
    found = verify_maps(manifest, keys, pictures, Computer(explainer, saved.target, saved.batch))
    return _told(output, found, len(manifest.finished), seed, saved.notes)


def _remembered(out: Path, place: object) -> str | None:
    return os.path.normpath(out / place) if isinstance(place, str) and place else None


def _told(output: Output, found: list[Any], total: int, seed: int, notes: tuple[str, ...]) -> int:
    wrong = [one for one in found if one.problem]
    largest = max((one.difference for one in found if not math.isnan(one.difference)), default=None)
    output.document.update(
        checked=[one.key for one in found],
        problems={one.key: one.problem for one in wrong},
        largest_difference=None if largest is None or math.isinf(largest) else largest,
        finished=total,
        seed=seed,
        notes=list(notes),
    )
    for note in notes:
        output.line((f"  {note}", "yellow"))
    for one in wrong:
        output.error(f"{one.key}: {one.problem}")
    told = "" if largest is None else f"; largest difference {largest:.1e} of a map's maximum"
    output.line(
        f"{len(found)} of {total} maps made anew (seed {seed}): {len(found) - len(wrong)} agree{told}"
    )
    return SOME_FAILED if wrong else DONE
