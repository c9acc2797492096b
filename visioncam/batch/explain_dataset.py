"""`visioncam.explain_dataset`: a run over many pictures, from Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from visioncam.batch.compute import Computer
from visioncam.batch.pipeline import Local
from visioncam.batch.plan import Plan
from visioncam.batch.request import run_facts
from visioncam.batch.run import Run
from visioncam.batch.sources import source_of
from visioncam.batch.summary import Summary
from visioncam.batch.write import Writing
from visioncam_core.errors import OptionError, OptionTypeError
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.request import Request
from visioncam_core.plugins.default import registry
from visioncam_core.results.provenance import model_mark
from visioncam_core.results.writer import suffixes_of

BATCH = 8
WORKERS = 2


def explain_dataset(
    model: Any,
    images: Any,
    out: str | os.PathLike[str],
    method: str | object = "gradcam",
    *,
    target: Any = None,
    renderer: str | Sequence[str] = "overlay",
    save_as: str = "npz,png",
    recursive: bool = False,
    batch_size: int = BATCH,
    workers: int = WORKERS,
    max_errors: int | None = None,
    force: bool = False,
    spread: bool = False,
    progress: Callable[[dict[str, Any]], object] | None = None,
    **keywords: Any,
) -> Summary:
    """Explain many pictures into a folder; call it again to resume.

    Every file is either complete or absent.  `manifest.jsonl` has a line for each finished picture,
    `errors.jsonl` one for each that failed, and the run continues.

    Args:
        model: a PyTorch module or a built Keras model; it is not changed.
        images: a folder, a glob pattern, a text or CSV list, a tar archive, a file of several pictures; an
            iterable of paths, images or (name, image) pairs; or a `tf.data.Dataset`.
        out: the folder for the results.
        method: as in `visioncam.explain`.
        target: as in `visioncam.explain`, but not a list: lists and archives have a class for each.
        renderer: what draws the pictures, one or several.
        save_as: kinds of files: "npz" holds the raw map, "png" the picture.
        recursive: search subfolders, too.
        batch_size: pictures per pass; halved when memory runs out.
        workers: threads for decoding, and as many for writing.
        max_errors: more failed pictures end the run; 100 by default, or a tenth of them.
        force: redo finished pictures whose model, method, options or file changed.
        spread: spread the files over 256 folders, for hundreds of thousands.
        progress: called with each event, a mapping with "event": "start", "done" or "failed".
        **keywords: the other keywords of `visioncam.explain`, and the method's options.

    Returns:
        The outcome: `done`, `skipped`, `failed`, `stopped`.

    Raises:
        OutputError: the folder cannot be written, is in use, or holds results of another request; what
            changed is named.
        VisionCamError: no picture can be explained.
    """
    if isinstance(target, list | tuple):
        raise OptionTypeError(
            "target is the same for all pictures here; for one per picture pass a CSV list with a column "
            "'class'"
        )
    for name, value in (("batch_size", batch_size), ("workers", workers)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise OptionError(f"{name} must be a whole number, at least 1; received {value!r}")
    request = Request.of([method], keywords, target)
    explainer = Explainer.of(model, request)
    names = [renderer] if isinstance(renderer, str) else list(renderer)
    drawings: dict[str, dict[str, Any]] = {registry().renderer(name).name: {} for name in names}
    mark = model_mark(model)
    writing = Writing(Path(out), suffixes_of(save_as), drawings, spread=spread, model=mark)
    source = source_of(images, recursive=recursive, out=Path(out))
    run = Run(source, Path(out), run_facts(request, writing), batch_size, force, max_errors)
    if progress is not None:
        run.tell = progress

    def engine(plan: Plan) -> Local:
        return Local(Computer(explainer, target, plan.size, plan.remember), writing, workers)

    return run(engine)
