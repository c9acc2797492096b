"""Maps on a cluster: Ray Data moves the pictures, VisionCam explains them.

    from visioncam import distributed
    distributed.explain("photos/", model="my.keras", out="maps", actors=(2, 64))
    maps = distributed.explain(ray.data.read_images("s3://bucket/photos"), model="my.keras")

It needs the extra `ray`.  Workers must see the model file and, with `out`, the folders; a shared disk does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from visioncam.batch.explain_dataset import BATCH
from visioncam.batch.ray import OnRay, ray_data, rows_with_maps
from visioncam.batch.request import Recipe
from visioncam.batch.run import Run
from visioncam.batch.sources import source_of
from visioncam.batch.summary import Summary
from visioncam.batch.write import Writing
from visioncam_core.pipeline.request import Request
from visioncam_core.plugins.default import registry
from visioncam_core.results.writer import suffixes_of


def explain(
    dataset: Any,
    *,
    model: Any = None,
    method: str = "gradcam",
    out: str | os.PathLike[str] | None = None,
    image: str = "image",
    target: Any = None,
    renderer: str = "overlay",
    save_as: str = "npz,png",
    batch_size: int = BATCH,
    actors: tuple[int, int] = (1, 2),
    gpus: float = 0,
    cpus: float = 1,
    address: str | None = None,
    max_errors: int | None = None,
    force: bool = False,
    recursive: bool = False,
    spread: bool = True,
    progress: Callable[[dict[str, Any]], object] | None = None,
    **keywords: Any,
) -> Any:
    """Explain many pictures on a Ray cluster.

    Args:
        dataset: with `out`, what `visioncam.explain_dataset` takes as a folder, pattern, list or archive;
            without, a `ray.data.Dataset` whose column `image` holds paths, bytes or uint8 arrays; a column
            "class" is the class of each row.
        model: path of a model file, a built Keras model, or None for the embedded one.
        method: a method's name.
        out: folder for the results, which all workers see; finished pictures are skipped.
        image: the column of pictures.
        target: as in `visioncam.explain`.
        renderer: what draws the pictures.
        save_as: kinds of files.
        batch_size: pictures in a pass.
        actors: how many at least and at most.
        gpus: of each actor.
        cpus: of each actor.
        address: of the cluster, "auto" for the running one; None starts one on this machine.
        max_errors: as in `visioncam.explain_dataset`.
        force: as there.
        recursive: as there.
        spread: as there, but on by default.
        progress: as there.
        **keywords: the other keywords of `visioncam.explain`, and the method's options.

    Returns:
        With `out` a `Summary`; without it a `ray.data.Dataset` with the columns raw, label, score and error.

    Raises:
        OptionError: Ray is not installed, or there is no cluster.
        VisionCamError: as `visioncam.explain_dataset`.
    """
    request = Request.of([method], keywords)
    folder = Path(out) if out is not None else Path()
    drawings: dict[str, dict[str, Any]] = {registry().renderer(renderer).name: {}}
    writing = Writing(folder.absolute(), suffixes_of(save_as), drawings, spread=spread)
    (named,), settings = request.methods, request.settings
    recipe = Recipe.of(model, named.name, named.options, target, settings, writing, batch_size)
    data = ray_data(address)
    if out is None:
        if not isinstance(dataset, data.Dataset):
            dataset = data.from_items([{"image": entry.image} for entry in source_of(dataset).entries])
        return rows_with_maps(dataset, recipe, image, actors, gpus, cpus)
    source = source_of(dataset, recursive=recursive, out=folder)
    run = Run(source, folder, recipe.facts, batch_size, force, max_errors)
    if progress is not None:
        run.tell = progress
    summary: Summary = run(lambda plan: OnRay(recipe.sized(plan.size), address, actors, gpus, cpus))
    return summary
