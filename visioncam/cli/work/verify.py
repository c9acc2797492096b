"""What `visioncam verify` does."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.batch.compute import Computer
from visioncam.batch.manifest import Manifest
from visioncam.batch.sources import source_of
from visioncam.batch.verify import SavedRequest, sample_of, verify_maps
from visioncam.cli.exit import DONE, SOME_FAILED
from visioncam.cli.open_model import explainer_of, model_flag
from visioncam.cli.terminal import Output
from visioncam_core.errors import OutputError
from visioncam_core.pipeline.models import check_file, is_name, mark_of
from visioncam_core.targets.class_names import load_class_names


def verify(
    context: click.Context,
    out: Path,
    source: str | None,
    model: str | None,
    class_names: str | None,
    share: float,
    seed: int,
) -> int:
    manifest = Manifest.load(out)
    places = (manifest.run() or {}).get("places")
    known: dict[str, Any] = places if isinstance(places, dict) else {}
    source = source or _place_of(out, known.get("source"))
    if source is None:
        raise OutputError(
            f"{str(out)!r} does not say where its pictures are; name them: visioncam verify OUT SOURCE"
        )
    model = model or _model_of(out, known.get("model"))
    if model is not None:
        check_file(model, trust_savedmodel=bool(model_flag("trust_savedmodel")))
    mark = mark_of(model, weights=model_flag("weights"), sha256=model_flag("sha256"))
    saved = SavedRequest.of(manifest, mark, load_class_names(class_names))
    keys = sample_of(manifest, share, seed)
    pictures = source_of(source, recursive=True, out=out)
    settings = attrs.evolve(saved.request.settings, batch_size=None)
    explainer = explainer_of(context, attrs.evolve(saved.request, settings=settings), model)
    found = verify_maps(manifest, keys, pictures, Computer(explainer, saved.request.target, saved.batch))
    return _tell(context.obj, found, len(manifest.finished), seed, saved.notes)


def _place_of(out: Path, place: object) -> str | None:
    return os.path.normpath(out / place) if isinstance(place, str) and place else None


def _model_of(out: Path, place: object) -> str | None:
    return place if isinstance(place, str) and is_name(place) else _place_of(out, place)


def _tell(output: Output, found: list[Any], total: int, seed: int, notes: tuple[str, ...]) -> int:
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
    most = "" if largest is None else f"; largest difference {largest:.1e} of a map's maximum"
    output.line(
        f"{len(found)} of {total} maps recomputed (seed {seed}): {len(found) - len(wrong)} agree{most}"
    )
    return SOME_FAILED if wrong else DONE
