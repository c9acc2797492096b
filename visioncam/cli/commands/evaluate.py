"""`visioncam evaluate`: which of the maps can be trusted on these pictures?"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from visioncam.cli.exit import DONE, SOME_FAILED
from visioncam.cli.help import ASK, RESULT, RUN, Command, option
from visioncam.cli.progress import Bar
from visioncam.cli.quiet import quiet
from visioncam.cli.shared_flags import model_flags, model_option, output_flags, picture_flags
from visioncam.cli.terminal import Output
from visioncam_core.errors import ImageError, OptionError, VisionCamError
from visioncam_core.files import check_place
from visioncam_core.plain_data import plain
from visioncam_core.targets.class_names import load_class_names
from visioncam_core.text import index_or_name, shown

if TYPE_CHECKING:
    from visioncam.evaluation.evaluation import Evaluation

EXAMPLES = (
    "visioncam evaluate photos/",
    "visioncam evaluate photos/ --model my.keras --methods gradcam,xgradcam --metrics all -o evaluation.csv",
    'visioncam evaluate photos/ --boxes boxes.csv --fail-if "pointing_game < 0.6"',
)
SUFFIXES = (".json", ".csv", ".html")


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("source", metavar="SOURCE")
@model_option
@option(ASK, "--methods", default="all", show_default=True, metavar="A,B", help="See `visioncam methods`.")
@option(
    ASK,
    "--metrics",
    default="default",
    show_default=True,
    metavar="A,B",
    help="See `visioncam metrics`; or all.",
)
@option(ASK, "--layer", "layers", multiple=True, metavar="L", help="Several are measured one by one.")
@option(
    ASK, "--class", "target", metavar="C", help="Class, index or name; each picture's top one by default."
)
@option(ASK, "--class-names", metavar="FILE", help="JSON or text file with the model's class names.")
@option(
    ASK,
    "--boxes",
    metavar="CSV",
    help="Where the objects are: name,left,top,right,bottom a line, in pixels; folder/name if need be.",
)
@option(ASK, "--recommend", is_flag=True, help="Say which method and layer to use, and why.")
@option(
    RESULT,
    "-o",
    "--out",
    "file",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Table as .csv, everything as .json, or a report as .html.",
)
@option(
    RESULT,
    "--fail-if",
    "conditions",
    multiple=True,
    metavar="COND",
    help="Exit with 3 where this holds of a method, such as 'pointing_game < 0.6'.",
)
@option(
    RUN, "--steps", type=int, default=20, show_default=True, help="Of deletion and insertion; 224 to report."
)
@option(RUN, "--seeds", type=int, default=5, show_default=True, help="Randomised copies of the model.")
@option(RUN, "--cascade", type=int, default=4, show_default=True, help="Steps to a random model.")
@option(
    RUN,
    "--patience",
    type=int,
    default=3000,
    show_default=True,
    metavar="N",
    help="Passes that a metric may spend on one picture's maps by one method.",
)
@option(RUN, "--recursive", is_flag=True, help="Look into the folder's folders, too.")
@picture_flags
@option(RUN, "--batch-size", type=int, metavar="N", help="Pictures in one pass.")
@option(RUN, "--seed", type=int, default=0, show_default=True, metavar="N", help="Of whatever is drawn.")
@model_flags
@output_flags
def evaluate(
    source: str,
    model: str | None,
    methods: str,
    metrics: str,
    layers: tuple[str, ...],
    boxes: str | None,
    recommend: bool,
    file: Path | None,
    conditions: tuple[str, ...],
    recursive: bool,
    custom_objects: tuple[str, ...],
    allow_unsafe_model: bool,
    **rest: Any,
) -> int:  # fmt: skip
    """Measure the maps of every method on the pictures of SOURCE: a folder, a 'pattern' or a list.

    A random map, a centred Gaussian, the picture's edges, Fake-CAM and each method on a randomised copy of
    the model stand beside them; what is no better than one of these is marked. The exit code is 3 where a
    --fail-if holds or a picture could not be read.
    """
    output: Output = click.get_current_context().obj
    quiet(output)
    from visioncam.evaluation.conditions import parsed
    from visioncam.evaluation.request import Budget, measures

    for condition in conditions:
        parsed(condition)
    budget = Budget(**{name: rest.pop(name) for name in ("steps", "seeds", "cascade", "patience")})
    measures(_words(metrics), budget, placed=boxes is not None)
    if file is not None:
        file = _checked(file, [one for one in (model, boxes, rest["class_names"]) if one])
    paths, names, failures = pictures_of(source, recursive, rest)
    truth = None if boxes is None else boxes_of(boxes, names)
    from visioncam.cli.open_model import open_model, title_of
    from visioncam.evaluation.evaluate import evaluate as run
    from visioncam_core.results.provenance import entries, model_file_mark

    rest["class_names"] = load_class_names(rest["class_names"])
    target = index_or_name(rest.pop("target"))
    keras_model = open_model(output, model, custom_objects, allow_unsafe_model)
    queries = [index_or_name(one) for one in layers] or ["auto"]
    with Bar(source) as bar:
        found = run(
            keras_model, paths, _words(methods), layers=queries, metrics=_words(metrics), truth=truth,
            target=target, steps=budget.steps, seeds=budget.seeds, cascade=budget.cascade,
            patience=budget.patience, progress=bar, **rest,
        )  # fmt: skip
    found = attrs.evolve(found, provenance=found.provenance | entries(model_file_mark(model)))
    held = [line for condition in conditions for line in found.check(condition)]
    _tell(output, found, title_of(keras_model, model), recommend, held, failures)
    if file is not None:
        _write(found, file, keras_model, paths, _words(methods))
        output.document["files"] = [str(file)]
        output.line(("wrote ", "bold"), str(file))
    for line in held:
        output.error(line)
    return SOME_FAILED if held or failures else DONE


def _words(text: str) -> Any:
    """Return names as a list, or "all" or "default" alone.

    Raises:
        OptionError: there is no name.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise OptionError(f"--methods and --metrics need a name, received {text!r}")
    return names[0] if names in (["all"], ["default"]) else names


def _checked(file: Path, inputs: list[str]) -> Path:
    if file.suffix.lower() not in SUFFIXES:
        raise OptionError(f"-o {file} ends in none of {', '.join(SUFFIXES)}; choose one")
    check_place(file, inputs)
    return file


def pictures_of(
    source: str, recursive: bool, rest: dict[str, Any]
) -> tuple[list[Any], list[str], dict[str, str]]:
    """Return the pictures that can be read, their names, and why others cannot."""
    from visioncam.batch.sources import source_of
    from visioncam_core.images.decode import load_picture

    good, names, bad = [], [], {}
    for entry in source_of(source, recursive=recursive).entries:
        try:
            load_picture(entry.source, max_pixels=rest["max_pixels"], frame=rest["frame"])
            good.append(entry.source)
            names.append(entry.key)
        except ImageError as error:
            bad[entry.key] = " ".join(str(error).split())
    if not good:
        raise ImageError(f"no picture of {shown(source)} can be read: {next(iter(bad.values()))}")
    return good, names, bad


def boxes_of(path: str, pictures: list[str]) -> list[Any]:
    """Return the boxes of each picture from a CSV file; None for a picture without any.

    Args:
        path: lines of name, left, top, right, bottom; the name is a file's, or a path below the folder.
        pictures: their paths below the folder.

    Raises:
        ImageError: the file cannot be read, has a line of another form, no box of any of the pictures, or the
            name of several.
    """
    found: dict[str, list[tuple[float, ...]]] = {}
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.reader(file), start=1):
                if not row or (number == 1 and row[1:2] == ["left"]):
                    continue
                name, *corners = row
                found.setdefault(name.strip(), []).append(tuple(map(float, corners)))
                if len(corners) != 4:
                    raise ValueError
    except (OSError, ValueError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or "a line is not name,left,top,right,bottom"
        raise ImageError(f"the boxes in {shown(path)} cannot be read: {why}") from error
    files, paths = [Path(picture).name for picture in pictures], set(pictures)
    named = Counter(files)
    if twice := next((name for name in found if name not in paths and named[name] > 1), None):
        raise ImageError(
            f"{shown(twice)} in {shown(path)} is the name of {named[twice]} pictures; write the path "
            f"below the folder, such as {shown(pictures[files.index(twice)])}"
        )
    boxes = [  # a file's name stands for it where it is not another's whole path
        found.get(picture) or (None if file in paths else found.get(file))
        for picture, file in zip(pictures, files, strict=True)
    ]
    if not any(boxes):
        raise ImageError(
            f"no picture has a box in {shown(path)}: it names {shown(next(iter(found), ''))}, and "
            f"a picture is {shown(files[0])}; write the file name, or the path below the folder"
        )
    return boxes


def _write(found: Evaluation, file: Path, model: Any, paths: list[Any], methods: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix.lower() != ".html":
        found.save(file)
        return
    from visioncam.evaluation.report import sections
    from visioncam.html_report.report import report

    report(file, model, paths, methods, title="VisionCam evaluation", sections=sections(found))


def _tell(
    output: Output,
    found: Evaluation,
    model: str,
    recommend: bool,
    held: list[str],
    failures: dict[str, str],
) -> None:
    from visioncam.evaluation.recommend import recommended
    from visioncam.evaluation.table import document, table, unanswered

    output.document.update(plain({**document(found), "model": model, "held": held, "failures": failures}))
    output.line((model, "bold"), f", {len(found.sources)} pictures; mean [95 % interval]; = no better than")
    header, rows = table(found)
    output.table(header, rows)
    for note in (*found.notes, *unanswered(found)):
        output.warn(note)
    for name, why in failures.items():
        output.error(f"{name}: {why}")
    if recommend:
        try:
            told = recommended(found)
        except VisionCamError as error:
            output.warn(str(error))
            return
        output.document["recommendation"] = {
            "method": told.method, "layer": told.layer, "sure": told.sure, "why": told.why,
            "equals": [list(one) for one in told.equals], "passes": told.passes, "seconds": told.seconds,
        }  # fmt: skip
        for line in str(told).splitlines():
            output.line(line)
