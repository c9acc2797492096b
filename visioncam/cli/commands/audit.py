"""`visioncam audit`: does the model look at the objects, or at what goes along with them?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.auditing.audit import audit as run
from visioncam.cli.exit import DONE, SOME_FAILED
from visioncam.cli.help import ASK, RESULT, RUN, Command, option, options
from visioncam.cli.open_model import opened, title_of
from visioncam.cli.shared_flags import (
    boxes_option,
    keyword_flag,
    keywords_of,
    layer_option,
    method_option,
    model_flags,
    model_option,
    names_option,
    output_flags,
    picture_flags,
    target_flag,
)
from visioncam.cli.terminal import Output
from visioncam.evaluation.truth_files import boxes_of, pictures_of
from visioncam_core.errors import OutputError
from visioncam_core.files import check_place
from visioncam_core.plugins.default import registry
from visioncam_core.results.provenance import entries, model_file_mark
from visioncam_core.text import index_or_name

EXAMPLES = ("visioncam audit photos/ --model my.keras", "visioncam audit photos/ --clusters 4 -o audit.csv")
SHOWN = 20


FLAGS = options(
    model_option,
    method_option,
    layer_option,
    target_flag("Class, index or name; each picture's top one by default."),
    names_option,
    boxes_option,
    option(ASK, "--clusters", type=int, default=0, metavar="N",
           help="Clusters of maps; needs scikit-learn."),
    option(RESULT, "-o", "--out", "file", type=click.Path(path_type=Path, readable=False), metavar="FILE",
           help="Pictures as .csv, everything as .json, mean map of each class as .png."),
    option(RUN, "--recursive", is_flag=True, help="Look into the folder's folders, too."),
    picture_flags,
    keyword_flag(RUN, "batch_size", help="Pictures in one pass."),
    keyword_flag(RUN, "seed", help="Of whatever is drawn."),
    model_flags,
    output_flags,
)  # fmt: skip


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("source", metavar="SOURCE")
@FLAGS
@click.pass_context
def audit(
    context: click.Context,
    /,
    source: str,
    model: str | None,
    method: str,
    target: str | None,
    class_names: str | None,
    boxes: str | None,
    clusters: int,
    file: Path | None,
    recursive: bool,
    max_pixels: int,
    frame: int,
    **_: Any,
) -> int:  # fmt: skip
    """Look through SOURCE for evidence where no object is: on the border, in a corner, outside its boxes.

    First come classes whose evidence lies there on all their pictures, as with a watermark or a tag; then
    the pictures, the most suspicious first. Objects may of course lie there: look at the pictures.
    """
    output: Output = context.obj
    registry().method(method)
    if file is not None:
        if file.suffix.lower() not in (".json", ".csv", ".png"):
            raise OutputError(f"Cannot write an audit to {file.name!r}. Use .json, .csv or .png.")
        check_place(file, [one for one in (model, boxes, class_names) if one])
    paths, names, failures = pictures_of(source, recursive, max_pixels, frame)
    truth = None if boxes is None else boxes_of(boxes, names)
    keywords, index = keywords_of(context.params), index_or_name(target)
    keras_model = opened(context, model)
    found = run(keras_model, paths, method, truth=truth, target=index, clusters=clusters, **keywords)
    found = attrs.evolve(
        found,
        pictures=tuple(attrs.evolve(one, source=names[one.number]) for one in found.pictures),
        provenance=found.provenance | entries(model_file_mark(model)),
    )
    output.document.update({**found.document(), "model": title_of(keras_model, model), "failures": failures})
    output.line((title_of(keras_model, model), "bold"), f", {len(found.pictures)} pictures, {found.layer}")
    for one in found.findings:
        output.line((str(one), "yellow"))
    if not found.findings:
        output.line("nothing was found that goes along with a class")
    rows = [
        (
            f"{one.suspicion:.1f}",
            one.why,
            one.source,
            one.explained,
            "" if one.cluster is None else one.cluster,
        )
        for one in found.pictures[:SHOWN]
    ]
    output.table(("suspicion", "because of", "picture", "class", "cluster"), rows, numbers=(0,))
    for name, why in failures.items():
        output.error(f"{name}: {why}")
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        found.save(file)
        output.document["files"] = [str(file)]
        output.line(("wrote ", "bold"), str(file))
    return SOME_FAILED if failures else DONE
